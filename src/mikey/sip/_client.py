"""Client transactions (RFC 3261 17.1, RFC 6026 for the 2xx)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import sipmessage
from sipua.transaction import (
    T1,
    T2,
    TIMER_D,
    ClientInviteTransaction,
    ClientNonInviteTransaction,
    TransactionState,
)
from sipua.utils import create_via

from mikey.sip._message import split_values, tag_of
from mikey.sip._timed import TimedTransaction

if TYPE_CHECKING:
    from mikey.sip._transactions import Transactions

__all__ = [
    "InviteClient",
    "OnResponse",
    "RequestClient",
    "acknowledge",
    "bye_to",
    "cancel_for",
    "final_response",
]

OnResponse = Callable[[sipmessage.Response], None]


class _Client(TimedTransaction):
    """What both kinds of client transaction share."""

    _future: asyncio.Future[sipmessage.Response]

    @property
    def final(self) -> asyncio.Future[sipmessage.Response]:
        """The final response, when it comes."""
        return self._future

    def fail(self, error: Exception) -> None:
        """End without a response."""
        self._set_state(TransactionState.Terminated)
        if not self._future.done():
            self._future.set_exception(error)
            self._future.exception()  # asked for, so that asyncio does not warn if nobody waits


class InviteClient(_Client, ClientInviteTransaction):
    """An INVITE of ours.

    Beyond sipua's: it waits without end once the peer has answered provisionally, repeats its
    ACK whenever the final response is repeated, and gives the ACK of a 2xx its own branch. The
    caller's own time limit ends it by `abandoned`: a late 2xx is then acknowledged and the call
    it made ended by BYE.
    """

    def __init__(
        self,
        request: sipmessage.Request,
        layer: Transactions,
        on_provisional: OnResponse,
        on_success: OnResponse,
    ) -> None:
        super().__init__(request=request, transaction_layer=layer)
        self._scale = layer.timers.scale
        self._layer = layer
        self._on_provisional = on_provisional
        self._on_success = on_success
        self._acks: dict[str, sipmessage.Request] = {}
        self.abandoned = False
        self.cancelled = False

    @property
    def request(self) -> sipmessage.Request:
        """The INVITE, as it was sent."""
        return self._request

    @property
    def is_first_of_dialog(self) -> bool:
        """Whether it is no re-INVITE."""
        return not tag_of(self._request.headers["To"])

    @property
    def awaits_final(self) -> bool:
        """Whether a provisional response came, and no final one yet."""
        return self._state is TransactionState.Proceeding

    async def receive_response(self, response: sipmessage.Response) -> None:
        """Any response to this INVITE, repeated ones included."""
        if response.code < 200:
            self._receive_provisional(response)
        elif response.code < 300:
            await self._receive_success(response)
        else:
            await self._receive_refusal(response)

    def _receive_provisional(self, response: sipmessage.Response) -> None:
        if self._state is TransactionState.Calling:
            self._set_state(TransactionState.Proceeding)
        if self._state is not TransactionState.Proceeding:
            return
        if self.abandoned:
            self._layer.cancel(self)
        else:
            self._on_provisional(response)

    async def _receive_success(self, response: sipmessage.Response) -> None:
        if self._state is TransactionState.Completed and not self._acks:
            return  # 2xx after a refusal
        tag = response.to_address.parameters.get("tag") or ""
        known = tag in self._acks
        ack = self._acks.setdefault(tag, acknowledge(self._request, response))
        first = len(self._acks) == 1 and not known
        if first:
            self._set_state(TransactionState.Completed)
            self._start_timer("M", 64 * T1)
            if not self.abandoned:
                self._on_success(response)
        try:
            await self._transport_layer.send_message(ack)
        except ConnectionError as error:
            if first:  # a call that cannot be confirmed is none
                self.fail(error)
            raise
        if first and not self._future.done():
            self._future.set_result(response)
        if not known and self.is_first_of_dialog and (self.abandoned or not first):
            # nobody waits for this answer: too late, or a second phone picked up
            self._layer.send_beside(bye_to(self._request, response))

    async def _receive_refusal(self, response: sipmessage.Response) -> None:
        if self._state in (TransactionState.Calling, TransactionState.Proceeding):
            self._set_state(TransactionState.Completed)
            self._start_timer("D", 0 if self._is_reliable else TIMER_D)
            if not self._future.done():
                self._future.set_result(response)
        elif self._acks or self._state is not TransactionState.Completed:
            return
        await self._transport_layer.send_message(_acknowledge_refusal(self._request, response))

    def _timer_a_expired(self) -> None:
        if self._state is TransactionState.Calling:
            self._repeat("A", self._request)

    def _timer_b_expired(self) -> None:
        if self._state is TransactionState.Calling:
            self.fail(TimeoutError())

    def _timer_m_expired(self) -> None:
        self._set_state(TransactionState.Terminated)


class RequestClient(_Client, ClientNonInviteTransaction):
    """Any other request of ours: sipua's, on our timers."""

    def __init__(self, request: sipmessage.Request, layer: Transactions) -> None:
        super().__init__(request=request, transaction_layer=layer)
        self._scale = layer.timers.scale
        self._layer = layer

    @property
    def awaits_final(self) -> bool:
        """Whether no final response came yet."""
        return self._state in (TransactionState.Trying, TransactionState.Proceeding)

    async def receive_response(self, response: sipmessage.Response) -> None:
        """Any response to this request; nobody may be waiting any more."""
        if not self._future.done() or response.code < 200:
            await super().receive_response(response)

    def _timer_e_expired(self) -> None:
        if self._state is TransactionState.Trying:
            self._repeat("E", self._request, T2)

    def _timer_f_expired(self) -> None:
        if self._state in (TransactionState.Trying, TransactionState.Proceeding):
            self.fail(TimeoutError())


async def final_response(client: InviteClient | RequestClient) -> sipmessage.Response:
    """Send the request of a transaction, return the final response (see `Transactions`)."""
    try:
        return await client.run()
    except ConnectionError as error:  # sipua would leave the transaction standing
        client.fail(error)
        raise


def acknowledge(invite: sipmessage.Request, response: sipmessage.Response) -> sipmessage.Request:
    """The ACK of a 2xx: a request of its own, to the peer's Contact (13.2.2.4)."""
    return _within(invite, response, "ACK", invite.cseq.sequence)


def bye_to(invite: sipmessage.Request, response: sipmessage.Response) -> sipmessage.Request:
    """The BYE that ends the dialog of a 2xx which nobody wants."""
    return _within(invite, response, "BYE", invite.cseq.sequence + 1)


def _within(
    invite: sipmessage.Request, response: sipmessage.Response, method: str, sequence: int
) -> sipmessage.Request:
    request = sipmessage.Request(method, response.contact[0].uri)
    request.via = [create_via()]
    _copy(request, invite, "From", "Call-ID")
    request.headers.setlist("To", list(response.headers.getlist("To")))
    request.cseq = sipmessage.CSeq(sequence=sequence, method=method)
    request.max_forwards = 70
    routes = split_values(response.headers.getlist("Record-Route"))[::-1]
    if tag_of(invite.headers["To"]):
        routes = invite.headers.getlist("Route")  # a dialog keeps its routes (12.2)
    if routes:
        request.headers.setlist("Route", list(routes))
    return request


def _acknowledge_refusal(
    invite: sipmessage.Request, response: sipmessage.Response
) -> sipmessage.Request:
    """The ACK of a refusal: part of the transaction, on its branch (17.1.1.3)."""
    ack = _on_branch_of(invite, "ACK")
    ack.headers.setlist("To", list(response.headers.getlist("To")))
    return ack


def cancel_for(invite: sipmessage.Request) -> sipmessage.Request:
    """The CANCEL of an INVITE (9.1)."""
    return _on_branch_of(invite, "CANCEL")


def _on_branch_of(invite: sipmessage.Request, method: str) -> sipmessage.Request:
    request = sipmessage.Request(method, invite.uri)
    request.headers.setlist("Via", split_values(invite.headers.getlist("Via"))[:1])
    _copy(request, invite, "From", "To", "Call-ID", "Route")
    request.cseq = sipmessage.CSeq(sequence=invite.cseq.sequence, method=method)
    request.max_forwards = 70
    return request


def _copy(target: sipmessage.Request, origin: sipmessage.Request, *names: str) -> None:
    for name in names:
        values = origin.headers.getlist(name)
        if values:
            target.headers.setlist(name, list(values))
