"""An uploaded table, or uploaded pictures, in an exported script: data.csv is read, and a table prepared by scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable

from dlcore.datasets.columns import CategoryColumn, DateColumn, NumberColumn
from dlcore.datasets.pixels import BRIGHTEST, PixelData
from dlcore.datasets.table import TableData
from dlcore.spreadsheet import safe_cell

WIDEST = 110  # characters of a line

READ = """\
# The file that the page gives as "Data": columns, then the target, then the split. An empty cell is missing.
with open("data.csv", newline="", encoding="utf-8") as file:
    _, *rows = csv.reader(file)
"""
SPLIT = """\
split = np.array([row[-1] for row in rows])
{parts} = {tests}
"""
NUMBER = '''\
def number(cells, strategy, *scaler):
    """(N, 1): what is missing stands as the training rows say, then all is scaled as they say."""
    pipeline = make_pipeline(SimpleImputer(strategy=strategy, keep_empty_features=True), *scaler)
    values = np.array([[float(cell or "nan")] for cell in cells])
    return pipeline.fit(values[train]).transform(values)
'''
DATE = '''\
def days(cells):
    """Dates as numbers: days since 1970-01-01."""
    moments = np.array([cell or "NaT" for cell in cells], dtype="datetime64[ms]")
    return (moments - np.datetime64(0, "ms")) / np.timedelta64(1, "D")
'''
CATEGORY = '''\
def category(cells, values, *imputer):
    """(N, values): 1 where a row has the value. Of one that no training row has nothing can be learned: 0."""
    texts = np.array([[cell or np.nan] for cell in cells], dtype=object)
    encoder = OneHotEncoder(categories=[values], handle_unknown="ignore", sparse_output=False)
    encoded = make_pipeline(*imputer, encoder).fit(texts[train]).transform(texts)
    return encoded * encoded[train].any(axis=0)
'''
IMPUTER = 'SimpleImputer(strategy="most_frequent", keep_empty_features=True)'
SCALERS = {"standard": ", StandardScaler()", "minmax": ", MinMaxScaler()", "none": ""}
SKLEARN = {
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.pipeline": ("make_pipeline",),
    "sklearn.preprocessing": ("MinMaxScaler", "OneHotEncoder", "StandardScaler"),
}


def list_sklearn_imports(body: str) -> list[str]:
    """Lines that import what the body uses of it."""
    used = {module: [name for name in names if f"{name}(" in body] for module, names in SKLEARN.items()}
    return [f"from {module} import {', '.join(names)}" for module, names in used.items() if names]


def write_reading(parts: tuple[str, ...]) -> str:
    """The file's rows, and which of them belong to each part."""
    tests = ", ".join(f'split == "{part}"' for part in parts)
    return f"{READ}\n{SPLIT.format(parts=', '.join(parts), tests=tests)}"


def write_table_part(table: TableData, parts: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Lines that make X (float64), the rows of the parts (`train`, `test`) and y of data.csv; and lines that prepare y for learning."""
    dates = any(isinstance(column, DateColumn) for column in table.columns)
    names = any(isinstance(column, CategoryColumn) for column in table.columns)
    numbers = not all(isinstance(column, CategoryColumn) for column in table.columns)
    functions = [*[DATE] * dates, *[NUMBER] * numbers, *[CATEGORY] * names]
    prepared = [
        "# One pipeline a column, fitted on the training rows alone.",
        "columns = list(zip(*rows))",
        "X = np.hstack([",
        *(f"    {line}" for index, column in enumerate(table.columns) for line in _write_column(index, column)),
        "])",
    ]
    if table.classes:
        target = [
            *write_list("classes = ", table.classes, ""),
            "y = np.array([classes.index(row[-2]) for row in rows])",
        ]
        return [write_reading(parts), *functions, "\n".join([*prepared, *target])], []
    prepared.append("y = np.array([float(row[-2]) for row in rows])")
    scaled = """
# The target too: mean 0 and deviation 1 of the training rows. A prediction means scaler.inverse_transform of it.
scaler = StandardScaler().fit(y[train, None])
y = scaler.transform(y[:, None])[:, 0].astype(np.float32)
"""
    return [write_reading(parts), *functions, "\n".join(prepared)], [scaled.strip()]


def write_pictures_part(pictures: PixelData, parts: tuple[str, ...]) -> list[str]:
    """Lines that make X, the row numbers of the parts and y of data.csv."""
    values = "Grey values" if pictures.channels == 1 else "Red, then green, then blue"
    lines = [
        f"# {values} from 0 to {BRIGHTEST}, {pictures.height} rows of {pictures.width} pixels, as numbers from 0 to 1.",
        f"X = (np.array([row[:-2] for row in rows], dtype=np.float64) / {BRIGHTEST}).astype(np.float32)",
        *write_list("classes = ", pictures.classes, ""),
        "y = np.array([classes.index(row[-2]) for row in rows])",
    ]
    return [write_reading(parts), "\n".join(lines)]


def _write_column(index: int, column: NumberColumn | CategoryColumn) -> list[str]:
    """A line, or several where its categories are many."""
    named = f"# {column.name}"
    if isinstance(column, CategoryColumn):
        imputer = f", {IMPUTER}" if column.impute == "most_frequent" else ""
        return [named, *write_list(f"category(columns[{index}], ", column.values, f"{imputer}),")]
    cells = f"days(columns[{index}])" if isinstance(column, DateColumn) else f"columns[{index}]"
    return [named, f'number({cells}, "{column.impute}"{SCALERS[column.scale]}),']


def write_list(before: str, texts: Iterable[str], after: str) -> list[str]:
    """`before`, the texts as a list, `after`; a text is never broken."""
    written = [repr(safe_cell(text)) for text in texts]
    whole = f"{before}[{', '.join(written)}]{after}"
    if len(whole) <= WIDEST:
        return [whole]
    lines = [""]
    for one in written:
        if lines[-1] and len(lines[-1]) + len(one) > WIDEST - 10:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{one},"
    return [f"{before}[", *(f"    {line}" for line in lines), f"]{after}"]
