"""A page's socket, between browser and Streamlit: passes on only messages that our pages send, no faster than the owner may send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from google.protobuf.message import DecodeError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest, BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs, FileURLsRequest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer

from dlcore.problems import Problem
from ui.door.sessions import Sessions
from ui.door.turns import Turn, Turns
from ui.door.uploads import Uploads
from ui.messages import escape, find_language, sentence, text

#: Kinds of messages passed on to Streamlit, and of these the operations that are not declined.
PASSED_ON, OPERATIONS = ("rerun_script", "stop_script"), ("deferred_file",)
NOT_THE_PROTOCOL = 1002  # Close code, as Streamlit's.
SILENT = 10.0  # Seconds after which a socket that has sent nothing is closed; our page sends at once.
LONG = 10  # Seconds that a notice stays on the page.


class Stream:
    """One socket. `pace` is awaited before each message of it."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        owner: str,
        sessions: Sessions,
        uploads: Uploads,
        turns: Turns,
        pace: Callable[[], Awaitable[None]],
    ) -> None:
        self._receive, self._send = receive, send
        self._subprotocol = next(iter(scope.get("subprotocols", [])), None)
        self._first: list[MutableMapping[str, Any]] = []  # messages read by `speaks` and not yet passed on
        self.owner = owner
        self._sessions, self._uploads = sessions, uploads
        self._turns = turns
        self._turn: Turn | None = None
        self._pace = pace
        self._language = find_language(HTTPConnection(scope).headers.get("accept-language")) or "en"
        self.session = ""
        self.gone = False  # True once the browser has left or takes no more messages.
        self._script = ""  # the script that runs, by Streamlit's hash
        self._shown = ""  # the page that is shown, by its hash
        self._were_shown: set[str] = set()
        self._asked_for = ""  # the page that a pressed link leads to, until it is shown
        self._begun_since = False  # True once a script began after that link was pressed.
        self._beside = 0  # elements outside the page's flow, styles and notices, that its script drew
        self._begun = False

    async def speaks(self) -> bool:
        """Accept the socket and wait for its first message; False if none comes, so that Streamlit begins no session for it."""
        opening = await self._receive()
        await self._pace()
        await self._send({"type": "websocket.accept", "subprotocol": self._subprotocol})
        self._first = [opening]
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENT):
                self._first.append(await self._receive())
        if len(self._first) == 1:
            await self._send({"type": "websocket.close", "code": NOT_THE_PROTOCOL})
        return self._first[-1]["type"] == "websocket.receive"

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message for Streamlit. It may have to wait for its turn, and nothing more is read from the socket meanwhile."""
        while True:
            message = self._first.pop(0) if self._first else await self._receive()
            if message["type"] == "websocket.connect":
                return message
            if message["type"] == "websocket.disconnect":
                self.gone = True
                return message
            await self._pace()
            found = _parse(message.get("bytes"))
            if found is None:
                await self._send({"type": "websocket.close", "code": NOT_THE_PROTOCOL})
                self.gone = True
                return {"type": "websocket.disconnect", "code": NOT_THE_PROTOCOL}
            if await self._for_streamlit(found):
                if found.WhichOneof("type") == "rerun_script":
                    if self._is_of_the_page_left(found.rerun_script):
                        continue
                    turn = await self._turns.begin(
                        self.owner, part=self._begun and bool(found.rerun_script.fragment_id)
                    )
                    self._end_turn()  # The turn of a script that still runs: Streamlit stops that script for this one.
                    self._turn = turn
                else:
                    # The Stop button, perhaps pressed before the page that a link led to had begun.
                    self._asked_for = ""
                changed = self._whole_first(found)
                return {**message, "bytes": found.SerializeToString()} if changed else message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message of Streamlit on to the browser, noting which page is shown, its notices, and when its script ends."""
        if message["type"] == "websocket.accept":
            return  # `speaks` has accepted the socket already.
        content: bytes | None = message.get("bytes")
        if content is not None:
            said = ForwardMsg.FromString(content)
            kind = said.WhichOneof("type")
            if kind == "new_session":
                self._script = said.new_session.page_script_hash
                if not said.metadata.run.fragment_ids:
                    self._beside = 0
                    self._begun_since = True
            elif kind == "delta" and said.metadata.delta_path[:1] == [RootContainer.EVENT]:
                self._beside = max(self._beside, said.metadata.delta_path[1] + 1)
            elif kind == "navigation":
                self._shown = said.navigation.page_script_hash
                self._were_shown.add(self._shown)
                if self._shown == self._asked_for:
                    self._asked_for = ""
            elif kind == "script_finished":
                self._end_turn()
                if self._begun_since and said.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    self._asked_for = ""  # The script has ended and showed another page, so the link led to no page.
        try:
            await self._send(message)
        except Exception:
            self.gone = True
            raise

    def shows(self, session: str) -> None:
        """Note which session Streamlit has begun or resumed for this socket."""
        self.session = session
        self._sessions.enter(session, self)

    def leave(self) -> None:
        """Note that the socket has closed."""
        self._end_turn()
        if self.session:
            self._sessions.leave(self.session, self, self.owner)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()
            self._turn = None

    async def show(self, words: str) -> None:
        """Show a sentence on the page as a toast, without a run of its script."""
        message = ForwardMsg()
        message.metadata.delta_path.extend([RootContainer.EVENT, self._beside])
        message.metadata.active_script_hash = self._script
        message.delta.new_element.toast.body = escape(words)
        message.delta.new_element.toast.icon = ":material/info:"
        message.delta.new_element.toast.duration = LONG
        self._beside += 1
        await self._say(message)

    async def tell(self, problem: Problem) -> None:
        """Show a problem on the page."""
        await self.show(sentence(self._language, problem))

    async def tell_to_wait(self) -> None:
        """Show on the page that a file waits for room."""
        await self.show(text(self._language, "data.file.waits"))

    # What comes

    async def _for_streamlit(self, message: BackMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "file_urls_request":
            await self._hand_out(message.file_urls_request)
        elif kind == "backend_operation_request":
            if message.backend_operation_request.WhichOneof("payload") in OPERATIONS:
                return True
            await self._decline(message.backend_operation_request)
        return kind in PASSED_ON

    def _whole_first(self, message: BackMsg) -> bool:
        """Make the first rerun of a socket one of the whole script; whether the message was changed for that.

        A page that reconnects to a restarted server, or after its session has ended, may ask for a fragment that the new session does not
        know yet. Streamlit would not answer, and the page would stay as it is for ever.
        """
        if message.WhichOneof("type") != "rerun_script":
            return False
        wish = parse_qs(message.rerun_script.query_string).get("lang", [""])[0]
        self._language = find_language(wish) or self._language
        if self._begun:
            return False
        self._begun = True
        message.rerun_script.ClearField("fragment_id")
        return True

    def _is_of_the_page_left(self, wish: ClientState) -> bool:
        """Whether this rerun comes from a widget of a page that somebody has just left by a link, and is to be dropped.

        A press on a link also closes an open menu, which then asks for a rerun of the old page, perhaps after Streamlit has switched to
        the new one: Streamlit would switch back. The link's own message is told apart by carrying no widgets, as the frame around the
        pages has none.
        """
        page = wish.page_script_hash
        if not page or page == (self._asked_for or self._shown):
            return False
        of_a_widget = bool(wish.widget_states.widgets or wish.fragment_id) and not wish.is_history_navigation
        if of_a_widget and page in self._were_shown:
            return True
        if self._shown:
            self._asked_for, self._begun_since = page, False
        return False

    async def _decline(self, request: BackendOperationRequest) -> None:
        answer = ForwardMsg()
        answer.backend_operation_response.request_id = request.request_id
        answer.backend_operation_response.error_msg = "This server does not do that."
        await self._say(answer)

    # Files

    async def _hand_out(self, request: FileURLsRequest) -> None:
        """Answer a request for upload addresses in Streamlit's place."""
        answer = ForwardMsg()
        answer.file_urls_response.response_id = request.request_id
        try:
            found = self._uploads.hand_out(self.session, self.owner, request.file_names)
        except Problem as problem:
            answer.file_urls_response.error_msg = sentence(self._language, problem)
            await self.tell(problem)  # The uploader shows the sentence only in a tooltip, so the page shows it too.
        else:
            answer.file_urls_response.file_urls.extend(
                FileURLs(file_id=info.file_id, upload_url=info.upload_url, delete_url=info.delete_url) for info in found
            )
        await self._say(answer)

    async def _say(self, message: ForwardMsg) -> None:
        message.metadata.cacheable = False
        with suppress(OSError, RuntimeError):  # The browser has left.
            await self._send({"type": "websocket.send", "bytes": message.SerializeToString()})


def _parse(content: bytes | None) -> BackMsg | None:
    """The Streamlit message in these bytes; None if they hold none."""
    try:
        return None if content is None else BackMsg.FromString(content)
    except DecodeError:
        return None
