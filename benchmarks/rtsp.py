"""What an RTSP client costs: a stream of 100 Mbit/s, and sessions that do nothing.

Claims: to receive 10 400 SRTP packets of 1200 octets a second (AES_CM_128_HMAC_SHA1_80, UDP over
the loopback) takes at most 40 % of one core, with none lost; and a process with 200 sessions that
are set up and idle, without TLS, has at most 100 MB (asyncio keeps 256 KiB more for each TLS
connection: about 106 MB). A second process sends; the work is that of the receiving
process, counted by the system.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import resource
import secrets
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection

from mikey import rtsp
from mikey.aio import RtpEndpoint, StreamReceiver
from mikey.policy import Policy, SrtpPolicy
from mikey.secret import Secret
from mikey.srtp import MasterKey, Receiver, Sender

SSRC = 0x1234ABCD
RATE = 10_400
OCTETS = 1200
BURST = 0.001  # seconds between the sender's bursts
MOST = 32  # packets in a burst
CLAIMED_LOAD = 0.40
CLAIMED_MEMORY = 100.0
SESSIONS = 200
POLICY = SrtpPolicy.AES_CM_128_HMAC_SHA1_80


def master(key: bytes) -> MasterKey:
    """Return 16 octets of key and 14 of salt as a master key."""
    return MasterKey(Secret(key[:16]), Secret(key[16:]))


def send(port: int, key: bytes, packets: int) -> None:
    """Send protected packets at the rate, in another process; `key` is key and salt."""
    sender = Sender(POLICY, [master(key)], ssrc=SSRC)
    protected = []
    for number in range(packets):
        header = struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, number * 9, SSRC)
        protected.append(sender.protect(header + bytes(OCTETS - len(header))))
    with socket.socket(type=socket.SOCK_DGRAM) as plain:
        plain.connect(("127.0.0.1", port))
        start, sent = time.perf_counter(), 0
        while sent < packets:
            # Behind its time it catches up in steps: a burst of its own making proves nothing.
            due = min(packets, sent + MOST, int((time.perf_counter() - start) * RATE))
            for packet in protected[sent:due]:
                plain.send(packet)
            sent = max(sent, due)
            time.sleep(BURST)


async def receive(seconds: float) -> tuple[float, int, int]:
    """Return the load of a core, the packets delivered, and those sent."""
    key = secrets.token_bytes(30)
    packets = int(RATE * seconds)
    delivered = 0

    def sink(_packet: bytes) -> None:
        nonlocal delivered
        delivered += 1

    stream = StreamReceiver(
        receiver=Receiver(POLICY, [master(key)], ssrc=None),
        sender=None,
        clock_rate=90_000,
        cname="",
        on_rtp=sink,
    )
    load = await _loaded(key, packets, stream.rtp_received)
    return load, delivered, packets


async def _loaded(key: bytes, packets: int, handler: Callable[[bytes], None]) -> float:
    """Return the load while a process sends so many packets to a handler."""
    async with await RtpEndpoint.open("127.0.0.1") as endpoint:
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=send, args=(endpoint.port, key, packets))
        process.start()
        count = 0

        def first(packet: bytes) -> None:
            nonlocal count
            count += 1
            handler(packet)

        endpoint.listen(first, lambda _packet: None)
        while count == 0:
            await asyncio.sleep(0.01)
        start, work = time.perf_counter(), time.process_time()
        before = count
        while process.is_alive():
            await asyncio.sleep(0.05)
        took, worked = time.perf_counter() - start, time.process_time() - work
        process.join()
        return worked / took * (RATE * took / max(1, count - before))


def serve(pipe: Connection) -> None:
    """Serve silent streams to many clients, in another process, until the pipe closes."""

    async def run() -> None:
        async def silence() -> AsyncIterator[rtsp.Unit]:
            await asyncio.sleep(3600)
            yield rtsp.Unit(b"", 0, 0.0)

        source = rtsp.Source(kind="video", payload_type=96, rtpmap="H264/90000", play=silence)
        options = rtsp.ServerOptions(policy=Policy(allow_null=True), most=2 * SESSIONS)
        async with await rtsp.Server.open([source], options=options) as server:
            pipe.send(server.url)
            await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)

    with contextlib.suppress(EOFError):
        asyncio.run(run())


async def idle() -> float:
    """Return the MB of a process with `SESSIONS` sessions that play nothing."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    settings = rtsp.Settings(policy=Policy(allow_null=True))
    # Silent streams: "auto" would take each for lost, and try TCP.
    options = rtsp.Options(transport="udp")
    try:
        url = ours.recv()
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(SESSIONS):
                await stack.enter_async_context(
                    rtsp.playing(url, options=options, settings=settings)
                )
            await asyncio.sleep(1.0)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    finally:
        ours.send(None)
        process.join()


def main() -> int:
    """Measure, print, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--runs", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    memory = asyncio.run(idle())
    print(f"{SESSIONS} idle sessions   {memory:6.1f} MB  (claimed {CLAIMED_MEMORY:.0f})")
    runs = [asyncio.run(receive(options.seconds)) for _ in range(options.runs)]
    load, delivered, sent = min(runs, key=lambda run: (run[2] - run[1], run[0]))
    print(
        f"{RATE} packets/s   {load:6.1%} of a core  (claimed {CLAIMED_LOAD:.0%}), "
        f"{sent - delivered} of {sent} lost"
    )
    kept = memory <= CLAIMED_MEMORY and load <= CLAIMED_LOAD and delivered == sent
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
