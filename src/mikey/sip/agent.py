"""A SIP user agent: calls in both directions (RFC 3261 8, 12, 13)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import sipmessage
from sipua.dialog import DialogLayer

from mikey.errors import LocalError
from mikey.sip._dialog import ALLOW, CallDialog
from mikey.sip._invite import send_invite
from mikey.sip._message import ReceivedRequest, reply
from mikey.sip._server import InviteServer
from mikey.sip._transactions import Transactions
from mikey.sip._transport import Transport, local_address_towards
from mikey.sip.call import Call, InviteHandler, serve
from mikey.sip.errors import CallError
from mikey.sip.invitation import SDP, Invitation
from mikey.sip.settings import Limits, Timers

__all__ = ["UserAgent", "bare_uri", "local_host_for"]


def bare_uri(text: str) -> str:
    """A SIP URI without parameters, as it stands in From and To (RFC 3261 19.1.1, table 1).

    Raises LocalError if `text` is none, or its port is no port.
    """
    try:
        uri = sipmessage.URI.parse(text)
    except (ValueError, TypeError) as error:
        raise LocalError(f"{text!r} is no SIP URI") from error
    port = 5060 if uri.port is None else uri.port
    if uri.scheme not in ("sip", "sips") or not uri.host or not 0 < port < 65536:
        raise LocalError(f"{text!r} is no SIP URI")
    return str(sipmessage.URI(scheme=uri.scheme, host=uri.host, user=uri.user, port=uri.port))


def local_host_for(uri: str) -> str:
    """The numeric address from which this machine reaches the host of a SIP URI.

    Nothing is sent, except that a name is looked up. Raises LocalError if `uri` is no SIP URI,
    CallError (503) if its host is not known or there is no way to it.
    """
    return _address_towards(sipmessage.URI.parse(bare_uri(uri)).host.strip("[]"))


class UserAgent:
    """Listens on one address over UDP and TCP, makes and takes calls.

    An async context manager: on leaving, calls that stand are ended and every socket is closed.
    `on_invite` is awaited with each new `Invitation`; it (or somebody it hands it to) accepts or
    refuses. What it raises becomes a refusal. Without one every INVITE gets 480.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_invite: InviteHandler | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        timers: Timers = Timers(),  # noqa: B008 - frozen
    ) -> None:
        self._host = host
        self._port = port
        self._limits = limits
        self.on_invite = on_invite
        self._transport = Transport(limits)
        self._transactions = Transactions(self._transport, timers)
        self._dialogs = DialogLayer(self._transactions)
        self._dialogs.request_handler = self._receive
        self._calls: set[Call] = set()
        self._invitations: set[Invitation] = set()

    async def __aenter__(self) -> Self:
        await self._transport.listen_on(self._host, self._port)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port we listen on."""
        return self._transport.address

    def host_towards(self, host: str) -> str:
        """Our numeric address as the peer at `host` sees it, for `c=` lines.

        Raises CallError (503) if there is no way to it.
        """
        own = self.address[0]
        if own in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            return _address_towards(host)
        return own

    async def close(self) -> None:
        """End what stands, for at most a few seconds, and close every socket."""
        byes: list[asyncio.Future[bool]] = []
        try:
            for invitation in list(self._invitations):
                if not invitation.decided:
                    await invitation.refuse(503)
            byes = [asyncio.ensure_future(call.bye()) for call in self._calls]
            waiting: set[asyncio.Future[Any]] = {*byes, *self._transactions.unfinished()}
            if waiting:
                await asyncio.wait(waiting, timeout=4 * self._transactions.timers.t1)
        finally:
            for bye in byes:
                bye.cancel()
            await self._transactions.close()
            await self._transport.close()

    async def invite(
        self,
        uri: str,
        *,
        from_uri: str,
        body: bytes,
        content_type: str = SDP,
        timeout: float = 32.0,
        transport: str = "udp",
        on_ringing: Callable[[], None] | None = None,
    ) -> Call:
        """Call `uri` with the offer `body`, return the call when it is answered.

        `timeout` in seconds is the longest time to the answer, ringing included; a peer that
        rings then gets CANCEL. `transport` is "udp" or "tcp"; an INVITE above 1300 octets goes by
        TCP in any case (RFC 3261 18.1.1). Raises CallRefusedError (status, Warning, body of the
        refusal), CallError (408 no answer, 503 not reachable, 400 malformed answer), LocalError
        for an address that is no SIP URI or too many calls.
        """
        if len(self._calls) >= self._limits.calls:
            raise LocalError(f"there are {len(self._calls)} calls already")
        dialog = CallDialog.calling(
            self._dialogs,
            local=bare_uri(from_uri),
            remote=bare_uri(uri),
            target=_with_transport(uri, transport),
        )
        call = Call(dialog, self._transactions, is_caller=True, on_end=self._calls.discard)

        def on_success(response: sipmessage.Response) -> None:
            self._calls.add(call)
            call._established(response)

        def on_provisional(response: sipmessage.Response) -> None:
            if on_ringing is not None and response.code == 180:
                on_ringing()

        try:
            await send_invite(
                self._transactions,
                dialog,
                body,
                content_type=content_type,
                timeout=timeout,
                on_provisional=on_provisional,
                on_success=on_success,
            )
        except BaseException:
            self._calls.discard(call)
            dialog.end()
            raise
        return call

    # requests outside of a call

    async def _receive(self, request: sipmessage.Request) -> None:
        if not isinstance(request, ReceivedRequest):
            return
        status = self._status_for(request)
        server = self._transactions.invite_server(request)
        if status == 0 and server is not None:
            self._receive_invite(request, server)
            return
        response = reply(request, status)
        if status in (200, 405):
            response.headers.set("Allow", ALLOW)
        if status in (200, 415):
            response.headers.set("Accept", SDP)
        if status == 420:
            response.headers.set("Unsupported", ", ".join(request.require))
        await self._transactions.respond(request, response)

    def _status_for(self, request: ReceivedRequest) -> int:
        """What to say without asking anybody; 0 for an INVITE to be looked at (8.2)."""
        content_type = request.content_type
        if request.to_address.parameters.get("tag"):
            return 481
        if request.method not in ("INVITE", "OPTIONS"):
            return 405
        if request.uri.scheme != "sip":
            return 416
        if request.require:
            return 420
        if request.method == "OPTIONS":
            return 200
        if content_type is not None and content_type.mime_type.lower() != SDP:
            return 415
        if (request.headers.get("Content-Encoding") or "identity").lower() != "identity":
            return 415
        if self.on_invite is None:
            return 480
        if len(self._calls) + len(self._invitations) >= self._limits.calls:
            return 486
        return 0

    def _receive_invite(self, request: ReceivedRequest, server: InviteServer) -> None:
        dialog = CallDialog.called(self._dialogs, request)

        def accept(invitation: Invitation) -> Call:
            call = Call(dialog, self._transactions, is_caller=False, on_end=self._calls.discard)
            call._accepted(invitation.body)
            self._calls.add(call)
            return call

        async def early(request: ReceivedRequest) -> None:
            ends = request.method == "BYE" and dialog.is_from_peer(request)
            await self._transactions.respond(request, dialog.reply(request, 200 if ends else 481))
            if ends:
                invitation._give_up()

        invitation = Invitation(request, server, dialog, accept)
        dialog.on_request = early
        self._invitations.add(invitation)
        self._transactions.spawn(self._serve(invitation, dialog))

    async def _serve(self, invitation: Invitation, dialog: CallDialog) -> None:
        try:
            if self.on_invite is not None:
                await serve(invitation, self.on_invite)
            await invitation.wait_decided()
        finally:
            self._invitations.discard(invitation)
            if not invitation.accepted:
                dialog.end()


def _address_towards(host: str) -> str:
    try:
        return local_address_towards(host)
    except ConnectionError as error:
        raise CallError(str(error), status=503) from error


def _with_transport(uri: str, transport: str) -> str:
    """The request URI: as given, with the transport to use."""
    if transport not in ("udp", "tcp"):
        raise LocalError(f"SIP over {transport!r} is not supported")
    parsed = sipmessage.URI.parse(uri)
    named = parsed.parameters.get("transport")
    if parsed.scheme == "sips" or (named and named.lower() not in ("udp", "tcp")):
        raise LocalError(f"{uri}: SIP over TLS is not supported, UDP and TCP are")
    if named:
        return uri
    return f"{uri};transport=tcp" if transport == "tcp" else uri
