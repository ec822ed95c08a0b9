"""What the system calls an error, whatever asyncio makes of it."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl

import pytest

from mikey.aio.reasons import reason_of
from tests.asynchronous import asynchronous


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('a', 1)"), "No route to host"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not k"),
        (OSError("Multiple exceptions: [Errno 111] x, [Errno 111] y"), "Connection refused"),
        (OSError("[Errno 111] x, [Errno 113] y"), "Connection refused, No route to host"),
        (OSError("something else"), "something else"),
        (ssl.SSLError(1, "[SSL] something"), "[SSL] something"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_reasons(error: OSError, reason: str) -> None:
    assert reason_of(error).startswith(reason)


@asynchronous
async def test_what_asyncio_says_of_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    loop = asyncio.get_running_loop()
    with pytest.raises(ConnectionRefusedError) as caught:
        await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    assert reason_of(caught.value) == "Connection refused"
