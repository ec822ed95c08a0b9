"""Server transactions (RFC 3261 17.2, RFC 6026 for the 2xx)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import sipmessage
from sipua.transaction import (
    T1,
    T2,
    ServerInviteTransaction,
    ServerNonInviteTransaction,
    TransactionState,
)

from mikey.sip._message import ReceivedRequest, Reply, reply, tag_of
from mikey.sip._timed import TimedTransaction

if TYPE_CHECKING:
    from mikey.sip._transactions import Transactions

__all__ = ["InviteServer", "RequestServer"]

logger = logging.getLogger("mikey.sip")


class InviteServer(TimedTransaction, ServerInviteTransaction):
    """An INVITE of the peer.

    Beyond sipua's: 100 after a short while; a 2xx repeated until its ACK (13.3.1.4) with the
    transaction alive behind it, so that a repeated INVITE makes no second call; the latest
    response to any repetition. `on_confirmed` is called once with True when the ACK of a 2xx
    came, with False if none came in 64*T1; `on_cancel` when CANCEL came in time.
    """

    def __init__(self, request: ReceivedRequest, layer: Transactions) -> None:
        super().__init__(request=request, transaction_layer=layer)
        self._scale = layer.timers.scale
        self._layer = layer
        self._invite = request
        self._latest: Reply | None = None
        self.on_confirmed: Callable[[bool], None] | None = None
        self.on_cancel: Callable[[], None] | None = None
        self._start_timer("T", 0.4 * T1)

    @property
    def undecided(self) -> bool:
        """Whether no final response was sent yet."""
        return self._state is TransactionState.Proceeding

    def awaits(self, ack: sipmessage.Request) -> bool:
        """Whether `ack`, on a branch of its own, is for the 2xx sent here."""
        return (
            self._is_accepted
            and ack.call_id == self._invite.call_id
            and ack.cseq.sequence == self._invite.cseq.sequence
            and tag_of(ack.headers["From"]) == tag_of(self._invite.headers["From"])
            and self._latest is not None
            and tag_of(ack.headers["To"]) == tag_of(self._latest.headers["To"])
        )

    def is_merged_with(self, request: ReceivedRequest) -> bool:
        """Whether `request` is the same INVITE on another path (8.2.2.2)."""
        mine = self._invite
        return (
            request.call_id == mine.call_id
            and request.cseq == mine.cseq
            and request.headers["From"] == mine.headers["From"]
        )

    @property
    def _is_accepted(self) -> bool:
        return self._latest is not None and 200 <= self._latest.code < 300

    async def send_response(self, response: sipmessage.Response) -> None:
        """Send a response; a final one only once."""
        if self._state is not TransactionState.Proceeding or not isinstance(response, Reply):
            return
        self._stop_timer("T")
        self._latest = response
        if 200 <= response.code < 300:
            self._set_state(TransactionState.Completed)
            self._start_timer("L", 64 * T1)
            self._start_timer("X", self._interval)
            await self._layer.deliver(response)
        else:
            try:
                await super().send_response(response)
            except ConnectionError as error:
                logger.debug("cannot send the response: %s", error)
                if response.code >= 300:
                    self._set_state(TransactionState.Terminated)

    def answer_later(self, response: Reply) -> None:
        """As `send_response`, from a callback."""
        self._layer.spawn(self.send_response(response))

    async def _receive_request(self, request: sipmessage.Request) -> None:
        if request.method == "ACK" and self._is_accepted:
            self.acknowledged()
        elif request.method == "ACK":
            await super()._receive_request(request)
        elif self._latest is not None and not self._is_accepted:
            await self._layer.deliver(self._latest)

    def acknowledged(self) -> None:
        """The ACK of the 2xx is here."""
        if self._state is TransactionState.Completed:
            self._stop_timer("X")
            self._set_state(TransactionState.Confirmed)
            self._tell(acknowledged=True)

    def cancel(self) -> None:
        """CANCEL came; without effect after a final response (9.2)."""
        if self.undecided and self.on_cancel is not None:
            self.on_cancel()

    def _tell(self, *, acknowledged: bool) -> None:
        if self.on_confirmed is not None:
            self.on_confirmed(acknowledged)

    def _timer_t_expired(self) -> None:
        if self._state is TransactionState.Proceeding and self._latest is None:
            trying = reply(self._invite, 100)
            self._latest = trying
            self._layer.send_later(trying)

    def _timer_x_expired(self) -> None:
        if self._state is TransactionState.Completed and self._latest is not None:
            self._repeat("X", self._latest, T2)

    def _timer_g_expired(self) -> None:
        if self._state is TransactionState.Completed and self._latest is not None:
            self._repeat("G", self._latest, T2)

    def _timer_l_expired(self) -> None:
        unacknowledged = self._state is TransactionState.Completed
        self._set_state(TransactionState.Terminated)
        if unacknowledged:
            self._tell(acknowledged=False)


class RequestServer(TimedTransaction, ServerNonInviteTransaction):
    """Any other request of the peer: sipua's, which also answers repetitions."""

    def __init__(self, request: ReceivedRequest, layer: Transactions) -> None:
        super().__init__(request=request, transaction_layer=layer)
        self._scale = layer.timers.scale
        self._layer = layer
        self._latest: sipmessage.Response | None = None

    async def send_response(self, response: sipmessage.Response) -> None:
        """Send a response; a final one only once."""
        if self._state in (TransactionState.Trying, TransactionState.Proceeding):
            self._latest = response
            await super().send_response(response)

    async def _receive_request(self, _request: sipmessage.Request) -> None:
        if self._latest is not None:
            await self._layer.deliver(self._latest)
