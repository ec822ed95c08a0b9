"""The streams that a client has set up: playing, keeping alive, new keys, the end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from mikey.carriage.rtsp import (
    CONTENT_TYPE,
    Choice,
    Headers,
    KeyMgmt,
    Presentation,
    Range,
    Request,
    Response,
    ask_body,
    key_mgmt_body,
    mikey_body,
    mikey_only,
    parse_parameters,
)
from mikey.errors import LocalError, PeerError
from mikey.policy import KeyFlow
from mikey.rtsp._flow import TrackKeys
from mikey.rtsp._keys import Keyring, StreamKey, told_by_the_peer
from mikey.rtsp.client import Client
from mikey.rtsp.stream import MediaStream
from mikey.session import Bundle

__all__ = ["Session"]

_NOT_UNDERSTOOD = 451
_NOT_VALID = 455
_AFTER_BYE = 0.2  # seconds
_LOOK = 0.02  # seconds between looks for the first packet
_SHORTEST = 1.0  # seconds between keep-alives, whatever a server asks for


class Session:
    """What `setup` returns: streams that are ready to play; an async context manager.

    `flow` says whose key protects what, `choice` which profile was taken and why. Leaving says
    TEARDOWN and closes the streams; the client stays open.
    """

    def __init__(
        self,
        client: Client,
        presentation: Presentation,
        choice: Choice,
        keyring: Keyring,
        ident: str,
        timeout: int,
        streams: Sequence[MediaStream],
    ) -> None:
        self.client = client
        self.presentation = presentation
        self.choice = choice
        self.streams = tuple(streams)
        self.rekeys = 0
        self._keyring = keyring
        self._ident = ident
        self._timeout = timeout
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: Exception | None = None
        self._ended = asyncio.Event()
        self._open = True

    @property
    def flow(self) -> KeyFlow:
        """Whose key protects what."""
        return self.choice.compat.flow

    async def play(self, start: float | None = None) -> None:
        """Begin, or go on after a pause; `start` seconds into the presentation, if it is given.

        Raises RefusedError, NoAnswerError, ClosedError.
        """
        for stream in self.streams:
            stream.listen()
        # Without a reason no Range: a live source would be made to seek, and lose what it holds.
        range_ = Headers() if start is None else Headers({"Range": Range(start).encode()})
        await self._control("PLAY", range_)
        if not self._tasks:
            self.client.on_set_parameter = self._renewed
            self.client.on_redirect = self.fail
            self._tasks = [
                asyncio.create_task(self._report()),
                asyncio.create_task(self._keep_alive()),
                asyncio.create_task(self._watch()),
            ]

    async def pause(self) -> None:
        """Ask the server to stop for now."""
        await self._control("PAUSE")

    async def hears(self, limit: float) -> bool:
        """Wait for the first packet of any stream, authentic or not; False after `limit` seconds.

        True also where the session ended: `wait` then says why.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + limit
        while not (self._ended.is_set() or any(stream.heard for stream in self.streams)):
            if loop.time() >= until:
                return False
            await asyncio.sleep(_LOOK)
        return True

    async def wait(self) -> None:
        """Wait for the end: until every stream said BYE, or `teardown`.

        Raises ClosedError if the connection is lost, PeerError for a server that breaks the
        protocol, RedirectedError for one that sends us elsewhere, and what a sink raised.
        """
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def rekey(self) -> None:
        """Give the server new keys of ours for every stream; no packet is lost on the way.

        LocalError where the flow has no key of ours. Raises RefusedError and the like; the old
        keys then stay.
        """
        if any(stream.keys.own is None for stream in self.streams):
            raise LocalError(f"in the flow {self.flow.value!r} the server makes the keys")
        for stream in self.streams:
            await self._rekey(stream)
        self.rekeys += 1

    async def ask_keys(self) -> None:
        """Take the server's current keys and ROCs, as a late joiner does (GET_PARAMETER).

        Raises RefusedError where the server cannot say them, PeerError for keys that do not fit
        the streams.
        """
        for stream in self.streams:
            response = await self._request(
                "GET_PARAMETER", stream.track.control, Headers(), ask_body()
            )
            said = parse_parameters(response.body, response.headers)
            for spec in mikey_only(said.key_mgmt):
                bundle = self._keyring.take(spec.data)
                key = StreamKey.of(bundle, stream.ssrc)
                before = stream.keys.incoming
                before.check_successor(key)
                with told_by_the_peer():
                    stream.join(replace(stream.keys, incoming=key))
                self._keyring.forget(before.bundle)

    async def teardown(self) -> None:
        """Say goodbye, and close the streams; a server that does not answer is left."""
        if not self._open:
            return
        self._open = False
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.client.on_set_parameter = None
        self.client.on_redirect = None
        try:
            if not self.client.connection.lost.done():
                for stream in self.streams:
                    stream.report(goodbye=True)
                with contextlib.suppress(PeerError):
                    await self._control("TEARDOWN")
        finally:
            for stream in self.streams:
                await stream.close()
            self._ended.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.teardown()

    # requests

    async def _request(
        self, method: str, uri: str, headers: Headers | None = None, body: bytes = b""
    ) -> Response:
        fields = Headers((*(headers or ()), ("Session", self._ident)))
        if body:
            fields = fields.and_field("Content-Type", CONTENT_TYPE)
        return await self.client.request(method, uri, fields, body)

    async def _control(self, method: str, headers: Headers | None = None) -> None:
        """Send a request for all streams.

        Also where the description has no aggregated control URI (RFC 2326 C.3): servers that leave
        it out mean the base URI, and clients take it.
        """
        await self._request(method, self.presentation.uri_of(None), headers)

    # keys

    async def _rekey(self, stream: MediaStream) -> None:
        keys = stream.keys
        own = keys.own
        if own is None:
            raise LocalError("the stream has no key of ours")
        message = own.renew()
        outgoing = StreamKey.of(own.bundle, stream.our_ssrc)
        both = self.flow is KeyFlow.CLIENT_KEY
        # New keys are good for receiving before the server can know them, and for sending
        # when it does.
        incoming = StreamKey.of(own.bundle, stream.ssrc) if both else keys.incoming
        stream.rekey(TrackKeys(incoming, outgoing, own))
        if self.choice.compat.rekey_in_key_mgmt:
            body = key_mgmt_body(KeyMgmt("mikey", stream.track.control, message))
            uri = self.presentation.uri_of(None)
        else:
            body, uri = mikey_body(message), stream.track.control
        await self._request("SET_PARAMETER", uri, Headers(), body)
        stream.rekey_sender(outgoing)

    def _renewed(self, request: Request) -> Response:
        """Take new keys of the server; it sends under them when it has our answer."""
        said = parse_parameters(request.body, request.headers)
        if said.unknown or not said.key_mgmt:
            return Response(_NOT_UNDERSTOOD)
        if self.flow is KeyFlow.CLIENT_KEY:
            return Response(_NOT_VALID)
        for spec in mikey_only(said.key_mgmt):
            level = self.presentation.level_of(spec, request.uri)
            renewed: dict[int, Bundle] = {}  # by the ID of the CSB, which streams may share
            for stream in self.streams:
                if level is None or stream.index == level:
                    known = stream.keys.incoming.bundle
                    if known.csb_id not in renewed:
                        _, renewed[known.csb_id] = self._keyring.renew(spec.data, known)
                    self._install(stream, renewed[known.csb_id])
        self.rekeys += 1
        return Response(200)

    @staticmethod
    def _install(stream: MediaStream, bundle: Bundle) -> None:
        keys = stream.keys
        incoming = keys.incoming.after(bundle)
        outgoing = keys.outgoing
        with told_by_the_peer():
            if outgoing is not None and keys.own is None:
                outgoing = outgoing.after(bundle)
                stream.rekey_sender(outgoing)
            stream.rekey(TrackKeys(incoming, outgoing, keys.own))

    # tasks

    async def _report(self) -> None:
        interval = self.client.settings.report_interval
        while True:
            await asyncio.sleep(interval * (0.5 + secrets.randbelow(1000) / 1000))
            for stream in self.streams:
                stream.report()

    async def _keep_alive(self) -> None:
        method = "GET_PARAMETER" if "GET_PARAMETER" in self.client.methods else "OPTIONS"
        while True:
            await asyncio.sleep(max(_SHORTEST, self._timeout / 2))
            try:
                await self._request(method, self.presentation.uri_of(None))
            except PeerError as error:
                self.fail(error)
                return

    async def _watch(self) -> None:
        error = await asyncio.shield(self.client.connection.lost)
        self.fail(error)

    def said_goodbye(self) -> None:
        """End the session soon if every stream has said BYE, which overtakes packets at times."""
        if all(stream.ended for stream in self.streams):
            asyncio.get_running_loop().call_later(_AFTER_BYE, self._ended.set)

    def fail(self, error: Exception) -> None:
        """End the session for a reason that `wait` raises."""
        if self._open:
            self._failure = self._failure or error
            self._ended.set()
