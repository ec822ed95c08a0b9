"""A SIP peer that speaks by hand: sends any text, sees every datagram."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import Self

from mikey.sip import Timers

T1 = 0.03
TIMERS = Timers(t1=T1)  # gives up after 2 s: long enough for a busy machine
IMPATIENT = Timers(t1=0.01)  # for tests that wait for that
WAIT = 5.0
SILENCE = 12 * T1  # longer than any interval between repetitions (T2 = 8*T1)

_serial = itertools.count(1)


class Message:
    """A received message, read with means of its own."""

    def __init__(self, octets: bytes) -> None:
        head, _, self.body = octets.partition(b"\r\n\r\n")
        self.start, *lines = head.decode().split("\r\n")
        self.headers = [
            (name, value) for name, _, value in (line.partition(": ") for line in lines)
        ]

    def __getitem__(self, name: str) -> str:
        return next(value for key, value in self.headers if key == name)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.start.split()[0]

    @property
    def branch(self) -> str:
        return str(re.findall(r"branch=([^;]+)", self["Via"])[0])

    @property
    def to_tag(self) -> str:
        return str(re.findall(r"tag=([^;]+)", self["To"])[0])

    def __repr__(self) -> str:
        return f"<{self.start} {self['CSeq']}>"


class RawPeer(asyncio.DatagramProtocol):
    """One UDP socket on loopback."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[tuple[Message, tuple[str, int]]] = asyncio.Queue()
        self._closed = asyncio.Event()
        self.call_id = f"call-{next(_serial)}"
        self.contact = True

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]
        self.peer = ("127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._transport.close()
        await self._closed.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._inbox.put_nowait((Message(data), addr))

    def send(self, octets: bytes | str, port: int | None = None) -> None:
        if port is not None:
            self.peer = ("127.0.0.1", port)
        self._transport.sendto(octets.encode() if isinstance(octets, str) else octets, self.peer)

    async def receive(self, limit: float = WAIT) -> Message:
        async with asyncio.timeout(limit):
            message, self.peer = await self._inbox.get()
            return message

    async def expect(self, what: int | str, limit: float = WAIT) -> Message:
        """The next message with this status or method; others are passed over."""
        async with asyncio.timeout(limit):
            while True:
                message = await self.receive()
                if what in (message.status, message.method):
                    return message

    async def silent(self, about: int | str) -> bool:
        """Whether no such message comes any more."""
        try:
            await self.expect(about, SILENCE)
        except TimeoutError:
            return True
        return False

    def request(
        self,
        method: str,
        *,
        sequence: int = 1,
        branch: str | None = None,
        to: str = "<sip:bob@example.com>",
        body: str = "",
        extra: str = "",
    ) -> str:
        branch = branch or f"z9hG4bK{self.call_id}-{method}-{sequence}"
        content = "Content-Type: application/sdp\r\n" if body else ""
        contact = f"Contact: <sip:alice@127.0.0.1:{self.port}>\r\n" if self.contact else ""
        return (
            f"{method} sip:bob@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch}\r\n"
            f"From: Alice <sip:alice@example.com>;tag=alice+tag\r\nTo: {to}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {sequence} {method}\r\nMax-Forwards: 70\r\n"
            f"{contact}{content}{extra}Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )

    def response(
        self,
        request: Message,
        status: int,
        *,
        tag: str = "bob+tag",
        body: str = "",
        contact: str | None = None,
        extra: str = "",
    ) -> str:
        """A response to a request, its Via untouched, its To with our tag."""
        to = (
            request["To"]
            if "tag=" in request["To"] or status == 100
            else (f"{request['To']};tag={tag}")
        )
        content = "Content-Type: application/sdp\r\n" if body else ""
        contact = f"<sip:bob@127.0.0.1:{self.port}>" if contact is None else contact
        contact = f"Contact: {contact}\r\n" if contact else ""
        return (
            f"SIP/2.0 {status} Whatever\r\nVia: {request['Via']}\r\n"
            f"From: {request['From']}\r\nTo: {to}\r\nCall-ID: {request['Call-ID']}\r\n"
            f"CSeq: {request['CSeq']}\r\n{contact}{content}{extra}"
            f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )
