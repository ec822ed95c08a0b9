"""The transaction layer (RFC 3261 17): sipua's bookkeeping, our transactions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import sipmessage
from sipua.transaction import (
    Transaction,
    TransactionLayer,
    get_client_transaction_key,
    get_server_transaction_key,
)

from mikey.sip._client import (
    InviteClient,
    OnResponse,
    RequestClient,
    cancel_for,
    final_response,
)
from mikey.sip._message import MalformedResponseError, ReceivedRequest, reply
from mikey.sip._server import InviteServer, RequestServer
from mikey.sip._tasks import Tasks
from mikey.sip._transport import Transport
from mikey.sip.errors import CallError
from mikey.sip.settings import Timers

__all__ = ["Transactions"]

K = TypeVar("K")
V = TypeVar("V")

logger = logging.getLogger("mikey.sip")


class Transactions(TransactionLayer):
    """Matches messages to transactions and makes new ones."""

    def __init__(self, transport: Transport, timers: Timers) -> None:
        super().__init__(transport)
        self.timers = timers
        self._transport = transport
        self._closed = False
        self._tasks = Tasks()
        transport.on_malformed_response = self._receive_malformed

    async def close(self) -> None:
        """Stop all timers; whoever still waits for a response gets a CallError."""
        self._closed = True
        for client in list(self._client_transactions.values()):
            if isinstance(client, InviteClient | RequestClient):
                client.fail(CallError("the user agent was closed", status=503))
        for server in list(self._server_transactions.values()):
            if isinstance(server, InviteServer | RequestServer):
                server.stop()
        self._server_transactions.clear()
        await self._tasks.close()

    # client side

    def start_invite(
        self, request: sipmessage.Request, on_provisional: OnResponse, on_success: OnResponse
    ) -> InviteClient:
        """Make the transaction of an INVITE; `final_response` sends it and waits.

        `on_provisional` and `on_success` (for the first 2xx) are called as the responses come
        in, before any later message. `final_response` raises ConnectionError if the peer cannot
        be reached, TimeoutError if nothing came back in 64*T1, CallError for a malformed final
        response.
        """
        transaction = InviteClient(request, self, on_provisional, on_success)
        self._client_transactions[get_client_transaction_key(request)] = transaction
        return transaction

    async def send_request(self, request: sipmessage.Request) -> sipmessage.Response:
        """Send any other request and return the final response; raises as `start_invite`."""
        transaction = RequestClient(request, self)
        self._client_transactions[get_client_transaction_key(request)] = transaction
        return await final_response(transaction)

    def cancel(self, invite: InviteClient) -> None:
        """Send CANCEL, once; its own response tells nothing (9.1)."""
        if not invite.cancelled:
            invite.cancelled = True
            self.send_beside(cancel_for(invite.request))

    def send_beside(self, request: sipmessage.Request) -> asyncio.Future[bool]:
        """Send a request whose response changes nothing; tells whether one came, a 2xx."""
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def send() -> None:
            success = False
            try:
                with contextlib.suppress(ConnectionError, TimeoutError, CallError):
                    success = (await self.send_request(request)).code // 100 == 2
            finally:
                if not confirmed.done():
                    confirmed.set_result(success)

        self.spawn(send())
        return confirmed

    def unfinished(self) -> list[asyncio.Future[sipmessage.Response]]:
        """The final responses of requests that the peer has and did not answer yet."""
        return [
            client.final
            for client in self._client_transactions.values()
            if isinstance(client, InviteClient | RequestClient) and client.awaits_final
        ]

    # server side

    async def deliver(self, message: sipmessage.Message) -> None:
        """Send a message outside of any state machine; a lost connection is no error here."""
        try:
            await self._transport.send_message(message)
        except ConnectionError as error:
            logger.debug("cannot send: %s", error)

    def send_later(self, message: sipmessage.Message) -> None:
        """As `deliver`, from a timer."""
        self.spawn(self.deliver(message))

    def invite_server(self, request: ReceivedRequest) -> InviteServer | None:
        """The transaction of a received INVITE."""
        found = self._server_transactions.get(get_server_transaction_key(request))
        return found if isinstance(found, InviteServer) else None

    async def respond(self, request: ReceivedRequest, response: sipmessage.Response) -> None:
        """Send a response to a request other than INVITE."""
        found = self._server_transactions.get(get_server_transaction_key(request))
        if found is None:
            await self.deliver(response)
        else:
            with contextlib.suppress(ConnectionError):
                await found.send_response(response)

    async def _receive_request(self, request: sipmessage.Request) -> None:
        if not isinstance(request, ReceivedRequest) or self._closed:
            return
        key = get_server_transaction_key(request)
        transaction = self._server_transactions.get(key)
        if transaction is not None:
            await transaction._receive_request(request)
        elif request.method == "ACK":
            self._acknowledge(request)
        elif len(self._server_transactions) >= self._transport.limits.transactions:
            await self.deliver(reply(request, 503))
        elif request.method == "CANCEL":
            await self._cancel(request)
        elif self._is_merged(request):
            await self.deliver(reply(request, 482))
        else:
            kind = InviteServer if request.method == "INVITE" else RequestServer
            self._server_transactions[key] = kind(request, self)
            if self.request_handler is not None:
                await self.request_handler(request)

    def _acknowledge(self, ack: ReceivedRequest) -> None:
        for server in list(self._server_transactions.values()):
            if isinstance(server, InviteServer) and server.awaits(ack):
                server.acknowledged()

    def _is_merged(self, request: ReceivedRequest) -> bool:
        if request.to_address.parameters.get("tag"):
            return False
        return any(
            isinstance(server, InviteServer) and server.is_merged_with(request)
            for server in self._server_transactions.values()
        )

    async def _cancel(self, request: ReceivedRequest) -> None:
        key = get_server_transaction_key(request)
        self._server_transactions[key] = RequestServer(request, self)
        branch, sent_by, _ = key
        invite = self._server_transactions.get((branch, sent_by, "INVITE"))
        if isinstance(invite, InviteServer):
            await self.respond(request, reply(request, 200))
            invite.cancel()
        else:
            await self.respond(request, reply(request, 481))

    # bookkeeping

    def _receive_malformed(self, error: MalformedResponseError) -> None:
        client = self._client_transactions.get(get_client_transaction_key(error.response))
        if isinstance(client, InviteClient | RequestClient) and error.response.code >= 200:
            reason = f"the peer's response is malformed: {error.reason}"
            client.fail(CallError(reason, status=400))

    def _transaction_terminated(self, transaction: Transaction) -> None:
        _forget(self._client_transactions, transaction)
        _forget(self._server_transactions, transaction)

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` beside; it ends with the layer at the latest."""
        self._tasks.spawn(work)


def _forget(transactions: dict[K, V], transaction: Transaction) -> None:
    for key, value in list(transactions.items()):
        if value is transaction:
            del transactions[key]
