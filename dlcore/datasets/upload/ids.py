"""Recognises columns that only name their rows by their headings: OrderId, customer_id, order no., 学号."""

from __future__ import annotations

import re

NAMELESS = re.compile(r"column \d+")
WHOLE = re.compile(r"index|idx|key|row ?names?|rowid|rownum(ber)?|unnamed.*|__index_level_\d+__")
LAST = {"id", "ids", "uuid", "guid", "no", "nr", "key", "idx"}
FIRST = {"id", "uuid"}
#: Things that people number, written as one word with "id": customerid.
TOGETHER = re.compile(
    r"(customer|client|user|person|people|patient|subject|student|pupil|passenger|employee|staff|member|product|item|article|order"
    r"|invoice|transaction|account|loan|session|device|sensor|case|record|row|sample|event|movie|house|listing|post)id"
)
CHINESE = re.compile(r".*(编号|序号|学号|工号|卡号|单号|证号|账号|帐号|流水号|考号|座号|病历号|号码)")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def is_named_id(name: str) -> bool:
    """Whether this is the name of a column that names the rows."""
    small = name.lower()
    if WHOLE.fullmatch(small) or TOGETHER.fullmatch(small) or CHINESE.fullmatch(name):
        return True
    words = [word.lower() for word in WORDS.findall(name)]
    return bool(words) and (words[-1] in LAST or words[0] in FIRST)
