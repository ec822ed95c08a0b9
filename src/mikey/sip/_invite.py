"""Sending an INVITE or re-INVITE and what can come of it (RFC 3261 13.2, 9.1)."""

from __future__ import annotations

import asyncio

import sipmessage

from mikey.sip._client import InviteClient, OnResponse, bye_to, final_response
from mikey.sip._dialog import CallDialog
from mikey.sip._transactions import Transactions
from mikey.sip.errors import CallError, CallRefusedError, parse_warnings

__all__ = ["send_invite"]


async def send_invite(
    transactions: Transactions,
    dialog: CallDialog,
    body: bytes,
    *,
    content_type: str,
    timeout: float,
    on_provisional: OnResponse,
    on_success: OnResponse,
) -> sipmessage.Response:
    """Send an INVITE within `dialog`, return the 2xx, which has its ACK already.

    `timeout` in seconds is for the final response; then, and if the caller is cancelled, the
    INVITE is cancelled too, and a call that it makes nevertheless is ended. Raises
    CallRefusedError, or CallError with status 408 (no answer), 503 (not reachable) or 400
    (malformed answer).
    """
    request = dialog.create_request("INVITE")
    request.body = body
    if body:
        request.headers.set("Content-Type", content_type)
    client = transactions.start_invite(request, on_provisional, on_success)
    running = asyncio.ensure_future(final_response(client))
    try:
        await asyncio.wait({running}, timeout=timeout)
        if not running.done():
            _give_up(transactions, client)
            # a moment for 487, so that the peer need not repeat it
            await asyncio.wait({running}, timeout=transactions.timers.t1)
            raise CallError(f"no answer within {timeout:g} s", status=408)
    except asyncio.CancelledError:
        _give_up(transactions, client)
        answered = _has_result(running) and 200 <= running.result().code < 300
        if answered and client.is_first_of_dialog:
            transactions.send_beside(bye_to(request, running.result()))
        raise
    finally:
        running.add_done_callback(_has_result)
    return _success(running)


def _success(running: asyncio.Future[sipmessage.Response]) -> sipmessage.Response:
    try:
        response = running.result()
    except ConnectionError as error:
        raise CallError(str(error), status=503) from error
    except TimeoutError as error:
        raise CallError("no answer", status=408) from error
    if 200 <= response.code < 300:
        return response
    content_type = response.content_type
    raise CallRefusedError(
        response.code,
        response.phrase,
        warnings=parse_warnings(response.headers.getlist("Warning")),
        body=response.body,
        content_type="" if content_type is None else content_type.mime_type.lower(),
    )


def _give_up(transactions: Transactions, client: InviteClient) -> None:
    """CANCEL, at once or as soon as the peer shows that it has the INVITE."""
    client.abandoned = True
    if client.awaits_final:
        transactions.cancel(client)


def _has_result(running: asyncio.Future[sipmessage.Response]) -> bool:
    """Whether there is a response; asking also keeps asyncio from warning about an error."""
    return running.done() and not running.cancelled() and running.exception() is None
