"""What a report and a model card say, in English; other languages come from whoever asks for one, by the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlcore.export.findings import SENTENCES
from dlcore.metrics import number_text
from dlcore.problems import clean

ENGLISH: dict[str, str] = {
    "report.kind": "Training report",
    "report.at": "{inputs} inputs, {layers}. {parameters} weights and biases, after {epochs} epochs ({steps} steps).",
    "report.no_hidden": "no hidden layer",
    "report.weights_of.test": "{at} The weights are those of epoch {epoch}, where the loss of the test rows was lowest.",
    "report.weights_of.validation": "{at} The weights are those of epoch {epoch}, where the loss of the validation rows was lowest.",
    "report.on": "on",
    "report.off": "off",
    "report.hidden": "hidden layers {units}",
    "report.convolution": "{channels} channels, kernel {kernel}, stride {stride}, padding {padding}, {activation}",
    "report.window": "windows of {window}",
    "report.mean_of_all": "the mean of all pixels or steps",
    "report.one_list": "all values in one list",
    "report.by_batch": "by the mean and deviation of the batch",
    "report.by_row": "by the mean and deviation of each row",
    "report.dimensions": "{dimensions} numbers a token",
    "report.recurrent.last": "{units} units, the state after the last step",
    "report.recurrent.all": "{units} units, the states after all steps",
    "report.recurrent_both.last": "{units} units in each direction, the state after the last step",
    "report.recurrent_both.all": "{units} units in each direction, the states after all steps",
    "report.heads": "{heads} heads",
    "report.heads.causal": "{heads} heads, each step sees only those before it",
    "report.positions.sinusoidal": "of sines",
    "report.positions.learned": "learned",
    "report.around": "around {layers}",
    "report.nothing_between": "nothing",
    "report.parallel.add": "{layers}, added",
    "report.parallel.concatenate": "{layers}, side by side",
    "report.contents": "Contents",
    "report.scores": "How good it is",
    "report.scores.see": "Only rows the network has not learned from say how good it is. The 95% interval of an accuracy"
    " is Wilson's (1927), that of another score holds the middle 95% of 1,000 resamples of these rows (bootstrap).",
    "report.part": "Part",
    "report.rows": "Rows",
    "report.of_rows": "{metric} over {rows} rows",
    "report.of_class": "{title}, class {name}",
    "report.interval": "95% interval",
    "report.train": "Training",
    "report.validation": "Validation",
    "report.test": "Test",
    "report.accuracy": "Accuracy",
    "report.balanced_accuracy": "Balanced accuracy",
    "report.precision": "Precision",
    "report.recall": "Recall",
    "report.f1": "F1",
    "report.loss": "Loss",
    "report.r2": "R²",
    "report.mae": "MAE",
    "report.rmse": "RMSE",
    "report.class": "Class",
    "report.sealed": "The test rows are kept back: they were not scored for this report. They have been opened {looks}"
    " times so far.",
    "report.looks": "The test rows have been opened {looks} times. Each opening for another network lets a "
    "little of the test leak into the choices.",
    "report.of_part": "All below: {part} rows.",
    "report.curves": "How it learned",
    "report.curves.see": "Where the two curves part, the network begins to learn its rows by heart.",
    "report.curves.missing": "The history of this run was not at hand.",
    "report.epoch": "Epoch",
    "report.classes": "Class by class",
    "report.confusion": "Confusion matrix",
    "report.true": "True",
    "report.predicted": "Predicted",
    "report.roc": "ROC",
    "report.roc.x": "False positive rate",
    "report.roc.y": "True positive rate",
    "report.pr": "Precision and recall",
    "report.calibration": "Calibration",
    "report.calibration.x": "Probability it says",
    "report.calibration.y": "Share that is so",
    "report.residuals": "Predicted against true",
    "report.map": "What it says over the plane",
    "report.map.see": "The colour is the class it says, the fuller the surer; points are rows, those with a dark rim not learned from.",
    "report.map.line": "What it says along the line",
    "report.baselines": "Compared with simpler models",
    "report.baselines.see": "Fitted on the same training rows. A network that does no better than these is not needed.",
    "report.baselines.metric": "Score: {metric}.",
    "report.model": "Model",
    "report.network": "This network",
    "report.majority": "Always the most frequent class",
    "report.mean": "Always the mean",
    "report.logistic": "Logistic regression",
    "report.linear": "Linear regression",
    "report.forest": "Random forest",
    "report.warnings": "Warnings",
    "report.warnings.none": "The guards found nothing suspicious: no leaking column, no duplicates across the split, no id as"
    " an input, no rare class, no overfitting.",
    "report.data": "The data",
    "report.data.split": "{train} training rows, {watched} {name} rows.",
    "report.data.final": "{final} test rows that nothing in training reads.",
    "report.column": "Column",
    "report.column.median": "missing: median",
    "report.column.mean": "missing: mean",
    "report.column.most_frequent": "missing: most frequent",
    "report.column.standard": "scaled to mean 0, deviation 1",
    "report.column.minmax": "scaled to 0 … 1",
    "report.column.one_hot": "one input a category",
    "report.column.kind": "Kind",
    "report.column.missing": "Missing",
    "report.column.values": "Over the training rows",
    "report.column.treatment": "What becomes of it",
    "report.column.number": "Number",
    "report.column.date": "Date",
    "report.column.category": "Category",
    "report.column.range": "{low} to {high}, mean {mean}",
    "report.column.more": "and {count} more columns",
    "report.column.pixels": "{height} × {width} pixels each",
    "report.balance": "Class balance",
    "report.class_weight": "Weight of a row",
    "report.class_weights": "Balanced class weights: in the loss that was descended a row counted n / (K n_k), so that each class counted"
    " the same in all. The losses and scores here are not weighted.",
    "report.target": "Target",
    "report.target.range": "{low} to {high}, mean {mean}, standard deviation {deviation}",
    "report.recipe": "The recipe",
    "report.recipe.see": "The same recipe and seed give the same numbers: save it as recipe.json, then",
    "report.recipe.changed": "The run was changed while it learned, and the recipe's journal holds the changes: training it on the command"
    " line makes them again, as far as they were kept. Save it as recipe.json, then",
    "report.journal": "What was changed while it learned",
    "report.journal.see": "The run went on after each of these changes. The recipe's journal holds them, at which step and as values."
    " The weights of this network are in its checkpoint.",
    "report.journal.start": "It began with {what}.",
    "report.journal.step": "Step {step}: {what}.",
    "report.journal.and": "; ",
    "report.journal.weights": "weights set by hand, {names}",
    "report.journal.frozen": "weights frozen or freed, {names}",
    "report.journal.silenced": "neurons silenced or heard again, layer {names}",
    "report.journal.loaded": "went on from the weights of a file, with a fresh optimizer",
    "report.journal.went_on": "went on after an early stop",
    "report.journal.left_out": "changes up to here that were too much to be kept, {count}",
    "report.journal.more": "... and {count} more changes ...",
    "report.layer": "Layer {number}",
    "report.units": "{units} units, {activation}",
    "report.output": "Output",
    "report.versions": "Made with",
    "report.seed": "Seed",
    "card.title": "Model card: {name}",
    "card.made": "After Mitchell et al., Model Cards for Model Reporting (2019).",
    "card.details": "Model details",
    "card.details.architecture": "A feed-forward network for {task}: {at}",
    "card.classification": "classification",
    "card.regression": "regression",
    "card.details.training": "Loss: {loss}. Optimizer: {optimizer}, learning rate {rate}. Batch size {batch}. Seed {seed}.",
    "card.details.changed": "Changed while it learned. Training the recipe on the command line makes these changes again, as far as they"
    " were kept; the settings alone give another network. The checkpoint holds this one.",
    "card.use": "Intended use",
    "card.use.text": "Made to learn and to teach how neural networks work, on the data named below. Primary users: "
    "students and teachers.",
    "card.use.out": "Out of scope: decisions about people, and rows that are unlike the training rows.",
    "card.factors": "Factors",
    "card.factors.text": "The columns along which its quality may differ: {columns}. Its scores by class stand under "
    "Quantitative analyses.",
    "card.metrics": "Metrics",
    "card.metrics.classes": "Accuracy (share of right rows) with its 95% interval (Wilson), balanced accuracy, precision, "
    "recall and F1. A row is given to its most probable class.",
    "card.metrics.numbers": "R² with a 95% bootstrap interval, mean absolute error (MAE) and root mean squared error (RMSE), "
    "in units of the target.",
    "card.evaluation_data": "Evaluation data",
    "card.training_data": "Training data",
    "card.data.same": "From the same source, {how}.",
    "card.data.stratified": "split at random with the same share of each class",
    "card.data.random": "split at random",
    "card.data.own": "split as the data say themselves",
    "card.data.in_time": "split in time, the test rows last",
    "card.preparation": "What is learned for the preparation (scaling, filling of missing cells, categories) is learned "
    "from the training rows only.",
    "card.inputs": "How a row becomes inputs, in this order. model.safetensors and model.onnx say the same to the last digit, as"
    " preparation in their metadata.",
    "card.inputs.missing": "A missing cell becomes",
    "card.inputs.then": "Input of the network",
    "card.inputs.none": "0 in all its inputs",
    "card.inputs.categories": "1 where it is the category, else 0, for each of: {values}.",
    "card.inputs.unseen": "No training row has, and so always 0: {values}.",
    "card.inputs.days": "x in days since 1970-01-01:",
    "card.analyses": "Quantitative analyses",
    "card.ethics": "Ethical considerations",
    "card.ethics.text": "Nothing is known here of where the data come from, of consent, or of whom a wrong answer would "
    "harm: whoever uses this network has to find out. Columns that name or stand for groups of people"
    " deserve a look of their own (page Evaluate, subsets).",
    "card.caveats": "Caveats and recommendations",
    "card.caveats.none": "The guards found nothing suspicious. They look for leakage, duplicates across the split, ids, "
    "rare classes and overfitting, and for nothing else.",
}  # fmt: skip


class Words:
    """Messages by key: the reader's language where it was given, else English."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = {key: text for key, text in (given or {}).items() if isinstance(text, str)}

    def __call__(self, key: str, **values: Any) -> str:
        """The message of this key, its placeholders filled in."""
        template = self._given.get(key) or {**SENTENCES, **ENGLISH}.get(key, key)
        try:
            return template.format(**values) if values else template
        except (KeyError, IndexError, ValueError):  # The translation has other placeholders than the English original.
            return {**SENTENCES, **ENGLISH}.get(key, key).format(**values)

    def title(self, key: str, english: str) -> str:
        """The name of a choice or a field, which its class knows in English."""
        return self._given.get(key, english)


def show_value(value: Any) -> str:
    """A number or a text from the data, safe to show."""
    if value is None:
        return "–"
    return number_text(value, ".4g") if isinstance(value, float) else clean(str(value))
