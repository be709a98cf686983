"""Imports point one way: judged on the syntax trees, and on what a fresh interpreter has loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from ui.pages import PAGES, Page

pytestmark = pytest.mark.xdist_group("imports")  # One process reads all modules, once.

ROOT = Path(__file__).parent.parent
ROOMS = ("dlcore", "ui", "pages", "benchmarks")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted([*ROOT.glob("app.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])
}

# From the ground up: a module may import its own storey and those below, never one above.
STOREYS = (
    (
        "dlcore", "dlcore.problems", "dlcore.jobs", "dlcore.wire", "dlcore.limits", "dlcore.side", "dlcore.children", "dlcore.overtime",
        "dlcore.strict", "dlcore.libraries", "dlcore.randomness", "dlcore.arrays", "dlcore.folders", "dlcore.spreadsheet", "dlcore.rights",
    ),
    ("dlcore.component",),
    (
        "dlcore.activations", "dlcore.initializers", "dlcore.layers", "dlcore.losses", "dlcore.metrics",
        "dlcore.optimizers", "dlcore.schedules", "dlcore.regularizers", "dlcore.class_weights", "dlcore.objectives", "dlcore.datasets",
        "dlcore.journal", "dlcore.recipe",
    ),
    ("dlcore.plan",),
    ("dlcore.experiment",),
    (
        "dlcore.recipes", "dlcore.rows", "dlcore.share", "dlcore.network", "dlcore.stages", "dlcore.engines",
        "dlcore.devices", "dlcore.frame", "dlcore.learning",
        "dlcore.learning.snapshot", "dlcore.learning.history", "dlcore.learning.learner",
    ),
    ("dlcore.learning.passing", "dlcore.learning.carry", "dlcore.learning.noting", "dlcore.learning.kept"),
    ("dlcore.learning.supervised", "dlcore.learning.judging", "dlcore.learning.epochs"),
    ("dlcore.learning.trainer",),
    ("dlcore.learning.replay", "dlcore.learning.interventions", "dlcore.learning.timeline", "dlcore.pictures"),
    ("dlcore.learning.acts",),
    (
        "dlcore.files", "dlcore.checkpoint_facts", "dlcore.checkpoint", "dlcore.new_rows", "dlcore.predictions", "dlcore.export",
        "dlcore.views",
        "dlcore.catalogue", "dlcore.editing", "dlcore.thumbnails", "dlcore.evaluation", "dlcore.seeds",
    ),
    ("dlcore.coaching", "dlcore.gallery"),
    ("dlcore.runs",),
    ("dlcore.desks",),
    ("dlcore.nursery",),
    ("dlcore.__main__",),
    ("ui",),
    ("pages",),
    ("app",),
    ("benchmarks",),
)  # fmt: skip
IMPORTING = ("import_module", "__import__", "find_spec", "import_string")
HEAVY = ("torch", "onnx", "onnxscript", "onnxruntime")
SERVING = [name for name in MODULES if name.split(".")[0] in ("app", "pages", "ui")] + [
    "dlcore.experiment",
    "dlcore.runs.server.pool",
]


def for_each(modules: Iterable[str]) -> Callable[[Callable[[str], None]], Callable[[], None]]:
    """One test that holds for each of these modules, and names all for which it does not: a test of its own each took longer than it."""

    def one_test(check: Callable[[str], None]) -> Callable[[], None]:
        def test() -> None:
            wrong: dict[str, str] = {}
            for module in modules:
                try:
                    check(module)
                except AssertionError as error:
                    wrong[module] = str(error)
            assert not wrong

        test.__name__ = check.__name__
        return test

    return one_test


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def imported(module: str, node: ast.stmt) -> Iterator[str]:
    """Full names that an import statement may load: modules, and names in packages that may be modules."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
        parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*parts, *filter(None, [node.module])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


@cache
def imports_at_start(module: str) -> set[str]:
    """What is loaded with the module: not what stands in functions or under TYPE_CHECKING."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree_of(module)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(imported(module, node))
        waiting.extend(ast.iter_child_nodes(node))
    return found


@cache
def imports_anywhere(module: str) -> set[str]:
    nodes = ast.walk(tree_of(module))
    return {name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for name in imported(module, node)}


def is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def storey(module: str) -> int:
    """The storey of the longest name that fits."""
    fits = [(len(name), index) for index, names in enumerate(STOREYS) for name in names if is_of(module, name)]
    return max(fits)[1]


def named(module: str) -> set[str]:
    """Our modules that it imports anywhere, for a type too. `from package import module` names the module, not the package."""
    found: set[str] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            base, *names = imported(module, node)
            found |= {base, *names} if isinstance(node, ast.Import) or not {*names} <= MODULES.keys() else {*names}
    return (found & MODULES.keys()) - {module}


def in_circles(modules: set[str]) -> set[str]:
    """Those that lie on a circle of imports, or between two."""
    graph = {name: named(name) & modules for name in modules}
    while ends := {name for name in graph if not graph[name]} | (graph.keys() - set().union(*graph.values())):
        graph = {name: others - ends for name, others in graph.items() if name not in ends}
    return set(graph)


def loaded_with(module: str) -> set[str]:
    """The module and everything of ours that comes with it, packages included."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in MODULES and name not in reached:
            reached.add(name)
            parents = name.split(".")
            waiting.extend(".".join(parents[:length]) for length in range(1, len(parents)))
            waiting.extend(imports_at_start(name))
    return reached


@for_each(MODULES)
def test_only_the_page_imports_streamlit(module: str) -> None:
    if module.split(".")[0] not in ("app", "pages", "ui"):
        found = [name for name in imports_anywhere(module) if is_of(name, "streamlit")]
        # A benchmark that plays a browser speaks its protocol.
        assert not [name for name in found if not (is_of(name, "streamlit.proto") and is_of(module, "benchmarks"))]


@for_each([name for name in MODULES if is_of(name, "dlcore")])
def test_deep_learning_knows_no_page(module: str) -> None:
    rooms = ("app", "pages", "ui", "tests", "benchmarks")
    assert not [name for name in imports_anywhere(module) if name.split(".")[0] in rooms]


@for_each(MODULES)
def test_imports_point_downwards(module: str) -> None:
    placed = module == "dlcore" or any(is_of(module, name) for names in STOREYS for name in names if name != "dlcore")
    assert placed, f"{module} has no storey yet: give it one in STOREYS"
    for name in imports_at_start(module) & MODULES.keys():
        assert storey(name) <= storey(module), f"{module} imports {name}, which stands above it"


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert in_circles(set(MODULES)) == set()


@for_each([name for name in MODULES if not is_of(name, "benchmarks")])
def test_no_module_of_ours_is_imported_by_a_name_in_a_string(module: str) -> None:
    for node in ast.walk(tree_of(module)):
        match node:
            case ast.Call(func=function, args=[name, *_]) if ast.unparse(function).endswith(IMPORTING):
                # A library of others that has no types, or may be missing.
                assert isinstance(name, ast.Constant) and name.value.split(".")[0] not in ROOMS, ast.unparse(node)
            case ast.Constant(value=str(text)):
                where, colon, what = text.partition(":")
                assert not (colon and what.isidentifier() and where in MODULES), text


def test_no_job_knows_the_list_of_jobs() -> None:
    reached: set[str] = set()
    waiting = named("dlcore.desks.jobs")
    assert "dlcore.evaluation.scores" in waiting  # What a function imports is seen.
    while waiting:
        reached |= waiting
        waiting = {other for name in waiting for other in named(name)} - reached
    assert "dlcore.desks.jobs" not in reached


@pytest.mark.parametrize("page", PAGES, ids=[page.script.stem for page in PAGES])
def test_the_session_knows_no_page(page: Page[object]) -> None:
    folder = page.memory.__module__.rpartition(".")[0]
    assert not [name for name in loaded_with("ui.session") if is_of(name, folder)]


@for_each(SERVING)
def test_the_serving_side_does_not_load_torch(module: str) -> None:
    for name in loaded_with(module):
        heavy = {found for found in imports_at_start(name) if found.split(".")[0] in HEAVY}
        assert not heavy, f"{module} loads {name}, which imports {', '.join(sorted(heavy))}"


def test_a_fresh_interpreter_of_the_serving_side_has_no_torch() -> None:
    # Scripts (frame, pages, app) draw when they are imported: the test above follows their imports instead.
    modules = [name for name in SERVING if name.split(".")[0] in ("ui", "dlcore") and name not in ("ui.frame",)]
    code = (
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        f"print(*sorted(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_package_alone_does_not_load_torch() -> None:
    code = "import sys, dlcore; dlcore.Experiment(); print('torch' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.split() == ["False", "False"], done.stderr


FORBIDDEN_CALLS = ("torch.load", "torch.save", "pickle.loads", "pickle.load")


@for_each(MODULES)
def test_nothing_runs_code_from_data_or_shows_raw_html(module: str) -> None:
    assert not [
        name for name in imports_anywhere(module) if name.split(".")[0] in ("pickle", "cloudpickle", "joblib", "dill")
    ]
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in FORBIDDEN_CALLS, ast.unparse(node)
            assert "unsafe_allow_html" not in [keyword.arg for keyword in node.keywords], ast.unparse(node)


@for_each([name for name in MODULES if is_of(name, "dlcore") and name != "dlcore.__main__"])
def test_deep_learning_prints_nothing(module: str) -> None:
    calls = [node.func for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]
    assert "print" not in [call.id for call in calls if isinstance(call, ast.Name)]
