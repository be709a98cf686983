"""Zips of pictures: read as Pillow's own tools see them; and files that no pictures should be, each with one clear sentence, soon."""

from __future__ import annotations

import csv
import io
import json
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlcore.__main__ import main
from dlcore.arrays import from_bytes
from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, store
from dlcore.datasets.upload import folders
from dlcore.datasets.upload.images import images
from dlcore.problems import Problem
from ui.messages import sentence

PATIENCE = 5.0  # seconds of computing
GENERATOR = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of its own."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))
    store.empty_memory()


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def drawn(height: int = 12, width: int = 12, colour: bool = False) -> np.ndarray:
    pixels = GENERATOR.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return pixels if colour else pixels[..., 0]


def encoded(pixels: np.ndarray | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    picture = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    with io.BytesIO() as file:
        picture.save(file, form, **options)
        return file.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return file.getvalue()


def two_folders(**others: bytes) -> dict[str, bytes]:
    """Ten grey pictures in each of two folders."""
    return {f"{name}/{number}.png": encoded(drawn()) for name in ("cat", "dog") for number in range(10)} | others


def brought(content: bytes, **options: Any) -> tuple[dict[str, Any], store.Stored]:
    header, payload = images({"uploads": [store.keep_upload(content)], "names": ["pets.zip"], **options}, b"", ignored)
    header = json.loads(json.dumps(header))
    assert from_bytes(payload)["X"].dtype == np.uint8
    part = validate(kinds(Dataset)["images"], header["dataset"])
    assert part.to_dict() == header["dataset"]
    return header, store.get_table(part.digest)


def refusal(content: bytes) -> Problem:
    """The one sentence that comes of it, in good time, in both languages; and nothing is kept."""
    begin = time.process_time()
    with pytest.raises(Problem) as caught:
        brought(content)
    assert time.process_time() - begin < PATIENCE
    for language in ("en", "zh_CN"):
        said = sentence(language, caught.value)
        assert 10 < len(said) < 400 and "\n" not in said and "Traceback" not in said
    assert not [path for path in store.folder().iterdir() if path.suffix == ".table"]
    return caught.value


# What is read


def test_the_folder_is_the_class_and_the_pixels_are_those_of_the_file() -> None:
    files = {f"pets/{name}/{number}.png": encoded(drawn()) for name in ("猫", "dog") for number in range(10)}
    header, stored = brought(packed(files | {"pets/": b"", "__MACOSX/pets/dog/._0.png": b"x", "pets/read.txt": b"me"}))
    part = header["dataset"]
    assert (part["classes"], part["channels"], part["height"], part["width"]) == (["dog", "猫"], 1, 12, 12)
    assert [one["rows"] for one in header["classes"]] == [10, 10]
    assert header["findings"] == []
    for row, (name, content) in enumerate(files.items()):
        assert part["classes"][stored.arrays["y"][row]] == name.split("/")[1]
        assert np.array_equal(stored.arrays["X"][row].reshape(12, 12), np.asarray(Image.open(io.BytesIO(content))))


def test_pictures_in_colour_keep_their_colours_channel_after_channel() -> None:
    files = {f"{name}/{number}.png": encoded(drawn(9, 15, colour=True)) for name in "ab" for number in range(10)}
    header, _ = brought(packed(files))
    assert header["dataset"]["channels"] == 3
    data = validate(kinds(Dataset)["images"], header["dataset"])
    assert data.shape == (3, 9, 15)
    table = data.sample(np.random.default_rng(0))
    expected = sorted(
        np.moveaxis(np.asarray(Image.open(io.BytesIO(content))), 2, 0).tobytes() for content in files.values()
    )
    assert sorted(row.astype(np.uint8).tobytes() for row in table.X) == expected
    assert table.column_names[0] == "1x1 red" and table.column_names[9 * 15] == "1x1 green"


def test_pictures_of_many_sizes_are_brought_to_one_and_nothing_is_cut_off() -> None:
    shapes = [(100, 50), (30, 60), (45, 45), (200, 300)]
    files = {}
    for number in range(20):
        height, width = shapes[number % 4]
        pixels = np.full((height, width), 200, np.uint8)
        pixels[: height // 2] = 40  # The upper half is dark.
        files[f"{'ab'[number % 2]}/{number}.jpg"] = encoded(pixels, "JPEG", quality=95)
    header, stored = brought(packed(files))
    part = header["dataset"]
    assert (part["height"], part["width"], part["channels"]) == (32, 32, 1)
    assert [found["key"] for found in header["findings"]] == ["found_resized"]
    for row, number in enumerate(range(20)):
        picture = stored.arrays["X"][row].reshape(32, 32).astype(int)
        height, width = shapes[number % 4]
        inner = 32 * min(height, width) // max(height, width)
        middle = picture[:, 16] if height >= width else picture[(32 - inner) // 2 : (32 + inner) // 2, 16]
        assert abs(middle[: len(middle) // 2 - 2] - 40).max() < 8
        assert abs(middle[len(middle) // 2 + 2 :] - 200).max() < 8


@pytest.mark.parametrize(("size", "side", "expected"), [(5, 0, 32), (64, 0, 64), (65, 0, 32), (12, 8, 8), (12, 64, 64)])
def test_a_side_has_8_to_64_pixels(size: int, side: int, expected: int) -> None:
    files = {f"{name}/{number}.png": encoded(drawn(size, size)) for name in "ab" for number in range(10)}
    assert brought(packed(files), side=side)[0]["dataset"]["height"] == expected


def test_transparent_and_16_bit_pictures_are_read_and_it_is_said_how() -> None:
    clear = np.zeros((12, 12, 4), np.uint8)
    clear[3:6, :, 3] = 255  # Three black lines on nothing.
    deep = np.full((12, 12), 0x8040, np.uint16)
    header, stored = brought(packed(two_folders() | {"cat/clear.png": encoded(clear), "dog/deep.png": encoded(deep)}))
    assert {found["key"]: found["values"]["count"] for found in header["findings"]} == {
        "found_transparent": 1,
        "found_16_bits": 1,
    }
    rows = stored.arrays["X"].reshape(-1, 12, 12)
    assert any(np.array_equal(row[:, 0], [255] * 3 + [0] * 3 + [255] * 6) for row in rows)
    assert any((row == 0x80).all() for row in rows)


def test_a_photo_taken_on_its_side_stands_upright() -> None:
    pixels = np.zeros((16, 8), np.uint8)
    pixels[:8] = 255
    turned = Image.Exif()
    turned[0x0112] = 6  # To be turned by 90 degrees: what is above stands on the right.
    files = {f"a/{number}.jpg": encoded(pixels, "JPEG", exif=turned, quality=95) for number in range(10)}
    files |= {f"b/{number}.jpg": encoded(np.zeros((8, 16), np.uint8), "JPEG") for number in range(10)}
    _, stored = brought(packed(files))
    first = stored.arrays["X"][0].reshape(8, 16)
    assert first[:, 10:].min() > 200 and first[:, :6].max() < 50


def test_a_picture_by_the_book_of_png_is_read() -> None:
    """Signature and chunks as the W3C's recommendation writes them, without Pillow."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = drawn(10, 9)
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", 9, 10, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    _, stored = brought(packed({f"{name}/{number}.png": png for name in "ab" for number in range(10)}))
    assert np.array_equal(stored.arrays["X"][7].reshape(10, 9), pixels)


def test_names_from_a_computer_that_packs_in_its_own_code_are_readable() -> None:
    files = {f"{name}/{number}.png": encoded(drawn()) for name in ("cat", "dog") for number in range(10)}
    raw = packed(files).replace(b"cat/", "狗".encode("gb18030") + b"a/")
    assert brought(raw)[0]["dataset"]["classes"] == ["dog", "狗a"]


def test_an_npz_of_coloured_images_is_read_too() -> None:
    X = GENERATOR.integers(0, 256, (30, 6, 8, 3), dtype=np.uint8)
    with io.BytesIO() as file:
        np.savez(file, x=X, y=np.arange(30) % 3)
        header, stored = brought(file.getvalue())
    assert (header["dataset"]["channels"], header["dataset"]["height"], header["dataset"]["width"]) == (3, 6, 8)
    assert np.array_equal(stored.arrays["X"][4].reshape(3, 6, 8), np.moveaxis(X[4], 2, 0))


# What is refused


def test_a_picture_of_40_megapixels_is_refused_before_it_is_decoded() -> None:
    large = encoded(Image.new("1", (8000, 5000)))
    problem = refusal(packed(two_folders() | {"cat/large.png": large}))
    assert (problem.key, problem.values["name"], problem.values["came"]) == (
        "upload_picture_large",
        "cat/large.png",
        40,
    )


@pytest.mark.parametrize("side", [20_000, 60_000, 2**31 - 1])
def test_a_bomb_that_claims_a_huge_picture_is_refused(side: int) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9))
        + chunk(b"IEND", b"")
    )
    assert refusal(packed(two_folders() | {"cat/bomb.png": bomb})).key in (
        "upload_picture_large",
        "upload_picture_damaged",
    )


def test_a_bomb_of_text_in_a_picture_is_refused_or_read_in_little_memory() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    picture = encoded(drawn())
    remark = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    assert (
        refusal(packed(two_folders() | {"cat/text.png": picture[:33] + remark + picture[33:]})).key
        == "upload_picture_damaged"
    )


def test_a_zip_that_unpacks_to_far_more_is_not_opened() -> None:
    bomb = packed(two_folders() | {"cat/zeros.png": bytes(300_000_000)})
    assert refusal(bomb).key == "upload_pictures_bomb"


def test_a_zip_of_10000_files_is_not_opened() -> None:
    content = encoded(drawn(8, 8))
    files = {f"{'ab'[number % 2]}/{number}.png": content for number in range(10_000)}
    assert refusal(packed(files)).key == "upload_pictures_bomb"
    some = dict(list(files.items())[:2001])
    problem = refusal(packed(some))
    assert (problem.key, problem.values["limit"]) == ("upload_pictures_many", 2000)


@pytest.mark.parametrize(
    "name", ["../x.png", "cat/../../x.png", "/etc/x.png", "..\\x.png", "C:/x.png", "cat\\..\\..\\x.png"]
)
def test_a_zip_that_names_files_outside_of_itself_is_not_opened(name: str) -> None:
    assert refusal(packed(two_folders() | {name: encoded(drawn())})).key == "upload_zip_outside"


def test_a_folder_with_one_picture_is_named() -> None:
    problem = refusal(packed(two_folders() | {"mouse/0.png": encoded(drawn())}))
    assert (problem.key, problem.values["name"]) == ("upload_folder_of_one", "mouse")


def moving() -> bytes:
    frames = [Image.fromarray(drawn()) for _ in range(3)]
    return encoded(frames[0], save_all=True, append_images=frames[1:], duration=50)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("cat/moves.png", moving(), "upload_picture_moves"),
        ("cat/moves.gif", encoded(drawn(), "GIF"), "upload_picture_kind"),
        ("cat/gif.png", encoded(drawn(), "GIF"), "upload_picture_damaged"),
        ("cat/photo.webp", b"RIFF", "upload_picture_kind"),
        ("cat/cut.png", encoded(drawn(60, 60))[:900], "upload_picture_damaged"),
        ("cat/cut.jpg", encoded(drawn(60, 60), "JPEG")[:300], "upload_picture_damaged"),
        ("cat/empty.png", b"", "upload_picture_damaged"),
        ("cat/text.jpg", b"a,b\n1,2\n", "upload_picture_damaged"),
        ("cat/page.png", b"<html></html>", "upload_picture_damaged"),
        ("alone.png", encoded(drawn()), "upload_picture_without_folder"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_picture_as_they_are_read_is_named(name: str, content: bytes, key: str) -> None:
    problem = refusal(packed(two_folders() | {name: content}))
    assert (problem.key, problem.values["name"]) == (key, name)


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({"a/readme.txt": b"x"}, "upload_no_pictures"),
        ({f"a/{number}.png": encoded(drawn()) for number in range(30)}, "upload_folders"),
        ({f"{number // 2}/{number}.png": encoded(drawn()) for number in range(50)}, "upload_folders"),
        ({f"{'ab'[number % 2]}/{number}.png": encoded(drawn()) for number in range(8)}, "upload_pictures_few"),
    ],
)
def test_too_few_or_too_many_folders_or_pictures_are_said(files: dict[str, bytes], key: str) -> None:
    assert refusal(packed(files)).key == key


@pytest.mark.parametrize("cut", [30, 200, 1000])
def test_a_zip_that_is_cut_short_is_damaged(cut: int) -> None:
    assert refusal(packed(two_folders())[:-cut]).key == "upload_damaged"


def test_a_locked_zip_is_said() -> None:
    raw = bytearray(packed(two_folders()))
    at = raw.find(b"PK\x01\x02")
    raw[at + 8] |= 1  # The flag of an entry that is encrypted.
    assert refusal(bytes(raw)).key == "upload_locked"


# The command line


def test_the_command_line_makes_a_recipe_of_a_zip_and_predicts_from_pixels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {}
    for number in range(60):
        pixels = np.full((10, 10), 30, np.uint8)
        pixels[:, :5] = 220 if number % 2 else 30  # The left half is bright, or it is not.
        files[f"{('dark', 'bright')[number % 2]}/{number}.png"] = encoded(
            pixels + GENERATOR.integers(0, 9, (10, 10), dtype=np.uint8)
        )
    (tmp_path / "halves.zip").write_bytes(packed(files))
    recipe, run = str(tmp_path / "recipe.json"), str(tmp_path / "run")
    assert main(["table", str(tmp_path / "halves.zip"), "--out", recipe]) == 0
    said = capsys.readouterr().out
    assert "60" in said and "'bright': 30" in said
    made = json.loads(Path(recipe).read_text())
    assert (made["dataset"]["kind"], made["dataset"]["name"], made["dataset"]["height"]) == ("images", "halves.zip", 10)
    assert main(["train", recipe, "--epochs", "20", "--out", run]) == 0
    columns = [f"{line}x{pixel}" for line in range(1, 11) for pixel in range(1, 11)]
    with (tmp_path / "new.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerow([30] * 100)
        writer.writerow(([220] * 5 + [30] * 5) * 10)
    capsys.readouterr()
    assert main(["predict", run, str(tmp_path / "new.csv")]) == 0
    told = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["prediction"] for row in told] == ["dark", "bright"]


def test_an_option_of_tables_is_refused_for_a_zip_of_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pets.zip").write_bytes(packed(two_folders()))
    out = tmp_path / "recipe.json"
    assert main(["table", str(tmp_path / "pets.zip"), "--target", "cat", "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["table", str(tmp_path / "pets.zip"), "--side", "90", "--out", str(out)]) == 2
    assert not out.exists()
    assert main(["table", str(tmp_path / "pets.zip"), "--side", "16", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["dataset"]["width"] == 16


def test_predict_takes_the_784_columns_of_mnist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, run = tmp_path / "recipe.json", str(tmp_path / "run")
    recipe.write_text('{"dataset": {"kind": "mnist", "samples": 200}, "layers": [{"kind": "dense", "units": 16}]}')
    assert main(["train", str(recipe), "--epochs", "20", "--out", run]) == 0
    assert main(["data", run]) == 0
    (tmp_path / "rows.csv").write_text(capsys.readouterr().out)
    assert main(["predict", run, str(tmp_path / "rows.csv")]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    right = [row["prediction"] == row["class"] for row in rows]
    assert len(rows) == 200
    assert sum(right[:100]) > 90  # Training rows, which come first.


def test_the_bounds_that_are_told_are_those_that_are_kept() -> None:
    assert (folders.SMALLEST, folders.LARGEST, folders.MOST_PICTURES) == (8, 64, 2000)
