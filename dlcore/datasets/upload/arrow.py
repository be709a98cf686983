"""Arrow's functions over whole columns. pyarrow makes them when it is imported, so that no type checker knows them."""

from __future__ import annotations

import importlib
from typing import Any

compute: Any = importlib.import_module("pyarrow.compute")
