"""SIP over TCP: framing, limits, connections that misbehave."""

from __future__ import annotations

import asyncio
import itertools
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mikey.errors import CarriageError
from mikey.sip import Call, Invitation, Limits, UserAgent
from mikey.sip._channels import StreamFramer
from mikey.sip._message import ReceivedRequest, Source, parse_message
from tests.asynchronous import asynchronous
from tests.unit.sip.peer import IMPATIENT, TIMERS, Message, RawPeer

LIMITS = Limits()
ONE = b"OPTIONS sip:a SIP/2.0\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc"
TWO = b"OPTIONS sip:b SIP/2.0\r\nl:0\r\n\r\n"


def request(method: str = "OPTIONS", body: str = "", **rest: str) -> bytes:
    peer = RawPeer()
    peer.port = 5060
    return peer.request(method, body=body, **rest).replace("/UDP", "/TCP").encode()  # type: ignore[arg-type]


@given(st.lists(st.integers(min_value=0, max_value=200)))
def test_a_stream_is_cut_the_same_wherever_it_breaks(cuts: list[int]) -> None:
    stream = b"\r\n\r\n" + ONE + TWO + b"\r\n" + ONE
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    framer = StreamFramer(LIMITS)
    messages = [
        message
        for start, end in itertools.pairwise(edges)
        for message in framer.feed(stream[start:end])
    ]
    assert messages == [ONE, TWO, ONE]


def test_a_body_that_drips_in_does_not_have_its_headers_read_again() -> None:
    class Counting(StreamFramer):
        readings = 0

        def _measured(self) -> int | None:
            self.readings += 1
            return super()._measured()

    framer = Counting(LIMITS)
    head = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 500\r\n\r\n"
    assert list(framer.feed(head)) == []
    assert [message for _ in range(500) for message in framer.feed(b"x")] == [head + 500 * b"x"]
    assert framer.readings == 2  # this message's, and what there is of the next one's


@pytest.mark.parametrize(
    "stream",
    [
        b"OPTIONS sip:a SIP/2.0\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 999999\r\n\r\n",
        b"a" * 20_000,
    ],
)
def test_a_stream_that_cannot_be_cut(stream: bytes) -> None:
    with pytest.raises(CarriageError):
        list(StreamFramer(LIMITS).feed(stream))


@given(
    st.binary(max_size=400),
    st.integers(min_value=0, max_value=500),
    st.integers(min_value=0, max_value=40),
)
def test_whatever_comes_in_parses_or_is_a_carriage_error(
    junk: bytes, where: int, removed: int
) -> None:
    whole = request("INVITE", body="v=0")
    octets = whole[:where] + junk + whole[where + removed :]
    try:
        message = parse_message(octets, Source("udp", "127.0.0.1", 5060), LIMITS)
    except CarriageError:
        return
    if isinstance(message, ReceivedRequest):
        assert message.call_id
        assert message.via[0].parameters["branch"]


def test_the_longest_message() -> None:
    with pytest.raises(CarriageError, match="too long"):
        parse_message(request(body="x" * 70_000), Source("udp", "127.0.0.1", 5060), LIMITS)


class Connection:
    """A TCP client that speaks by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, agent: UserAgent) -> Connection:
        return cls(*await asyncio.open_connection(*agent.address))

    async def receive(self) -> Message:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(Message(head)["Content-Length"])
        return Message(head + await self.reader.readexactly(length))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@asynchronous
async def test_responses_come_back_on_their_connection() -> None:
    async with UserAgent(timers=TIMERS) as agent:
        first, second = await Connection.to(agent), await Connection.to(agent)
        both = request(extra="X: 1\r\n") + request(extra="X: 2\r\n")
        first.writer.write(both[:30])
        second.writer.write(request())
        assert (await second.receive()).status == 200
        first.writer.write(both[30:])
        assert [(await first.receive()).status for _ in range(2)] == [200, 200]
        await first.close()
        await second.close()


@asynchronous
async def test_a_bad_message_costs_its_sender_the_answer_and_a_bad_stream_the_connection() -> None:
    async with UserAgent(timers=TIMERS) as agent:
        connection = await Connection.to(agent)
        connection.writer.write(request().replace(b"Via", b"X-Via") + request())
        assert (await connection.receive()).status == 200
        connection.writer.write(b"a" * 20_000)
        assert await connection.reader.read() == b""
        await connection.close()


@asynchronous
async def test_a_200_by_tcp_is_repeated_too() -> None:
    """RFC 3261 13.3.1.4: a proxy behind may lose it."""
    calls: asyncio.Queue[Call] = asyncio.Queue()

    async def accept(invitation: Invitation) -> None:
        calls.put_nowait(await invitation.accept(b"v=0"))

    async with UserAgent(on_invite=accept, timers=IMPATIENT) as agent:
        connection = await Connection.to(agent)
        connection.writer.write(request("INVITE", body="v=0"))
        answers = [await connection.receive() for _ in range(3)]
        assert {answer.status for answer in answers} == {200}
        await connection.close()
        assert await (await calls.get()).ended() == "the peer sent no ACK"


@asynchronous
async def test_connections_are_limited_in_number_and_time() -> None:
    async with UserAgent(timers=TIMERS, limits=Limits(connections=2, idle=0.05)) as agent:
        connections = [await Connection.to(agent) for _ in range(3)]
        connections[0].writer.write(b"OPTIONS sip:")
        ends = await asyncio.gather(
            *(connection.reader.read() for connection in connections), return_exceptions=True
        )
        assert all(end == b"" or isinstance(end, ConnectionError) for end in ends)
        for connection in connections:
            connection.writer.close()


@asynchronous
async def test_a_peer_that_reads_no_answers_loses_its_connection() -> None:
    async with UserAgent(timers=TIMERS, limits=Limits(unread=10_000)) as agent:
        loop = asyncio.get_running_loop()
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.setblocking(False)
            await loop.sock_connect(peer, agent.address)

            async def ask() -> None:
                long = request().replace(b"Alice", b"A" * 8000)  # and so are the answers
                while True:
                    await loop.sock_sendall(peer, long)

            with pytest.raises(ConnectionError):
                await ask()
