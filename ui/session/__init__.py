"""The one door to st.session_state: what one person has chosen, and the run that belongs to it.

Here is what every page needs. The rest is in rooms: `widgets`, `uploads`, `standing` (the run), `editing` (the recipe).
"""

from ui.session.state import (
    Example,
    Session,
    current,
    find_example,
    find_hidden,
    is_hidden,
    mark,
    name_owner,
    owner,
    secret_of_bringer,
)
from ui.session.words import follow_address, guard, label, speak, t

__all__ = [
    "Example", "Session", "current", "find_example", "find_hidden", "follow_address", "guard", "is_hidden", "label", "mark",
    "name_owner", "owner", "secret_of_bringer", "speak", "t",
]  # fmt: skip
