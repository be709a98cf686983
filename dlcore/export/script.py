"""A recipe as a PyTorch script that a student can read from top to bottom, run anywhere, and take apart.

Only what the recipe uses is in it. The formulas are the sources of our own functions, so that the script gives the same numbers.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from dlcore.datasets.drawn import Drawn, Point
from dlcore.datasets.pixels import PixelData
from dlcore.datasets.preparation import with_features
from dlcore.datasets.rules import RuleData
from dlcore.datasets.sequences.births import Births, daily_births
from dlcore.datasets.table import TableData
from dlcore.datasets.tabular import BundledTable
from dlcore.datasets.texts import TextDataset
from dlcore.export.changes import list_changes
from dlcore.export.own_data import list_sklearn_imports, write_pictures_part, write_table_part
from dlcore.export.repeating import Repetition, find_repetition
from dlcore.export.script_changes import name_parts
from dlcore.export.script_training import loss_blocks, results_blocks, training_blocks
from dlcore.export.source import (
    PRESENT,
    called_functions,
    class_text,
    dedent,
    expression_of_key,
    first_line,
    function_text,
)
from dlcore.export.text_data import write_texts_part
from dlcore.export.words import Words
from dlcore.initializers import Initializer
from dlcore.layers import LayerComponent, Shape, all_layers
from dlcore.randomness import derived_seed
from dlcore.rows import draw_stratified

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

CHANGED = "The run that this script comes from was changed while it learned. "
EXACT = "The script makes the same changes, each after the step at which it was made, and comes to the same numbers:"
IN_PART = (
    "The script makes changes of how it learns again (loss, optimizer, batches and the like), each after the step at which it was made. It"
    " does not repeat changes of data, layers and weights, nor any of which no details were kept: {since} its numbers need not be the"
    " run's. What was changed:"
)


def export_script(experiment: Experiment, epochs: int) -> str:
    """The text of a script that trains this recipe anew for so many epochs; it needs torch, numpy, safetensors and scikit-learn only."""
    repeated = find_repetition(experiment)
    sections = {
        "Settings": _write_settings(repeated, epochs),
        "Data": _write_data(experiment),
        "Network": _write_network(experiment),
        "Loss and metric": loss_blocks(repeated),
        "Training": training_blocks(repeated),
        "Results": results_blocks(repeated),
    }
    body = "\n\n".join(
        f"# {title} {'-' * (98 - len(title))}\n{_space_blocks(blocks)}" for title, blocks in sections.items()
    )
    return f"{_write_introduction(experiment, repeated, epochs)}\n{_write_imports(experiment, body)}\n{body}"


def _space_blocks(blocks: list[str]) -> str:
    """Blocks with one blank line between them, two around definitions."""
    text = ""
    after_definition = False
    for block in blocks:
        definition = block.startswith(("def ", "class ", "@"))
        text += "\n\n" if definition or after_definition else "\n"
        text += f"{block.rstrip()}\n"
        after_definition = definition
    return text


def _write_introduction(experiment: Experiment, repeated: Repetition, epochs: int) -> str:
    widths = "-".join(str(width) for width in _write_widths(experiment))
    tabular = isinstance(experiment.dataset, BundledTable | TableData)
    own = isinstance(experiment.dataset, TableData | PixelData | TextDataset)
    made = "the network" if experiment.dataset.own_split or own else "the data and the network"
    mean = "without any penalty or class weights" if experiment.class_weights != "none" else "without any penalty"
    beside = "  # beside data.csv, which the page or `python -m dlcore data` writes" if own else ""
    introduction = dedent(f'''
        """{experiment.dataset.title}: a network of {widths} units, trained with {experiment.loss.title} and {experiment.optimizer.title}.

            pip install torch numpy safetensors{" scikit-learn" if tabular else ""}
            python THIS_FILE.py{beside}

        Makes {made} from the seed, trains for {epochs} epochs, prints the history (losses are means over all
        rows, {mean}) and saves the weights as model.safetensors. The same seed gives the same numbers.

        Shapes: N rows of a data set, B rows of a batch, D inputs, K output units.
        """
    ''')
    beginning, shapes = introduction.split("\n\nShapes:")
    return "\n".join([beginning, *_write_changes(experiment, repeated), "", f"Shapes:{shapes}"])


def _write_changes(experiment: Experiment, repeated: Repetition) -> list[str]:
    """What was changed in the run while it learned, and how much of it the script repeats; no lines where nothing was."""
    lines = list_changes(experiment, Words())
    if not lines:
        return []
    match repeated.exact_until:
        case None:
            promise = EXACT
        case 0:
            promise = IN_PART.format(since="from the start")
        case step:
            promise = IN_PART.format(since=f"from step {step:,} on")
    listed = [textwrap.fill(line, 104, initial_indent="- ", subsequent_indent="  ") for line in lines]
    return ["", textwrap.fill(CHANGED + promise, 104), *listed]


def _write_imports(experiment: Experiment, body: str) -> str:
    modules = ("copy", "csv", "math", "re", "sys", "unicodedata", "zlib")
    standard = [f"import {name}" for name in modules if re.search(rf"\b{name}\.\w", body)]
    standard += ["from collections import Counter"] if "Counter(" in body else []
    standard += ["from functools import partial"] if "partial(" in body else []
    third = ["import numpy as np", "import torch", "from safetensors.torch import save_file"]
    if isinstance(experiment.dataset, BundledTable):
        third.append(f"from sklearn.datasets import {experiment.dataset.loader}")
    third += list_sklearn_imports(body)
    third.append("from torch import nn")
    if "functional." in body:
        third.append("from torch.nn import functional")
    return "\n".join([*standard, "", *third, ""])


def _write_settings(repeated: Repetition, epochs: int) -> list[str]:
    beginning = repeated.beginning
    batch_size = "" if repeated.varies("batch_size") else f"\n        BATCH_SIZE = {beginning.batch_size}"
    constants = dedent(f"""
        SEED = {beginning.seed}
        EPOCHS = {epochs}{batch_size}

        torch.set_num_threads(1)  # Fastest for a small network, and sums are taken in the same order everywhere.
    """)
    return [constants, function_text(derived_seed, "derived_seed", first_line(derived_seed))]


def _write_data(experiment: Experiment) -> list[str]:
    parts = name_parts(experiment)
    tensors = "\n".join(
        f"{', '.join(f'{x}_{part}' for part in parts)} = {', '.join(f'torch.from_numpy({x}[{part}])' for part in parts)}"
        for x in "Xy"
    )
    match experiment.dataset:
        case Drawn() as drawn:
            return [*_write_drawn(drawn), *_write_features(experiment), _write_scaling(experiment), tensors]
        case TableData() as table:
            read, targets = write_table_part(table, parts)
            return [*read, *_write_features(experiment), "X = X.astype(np.float32)", *targets, tensors]
        case TextDataset() as texts:
            return [*write_texts_part(texts, parts), tensors]
        case PixelData() as pictures:
            return [*write_pictures_part(pictures, parts), tensors]
    return [*_write_split(experiment), *_write_features(experiment), _write_scaling(experiment), tensors]


def _write_split(experiment: Experiment) -> list[str]:
    """X, y, and the row numbers of the parts among them."""
    if experiment.dataset.split_in_time:
        return [*_write_sample(experiment.dataset), _write_split_in_time(experiment)]
    classes = experiment.objective.has_classes
    which = "each class gives its share" if classes else "any rows"
    choose = function_text(
        draw_stratified,
        "test_rows",
        f"Sorted indices of `count` test rows: {which}.",
        {"y": PRESENT if classes else None},
    )
    split = dedent(f"""
        # Rows are split before anything is learned from them: the test rows stand for the future.
        split_generator = np.random.default_rng(derived_seed(SEED, "split"))
        test = test_rows({"y, " if classes else ""}len(y), {experiment.test_rows}, split_generator)
        train = np.setdiff1d(np.arange(len(y)), test)
    """)
    if experiment.validation_rows:
        split += dedent(f"""
            # The validation rows, to be watched while it learns, from what is left.
            validation_generator = np.random.default_rng(derived_seed(SEED, "validation"))
            validation = train[test_rows({"y[train], " if classes else ""}len(train), {experiment.validation_rows}, validation_generator)]
            train = np.setdiff1d(train, validation)
        """)
    return [*_write_sample(experiment.dataset), choose, split]


def _write_split_in_time(experiment: Experiment) -> str:
    parts, ends = name_parts(experiment), [experiment.train_rows, experiment.train_rows + experiment.validation_rows]
    return dedent(f"""
        # Rows are split in time: who forecasts knows the past only.
        {", ".join(parts)} = np.split(np.arange(len(y)), {ends[: len(parts) - 1]})
    """)


def _write_drawn(dataset: Drawn) -> list[str]:
    """X, y and the row numbers of the parts for drawn points, which stand in the recipe."""
    parts = ("train", "validation", "test") if dataset.validation else ("train", "test")
    names = [f"{part}_points" for part in parts]
    ends = [f"len({' + '.join(names[:count])})" for count in range(1, len(parts))]
    take = dedent(f"""
        points = np.array({" + ".join(names)})
        X, y = points[:, :2], points[:, 2].astype(np.int64)
        {", ".join(parts)} = np.split(np.arange(len(points)), [{", ".join(ends)}])
    """)
    points = [_write_points(name, getattr(dataset, part)) for name, part in zip(names, parts, strict=True)]
    return ["\n".join(["# Drawn by hand: x1, x2 and class of each point.", *points, take])]


def _write_points(name: str, points: tuple[Point, ...]) -> str:
    # Lines are broken only between points: within a point, ~ stands for a space.
    text = " ".join(f"({x1!r},~{x2!r},~{label})," for x1, x2, label in points)
    lines = textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([f"{name} = [", *(line.replace("~", " ") for line in lines), "]"])


def _write_sample(dataset: Any) -> list[str]:
    if isinstance(dataset, Births):
        return [_write_births(dataset)]
    if isinstance(dataset, RuleData):
        rule = type(dataset).rule
        arguments = ", ".join(f"{name}={value!r}" for name, value in dataset.rule_arguments().items())
        sample = dedent(f"""
            data_generator = np.random.default_rng(derived_seed(SEED, "data"))
            X, y = {rule.__name__}({arguments}, generator=data_generator)
        """)
        own = function_text(rule, rule.__name__, first_line(type(dataset)))
        return [*_write_called(own, rule), own, sample]
    kind = "int64" if dataset.objective.has_classes else "float64"
    sample = dedent(f"""
        # {first_line(type(dataset))}
        table = {dataset.loader}()
        X, y = table.data.astype(np.float64), table.target.astype(np.{kind})
    """)
    return [sample]


def _write_called(text: str, function: Callable[..., Any]) -> list[str]:
    """The functions of ours that `text` calls, each after those that it calls itself."""
    found: list[str] = []
    for name, called in called_functions(text, function).items():
        if name != function.__name__:
            own = function_text(called, name, first_line(called))
            found += [*_write_called(own, called), own]
    return list(dict.fromkeys(found))


def _write_births(dataset: Births) -> str:
    numbers = " ".join(f"{int(births)}," for births in daily_births())
    lines = textwrap.wrap(numbers, 100, initial_indent="    ", subsequent_indent="    ")
    windows = dedent(f"""
        windows = np.lib.stride_tricks.sliding_window_view(births, {dataset.length + 1})
        X, y = windows[:, :-1], windows[:, -1]
    """)
    return "\n".join([f"# {first_line(type(dataset))}", "births = np.array([", *lines, "], np.float64)", windows])


def _write_features(experiment: Experiment) -> list[str]:
    """Lines that make features of x1 and x2; none if the network sees just these two."""
    features = experiment.input_features
    if features in ((), ("x1", "x2")):
        return []
    columns = ", ".join(expression_of_key(with_features, name) for name in features)
    lines = [f"{x} = X[:, {index}]" for index, x in enumerate(("x1", "x2")) if any(x in name for name in features)]
    return ["\n".join([*lines, f"X = np.stack([{columns}], axis=1)  # The features that the network sees."])]


def _write_scaling(experiment: Experiment) -> str:
    number = not experiment.objective.has_classes
    if isinstance(experiment.dataset, Births):
        return dedent("""
            # One mean and deviation for every day and the target, as the training rows have them.
            mean, deviation = float(X[train].mean()), float(X[train].std())
            # A prediction p means p * deviation + mean births.
            X, y = ((X - mean) / deviation).astype(np.float32), ((y - mean) / deviation).astype(np.float32)
        """)
    if not isinstance(experiment.dataset, BundledTable):
        return "X, y = X.astype(np.float32), y.astype(np.float32)" if number else "X = X.astype(np.float32)"
    lines = [
        "# Every column to mean 0 and deviation 1, as the training rows have it; a constant column is only centred.",
        "mean, deviation = X[train].mean(axis=0), X[train].std(axis=0)",
        "deviation[deviation == 0] = 1.0",
        "X = ((X - mean) / deviation).astype(np.float32)",
    ]
    if number:
        lines += [
            "# The target too. A prediction p means p * target_deviation + target_mean in the data's own units.",
            "target_mean, target_deviation = float(y[train].mean()), float(y[train].std()) or 1.0",
            "y = ((y - target_mean) / target_deviation).astype(np.float32)",
        ]
    return "\n".join(lines)


def _write_network(experiment: Experiment) -> list[str]:
    shape = experiment.row_shape
    modules = [f"nn.Unflatten(1, {shape})"] if experiment.unflattens else []
    starts = list(_starts(experiment.stack, shape, "", len(modules)))
    for layer in experiment.stack:
        modules += layer.script_modules(shape)
        shape = layer.output_shape(shape)
    model = "\n".join(["model = nn.Sequential(", *(f"    {module}," for module in modules), ")"])
    initializers = {start.kind: type(start) for _, start in starts if start is not None}
    functions = [function_text(cls.fill, kind, first_line(cls)) for kind, cls in initializers.items()]
    layers = list(all_layers(experiment.layers))
    named = "\n".join(modules)
    classes = dict.fromkeys(cls for layer in layers for cls in layer.script_classes())
    # A layer names the classes of all shapes that it can have; of these the script carries those that it needs.
    carried = [cls for cls in classes if cls.__name__ in named or not issubclass(cls, nn.Module)]
    # Modules in the order in which their weights are drawn; those inside of others too, where there are any.
    every = "model.modules()" if any(layer.inner for layer in layers) else "model"
    convolves = "Conv" in named
    blocks = [*map(class_text, carried), *functions, model, _write_filling(starts, every, convolves)]
    drawing = dict.fromkeys(cls.__name__ for layer in layers if layer.draws for cls in layer.script_classes())
    if drawing:
        blocks.append(
            dedent(f"""
                dropout_generator = torch.Generator().manual_seed(derived_seed(SEED, "dropout"))
                for module in {every}:
                    if isinstance(module, {" | ".join(drawing)}):
                        module.generator = dropout_generator
            """)
        )
    if any(not issubclass(cls, nn.Module) for cls in carried):
        blocks.append(
            dedent("""
                padding = Padding()  # Attention asks it what the embedding has found to be padding.
                for module in model.modules():
                    if hasattr(module, "padding") and isinstance(module.padding, Padding):
                        module.padding = padding
            """)
        )
    return blocks


def _starts(
    layers: Sequence[LayerComponent], shape: Shape, prefix: str, first: int = 0
) -> Iterator[tuple[str, Initializer | None]]:
    """(name of a module, how its weights start; None: by itself), in the order in which they are drawn. Names begin with the prefix."""
    for layer in layers:
        for place, initializer in layer.starts().items():
            yield f"{prefix}{first + place}", initializer
        if layer.fills_itself:
            yield f"{prefix}{first}", None
        for name, branch in layer.inner.items():
            yield from _starts(branch, shape, f"{prefix}{first}.{name}." if name else f"{prefix}{first}.")
        first += len(layer.script_modules(shape))
        shape = layer.output_shape(shape)


def _write_filling(starts: list[tuple[str, Initializer | None]], every: str, convolves: bool) -> str:
    lines = [
        'weight_generator = torch.Generator().manual_seed(derived_seed(SEED, "weights"))',
        "with torch.no_grad():",
    ]
    kinds = {None if start is None else start.kind for _, start in starts}
    if len(kinds) > 1:
        for name, start in starts:
            module = f"model[{name}]" if name.isdecimal() else f'model.get_submodule("{name}")'
            if start is None:
                lines.append(f"    {module}.begin(weight_generator)")
            else:
                lines.append(f"    {start.kind}({module}.weight, {module}.bias, weight_generator)")
    else:
        lines += [
            f"    for module in {every}:",
            "        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):"
            if convolves
            else "        if isinstance(module, nn.Linear):",
            f"            {kinds.pop()}(module.weight, module.bias, weight_generator)",
        ]
    return "\n".join(lines)


def _write_widths(experiment: Experiment) -> list[int]:
    return [experiment.num_inputs, *(plan.outputs for plan in experiment.plan() if plan.has_units)]
