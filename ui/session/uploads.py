"""What this person hands in: files and pasted text. Streamlit keeps nothing of them once they are taken."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dlcore.datasets import rights, store
from ui.session.state import current, mark


def find_file(key: str) -> Any:
    """The file that was chosen, if there is one."""
    return st.session_state.get(key)


def take_files(key: str) -> list[tuple[str, bytes]]:
    """Names and bytes of the files that were chosen. Streamlit lets go of them, and the next uploader is a new one.

    It would keep them in memory until the session ends, as the uploader is not told that its widget is gone.
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
    """The digest of a raw file, which is in the store now and belongs to whom this page belongs. Raises Problem."""
    with rights.working_for(mark()):
        return store.keep_upload(content)


def take_text(key: str) -> str:
    """The text that stands in this field; the field is empty from now on."""
    text = st.session_state.get(key) or ""
    st.session_state[key] = ""
    return text
