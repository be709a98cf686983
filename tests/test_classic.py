"""Images and classic sets: judged by arrays written with NumPy and by the format's own description; the network is a fake, or refuses."""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from sklearn.utils import Bunch

from dlcore import rights
from dlcore.arrays import from_bytes
from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, classic, store
from dlcore.datasets.upload import import_table, look, reading
from dlcore.datasets.upload.images import images
from dlcore.problems import Problem

GENERATOR = np.random.default_rng(0)
X = GENERATOR.integers(0, 256, (60, 28, 28), dtype=np.uint8)
Y = np.arange(60, dtype=np.uint8) % 10


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store of its own."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))
    yield
    store.empty_memory()
    reading.forget()


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def brought(*contents: bytes, names: tuple[str, ...] = ()) -> tuple[dict[str, Any], np.ndarray, store.Stored]:
    header, payload = images(
        {"uploads": [store.keep_upload(content) for content in contents], "names": list(names)}, b"", ignored
    )
    header = json.loads(json.dumps(header))
    return header, from_bytes(payload)["X"], store.get_table(header["dataset"]["digest"])


def refusal(*contents: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        brought(*contents)
    return caught.value


def npz(**arrays: np.ndarray) -> bytes:
    with io.BytesIO() as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    """As LeCun's page describes it: magic number, sizes, then the bytes row by row."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    "contents",
    [
        (npz(x_train=X[:50], y_train=Y[:50], x_test=X[50:], y_test=Y[50:]),),
        (npz(images=X, labels=Y.astype(np.int64)),),
        (npz(X=X.reshape(60, -1), y=Y[:, None]),),
        (npz(X=np.asfortranarray(X[..., None]), y=Y.astype(np.float32)),),
        (idx(X), idx(Y)),
        (gzip.compress(idx(Y)), gzip.compress(idx(X))),
    ],
)
def test_images_come_in_as_they_are(contents: tuple[bytes, ...]) -> None:
    header, samples, stored = brought(*contents, names=("train-images.gz", "train-labels.gz")[: len(contents)])
    np.testing.assert_array_equal(stored.arrays["X"], X.reshape(60, 784))
    np.testing.assert_array_equal(stored.arrays["y"], Y)
    assert (stored.arrays["X"].dtype, stored.arrays["y"].dtype) == (np.uint8, np.int64)
    assert (header["rows"], len(header["classes"]), header["classes"][3]) == (60, 10, {"name": "3", "rows": 6})
    assert samples.shape == (40, 784)
    part = header["dataset"]
    assert (part["height"], part["width"], part["available"]) == (28, 28, 60)
    data = validate(kinds(Dataset)["images"], part)
    assert data.to_dict() == part
    table = data.sample(np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(table.y), np.sort(Y))


def test_both_halves_of_mnists_idx_files_are_joined() -> None:
    contents = (idx(X[:50]), idx(Y[:50]), idx(X[50:]), idx(Y[50:]))
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    np.testing.assert_array_equal(brought(*contents, names=names)[2].arrays["y"], Y)


def test_shades_from_0_to_1_become_bytes() -> None:
    stored = brought(npz(X=X / 255, y=Y))[2]
    np.testing.assert_array_equal(stored.arrays["X"], X.reshape(60, 784))


def claiming(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    """An .npz file whose header claims an array that is not there."""
    import zipfile

    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"abc")
        return file.getvalue()


@pytest.mark.parametrize(
    ("contents", "key"),
    [
        ((idx(X),), "upload_images_labels"),
        ((idx(Y),), "upload_no_images"),
        ((idx(X), idx(Y[:40])), "upload_images_labels"),
        ((idx(X)[:-1], idx(Y)), "upload_damaged"),
        ((bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 28, 28) + b"x", idx(Y)), "upload_damaged"),
        ((bytes([0, 0, 8, 3]), idx(Y)), "upload_damaged"),
        ((gzip.compress(idx(X))[:500], idx(Y)), "upload_damaged"),
        ((claiming((2**31, 28, 28)),), "upload_damaged"),
        ((claiming((3,), "|O"),), "upload_damaged"),
        ((claiming((-1, 3)),), "upload_damaged"),
        ((claiming((True, 3)),), "upload_damaged"),
        ((npz(x=np.array(["a", "b", "c"]), y=Y),), "upload_damaged"),
        ((npz(X=np.zeros((30, 65, 65), np.uint8), y=np.arange(30) % 3),), "upload_images_size"),
        ((npz(X=X, y=np.arange(60)),), "upload_images_classes"),
        ((npz(X=X, y=np.zeros(60)),), "upload_images_classes"),
        ((npz(X=np.zeros((60, 28, 28, 4), np.uint8), y=Y),), "upload_no_images"),
        ((npz(X=np.full((60, 28, 28), np.nan), y=Y),), "upload_damaged"),
        ((npz(x_train=X, y_train=Y, x_test=X[:30, :20, :20], y_test=Y[:30]),), "upload_images_differ"),
        ((b"a,b\n1,2\n",), "upload_no_images"),
        ((b"",), "upload_empty"),
    ],
)  # fmt: skip
def test_images_that_are_none_or_claim_too_much_are_refused(contents: tuple[bytes, ...], key: str) -> None:
    assert refusal(*contents).key == key


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "run",))

    with io.BytesIO() as file:
        np.savez(file, X=np.array([Evil()] * 3, dtype=object), y=Y)
        assert refusal(file.getvalue()).key == "upload_damaged"
    assert not (tmp_path / "run").exists()


def test_images_among_the_tables_are_shown_their_way() -> None:
    for content in (npz(X=X, y=Y), idx(X)):
        with pytest.raises(Problem) as caught:
            look({"upload": store.keep_upload(content), "name": "mnist.csv"}, b"", ignored)
        assert caught.value.key == "upload_images"


# Classic sets


def fetched(name: str) -> tuple[dict[str, Any], bytes]:
    header, payload = classic.classic({"name": name}, b"", ignored)
    return json.loads(json.dumps(header)), payload


def titanic() -> pd.DataFrame:
    """Of the form of OpenML's, filled by chance."""
    rows = 200
    numbers = {name: GENERATOR.integers(0, 5, rows) for name in ("pclass", "sibsp", "parch")}
    words = {"sex": GENERATOR.choice(["male", "female"], rows), "embarked": GENERATOR.choice(["S", "C", "Q"], rows)}
    survived = GENERATOR.choice(["0", "1"], rows)
    return pd.DataFrame(
        {
            **numbers, **words, "age": GENERATOR.normal(30, 9, rows), "fare": GENERATOR.gamma(2, 9, rows),
            "survived": pd.Categorical(survived), "boat": np.where(survived == "1", "4", None),
        }
    )  # fmt: skip


def test_a_table_from_openml_goes_the_way_of_every_table(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fake(**arguments: Any) -> Bunch:
        asked.append(arguments)
        return Bunch(frame=titanic())

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fake)
    header, _ = fetched("titanic")
    assert asked[0]["data_id"] == 40945
    arguments = {"upload": header["upload"], "name": header["name"], **header["options"]}
    profile, _ = look(arguments, b"", ignored)
    assert (profile["target"], profile["task"], "boat" in profile["inputs"]) == ("survived", "classification", False)
    part, _ = import_table(arguments, b"", ignored)
    assert (part["dataset"]["rows"], part["dataset"]["classes"]) == (200, ["0", "1"])


def test_who_has_fetched_a_classic_set_has_it_for_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: Bunch(frame=titanic()))
    openml(monkeypatch, ROWS, "https://www.openml.org/data/mnist.arff", packed=False)
    with rights.working_for("a" * 64):
        header, _ = fetched("titanic")
        arguments = {"upload": header["upload"], "name": header["name"], **header["options"]}
        made = [import_table(arguments, b"", ignored)[0]["dataset"], fetched("mnist")[0]["dataset"]]
    for mark in ("b" * 64, rights.NOBODY):
        with rights.working_for(mark):
            assert look(arguments, b"", ignored)[0]["rows"] == 200
            for part in made:
                store.get_table(part["digest"])


def test_a_table_that_has_changed_at_openml_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda **_: Bunch(frame=titanic().drop(columns="survived")))
    with pytest.raises(Problem, match="in another form than expected"):
        fetched("titanic")


@pytest.mark.parametrize("name", classic.SETS)
def test_without_a_connection_a_plain_sentence_offers_the_bundled_neighbour(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens at this port of this machine: refused at once, as by a firewall.
    for proxy in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.setattr("urllib.request._opener", None)  # It remembers the proxies of its first use.
    monkeypatch.setattr("time.sleep", lambda _: None)  # Of scikit-learn, between two tries.
    with pytest.raises(Problem) as caught:
        fetched(name)
    wanted = classic.SETS[name]
    assert caught.value.key == "classic_offline"
    assert caught.value.values["name"] == wanted.title
    titles = {kind.title for kind in kinds(Dataset).values()}
    assert caught.value.values["neighbour"] == wanted.neighbour in titles


@pytest.mark.parametrize(
    "error", [TimeoutError("timed out"), ConnectionResetError(104, "Connection reset by peer"), EOFError()]
)
def test_a_connection_that_breaks_is_said_too(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", broken)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", broken)
    for name in ("penguins", "mnist"):
        with pytest.raises(Problem) as caught:
            fetched(name)
        assert caught.value.key == "classic_offline"


class Response(io.BytesIO):
    def __init__(self, content: bytes, **headers: str) -> None:
        super().__init__(content)
        self.headers = headers


def openml(monkeypatch: pytest.MonkeyPatch, rows: bytes, address: str, packed: bool) -> list[str]:
    """A fake of it: a description, and an ARFF file at the address."""
    asked: list[str] = []
    arff = b"% a comment\n@RELATION mnist\n@ATTRIBUTE pixel1 real\n@DATA\n" + rows

    def answered(opener: Any, asks: str, data: Any = None, timeout: float = 0) -> Response:
        asked.append(asks)
        if "/api/" in asked[-1]:
            return Response(json.dumps({"data_set_description": {"url": address}}).encode())
        if not packed:
            return Response(arff)
        response = Response(gzip.compress(arff))
        response.headers = {"Content-Encoding": "gzip"}
        return response

    monkeypatch.setattr("urllib.request.OpenerDirector.open", answered)
    monkeypatch.setattr(classic, "BLOCK", 10_000)  # Less than a block of rows: they are cut anywhere.
    return asked


ROWS = "\n".join(",".join(map(str, [*image.reshape(-1), label])) for image, label in zip(X, Y, strict=True)).encode()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("rows", [ROWS, ROWS + b"\r\n", ROWS.replace(b"\n", b"\r\n")])
def test_mnist_is_read_as_it_arrives_and_fetched_once(
    rows: bytes, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = openml(monkeypatch, rows, "https://api.openml.org/data/v1/download/52667/mnist_784.arff", packed)
    header, payload = fetched("mnist")
    stored = store.get_table(header["dataset"]["digest"])
    np.testing.assert_array_equal(stored.arrays["X"], X.reshape(60, 784))
    np.testing.assert_array_equal(stored.arrays["y"], Y)
    assert asked[1] == "https://www.openml.org/data/v1/download/52667/mnist_784.arff"
    assert fetched("mnist") == (header, payload)
    assert len(asked) == 2


def test_fashion_mnist_names_its_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    openml(monkeypatch, ROWS, "https://www.openml.org/data/v1/download/18238735/x.arff", packed=True)
    header, _ = fetched("fashion_mnist")
    assert header["dataset"]["classes"][9] == "Ankle boot"


@pytest.mark.parametrize(
    ("rows", "address"),
    [
        (ROWS, "https://evil.example/mnist.arff"),
        (ROWS, "https://openml.org.evil.example/mnist.arff"),
        (b"1,2,3\n4,5,6\n", "https://www.openml.org/x"),
        (b"<html>sorry</html>", "https://www.openml.org/x"),
        (ROWS.replace(b",9\n", b",99\n"), "https://www.openml.org/x"),
        (b"", "https://www.openml.org/x"),
    ],
)
def test_what_is_not_mnist_is_not_taken_for_it(rows: bytes, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    openml(monkeypatch, rows, address, packed=False)
    with pytest.raises(Problem) as caught:
        fetched("mnist")
    assert caught.value.key == "classic_changed"


def test_a_set_that_nobody_knows() -> None:
    with pytest.raises(Problem, match="There is no classic data set 'cifar'"):
        fetched("cifar")
