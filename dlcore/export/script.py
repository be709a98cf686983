"""A recipe as a PyTorch script that a student can read from top to bottom, run anywhere, and take apart.

Only what the recipe uses is in it. The formulas are the sources of our own functions, so that the script gives the same numbers.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlcore.class_weights import balanced_weights
from dlcore.component import Component
from dlcore.datasets.drawn import Drawn, Point
from dlcore.datasets.pictures import ImageData
from dlcore.datasets.preparation import with_features
from dlcore.datasets.table import TableData
from dlcore.datasets.tabular import BundledTable
from dlcore.datasets.toy import ToyDataset
from dlcore.export.changes import changes
from dlcore.export.own_data import pictures_from_file, sklearn_imports, table_from_file
from dlcore.export.source import PRESENT, called_functions, class_text, expression_of_key, function_text
from dlcore.export.words import Words
from dlcore.initializers import Initializer
from dlcore.layers import Shape, values_of
from dlcore.metrics import metric_for
from dlcore.randomness import derived_seed
from dlcore.rows import stratified

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

CHANGED = (
    "The run that this script comes from was changed while it learned. The script does not repeat that: it trains from the start with the"
    " settings that the run had last, and comes to other numbers. What was changed:"
)


def export_script(experiment: Experiment, epochs: int) -> str:
    """The text of a script that trains this recipe anew for so many epochs; it needs torch, numpy, safetensors and scikit-learn only."""
    sections = {
        "Settings": _settings(experiment, epochs),
        "Data": _data(experiment),
        "Network": _network(experiment),
        "Loss and metric": _loss(experiment),
        "Training": _training(experiment),
        "Results": _results(experiment),
    }
    body = "\n\n".join(f"# {title} {'-' * (98 - len(title))}\n{_spaced(blocks)}" for title, blocks in sections.items())
    return f"{_introduction(experiment, epochs)}\n{_imports(experiment, body)}\n{body}"


def _spaced(blocks: list[str]) -> str:
    """Blocks with one blank line between them, two around definitions."""
    text = ""
    after_definition = False
    for block in blocks:
        definition = block.startswith(("def ", "class ", "@"))
        text += "\n\n" if definition or after_definition else "\n"
        text += f"{block.rstrip()}\n"
        after_definition = definition
    return text


def _introduction(experiment: Experiment, epochs: int) -> str:
    widths = "-".join(str(width) for width in _widths(experiment))
    tabular = isinstance(experiment.dataset, BundledTable | TableData)
    own = isinstance(experiment.dataset, TableData | ImageData)
    made = "the network" if experiment.dataset.own_split or own else "the data and the network"
    mean = "without any penalty or class weights" if _is_weighted(experiment) else "without any penalty"
    beside = "  # beside data.csv, which the page or `python -m dlcore data` writes" if own else ""
    introduction = _text(f'''
        """{experiment.dataset.title}: a network of {widths} units, trained with {experiment.loss.title} and {experiment.optimizer.title}.

            pip install torch numpy safetensors{" scikit-learn" if tabular else ""}
            python THIS_FILE.py{beside}

        Makes {made} from the seed, trains for {epochs} epochs, prints the history (losses are means over all
        rows, {mean}) and saves the weights as model.safetensors. The same seed gives the same numbers.

        Shapes: N rows of a data set, B rows of a batch, D inputs, K output units.
        """
    ''')
    return _told_of_changes(introduction, experiment)


def _told_of_changes(introduction: str, experiment: Experiment) -> str:
    """The same with what was changed in the run while it learned, which the script does not repeat."""
    lines = changes(experiment, Words())
    if not lines:
        return introduction
    told = [textwrap.fill(CHANGED, 104)]
    told += [textwrap.fill(line, 104, initial_indent="- ", subsequent_indent="  ") for line in lines]
    beginning, shapes = introduction.split("\n\nShapes:")
    return "\n".join([f"{beginning}\n", *told, "", f"Shapes:{shapes}"])


def _imports(experiment: Experiment, body: str) -> str:
    standard = [f"import {name}" for name in ("csv", "math", "sys", "zlib") if f"{name}." in body]
    third = ["import numpy as np", "import torch", "from safetensors.torch import save_file"]
    if isinstance(experiment.dataset, BundledTable):
        third.append(f"from sklearn.datasets import {experiment.dataset.loader}")
    third += sklearn_imports(body)
    third.append("from torch import nn")
    if "functional." in body:
        third.append("from torch.nn import functional")
    return "\n".join([*standard, "", *third, ""])


def _settings(experiment: Experiment, epochs: int) -> list[str]:
    constants = _text(f"""
        SEED = {experiment.seed}
        EPOCHS = {epochs}
        BATCH_SIZE = {experiment.batch_size}

        torch.set_num_threads(1)  # Fastest for a small network, and sums are taken in the same order everywhere.
    """)
    return [constants, function_text(derived_seed, "derived_seed", _first_line(derived_seed))]


def _data(experiment: Experiment) -> list[str]:
    parts = _parts(experiment)
    tensors = "\n".join(
        f"{', '.join(f'{x}_{part}' for part in parts)} = {', '.join(f'torch.from_numpy({x}[{part}])' for part in parts)}"
        for x in "Xy"
    )
    match experiment.dataset:
        case Drawn() as drawn:
            return [*_drawn(drawn), *_features(experiment), _scaling(experiment), tensors]
        case TableData() as table:
            read, targets = table_from_file(table, parts)
            return [*read, *_features(experiment), "X = X.astype(np.float32)", *targets, tensors]
        case ImageData() as pictures:
            return [*pictures_from_file(pictures, parts), tensors]
    return [*_split_rows(experiment), *_features(experiment), _scaling(experiment), tensors]


def _parts(experiment: Experiment) -> tuple[str, ...]:
    """What the rows are for: the second part is watched while it learns."""
    return ("train", "test") if experiment.watched == "test" else ("train", "validation", "test")


def _split_rows(experiment: Experiment) -> list[str]:
    """X, y, and the places of the parts among them."""
    classes = experiment.dataset.num_classes
    which = "each class gives its share" if classes else "any rows"
    choose = function_text(
        stratified, "test_rows", f"Sorted indices of `count` test rows: {which}.", {"y": PRESENT if classes else None}
    )
    split = _text(f"""
        # Rows are split before anything is learned from them: the test rows stand for the future.
        split_generator = np.random.default_rng(derived_seed(SEED, "split"))
        test = test_rows({"y, " if classes else ""}len(y), {experiment.test_rows}, split_generator)
        train = np.setdiff1d(np.arange(len(y)), test)
    """)
    if experiment.validation_rows:
        split += _text(f"""
            # The validation rows, to be watched while it learns, from what is left.
            validation_generator = np.random.default_rng(derived_seed(SEED, "validation"))
            validation = train[test_rows({"y[train], " if classes else ""}len(train), {experiment.validation_rows}, validation_generator)]
            train = np.setdiff1d(train, validation)
        """)
    return [*_sample(experiment.dataset), choose, split]


def _drawn(dataset: Drawn) -> list[str]:
    """The same for points that stand in the recipe."""
    parts = ("train", "validation", "test") if dataset.validation else ("train", "test")
    names = [f"{part}_points" for part in parts]
    ends = [f"len({' + '.join(names[:count])})" for count in range(1, len(parts))]
    take = _text(f"""
        points = np.array({" + ".join(names)})
        X, y = points[:, :2], points[:, 2].astype(np.int64)
        {", ".join(parts)} = np.split(np.arange(len(points)), [{", ".join(ends)}])
    """)
    points = [_point_list(name, getattr(dataset, part)) for name, part in zip(names, parts, strict=True)]
    return ["\n".join(["# Drawn by hand: x1, x2 and class of each point.", *points, take])]


def _point_list(name: str, points: tuple[Point, ...]) -> str:
    # Wrapped between points: inside one, a space that does not break.
    text = " ".join(f"({x1!r},~{x2!r},~{label})," for x1, x2, label in points)
    lines = textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([f"{name} = [", *(line.replace("~", " ") for line in lines), "]"])


def _sample(dataset: Any) -> list[str]:
    if isinstance(dataset, ToyDataset):
        rule = type(dataset).rule
        arguments = ", ".join(f"{name}={value!r}" for name, value in dataset.rule_arguments().items())
        sample = _text(f"""
            data_generator = np.random.default_rng(derived_seed(SEED, "data"))
            X, y = {rule.__name__}({arguments}, generator=data_generator)
        """)
        return [function_text(rule, rule.__name__, _first_line(type(dataset))), sample]
    kind = "int64" if dataset.num_classes else "float64"
    sample = _text(f"""
        # {_first_line(type(dataset))}
        table = {dataset.loader}()
        X, y = table.data.astype(np.float64), table.target.astype(np.{kind})
    """)
    return [sample]


def _features(experiment: Experiment) -> list[str]:
    """What the network sees of x1 and x2, where that is more or less than the two."""
    features = experiment.input_features
    if features in ((), ("x1", "x2")):
        return []
    columns = ", ".join(expression_of_key(with_features, name) for name in features)
    lines = [f"{x} = X[:, {index}]" for index, x in enumerate(("x1", "x2")) if any(x in name for name in features)]
    return ["\n".join([*lines, f"X = np.stack([{columns}], axis=1)  # The features that the network sees."])]


def _scaling(experiment: Experiment) -> str:
    number = not experiment.dataset.num_classes
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


def _network(experiment: Experiment) -> list[str]:
    modules: list[str] = []
    fills: list[tuple[int, Initializer]] = []  # (place among the modules, how its weights start)
    shape: Shape = (experiment.num_inputs,)
    for layer in experiment.layers:
        fills += [(len(modules) + place, initializer) for place, initializer in layer.starts().items()]
        modules += layer.script_modules(shape)
        shape = layer.output_shape(shape)
    fills.append((len(modules), experiment.output_initializer))
    modules.append(f"nn.Linear({values_of(shape)}, {experiment.num_outputs})")
    model = "\n".join(["model = nn.Sequential(", *(f"    {module}," for module in modules), ")"])
    starts = {initializer.kind: type(initializer) for _, initializer in fills}
    functions = [function_text(start.fill, kind, _first_line(start)) for kind, start in starts.items()]
    classes = list(dict.fromkeys(cls for layer in experiment.layers for cls in layer.script_classes()))
    blocks = [*map(class_text, classes), *functions, model, _filling(fills)]
    drawing = dict.fromkeys(
        cls.__name__ for layer in experiment.layers if layer.draws for cls in layer.script_classes()
    )
    if drawing:
        blocks.append(
            _text(f"""
                dropout_generator = torch.Generator().manual_seed(derived_seed(SEED, "dropout"))
                for module in model:
                    if isinstance(module, {" | ".join(drawing)}):
                        module.generator = dropout_generator
            """)
        )
    return blocks


def _filling(fills: list[tuple[int, Initializer]]) -> str:
    lines = [
        'weight_generator = torch.Generator().manual_seed(derived_seed(SEED, "weights"))',
        "with torch.no_grad():",
    ]
    kinds = {initializer.kind for _, initializer in fills}
    if len(kinds) > 1:
        lines += [
            f"    {fill.kind}(model[{place}].weight, model[{place}].bias, weight_generator)" for place, fill in fills
        ]
    else:
        lines += [
            "    for module in model:",
            "        if isinstance(module, nn.Linear):",
            f"            {kinds.pop()}(module.weight, module.bias, weight_generator)",
        ]
    return "\n".join(lines)


def _loss(experiment: Experiment) -> list[str]:
    loss, classes = experiment.loss, experiment.dataset.num_classes
    metric = metric_for(experiment.dataset.task)
    known = {"classes": classes}
    parts = _parts(experiment)
    meaning = "probabilities (B, classes)" if classes else "values (B,)"
    predict = function_text(loss.predict, "predict", f"What the sums of the last layer claim: {meaning}.", known)
    helpers = called_functions(predict, loss.predict).items()
    blocks = [
        function_text(loss.encode, "encode", "Targets in the form that the loss takes.", known),
        function_text(loss.per_row, "loss_of_rows", _first_line(type(loss)), known, loss.arguments()),
        *(
            function_text(helper, name, "(B,) to (B, 2): the probabilities of class 0 and class 1.")
            for name, helper in helpers
        ),
        predict,
        function_text(metric.measure, metric.kind, _first_line(type(metric))),
        f"{', '.join(f'targets_{part}' for part in parts)} = {', '.join(f'encode(y_{part})' for part in parts)}",
    ]
    if _is_weighted(experiment):
        blocks.insert(2, function_text(balanced_weights, "balanced_weights", _first_line(balanced_weights), known))
        blocks.append("weights_train = balanced_weights(y_train)[y_train]  # What each row counts in the loss.")
    return blocks


def _training(experiment: Experiment) -> list[str]:
    metric, watched, optimizer = experiment.metric, experiment.watched, experiment.optimizer
    schedule, regularizer = experiment.schedule, experiment.regularizer
    blocks = []
    if schedule.kind != "constant":
        blocks.append(_method_text(schedule, type(schedule).factor, "learning_rate_factor"))
    if regularizer.kind != "none":
        blocks.append(_method_text(regularizer, type(regularizer).add_gradient, "add_penalty_gradient"))
    blocks += [
        _scores(experiment),
        _text(f"""
            optimizer = torch.optim.{optimizer.rule}(model.parameters(), {_keywords(optimizer.arguments())})
            order_generator = torch.Generator().manual_seed(derived_seed(SEED, "order"))
            step = 0
            print("epoch,step,train_loss,{watched}_loss,train_{metric},{watched}_{metric}")
            report(0, step)
        """),
    ]
    if experiment.early_stopping:
        blocks.append(f'best_{watched}_loss, best_epoch = float("inf"), 0')
    return [*blocks, _loop(experiment)]


def _scores(experiment: Experiment) -> str:
    metric, watched = experiment.metric, experiment.watched
    lines = ["outputs_NK = model(X)"]
    if any(layer.draws for layer in experiment.layers):
        lines = ["model.eval()  # Nothing is dropped when it counts.", *lines, "model.train()"]
    measure = textwrap.indent("\n".join(lines), "    ").lstrip()
    report = _text(f'''
        @torch.no_grad()
        def scores(X, targets, y):
            """Loss and metric over all rows."""
            MEASURE
            loss = loss_of_rows(outputs_NK, targets).double().mean().item()
            return loss, {metric}(predict(outputs_NK), y)


        def report(epoch, step):
            """Print a row of the history."""
            train_loss, train_{metric} = scores(X_train, targets_train, y_train)
            {watched}_loss, {watched}_{metric} = scores(X_{watched}, targets_{watched}, y_{watched})
            print(f"{{epoch}},{{step}},{{train_loss:.6f}},{{{watched}_loss:.6f}},{{train_{metric}:.6f}},{{{watched}_{metric}:.6f}}")
    ''').replace("MEASURE", measure)
    if experiment.early_stopping:
        report = report.replace(
            "Print a row of the history.", f"Print a row of the history; return the {watched} loss."
        )
        report += f"    return {watched}_loss\n"
    return report


def _loop(experiment: Experiment) -> str:
    update = ["batch = order[start : start + BATCH_SIZE]"]
    if experiment.schedule.kind != "constant":
        rate = f"{experiment.optimizer.learning_rate!r} * learning_rate_factor(epoch - 1 + start / len(order))"
        update.append(f'optimizer.param_groups[0]["lr"] = {rate}')
    update += [
        "optimizer.zero_grad()",
        *_batch_loss(experiment),
        "if not loss.isfinite():",
        '    raise SystemExit(f"Stopped at step {step + 1}: the loss is not finite. Use a third of the learning rate.")',
        "loss.backward()",
    ]
    if experiment.regularizer.kind != "none":
        update += [
            "with torch.no_grad():",
            "    for parameter in model.parameters():",
            "        if parameter.dim() > 1:  # Weights only: a bias costs nothing.",
            "            add_penalty_gradient(parameter.grad, parameter)",
        ]
    if experiment.gradient_clip:
        update += [
            "gradient = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])",
            "norm = nn.utils.get_total_norm([gradient])",
            f"nn.utils.clip_grads_with_norm_(model.parameters(), {experiment.gradient_clip!r}, norm)",
        ]
    update += ["optimizer.step()", "step += 1"]
    epoch = [
        "order = torch.randperm(len(X_train), generator=order_generator)",
        "for start in range(0, len(order), BATCH_SIZE):",
        *(f"    {line}" for line in update),
    ]
    if experiment.early_stopping:
        loss = f"{experiment.watched}_loss"
        epoch += [
            f"{loss} = report(epoch, step)",
            f"if {loss} < best_{loss}:",
            f"    best_{loss}, best_epoch = {loss}, epoch",
            f"if epoch - best_epoch >= {experiment.early_stopping}:",
            f"    break  # Early stopping: the {experiment.watched} loss has not been better for so many epochs.",
        ]
    else:
        epoch.append("report(epoch, step)")
    return "\n".join(["for epoch in range(1, EPOCHS + 1):", *(f"    {line}" for line in epoch)])


def _batch_loss(experiment: Experiment) -> list[str]:
    if not _is_weighted(experiment):
        return ["loss = loss_of_rows(model(X_train[batch]), targets_train[batch]).mean()"]
    return [
        "losses = loss_of_rows(model(X_train[batch]), targets_train[batch])",
        "weights = weights_train[batch]",
        "loss = (weights * losses).sum() / weights.sum()",
    ]


def _results(experiment: Experiment) -> list[str]:
    parts = [part for part in _parts(experiment) if part != "test" or not experiment.sealed]
    metric = experiment.metric
    lines = [_scored(part, metric) for part in parts]
    lines += [f'print(f"{part}_{what} {{{part}_{what}:.6f}}")' for what in ("loss", metric) for part in parts]
    if experiment.sealed:
        told = [f'print(f"test_{what} {{test_{what}:.6f}}")' for what in ("loss", metric)]
        lines += [
            'if "--unseal" in sys.argv:  # The test rows judge the network that was chosen, once, and choose none.',
            *(f"    {line}" for line in (_scored("test", metric), *told)),
        ]
    lines.append('save_file(model.state_dict(), "model.safetensors")')
    return ["\n".join(lines)]


def _scored(part: str, metric: str) -> str:
    return f"{part}_loss, {part}_{metric} = scores(X_{part}, targets_{part}, y_{part})"


def _method_text(component: Component, method: Callable[..., Any], name: str) -> str:
    """A method as a function whose arguments have the component's fields as defaults."""
    fields = {field: value for field, value in component if field != "kind"}
    return function_text(method, name, _first_line(type(component)), defaults=fields)


def _is_weighted(experiment: Experiment) -> bool:
    return experiment.class_weights != "none"


def _widths(experiment: Experiment) -> list[int]:
    return [experiment.num_inputs, *(plan.outputs for plan in experiment.plan() if plan.has_units)]


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").splitlines()[0]


def _keywords(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _text(template: str) -> str:
    return f"{textwrap.dedent(template).strip()}\n"
