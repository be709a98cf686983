"""The one door to st.session_state: what one person has chosen, and the run that belongs to it.

Here is what every page needs. The rest is in rooms: `widgets`, `uploads`, `standing` (the run), `editing` (the recipe).
"""

from ui.session.state import KeptRun, Session, bringer, current, hides, mark, owner, whose
from ui.session.words import follow_address, guard, label, speak, t

__all__ = [
    "KeptRun", "Session", "bringer", "current", "follow_address", "guard", "hides", "label", "mark", "owner", "speak", "t", "whose",
]  # fmt: skip
