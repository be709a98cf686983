"""The door: everything that comes from outside passes here, before Streamlit sees it."""

from ui.door.cookies import COOKIE, SECURE_COOKIE, new_secret, owner_of
from ui.door.middleware import IDENTITY, Door, check_settings
from ui.door.reachable import STREAM
from ui.door.refusals import FOREIGN_ORIGIN, FULL

__all__ = [
    "COOKIE",
    "FOREIGN_ORIGIN",
    "FULL",
    "IDENTITY",
    "SECURE_COOKIE",
    "STREAM",
    "Door",
    "check_settings",
    "new_secret",
    "owner_of",
]
