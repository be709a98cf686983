"""The sections of the page Evaluate, in display order: one module of this package each, whose `section()` draws it.

To add one, write the module, a function here that imports it, and its line in SECTIONS. Opening a section imports that one alone, as
some import figures, which takes long.
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
    "curves": _curves,
    "examples": _examples,
    "warnings": _warnings,
    "baselines": _baselines,
    "growth": _growth,
    "seeds": _seeds,
    "whatif": _whatif,
    "predict": _predict,
    "report": _report,
}
