"""A network that loses, reorders and repeats packets, from a seed, between two programs."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, cast

_PORTS = re.compile(rb"client_port=(\d+)-(\d+)")
_DEPTH = 8  # packets that may overtake another


@dataclass(slots=True)
class Impairment:
    """What becomes of each packet: 2 % lost, 5 % late by up to 8 packets, 1 % twice."""

    seed: int
    lost: float = 0.02
    late: float = 0.05
    twice: float = 0.01
    dropped: list[bytes] = field(default_factory=list)
    repeated: int = 0
    passed: int = 0
    _held: list[tuple[int, bytes]] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def take(self, packet: bytes) -> list[bytes]:
        """Return the packets that come out when this one goes in."""
        self._held = [(count - 1, held) for count, held in self._held]
        fate = self._random.random()
        out: list[bytes] = []
        if fate < self.lost:
            self.dropped.append(packet)
        elif fate < self.lost + self.late:
            self._held.append((self._random.randint(1, _DEPTH), packet))
        else:
            out.append(packet)
            if fate > 1 - self.twice:
                self.repeated += 1
                out.append(packet)
        out += [held for count, held in self._held if count <= 0]
        self._held = [item for item in self._held if item[0] > 0]
        self.passed += len(out)
        return out

    def flush(self) -> list[bytes]:
        """Return what is still held."""
        out = [held for _, held in self._held]
        self._held.clear()
        self.passed += len(out)
        return out


class _Port(asyncio.DatagramProtocol):
    def __init__(self, handler: Callable[[bytes, asyncio.DatagramTransport], None]) -> None:
        self._handler = handler
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own transports do not inherit from the class that describes them
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._handler(data, self.transport)

    def error_received(self, exc: Exception) -> None:
        pass  # the program behind us has closed its port


class LossyUdp:
    """A UDP port of ours that passes what it gets on to `target`, through an impairment or not."""

    def __init__(self, target: tuple[str, int], impairment: Impairment | None) -> None:
        self._target = target
        self.impairment = impairment
        self._port: _Port | None = None
        self._quiet: asyncio.TimerHandle | None = None

    async def open(self) -> Self:
        loop = asyncio.get_running_loop()
        _, self._port = await loop.create_datagram_endpoint(
            lambda: _Port(self._pass), local_addr=("127.0.0.1", 0)
        )
        plain: socket.socket = self._port.transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return self

    @property
    def port(self) -> int:
        assert self._port is not None
        return int(self._port.transport.get_extra_info("sockname")[1])

    def _pass(self, data: bytes, transport: asyncio.DatagramTransport) -> None:
        for packet in [data] if self.impairment is None else self.impairment.take(data):
            transport.sendto(packet, self._target)
        if self._quiet is not None:
            self._quiet.cancel()
        loop = asyncio.get_running_loop()
        self._quiet = loop.call_later(0.05, self._rest, transport)

    def _rest(self, transport: asyncio.DatagramTransport) -> None:
        if self.impairment is not None:
            for packet in self.impairment.flush():
                transport.sendto(packet, self._target)

    def close(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        if self._port is not None:
            self._port.transport.close()


class LossyRtsp:
    """An RTSP proxy (no TLS) that puts a `LossyUdp` before the RTP port of each SETUP.

    The client speaks to `port`, the server is at `server`; RTCP passes unharmed. `relays` are
    the RTP relays in the order of SETUP.
    """

    def __init__(self, server: tuple[str, int], *, seed: int) -> None:
        self._server = server
        self._seed = seed
        self._listener: asyncio.Server | None = None
        self._all: list[LossyUdp] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.relays: list[LossyUdp] = []

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._listener is not None
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for relay in self._all:
            relay.close()

    @property
    def port(self) -> int:
        assert self._listener is not None
        return int(self._listener.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._server)
        ways = (self._copy(reader, back, rewrite=True), self._copy(there, writer, rewrite=False))
        for way in ways:
            task = asyncio.create_task(way)
            self._tasks.add(task)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, rewrite: bool
    ) -> None:
        try:
            while data := await reader.read(65536):
                if rewrite and (found := _PORTS.search(data)):
                    data = _PORTS.sub(await self._relays(int(found[1]), int(found[2])), data)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _relays(self, rtp: int, rtcp: int) -> bytes:
        impairment = Impairment(self._seed + len(self.relays))
        media = await LossyUdp(("127.0.0.1", rtp), impairment).open()
        control = await LossyUdp(("127.0.0.1", rtcp), None).open()
        self._all += [media, control]
        self.relays.append(media)
        return b"client_port=%d-%d" % (media.port, control.port)
