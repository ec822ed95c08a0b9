"""An INVITE or re-INVITE of the peer, to be answered (RFC 3261 13.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mikey.errors import LocalError
from mikey.sip.errors import CallError, SipWarning, format_warnings

if TYPE_CHECKING:
    from mikey.sip._dialog import CallDialog
    from mikey.sip._message import ReceivedRequest, Reply, Source
    from mikey.sip._server import InviteServer
    from mikey.sip.call import Call

__all__ = ["SDP", "Invitation"]

SDP = "application/sdp"


class Invitation:
    """What the peer asks, until it is accepted or refused.

    `request_uri`, `from_uri` and `to_uri` are URIs without header parameters; `body` holds the
    offer, octet for octet (b"" if the INVITE has none); `source` is where it came from;
    `cancelled` is set when the peer gave up (it then already got 487).
    """

    def __init__(
        self,
        request: ReceivedRequest,
        server: InviteServer,
        dialog: CallDialog,
        on_accept: Callable[[Invitation], Call],
    ) -> None:
        self._request = request
        self._server = server
        self._dialog = dialog
        self._on_accept = on_accept
        self._decided = asyncio.Event()
        self._call: Call | None = None
        self._acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.cancelled = asyncio.Event()
        self.accepted = False
        self.request_uri = str(request.uri)
        self.from_uri = str(request.from_address.uri)
        self.to_uri = str(request.to_address.uri)
        self.body = request.body
        self.source: Source = request.source
        server.on_cancel = self._give_up
        server.on_confirmed = self._on_confirmed

    @property
    def call_id(self) -> str:
        """The Call-ID header."""
        return self._request.call_id

    @property
    def decided(self) -> bool:
        """Whether a final response was sent."""
        return self._decided.is_set()

    async def wait_decided(self) -> None:
        """Wait until a final response was sent."""
        await self._decided.wait()

    async def ring(self) -> None:
        """Send 180 Ringing."""
        if not self.decided:
            await self._server.send_response(self._dialog.reply(self._request, 180))

    async def accept(self, body: bytes, *, content_type: str = SDP) -> Call:
        """Send 200 with `body`, again and again until the peer's ACK comes.

        Returns the call at once (`Call.confirmed()` waits for the ACK). Raises CallError with
        status 487 if the peer cancelled, LocalError if the invitation was answered before.
        """
        if self.cancelled.is_set():
            raise CallError("the peer cancelled the call", status=487)
        self._decide()
        self.accepted = True
        response = self._dialog.reply(self._request, 200)
        _attach(response, body, content_type)
        self._call = self._on_accept(self)
        await self._server.send_response(response)
        return self._call

    async def confirmed(self) -> None:
        """Wait until the peer has our answer: its ACK came.

        Raises CallError (408) if none came in 64*T1; the call is over then.
        """
        if not await asyncio.shield(self._acknowledged):
            raise CallError("the peer sent no ACK", status=408)

    async def refuse(
        self,
        status: int,
        reason: str = "",
        *,
        warnings: Sequence[SipWarning] = (),
        body: bytes = b"",
        content_type: str = SDP,
    ) -> None:
        """Send a refusal: `status` 300 to 699, `reason` its phrase (the RFC's own if empty).

        `warnings` are (code, text) pairs, `body` for example a description with a MIKEY Error
        message (R4567-4.1.2-6). Without effect if the peer cancelled; LocalError if the
        invitation was answered before.
        """
        if not 300 <= status <= 699:
            raise LocalError(f"status {status} is no refusal")
        if self.cancelled.is_set():
            return
        self._decide()
        response = self._dialog.reply(self._request, status, reason)
        if warnings:
            response.headers.set("Warning", format_warnings(warnings))
        if body:
            _attach(response, body, content_type)
        await self._server.send_response(response)

    def _on_confirmed(self, in_time: bool) -> None:
        self._acknowledged.set_result(in_time)
        if self._call is not None:
            self._call._acknowledged(in_time=in_time)

    def _decide(self) -> None:
        if self.decided:
            raise LocalError("the invitation was answered before")
        self._decided.set()

    def _give_up(self) -> None:
        """The peer cancelled (or hung up early): 487."""
        if not self.decided:
            self._decided.set()
            self.cancelled.set()
            self._server.answer_later(self._dialog.reply(self._request, 487))


def _attach(response: Reply, body: bytes, content_type: str) -> None:
    response.body = body
    response.headers.set("Content-Type", content_type)
