"""A student that also uploads, downloads and visits other pages, without a browser."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.sockets import BINARY
from benchmarks.student import Student, ask
from ui.messages import text

EXPORT = text("en", "export")  # The menu of files on the playground.
TABLES = text("en", "data.file")  # The uploader's label on the page Data.
MOST_HEARD = 500  # last messages of the page that are remembered


class Visitor(Student):
    """Knows the elements of the page it is on by the labels that people read."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.session = ""  # The id of its Streamlit session.
        self.pages: dict[str, str] = {}  # {path: hash}
        self.uploaders: dict[str, str] = {}  # {label: id}
        self.downloads: dict[str, str] = {}  # {label: id of the file that is made at the press}
        self.menus: dict[str, str] = {}  # {label: id}, of menus that are filled when they are opened
        self.alerts: list[str] = []
        # hash of the page asked for, the page shown, and the page whose script has finished
        self._here = self._shown = self._finished = ""
        self._heard: deque[bytes] = deque(maxlen=MOST_HEARD)
        self._asked_for: dict[str, asyncio.Future[Any]] = {}

    async def open_menu(self, label: str) -> None:
        """Open a menu of the heading, which then has its content."""
        await self.rerun([WidgetState(id=self.menus[label], bool_value=True)])

    async def go(self, path: str) -> None:
        """Go to another page of the app."""
        self._here = self.pages[path]
        while self._finished != self._here:  # A script of the previous page may finish first.
            await self.rerun()

    def heard(self, words: bytes) -> bool:
        """Whether one of the last messages contains these bytes."""
        return any(words in message for message in self._heard)

    async def rerun(self, states: Sequence[WidgetState] = ()) -> float:
        """Rerun the page that it is on; the seconds until it is there."""
        started = time.perf_counter()
        await self._rerun(states, page=self._here)
        return time.perf_counter() - started

    async def upload(self, label: str, name: str, content: bytes) -> int:
        """Upload a file as this uploader would, and tell the page; the HTTP status of the upload."""
        urls = await self.upload_urls(name)
        status = await put(self._port, urls.upload_url, name, content, self.cookie)
        state = WidgetState(id=self.uploaders[label])
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id, file_urls=urls
        )
        await self.rerun([state])
        return status

    async def upload_urls(self, name: str) -> FileURLs:
        """The addresses to which this file may be uploaded."""
        message = BackMsg()
        request = message.file_urls_request
        request.request_id, request.session_id = uuid.uuid4().hex, self.session
        request.file_names.append(name)
        answer = await self._wait_for(request.request_id, message)
        return answer.file_urls[0]

    async def download(self, label: str) -> bytes:
        """Press a download button; returns the file. Raises ConnectionError with the server's message if there is none."""
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = uuid.uuid4().hex, self.session
        request.deferred_file.file_id = self.downloads[label]
        answer = await self._wait_for(request.request_id, message)
        if answer.error_msg:
            raise ConnectionError(answer.error_msg)
        return (await ask(self._port, "GET", answer.deferred_file.url, self.cookie))[1]

    async def _wait_for(self, identifier: str, message: BackMsg) -> Any:
        assert self._page is not None
        waiting = self._asked_for[identifier] = asyncio.get_running_loop().create_future()
        self._page.send(message.SerializeToString(), BINARY)
        return await self._page.answer(waiting, self.patience)

    def hear_page(self, content: bytes) -> None:
        super().hear_page(content)
        self._heard.append(content)
        answer = ForwardMsg.FromString(content)
        match answer.WhichOneof("type"):
            case "new_session":
                self.session = answer.new_session.initialize.session_id or self.session
            case "delta" if answer.delta.add_block.popover.id:
                self.menus[answer.delta.add_block.popover.label] = answer.delta.add_block.popover.id
            case "navigation":
                self._shown = answer.navigation.page_script_hash
                self.pages = {page.url_pathname: page.page_script_hash for page in answer.navigation.app_pages}
            case "file_urls_response":
                self._settle(answer.file_urls_response.response_id, answer.file_urls_response)
            case "backend_operation_response":
                self._settle(answer.backend_operation_response.request_id, answer.backend_operation_response)

    def _has_finished(self) -> None:
        super()._has_finished()
        self._finished = self._shown

    def _settle(self, identifier: str, answer: Any) -> None:
        waiting = self._asked_for.pop(identifier, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def learn(self, element: Any) -> None:
        super().learn(element)
        match element.WhichOneof("type"):
            case "file_uploader":
                self.uploaders[element.file_uploader.label] = element.file_uploader.id
            case "download_button":
                self.downloads[element.download_button.label] = element.download_button.deferred_file_id
            case "alert":
                self.alerts.append(element.alert.body)


async def put(port: int, url: str, name: str, content: bytes, cookie: str) -> int:
    """Upload a file as Streamlit's uploader does; the HTTP status."""
    xsrf = (await ask(port, "GET", "/_stcore/health", cookie))[2].get("_streamlit_xsrf", "")
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode() + content
    body += f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Origin": f"http://127.0.0.1:{port}",
        "X-Xsrftoken": xsrf,
    }
    cookies = f"{cookie}; _streamlit_xsrf={xsrf}"
    return (await ask(port, "PUT", urlsplit(url).path, cookies, headers, body))[0]
