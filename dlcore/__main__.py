"""The command line: `python -m dlcore train RECIPE.json --epochs 100 --out DIR`, then evaluate, predict, export.

Exit status 0; 2 with one line on standard error for bad input. torch is imported by the verbs that need it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, DatasetComponent
from dlcore.datasets.reading import MOST_TITLES
from dlcore.datasets.table import MOST_ROWS
from dlcore.datasets.upload.bounds import LEAST_ROWS
from dlcore.datasets.upload.folders import LARGEST, SMALLEST
from dlcore.experiment import LONGEST_RECIPE, MOST_EPOCHS, Experiment
from dlcore.export import FORMATS, export
from dlcore.files import read_bytes, read_text
from dlcore.metrics import number_text
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint
    from dlcore.learning.replay import Replay
    from dlcore.learning.trainer import Trainer

ENGINES = ("auto", "autograd", "dense")
TASKS = {"classes": "classification", "numbers": "regression"}
READING = ("sheet", "header", "separator", "decimal", "encoding")
COLUMN_TYPES = ("number", "category", "date", "text", "id")
SECONDS_BETWEEN_LINES = 0.1
# Parameters times rows of a batch: below it, threads wait for each other longer than they compute.
WORTH_MORE_THREADS = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit status."""
    try:
        asked = parser().parse_args(arguments)
        asked.verb(asked)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # The reader of the output has closed it: the rest is discarded.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Problem as problem:
        return refuse(str(problem))
    except MemoryError:
        return refuse(str(Problem("out_of_memory")))
    except RuntimeError as error:  # torch's form of a MemoryError
        if "memory" not in str(error).lower():
            raise
        return refuse(str(Problem("out_of_memory")))
    return 0


def refuse(sentence: str) -> int:
    """One line on standard error, and the status that goes with it."""
    print(f"dlcore: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


class OneLineParser(argparse.ArgumentParser):
    """argparse without the usage in front of each complaint, and without guessing what a shortened option means."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        sys.exit(refuse(f"{message} (see {self.prog} --help)"))


def parser() -> argparse.ArgumentParser:
    """The verbs and what they take."""
    top = OneLineParser(prog="python -m dlcore", description="Train small networks and take them home.")
    verbs = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    verb = verbs.add_parser("train", help="train a recipe, write model.safetensors, recipe.json and history.csv")
    verb.add_argument("recipe", metavar="RECIPE.json", type=Path)
    verb.add_argument("--epochs", required=True, metavar="N", help=f"0 to {MOST_EPOCHS}")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write; made if it is not there")
    verb.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="default: %(default)s")
    verb.add_argument(
        "--engine", default="auto", choices=ENGINES, metavar="|".join(ENGINES), help="default: %(default)s"
    )
    verb.set_defaults(verb=train)

    verb = verbs.add_parser(
        "table",
        help="make a recipe of a table (CSV, TSV, Excel, Parquet or ARFF), or of a zip of pictures (PNG or JPEG, a folder for each"
        " class); every page on this machine may open its rows",
    )
    verb.add_argument("table", metavar="FILE", type=Path)
    verb.add_argument("--target", metavar="NAME", help="the column to predict; default: the one that looks like it")
    verb.add_argument("--inputs", metavar="A,B,...", help="the columns to predict it from; default: all that can be")
    verb.add_argument("--task", choices=TASKS, metavar="|".join(TASKS), help="what the target is")
    verb.add_argument(
        "--types", metavar="NAME=TYPE,...", help=f"types of columns: {', '.join(COLUMN_TYPES)}; one text is the input"
    )
    verb.add_argument("--missing", metavar="NAME=MARK,...", action="append", help="what counts as missing in a column")
    verb.add_argument("--joined", metavar="A,B,...", help="columns whose categories of near-equal spelling are one")
    verb.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook")
    verb.add_argument("--header", metavar="N|none", help="the line on which the names of the columns begin, from 1")
    verb.add_argument("--separator", metavar="CHAR|tab", help="the sign between two cells")
    verb.add_argument("--decimal", metavar=".|,", help="the sign before decimals")
    verb.add_argument("--encoding", metavar="NAME", help="how bytes became characters, such as utf-8 or gb18030")
    verb.add_argument("--sample", metavar="N", help="draw so many rows")
    verb.add_argument("--side", metavar="N", help="pixels of the longer side of a zip's pictures, 8 to 64")
    verb.add_argument("--out", type=Path, required=True, metavar="RECIPE.json")
    verb.set_defaults(verb=make_recipe)

    verb = verbs.add_parser("evaluate", help="print loss and metric on training, validation and test rows as JSON")
    verb.add_argument("directory", metavar="DIR", type=Path)
    verb.add_argument("--unseal", action="store_true", help="print the scores of sealed test rows, too")
    verb.set_defaults(verb=evaluate)

    verb = verbs.add_parser("predict", help="print predictions for the rows of a table as CSV")
    verb.add_argument("directory", metavar="DIR", type=Path)
    verb.add_argument(
        "table",
        metavar="FILE",
        type=Path,
        help="CSV, TSV, Excel, Parquet or ARFF with the columns that the network asks for, in any order",
    )
    verb.set_defaults(verb=predict)

    verb = verbs.add_parser("data", help="print the rows of the network as CSV, as its script reads them")
    verb.add_argument("directory", metavar="DIR", type=Path)
    verb.set_defaults(verb=print_data)

    verb = verbs.add_parser("export", help="write the network in another form")
    verb.add_argument("directory", metavar="DIR", type=Path)
    verb.add_argument("--format", choices=FORMATS, required=True, metavar="|".join(FORMATS))
    verb.add_argument("--out", type=Path, required=True, metavar="FILE")
    verb.set_defaults(verb=export_file)

    verb = verbs.add_parser("catalogue", help="print everything there is to choose from as JSON")
    verb.set_defaults(verb=print_catalogue)
    verb = verbs.add_parser("schema", help="print the recipe's JSON Schema")
    verb.set_defaults(verb=print_schema)
    return top


def train(asked: argparse.Namespace) -> None:
    """Everything is checked before the first step; nothing is written before the last."""
    epochs = number_of_epochs(asked.epochs)
    experiment = Experiment.from_json(read_bytes(asked.recipe, 4 * LONGEST_RECIPE + 1))
    experiment.dataset.fetch()

    import torch

    from dlcore.checkpoint import check_writable, write_run
    from dlcore.learning.replay import Replay

    check_writable(asked.out)
    if experiment.num_parameters * experiment.batch_size < WORTH_MORE_THREADS:
        torch.set_num_threads(1)
    replay = Replay(experiment, device=asked.device, engine=asked.engine)
    trainer = replay.trainer
    try:
        advance(replay, epochs)
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
    for notice in filter(None, [*trainer.notices, replay.find_notice()]):
        print(f"dlcore: {notice}", file=sys.stderr)
    write_run(asked.out, trainer)


def make_recipe(asked: argparse.Namespace) -> None:
    """Put the rows into the store of this machine, where every page finds them, and the recipe into a file. A fitting loss is chosen.

    What was found and guessed is printed, a sentence a line.
    """
    from dlcore import rights
    from dlcore.checkpoint import check_writable, write_files
    from dlcore.datasets import store
    from dlcore.datasets.room import UPLOAD
    from dlcore.datasets.upload import import_table, look_long
    from dlcore.datasets.upload.folders import is_of_folders
    from dlcore.datasets.upload.summary import summarise

    check_writable(asked.out.parent)
    said = options_of(asked)
    content = read_bytes(asked.table, store.LARGEST_UPLOAD + 1)
    digest = store.keep_upload(content)
    options = {"upload": digest, "name": asked.table.name, **said}
    try:
        if is_of_folders(content):
            return make_recipe_of_pictures(asked, said, digest)
        if "side" in said:
            raise Problem("table_unfit", name="--side", kind="table")
        profile, _ = look_long(options, b"", lambda share, partial: None)
        check_told(said, profile)
        made, _ = import_table(options, b"", lambda share, partial: None)
    finally:
        store.disown(digest, UPLOAD, rights.MACHINE)  # The raw file is where it was: no copy is needed.
    dataset: DatasetComponent = validate(kinds(Dataset)[made["dataset"]["kind"]], made["dataset"])
    loss = {"loss": {"kind": dataset.objective.usual_loss}}
    usual = Experiment()
    rows = dataset.rows - dataset.test_rows(usual.test_fraction)
    recipe = {"dataset": made["dataset"], **loss, "batch_size": min(usual.batch_size, max(rows, 1))}
    if dataset.vocabulary:  # With the ids of tokens nothing can be calculated: the usual layers would be refused.
        recipe |= dataset.fitting(rows).parts()
    write_files({asked.out: f"{Experiment.from_dict(recipe).to_json(indent=2)}\n".encode()})
    for sentence in summarise(profile, made["dataset"], dataset.inputs):
        print(sentence)


def make_recipe_of_pictures(asked: argparse.Namespace, said: dict[str, Any], digest: str) -> None:
    """The same for a zip of pictures, with layers and learning rate that fit them."""
    from dlcore.checkpoint import write_files
    from dlcore.datasets.upload.images import images
    from dlcore.editing.fitting import with_fitting

    for name in said.keys() - {"side"}:
        raise Problem("table_unfit", name=f"--{name}", kind="zip")
    made, _ = images({"uploads": [digest], "names": [asked.table.name], **said}, b"", lambda share, partial: None)
    recipe = Experiment.from_dict(with_fitting({**Experiment().to_dict(), "dataset": made["dataset"]}))
    write_files({asked.out: f"{recipe.to_json(indent=2)}\n".encode()})
    for found in made["findings"]:
        print(Problem(found["key"], **found["values"]))
    for one in made["classes"]:
        print(Problem("table_class", name=one["name"], rows=one["rows"]))
    print(Problem("pictures_made", rows=recipe.dataset.rows, inputs=recipe.num_inputs))


def options_of(asked: argparse.Namespace) -> dict[str, Any]:
    """The options on the command line, as the jobs that read a table take them. Raises Problem."""
    said: dict[str, Any] = {name: getattr(asked, name) for name in ("target", "sheet", "decimal", "encoding")}
    said["separator"] = "\t" if asked.separator in ("tab", "\\t") else asked.separator
    said["inputs"] = asked.inputs and next(csv.reader([asked.inputs]))
    said["task"] = TASKS.get(asked.task)
    said["types"] = asked.types and dict(map(type_of, next(csv.reader([asked.types]))))
    texts = [name for name, kind in (said["types"] or {}).items() if kind == "text" and name != said["target"]]
    if said["inputs"] is None and len(texts) == 1:
        said["inputs"] = texts  # A column of texts is the only input of a network.
    said["missing"] = asked.missing and dict(map(marks_of, asked.missing))
    said["joined"] = asked.joined and next(csv.reader([asked.joined]))
    if asked.header is not None:
        above = None if asked.header == "none" else whole("--header", asked.header, 1, MOST_TITLES) - 1
        said |= {"header": False} if above is None else {"header": True, "titles": above}
    if asked.side is not None:
        said["side"] = whole("--side", asked.side, SMALLEST, LARGEST)
    if asked.sample is not None:
        said["sample"] = whole("--sample", asked.sample, LEAST_ROWS, MOST_ROWS)
    return {name: value for name, value in said.items() if value is not None and value != []}


def check_told(said: dict[str, Any], profile: dict[str, Any]) -> None:
    """Raises Problem for options that do not fit the file: a separator for a workbook, a type for a column that is not there."""
    for name in READING:
        if name in said and name not in profile["options"]:
            raise Problem("table_unfit", name=f"--{name}", kind=profile["format"])
    columns = {column["name"] for column in profile["columns"]}
    for name in (*said.get("types", ()), *said.get("missing", ()), *said.get("joined", ())):
        if name not in columns:
            raise Problem("upload_no_column", column=name)


def type_of(text: str) -> tuple[str, str]:
    """A column and its type, from NAME=TYPE. A name may itself contain "="."""
    name, _, kind = text.rpartition("=")
    if not name or kind not in COLUMN_TYPES:
        raise Problem("table_types", came=text)
    return name, kind


def marks_of(text: str) -> tuple[str, list[str]]:
    """A column and the marks that count as missing in it, from NAME=MARK,MARK; with NAME= there are none."""
    name, sign, marks = text.partition("=")
    if not (name and sign):
        raise Problem("table_missing", came=text)
    return name, next(csv.reader([marks]), [])


def whole(name: str, text: str, least: int, most: int) -> int:
    """A whole number in bounds."""
    if not (text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise Problem("out_of_bounds", path=name, expected=f"a whole number from {least} to {most}", came=text)
    return int(text)


def number_of_epochs(text: str) -> int:
    """A whole number in bounds."""
    if not text.isdecimal() or len(text) > 9 or int(text) > MOST_EPOCHS:
        raise Problem("epochs_out_of_bounds", limit=MOST_EPOCHS, came=text)
    return int(text)


def advance(replay: Replay, epochs: int) -> None:
    """Train for so many epochs, or fewer if the recipe stops early; on a terminal the progress is shown."""
    shows = sys.stderr.isatty()
    shown_at = 0.0
    trainer = replay.trainer
    while trainer.epoch < epochs and trainer.finished is None:
        replay.advance(deadline=time.monotonic() + SECONDS_BETWEEN_LINES)
        if shows and time.monotonic() - shown_at > SECONDS_BETWEEN_LINES:
            shown_at = time.monotonic()
            show_progress(trainer, epochs)
    trainer.settle()
    if shows:
        show_progress(trainer, epochs)


def show_progress(trainer: Trainer, total: int) -> None:
    """One line that writes over itself."""
    _, _, *values = trainer.history.rows(len(trainer.history) - 1)[0]
    numbers = zip(trainer.experiment.history_names(trainer.history.columns)[2:], values, strict=True)
    line = f"epoch {trainer.epoch}/{total}  " + "  ".join(
        f"{name} {number_text(value, '.4f')}" for name, value in numbers
    )
    print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def evaluate(asked: argparse.Namespace) -> None:
    """{"train": {"loss", metric}, "test": {...}}, with validation rows of three parts: the numbers of the history's last row, or, where
    the recipe restores the best epoch, of the row of that."""
    checkpoint = open_directory(asked.directory)

    from dlcore.learning.trainer import Trainer

    trainer = Trainer(checkpoint.experiment, device="cpu")
    trainer.load_weights(checkpoint.weights, step=checkpoint.step, epoch=checkpoint.epoch)
    train, watched = trainer.scores().to_dict().values()
    scores = {"train": train, checkpoint.experiment.watched: watched}
    if trainer.data.final is not None and (asked.unseal or not checkpoint.experiment.sealed):
        scores["test"] = trainer.scores_of(trainer.data.final)
    print(json.dumps(scores))


def predict(asked: argparse.Namespace) -> None:
    """A row for each row of the table: prediction, its target if it has one, and for classes the probability of each."""
    checkpoint = open_directory(asked.directory)

    from dlcore.datasets.store import LARGEST_UPLOAD
    from dlcore.new_rows import cells_of, new_rows, table_of
    from dlcore.predictions import predict_rows

    cells = cells_of(read_bytes(asked.table, LARGEST_UPLOAD + 1), checkpoint.column_names, table_of(checkpoint))
    rows = new_rows(checkpoint, cells, asked.table.name)
    predictions = predict_rows(checkpoint, rows)
    if (refusal := predictions.refusal()) is not None:
        raise refusal
    for found in rows.findings:
        print(f"dlcore: {Problem(found['key'], **found['values'])}", file=sys.stderr)
    predictions.write(sys.stdout)


def print_data(asked: argparse.Namespace) -> None:
    """The rows of the recipe, as the page's download has them."""
    from dlcore.export.rows import data_csv

    sys.stdout.write(data_csv(open_directory(asked.directory).experiment).decode())


def export_file(asked: argparse.Namespace) -> None:
    """One file in the format asked for."""
    checkpoint = open_directory(asked.directory)

    from dlcore.checkpoint import write_files

    history = asked.directory / "history.csv"
    curves = read_text(history) if asked.format == "report" and history.exists() else ""
    write_files({asked.out: export(checkpoint, asked.format, curves)})


def open_directory(directory: Path) -> Checkpoint:
    """The checkpoint that `train` has written into this directory."""
    import torch

    from dlcore.checkpoint import LARGEST_FILE, MODEL_FILE, open_checkpoint

    torch.set_num_threads(1)
    return open_checkpoint(read_bytes(directory / MODEL_FILE, LARGEST_FILE + 1))


def print_catalogue(asked: argparse.Namespace) -> None:
    """Every family with its kinds."""
    from dlcore.catalogue import catalogue

    print(json.dumps(catalogue(), indent=2))


def print_schema(asked: argparse.Namespace) -> None:
    """The recipe's JSON Schema."""
    from dlcore.catalogue import schema

    print(json.dumps(schema(), indent=2))


if __name__ == "__main__":
    sys.exit(main())
