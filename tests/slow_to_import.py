"""A job whose module takes long to import, as torch does: of test_desks.py."""

from __future__ import annotations

import time

from tests import odd_desk

begun = time.process_time()
while time.process_time() - begun < 0.7:
    pass


def spin(arguments: odd_desk.Arguments, payload: bytes, progress: odd_desk.Progress) -> odd_desk.Answer:
    """As the odd desk's, and how long the import took."""
    header, content = odd_desk.spin(arguments, payload, progress)
    return {**header, "imported": 0.7}, content
