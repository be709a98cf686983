"""The door: everything that comes from outside passes here, before Streamlit sees it."""

from ui.door.middleware import COOKIE, IDENTITY, STREAM, Door, owner_of

__all__ = ["COOKIE", "IDENTITY", "STREAM", "Door", "owner_of"]
