"""What the page Evaluate can open large: one module of this package each, whose `draw_section()` draws it.

To add one, write the module, a function here that imports it, its line in SECTIONS, and a card in grid.py. Opening a section imports
that one alone, as some import figures, which takes long.
"""

from __future__ import annotations

from collections.abc import Callable


def _scores() -> None:
    from ui.evaluating import scores

    scores.draw_section()


def _curves() -> None:
    from ui.evaluating import curves

    curves.draw_section()


def _examples() -> None:
    from ui.evaluating import examples

    examples.draw_section()


def _warnings() -> None:
    from ui.evaluating import warnings

    warnings.draw_section()


def _baselines() -> None:
    from ui.evaluating import baselines

    baselines.draw_section()


def _growth() -> None:
    from ui.evaluating import growth

    growth.draw_section()


def _seeds() -> None:
    from ui.evaluating import seeds

    seeds.draw_section()


def _whatif() -> None:
    from ui.evaluating import whatif

    whatif.draw_section()


def _predict() -> None:
    from ui.evaluating import predict

    predict.draw_section()


def _report() -> None:
    from ui.evaluating import report

    report.draw_section()


SECTIONS: dict[str, Callable[[], None]] = {
    "scores": _scores,
    "examples": _examples,
    "curves": _curves,
    "baselines": _baselines,
    "warnings": _warnings,
    "growth": _growth,
    "seeds": _seeds,
    "whatif": _whatif,
    "predict": _predict,
    "report": _report,
}
#: Sections whose words differ for numbers: there is no confusion matrix and no ROC curve then.
OF_THE_TASK = ("examples", "curves")


def name_key(section: str, has_classes: bool) -> str:
    """The key of the section's title; with `.plain` behind it, that of the sentence that says the same in plain words."""
    key = f"evaluate.section.{section}"
    return key if has_classes or section not in OF_THE_TASK else f"{key}.numbers"
