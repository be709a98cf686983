"""The bundled pictures, judged by what others have measured of them; and the whole sets, fetched from a fake."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dlcore.__main__ import main
from dlcore.component import kinds
from dlcore.datasets import Dataset, whole
from dlcore.datasets.base import Grey
from dlcore.datasets.images import BUNDLED, Mnist
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem
from dlcore.rows import prepare

ROOT = Path(__file__).parent.parent
SETS = {"mnist": 5000, "fashion_mnist": 3000}
#: Of the files as they were drawn; whoever draws them anew with the scripts beside them gets the same.
SHA256 = {
    "mnist": "80676f06dc0b3e6a00851015c98e5ee805deba77f81b82ff47c3e1974cbc29e1",
    "fashion_mnist": "b9271baababb3121c26903715a83beb56afb2f93136cf384c90e0ccbbb6275dd",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of its own, and no leave to fetch."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(whole.VARIABLE, raising=False)
    yield
    whole.read.cache_clear()


def dataset(kind: str, **fields: Any) -> Any:
    cls: Any = kinds(Dataset)[kind]
    return cls(**fields)


def rows(kind: str, **fields: Any) -> tuple[np.ndarray, np.ndarray]:
    """(N, 784) bytes and (N,) classes."""
    table = dataset(kind, **fields).sample(np.random.default_rng(0))
    return table.X.astype(np.uint8), table.y


# The bundled ones


@pytest.mark.parametrize("kind", SETS)
def test_the_bundled_file_is_the_one_that_was_drawn_and_has_its_licence_beside_it(kind: str) -> None:
    folder = BUNDLED / kind
    assert hashlib.sha256((folder / "rows.npz").read_bytes()).hexdigest() == SHA256[kind]
    licence = (folder / "LICENSE.md").read_text()
    expected = {"mnist": ("Attribution-Share Alike 3.0", "Juan Cazala"), "fashion_mnist": ("MIT License", "Zalando SE")}
    assert all(words in licence for words in expected[kind])
    assert (folder / "make.py").exists()


def test_all_bundled_pictures_together_weigh_little() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.glob("*mnist/rows.npz")) < 2.2e6


@pytest.mark.parametrize("kind", SETS)
def test_there_are_as_many_of_each_class_and_no_two_pictures_are_equal(kind: str) -> None:
    X, y = rows(kind, samples=SETS[kind])
    assert X.shape == (SETS[kind], 784)
    assert np.bincount(y).tolist() == [SETS[kind] // 10] * 10
    assert len({row.tobytes() for row in X}) == len(X)


@pytest.mark.parametrize("kind", SETS)
def test_no_picture_stands_in_two_parts_of_a_split(kind: str) -> None:
    recipe = {"dataset": {"kind": kind, "samples": SETS[kind]}, "test_fraction": 0.3, "validation_fraction": 0.2}
    data = prepare(Experiment.from_dict(recipe))
    assert data.final is not None
    parts = [{row.tobytes() for row in part.X} for part in (data.train, data.watched, data.final)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == SETS[kind]


def test_mnist_has_the_ink_that_others_measured() -> None:
    """Mean .1307 and deviation .3081 are PyTorch's for all 60,000 (its MNIST example); size and middle are LeCun's: the larger side is
    scaled to 20 pixels, and the centre of mass put into the middle of 28x28."""
    X, _ = rows("mnist", samples=5000)
    ink = X.reshape(-1, 28, 28) / 255
    assert ink.mean() == pytest.approx(0.1307, abs=0.001)
    assert ink.std() == pytest.approx(0.3081, abs=0.002)
    place = np.arange(28)
    for axis in (1, 2):
        middles = (ink.sum(axis=3 - axis) * place).sum(axis=1) / ink.sum(axis=(1, 2))
        assert middles.mean() == pytest.approx(14, abs=0.1)
        assert abs(middles - 14).max() < 1.5
    inked = [[np.flatnonzero(picture.any(axis=axis)) for axis in (0, 1)] for picture in ink]
    assert np.mean([max(line[-1] - line[0] + 1 for line in lines) == 20 for lines in inked]) > 0.99


def test_fashion_mnist_has_the_ink_that_others_measured() -> None:
    """.2860 and .3530 are what PyTorch users normalise it with, of all 60,000."""
    X, _ = rows("fashion_mnist", samples=3000)
    assert X.mean() / 255 == pytest.approx(0.2860, abs=0.005)
    assert X.std() / 255 == pytest.approx(0.3530, abs=0.005)


def test_the_digits_of_mnist_are_what_their_labels_say() -> None:
    """scikit-learn's digits are other people's handwriting: a nearest neighbour among them names ours far better than chance."""
    from sklearn.datasets import load_digits
    from sklearn.neighbors import KNeighborsClassifier

    X, y = rows("mnist", samples=500)
    # 20 pixels of ink to the 8 of the others.
    small = nn.functional.adaptive_avg_pool2d(torch.from_numpy(X.reshape(-1, 1, 28, 28)[:, :, 4:24, 4:24] / 1.0), 8)
    theirs: Any = load_digits()
    judge = KNeighborsClassifier(3).fit(theirs.data / 16, theirs.target)
    assert judge.score(small.reshape(-1, 64).numpy() / 255, y) > 0.4  # By chance: 0.1.


@pytest.mark.parametrize("kind", SETS)
def test_whoever_asks_for_more_pictures_keeps_those_that_were_there(kind: str) -> None:
    few, more = (rows(kind, samples=samples) for samples in (200, 700))
    assert {row.tobytes() for row in few[0]} <= {row.tobytes() for row in more[0]}
    assert np.bincount(few[1]).tolist() == [20] * 10
    assert not np.array_equal(few[0], dataset(kind, samples=200).sample(np.random.default_rng(1)).X)


@pytest.mark.parametrize("kind", ["digits", "images", *SETS])
def test_a_convolution_reads_a_row_as_the_picture_that_it_is(kind: str) -> None:
    found = dataset(kind)
    picture = found.picture
    assert found.shape == (picture.channels, picture.height, picture.width)
    assert found.inputs == np.prod(found.shape)
    table = found.sample(np.random.default_rng(0))
    seen = nn.Unflatten(1, found.shape)(torch.from_numpy(table.X[:3]))
    assert np.array_equal(seen.reshape(3, -1).numpy(), table.X[:3])
    bright = table.X.reshape(-1, *found.shape).mean(axis=(0, 1))
    assert bright[picture.height // 2].mean() > bright[0].mean()  # Lines are lines: what is shown stands in the middle.


def test_how_bright_a_coloured_pixel_looks_is_what_pillow_says() -> None:
    from PIL import Image

    colours = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(colours).convert("L")) / 255
    rows_of_channels = np.moveaxis(colours, 2, 0).reshape(1, -1).astype(float)
    shades = np.array(Grey(4, 5, 255, 3).shades(rows_of_channels)).reshape(4, 5)
    assert abs(shades - expected).max() < 1.01 / 255


# The whole sets


def packed(images: np.ndarray, labels: np.ndarray) -> dict[str, bytes]:
    """The four files as MNIST's page describes them: six of these pictures for training, the others for testing."""
    files = {}
    for part, chosen in (("train", slice(6)), ("t10k", slice(6, None))):
        X, y = images[chosen], labels[chosen]
        files[f"{part}-images-idx3-ubyte"] = struct.pack(">IIII", 2051, len(X), 28, 28) + X.tobytes()
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">II", 2049, len(y)) + y.tobytes()
    return files


class Elsewhere:
    """A server that has these files, and notes what it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, X: np.ndarray, y: np.ndarray) -> None:
        self.files, self.asked = packed(X, y), list[str]()
        content = b"".join(self.files[name] for name in whole.FILES)
        source = whole.Source("https://pictures.example/", hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(whole.SOURCES, "mnist", source)

    def __call__(self, address: str) -> bytes:
        self.asked.append(address)
        return gzip.compress(self.files[address.rpartition("/")[2].removesuffix(".gz")])


X20 = np.random.default_rng(0).integers(0, 256, (20, 784), dtype=np.uint8)
Y20 = np.arange(20, dtype=np.uint8) % 10


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    monkeypatch.setenv(whole.VARIABLE, "1")
    monkeypatch.setattr(Mnist, "bundled", 10)
    return Elsewhere(monkeypatch, X20, Y20)


def test_the_whole_set_is_fetched_once_and_is_what_was_sent(elsewhere: Elsewhere) -> None:
    whole.fetch("mnist", "MNIST", elsewhere)
    whole.fetch("mnist", "MNIST", elsewhere)
    assert elsewhere.asked == [f"https://pictures.example/{name}.gz" for name in whole.FILES]
    table = Mnist(samples=20).sample(np.random.default_rng(0))
    assert np.array_equal(table.X, X20)
    assert np.array_equal(table.y, Y20)


def test_nothing_is_fetched_where_nobody_allowed_it(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(whole.VARIABLE, "yes")
    with pytest.raises(Problem, match="DLCORE_DOWNLOADS=1") as caught:
        whole.fetch("mnist", "MNIST", elsewhere)
    assert caught.value.key == "pictures_not_allowed"
    assert not elsewhere.asked


def test_a_recipe_that_asks_for_more_makes_no_worker_fetch_anything(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "_open", elsewhere)
    wanted = Experiment.from_dict({"dataset": {"kind": "mnist", "samples": 20}, "batch_size": 5})
    for use in (prepare, Experiment.check_readable):
        with pytest.raises(Problem) as caught:
            use(wanted)
        assert caught.value.key == "pictures_not_here"
    assert not elsewhere.asked
    wanted.dataset.fetch()
    wanted.check_readable()
    assert len(prepare(wanted).train.X) == 10


def test_pictures_that_are_not_those_expected_are_never_kept(elsewhere: Elsewhere) -> None:
    elsewhere.files["t10k-labels-idx1-ubyte"] = elsewhere.files["t10k-labels-idx1-ubyte"][:-1] + b"\0"
    with pytest.raises(Problem) as caught:
        whole.fetch("mnist", "MNIST", elsewhere)
    assert caught.value.key == "pictures_changed"
    assert not whole.is_here("mnist")


def test_a_kept_file_that_was_damaged_is_not_used_and_can_be_fetched_again(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    whole.fetch("mnist", "MNIST", elsewhere)
    (kept,) = tmp_path.rglob("mnist")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(Problem) as caught:
        Mnist(samples=20).sample(np.random.default_rng(0))
    assert caught.value.key == "pictures_changed"
    whole.fetch("mnist", "MNIST", elsewhere)
    assert len(Mnist(samples=20).sample(np.random.default_rng(0)).y) == 20


@pytest.mark.parametrize("answer", [OSError("no route"), b"<html>sorry</html>", b"", b"\x1f\x8b\x08cut"])
def test_a_server_that_cannot_be_reached_or_sends_something_else_is_said(
    answer: bytes | OSError, elsewhere: Elsewhere
) -> None:
    def opened(address: str) -> bytes:
        if isinstance(answer, OSError):
            raise answer
        return answer

    with pytest.raises(Problem) as caught:
        whole.fetch("mnist", "MNIST", opened)
    assert caught.value.key in ("pictures_offline", "pictures_changed")
    assert not whole.is_here("mnist")


def test_the_command_line_says_in_one_line_what_it_would_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"dataset": {"kind": "mnist", "samples": 60000}}')
    assert main(["train", str(recipe), "--epochs", "1", "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "DLCORE_DOWNLOADS=1" in said
    assert not (tmp_path / "run").exists()


def test_an_install_brings_the_bundled_files_along() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["dlcore"]
    for kind in SETS:
        for name in ("rows.npz", "LICENSE.md"):
            path = (BUNDLED / kind / name).relative_to(ROOT / "dlcore")
            assert any(Path("x", path).match(pattern.replace("**", "*")) for pattern in patterns), (kind, name)
    assert (ROOT / "deploy" / "Dockerfile").read_text().count("COPY dlcore dlcore") == 1


@pytest.mark.parametrize("kind", SETS)
def test_a_script_of_a_picture_run_reads_its_rows_from_a_file_and_ends_at_the_same_numbers(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(
        f'{{"dataset": {{"kind": "{kind}", "samples": 100}}, "layers": [{{"kind": "dense", "units": 4}}]}}'
    )
    run = str(tmp_path / "run")
    assert main(["train", str(recipe), "--epochs", "2", "--out", run, "--engine", "autograd"]) == 0
    assert main(["export", run, "--format", "script", "--out", str(tmp_path / "script.py")]) == 0
    capsys.readouterr()
    assert main(["data", run]) == 0
    (tmp_path / "data.csv").write_text(capsys.readouterr().out)
    told = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert main(["evaluate", run]) == 0
    losses = {part: scores["loss"] for part, scores in json.loads(capsys.readouterr().out).items()}
    for loss in losses.values():
        assert any(abs(float(word) - loss) < 2e-5 for word in told.replace(",", " ").split() if _is_number(word)), (
            losses,
            told,
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


# Ready networks


@pytest.mark.parametrize(
    "size", [(1, 8, 8), (3, 8, 64), (1, 13, 20), (3, 14, 14), (1, 28, 28), (3, 39, 64), (3, 64, 64)], ids=str
)
def test_ready_networks_fit_pictures_of_every_size(size: tuple[int, int, int]) -> None:
    channels, height, width = size
    found = dataset("images", digest="0" * 32, height=height, width=width, channels=channels, available=60, samples=60)
    stacks = found.stacks(30)
    assert list(stacks) == ["small_cnn", "dense", "dense_wide"]
    assert found.fitting(30) == stacks["small_cnn"]
    for name, fitting in stacks.items():
        recipe = Experiment.from_dict({"dataset": found.to_dict(), **fitting.parts()})
        outputs = plain_forward(recipe, torch.zeros(2, channels * height * width))
        assert outputs.shape == (2, 10), name
    assert Experiment.from_dict({"dataset": found.to_dict(), **stacks["small_cnn"].parts()}).num_parameters < 25_000


def plain_forward(recipe: Experiment, X_BD: torch.Tensor) -> torch.Tensor:
    """The network as plain torch would write it down from the recipe, by hand."""
    modules: list[nn.Module] = [nn.Unflatten(1, recipe.dataset.shape)] if recipe.layers[0].kind == "conv2d" else []
    for layer in recipe.to_dict()["layers"]:
        match layer["kind"]:
            case "conv2d":
                modules += [
                    nn.LazyConv2d(layer["channels"], layer["kernel"], layer["stride"], layer["padding"]),
                    nn.ReLU(),
                ]
            case "max_pool":
                modules.append(nn.MaxPool2d(layer["size"]))
            case "dense":
                modules += [nn.LazyLinear(layer["units"]), nn.ReLU()]
            case "flatten":
                modules.append(nn.Flatten())
            case "dropout":
                modules.append(nn.Dropout(layer["p"]))
    return nn.Sequential(*modules, nn.LazyLinear(recipe.num_outputs))(X_BD)


def test_digits_open_on_a_network_that_learns_them_and_a_dense_one_still_reads_64_numbers() -> None:
    stacks = dataset("digits").stacks(1258)
    bare = Experiment.from_dict({"dataset": {"kind": "digits"}, "test_fraction": 0.3}).to_dict()
    trainers = {}
    for name in ("small_cnn", "dense"):
        trainers[name] = Trainer(Experiment.from_dict({**bare, **stacks[name].parts()}), "cpu")
        while trainers[name].epoch < 6:
            trainers[name].advance()
    assert trainers["small_cnn"].history.column("test_accuracy")[-1] > 0.95  # Ten classes: by chance 0.1.
    assert trainers["dense"].snapshot().weights["0.weight"].shape == (24, 64)
