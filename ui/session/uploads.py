"""Uploaded files and pasted text of this person. Once they are taken, Streamlit's memory holds nothing of them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dlcore import rights
from dlcore.datasets import store
from ui.session.state import current, mark


def find_file(key: str) -> Any:
    """The file chosen in the uploader of this key; None if there is none."""
    return st.session_state.get(key)


def take_files(key: str) -> list[tuple[str, bytes]]:
    """Names and bytes of the chosen files. They are removed from Streamlit's memory, and the next uploader is a new widget.

    Streamlit would hold them until the session ends, as it does not notice that the uploader is no longer drawn.
    """
    current().uploads += 1
    files = [file for file in st.session_state.get(key) or () if hasattr(file, "getvalue")]
    contents = [(file.name, file.getvalue()) for file in files]
    context = get_script_run_ctx()
    for file in files:
        if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return contents


def keep_upload(content: bytes) -> str:
    """Put a raw file into the store, owned by this page's owner; returns its digest. Raises Problem."""
    with rights.working_for(mark()):
        return store.keep_upload(content)


def read_text(key: str) -> str:
    """The text in the field of this key."""
    return st.session_state.get(key) or ""


def write_text(key: str, text: str) -> None:
    """Put this text into the field of this key, which is drawn later in this run of the script."""
    st.session_state[key] = text


def read_upload(digest: str) -> bytes:
    """A raw file of this page's owner, from the store. Raises Problem."""
    with rights.working_for(mark()):
        return store.get_upload(digest)
