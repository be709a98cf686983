"""Arrow's functions over whole columns. They come into being at import, where no type checker sees them."""

from __future__ import annotations

import importlib
from typing import Any

compute: Any = importlib.import_module("pyarrow.compute")
