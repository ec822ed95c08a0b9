"""A call that stands (RFC 3261 12.2, 14, 15)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence

import sipmessage

from mikey.errors import CarriageError, LocalError, PeerError
from mikey.sip._dialog import ALLOW, CallDialog
from mikey.sip._invite import send_invite
from mikey.sip._message import ReceivedRequest
from mikey.sip._transactions import Transactions
from mikey.sip.errors import CallError, CallRefusedError, SipWarning
from mikey.sip.invitation import SDP, Invitation

__all__ = ["Call", "InviteHandler", "serve"]

InviteHandler = Callable[[Invitation], Awaitable[None]]

_GLARE_ATTEMPTS = 4
_PATIENCE = 4  # times T1: how long `bye` waits for an answer that changes nothing


class Call:
    """One call, made by either side; `UserAgent.invite` and `Invitation.accept` return it.

    `remote_body` is the peer's latest description, octet for octet. `on_reinvite` is awaited
    with each re-INVITE of the peer and accepts or refuses it; without one they get 488.
    """

    def __init__(
        self,
        dialog: CallDialog,
        transactions: Transactions,
        *,
        is_caller: bool,
        on_end: Callable[[Call], None],
    ) -> None:
        self._dialog = dialog
        self._transactions = transactions
        self._is_caller = is_caller
        self._on_end = on_end
        self._exchange = asyncio.Lock()  # one INVITE at a time, in either direction (14.1)
        self._inviting = False
        self._confirmed = asyncio.Event()
        self._ended = asyncio.Event()
        self._end_reason = ""
        self.remote_body = b""
        self.on_reinvite: InviteHandler | None = None
        dialog.on_request = self._receive

    @property
    def call_id(self) -> str:
        """The Call-ID header."""
        return self._dialog.call_id

    @property
    def has_ended(self) -> bool:
        """Whether the call is over."""
        return self._ended.is_set()

    async def confirmed(self) -> None:
        """Wait until our 200 has its ACK; CallError if the call ended first.

        A call that we made is confirmed from the start.
        """
        ended = asyncio.ensure_future(self._ended.wait())
        confirmed = asyncio.ensure_future(self._confirmed.wait())
        try:
            await asyncio.wait({ended, confirmed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            confirmed.cancel()
        if not self._confirmed.is_set():
            raise CallError(f"the call ended: {self._end_reason}", status=408)

    async def ended(self) -> str:
        """Wait until the call is over, return the reason in words."""
        await self._ended.wait()
        return self._end_reason

    async def reinvite(
        self, body: bytes, *, timeout: float = 32.0, content_type: str = SDP
    ) -> bytes:
        """Send a re-INVITE with `body`, return the body of the answer.

        If both sides try at once (491), this one waits a little and tries again. Raises
        CallRefusedError, CallError as `UserAgent.invite`; the call stands on after a refusal, and
        is over after no answer or 481 (12.2.1.2). To cancel it leaves open which description
        holds: end the call then.
        """
        await self.confirmed()
        for attempt in range(_GLARE_ATTEMPTS):
            try:
                return await self._reinvite_once(body, timeout, content_type)
            except CallRefusedError as error:
                if error.status == 481:
                    self._finish("the peer does not know the call any more")
                if error.status != 491 or attempt + 1 == _GLARE_ATTEMPTS:
                    raise
            except CallError as error:
                if error.status == 408:
                    self._transactions.spawn(self._hang_up("no answer to a re-INVITE"))
                raise
            await asyncio.sleep(self._glare_pause())
        raise CallError("the peer is busy with a change of its own", status=491)

    async def _reinvite_once(self, body: bytes, timeout: float, content_type: str) -> bytes:
        async with self._exchange:
            if self.has_ended:
                raise CallError(f"the call ended: {self._end_reason}", status=481)
            self._inviting = True
            try:
                response = await send_invite(
                    self._transactions,
                    self._dialog,
                    body,
                    content_type=content_type,
                    timeout=timeout,
                    on_provisional=lambda _: None,
                    on_success=self._dialog.refreshed_by,
                )
            finally:
                self._inviting = False
        self.remote_body = response.body
        return response.body

    def _glare_pause(self) -> float:
        """Seconds: 2.1 to 4 for the side that made the call, else 0 to 2 (14.1)."""
        hundredths = 210 + secrets.randbelow(191) if self._is_caller else secrets.randbelow(201)
        return hundredths / 100 * self._transactions.timers.scale

    async def bye(self) -> bool:
        """End the call; wait for the peer's word, but for no more than a few seconds.

        Returns whether the peer confirmed the end; one that is gone does not. True for a call that
        is over.
        """
        return self.has_ended or await self._hang_up("ended here")

    async def _hang_up(self, reason: str) -> bool:
        self._finish(reason)
        confirmed = self._transactions.send_beside(self._dialog.create_request("BYE"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE * self._transactions.timers.t1):
                return await asyncio.shield(confirmed)
        return False

    def _finish(self, reason: str) -> None:
        if not self.has_ended:
            self._end_reason = reason
            self._ended.set()
            self._dialog.end()
            self._on_end(self)

    # called by the user agent and the invitations

    def _established(self, response: sipmessage.Response) -> None:
        """Our INVITE got its 2xx."""
        self._dialog.established_by(response)
        self.remote_body = response.body
        self._confirmed.set()

    def _accepted(self, body: bytes) -> None:
        """We accept the peer's first INVITE, with this body."""
        self.remote_body = body

    def _acknowledged(self, *, in_time: bool) -> None:
        """The ACK of a 200 of ours came, or did not come."""
        if in_time:
            self._confirmed.set()
        else:
            self._transactions.spawn(self._hang_up("the peer sent no ACK"))

    # requests of the peer

    async def _receive(self, request: ReceivedRequest) -> None:
        dialog = self._dialog
        if not dialog.is_from_peer(request):
            await self._respond(request, 481)
        elif request.cseq.sequence <= dialog.remote_sequence:
            await self._respond(request, 500)  # out of order (12.2.2)
        else:
            dialog.remote_sequence = request.cseq.sequence
            if request.method == "BYE":
                await self._respond(request, 200)
                self._finish("ended by the peer")
            elif request.method == "INVITE":
                await self._receive_invite(request)
            else:
                await self._respond(request, 200 if request.method == "OPTIONS" else 405)

    async def _respond(self, request: ReceivedRequest, status: int) -> None:
        response = self._dialog.reply(request, status)
        if status == 405:
            response.headers.set("Allow", ALLOW)
        if status == 500:
            response.headers.set("Retry-After", "1")
        await self._transactions.respond(request, response)

    async def _receive_invite(self, request: ReceivedRequest) -> None:
        server = self._transactions.invite_server(request)
        if server is None:
            return
        if self._exchange.locked():
            await self._respond(request, 491 if self._inviting else 500)
            return
        await self._exchange.acquire()

        def accept(_: Invitation) -> Call:
            self._dialog.refreshed_by(request)
            self.remote_body = request.body
            return self

        invitation = Invitation(request, server, self._dialog, accept)
        self._transactions.spawn(self._serve(invitation))

    async def _serve(self, invitation: Invitation) -> None:
        try:
            await serve(invitation, self.on_reinvite or _refuse_change)
            await invitation.wait_decided()
            if invitation.accepted:
                with contextlib.suppress(CallError):  # the call ends then
                    await invitation.confirmed()
        finally:
            self._exchange.release()


async def _refuse_change(invitation: Invitation) -> None:
    await invitation.refuse(488, warnings=[(399, "this call cannot be changed")])


async def serve(invitation: Invitation, handler: InviteHandler) -> None:
    """Run a handler; what it raises becomes a refusal."""
    try:
        await handler(invitation)
    except CarriageError as error:
        await _refuse(invitation, error.status, error.warnings or ((399, str(error)),))
    except PeerError as error:
        await _refuse(invitation, 488, ((399, str(error)),))
    except Exception:
        await _refuse(invitation, 500, ())
        raise


async def _refuse(invitation: Invitation, status: int, warnings: Sequence[SipWarning]) -> None:
    with contextlib.suppress(LocalError):  # it was answered before it failed
        await invitation.refuse(status, warnings=warnings)
