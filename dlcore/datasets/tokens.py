"""From a text to tokens, and from many texts to a vocabulary.

Words: in small letters; a run of letters (an apostrophe within it belongs to it), a run of digits, and every other sign by itself. A Han
character is a word. Characters: every character by itself, blanks in a row as one. In both, signs that nobody sees, such as marks of
writing direction, are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Unit = Literal["words", "characters"]

PADDING, UNKNOWN = 0, 1  # ids of what stands before a short text, and of every token that is not in the vocabulary
FIRST = 2  # the id of the first token in the vocabulary
LONGEST_TOKEN = 40  # Characters of a word; what follows is cut off.
INVISIBLE = r"[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
HAN = r"[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
#: A letter, with the marks above and below letters, which Python does not count as such. In scripts from Devanagari to Thai they are many.
LETTER = rf"(?:(?!{HAN})[^\W\d_]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0970-\u0dff\u0e30-\u0e4e])"
WORD = rf"{HAN}|{LETTER}+(?:['’]{LETTER}+)*|\d+|[^\w\s]|_"


def split_tokens(text: str, unit: Unit) -> list[str]:
    """The tokens of a text, in their order."""
    plain = re.sub(INVISIBLE, "", text)
    if unit == "characters":
        return list(unicodedata.normalize("NFC", " ".join(plain.split())))
    return [word[:LONGEST_TOKEN] for word in re.findall(WORD, unicodedata.normalize("NFC", plain.lower()))]


def is_token(text: str, unit: Unit) -> bool:
    """Whether a text is one token, as a vocabulary may hold it."""
    if unit == "characters":
        return text == " " or split_tokens(text, unit) == [text]
    # A word that was cut may end with an apostrophe.
    return split_tokens(text.rstrip("'’") or text, unit) == [text.rstrip("'’") or text]


def learn_vocabulary(texts: Iterable[list[str]], most: int) -> tuple[str, ...]:
    """The `most` most frequent tokens of texts that were split; of equally frequent ones those that came first."""
    counts = Counter(token for tokens in texts for token in tokens)
    return tuple(token for token, _ in counts.most_common(most))
