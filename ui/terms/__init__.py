"""Term cards: for each word that a beginner does not know two sentences, a picture, and the formula last. `open_term` opens one."""

from __future__ import annotations

from ui.terms.dialog import draw_dialog, open_term
from ui.terms.terms import TERMS, Term

__all__ = ["TERMS", "Term", "draw_dialog", "open_term"]
