"""Makes tang.txt.gz and song.txt.gz: couplets of Li Bai and Du Fu (traditional characters), lines of Xin Qiji and Liu Yong (simplified).

    npm pack chinese-poetry@2.0.1 && tar xzf chinese-poetry-2.0.1.tgz
    python make.py package/dist

A line of a file is a class, a tab and a verse. Verses with notes or gaps, what stands twice but for the marks, and what is ascribed to
both poets are left out.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from pathlib import Path

#: Where the poems are, whose they are, and how many characters a verse has, marks among them.
SOURCES = {
    "tang": ("quantangshi/poet.tang.*.json", ("李白", "杜甫"), (10, 20)),
    "song": ("songci/ci.song.*.json", ("辛弃疾", "柳永"), (6, 20)),
}
VERSE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff，。、；？！]+")
MARKS = "，。、；？！"


def main() -> None:
    for name, (pattern, poets, (shortest, longest)) in SOURCES.items():
        verses: dict[str, dict[str, str]] = {poet: {} for poet in poets}
        for file in sorted(Path(sys.argv[1]).glob(pattern)):
            for poem in json.loads(file.read_text(encoding="utf-8")):
                for verse in poem["paragraphs"] if poem["author"] in poets else ():
                    if VERSE.fullmatch(verse) and shortest <= len(verse) <= longest:
                        plain = verse.translate({ord(mark): None for mark in MARKS})
                        verses[poem["author"]].setdefault(plain, verse)
        both = set.intersection(*map(set, verses.values()))
        rows = [(poet, verse) for poet in poets for plain, verse in verses[poet].items() if plain not in both]
        random.Random(1).shuffle(rows)
        text = "".join(f"{poet}\t{verse}\n" for poet, verse in rows)
        target = Path(__file__).with_name(f"{name}.txt.gz")
        target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
