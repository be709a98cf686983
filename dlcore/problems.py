"""What can go wrong, as one sentence each: where, what was expected, what came, what to do.

A problem travels as its key and values (JSON), so that the page can say it in the reader's language.
"""

from __future__ import annotations

import unicodedata

LONGEST_VALUE = 64

TEMPLATES: dict[str, str] = {
    # The recipe
    "not_json": "The recipe is not valid JSON (line {line}, column {column}): {detail}. Check the file, or export it anew.",
    "too_long": "The recipe has {came} characters; at most {limit} are read. Check that it is the right file.",
    "unknown_key": "{path}: unknown key. Remove it or check the spelling.",
    "unknown_kind": "{path}: unknown kind '{came}'. Expected one of: {expected}.",
    "out_of_bounds": "{path}: expected {expected}, but got {came}. Choose a value inside the bounds.",
    "wrong_type": "{path}: expected {expected}, but got {came}. Correct the value.",
    "unknown_version": "version: expected 1, but got {came}. The recipe comes from another version of this program.",
    "features_need_plane": "features: only data with two inputs x1 and x2 have features, but '{dataset}' has {inputs} inputs."
    " Remove the key 'features'.",
    "features_empty": "features: expected at least one input feature, but got none. Switch one on.",
    "features_repeated": "features: '{came}' is named twice. Name each feature once.",
    "loss_needs_classes": "loss: {loss} needs classes, but '{dataset}' has a number as target. Use mse, mae or huber.",
    "loss_needs_two_classes": "loss: {loss} needs exactly two classes, but '{dataset}' has {classes}. Use cross_entropy.",
    "batch_larger_than_rows": "batch_size: expected at most the {rows} training rows, but got {came}. Make the batch smaller.",
    "too_few_rows": "test_fraction: {test} test rows and {train} training rows are too few for {classes} classes."
    " Take more samples or another share of test rows.",
    "too_many_parameters": "layers: the network would have {came} parameters; the limit is {limit}. Use fewer units or layers.",
    "needs_fresh_start": "{path}: this change needs a fresh start of the run.",
    "last_unit": "A layer needs at least one unit. Remove the whole layer instead.",
    "points_need_plane": "Points can be drawn on data with two inputs and classes only. Choose such a data set first.",
    # Links and runs side by side
    "link_broken": "The link is cut short or garbled, so the default run was opened. Copy the whole link once more.",
    "link_version": "The link has version {came}, but this program reads version {expected}. Make it anew from a run.",
    "link_too_long": "A link may hold {limit} characters, but this run needs {came}. Save the recipe as a file instead.",
    "runs_full": "At most {limit} runs are kept side by side. Remove one on the page Compare first.",
    "drawn_class_empty": "Class {label} has no training point. Keep at least one of it, or draw one.",
    "drawn_few_train": "Drawn data need at least 2 training points, but there would be {came}. Keep or draw some.",
    "drawn_no_test": "Drawn data need at least 1 test point, but there would be none. Keep or draw one.",
    "drawn_too_many": "Drawn data may have {limit} points, but there would be {came}. Remove some.",
    "weights_kept": "Kept {kept} of {total} weights and biases; any others start small.",
    # Training
    "diverged": "Training stopped at step {step}: the loss became {loss}. Most likely the learning rate ({learning_rate}) is too"
    " large. Use a third of it, or clip the gradient.",
    "gpu_memory": "The GPU ({device}) ran out of memory; training goes on on the CPU.",
    "no_device": "device: expected {expected}, but got '{came}'. It is not available on this machine.",
    "out_of_memory": "There is not enough memory for this network and batch. Use fewer units or a smaller batch.",
    # What a hand does to a run
    "bad_weight": "The old weight stays: expected a number such as -0.5, at most 3.4e38 in size, but got '{came}'.",
    "moment_gone": "This moment of the run is no longer kept. Choose another one on the time line.",
    # Runs and their workers
    "bad_speed": "speed: expected a number of updates a second between 1 and {limit}, or nothing, but got {came}.",
    "run_gone": "This run has ended. Reload the page to start a new one.",
    "run_lost": "The process computing this run stopped each time it went on, so the run was given up. Start it anew with a"
    " smaller network or smaller batches.",
    "run_moved": "This run goes on in another process. Try again in a moment.",
    "not_yours": "This run belongs to another browser. Start one of your own, or ask for a link to this one.",
    "class_full": "The class is full: {came} of {limit} runs. Try again in a minute.",
    "session_full": "This browser already has {limit} runs, as many as it may. Close other tabs of this page, or try again in a minute.",
    "worker_busy": "The process computing this run did not answer in time. Try again in a moment.",
    "worker_lost": "The process computing this run stopped before it answered. Try again in a moment.",
    "worker_restarted": "The process computing this run stopped and was started again; the run goes on from step {step}.",
    # Checkpoints, files and the command line
    "checkpoint_too_large": "The checkpoint has {size} MB; at most {limit} MB are read. Check that it is the right file.",
    "checkpoint_truncated": "The checkpoint ends too early. Download or copy it again.",
    "checkpoint_pickle": "This is a pickle file, which can hold harmful code and is never opened. Save the model as .safetensors.",
    "checkpoint_foreign": "This file is not a checkpoint of this program. Choose a model.safetensors that it has saved.",
    "checkpoint_header_too_long": "The checkpoint's header has {came} bytes; at most {limit} are read. Choose a model.safetensors"
    " that this program has saved.",
    "checkpoint_too_many_tensors": "The checkpoint has {came} tensors; at most {limit} are read. Choose a model.safetensors that"
    " this program has saved.",
    "checkpoint_metadata": "The checkpoint's {name} do not fit its recipe. Save it anew.",
    "checkpoint_shapes": "Tensor '{name}' of the checkpoint: the recipe says {expected}, the file {came}. Save it anew.",
    "checkpoint_offsets": "The tensors of the checkpoint overlap or leave gaps. Download or copy it again.",
    "checkpoint_not_finite": "Tensor '{name}' of the checkpoint holds values that are not finite numbers. Use an earlier checkpoint.",
    "cannot_read": "{path}: cannot be read ({detail}).",
    "cannot_write": "{path}: cannot be written ({detail}).",
    "no_format": "format: expected one of {expected}, but got '{came}'.",
    "engine_unfit": "engine: 'dense' computes stacks of dense layers on the CPU, which this recipe on {device} is not, or it could"
    " not be compiled here. Choose 'auto' or 'autograd'.",
    "epochs_out_of_bounds": "--epochs: expected a whole number from 0 to {limit}, but got '{came}'.",
    "table_too_large": "{path}: larger than the {limit} MB that are read. Split the table.",
    "table_not_text": "{path}: not a CSV table in UTF-8. Export it as CSV.",
    "table_empty": "{path}: empty. Expected a header with the columns {expected}.",
    "table_column_missing": "{path}: the column '{column}' is missing. Expected a header, separated by commas, with: {expected}.",
    "table_column_twice": "{path}: the column '{column}' stands twice. Name each column once.",
    "table_ragged": "{path}, line {line}: expected {expected} cells, but got {came}.",
    "table_not_a_number": "{path}, line {line}, column '{column}': expected a finite number, but got '{came}'.",
    "table_out_of_range": "{path}, row {row}: the numbers are too large for the network. Check the units.",
    "bad_setting": "{name}: expected {expected}, but got '{came}'. Correct the environment variable.",
    "no_ray": "DLCORE_RUNS asks for a Ray cluster ({came}), but Ray is not installed. Run pip install -r requirements-ray.txt.",
    "internal": "Something went wrong inside the program; the run was kept as it was. The server's log has the details.",
}


def clean(text: str) -> str:
    """Untrusted text, safe to show: no control or bidirectional marks, at most 64 characters."""
    shown = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return shown if len(shown) <= LONGEST_VALUE else shown[: LONGEST_VALUE - 1] + "…"


class Problem(ValueError):
    """One clear sentence about bad input or a failed run; `key` names it, `values` fill its places."""

    def __init__(self, key: str, **values: str | int | float) -> None:
        self.key = key
        self.values = {name: _shown(name, value) for name, value in values.items()}
        super().__init__(TEMPLATES[key].format(**self.values))

    def to_dict(self) -> dict[str, object]:
        """The form that travels: {"key", "values"}."""
        return {"key": self.key, "values": self.values}

    def __reduce__(self):
        return _rebuild, (self.key, self.values)


def _rebuild(key: str, values: dict[str, str | int | float]) -> Problem:
    return Problem(key, **values)


def _shown(name: str, value: str | int | float) -> str | int | float:
    # "expected" is our own text (lists of kinds); all else may hold what a stranger typed.
    return clean(value) if isinstance(value, str) and name not in ("expected", "detail") else value
