"""What the browser shows. Only this package, app.py and pages/ import streamlit."""

from __future__ import annotations

from pathlib import Path

from dlcore.problems import read_sentences

read_sentences(Path(__file__).parent)
