"""What the browser sees. With app.py and pages/, the only importer of streamlit."""

from __future__ import annotations

from pathlib import Path

from dlcore.problems import read_sentences

read_sentences(Path(__file__).parent)
