"""From a URL to an open connection, or to one line that says why there is none."""

from __future__ import annotations

import asyncio
import hashlib
import ssl

from mikey.aio.reasons import reason_of
from mikey.carriage.rtsp import Request, Response
from mikey.rtsp._connection import Connection, RequestHandler
from mikey.rtsp.errors import ClosedError, NoAnswerError, RtspError, UntrustedError
from mikey.rtsp.tls import Tls
from mikey.rtsp.url import Url
from mikey.text import bracketed

__all__ = ["certificate_pin", "open_connection"]

# What OpenSSL says, in its versions, of an answer that is no record of TLS.
_NO_TLS = frozenset(
    {"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "WRONG_VERSION_NUMBER"}
)


async def open_connection(url: Url, tls: Tls, answer: RequestHandler, timeout: float) -> Connection:
    """Connect, over TLS for rtsps; `answer` takes the server's requests.

    Raises ClosedError, NoAnswerError, UntrustedError, RtspError (TLS), LocalError.
    """
    loop = asyncio.get_running_loop()
    context = tls.context() if url.secure else None
    where = f"{bracketed(url.host)}:{url.port}"
    try:
        async with asyncio.timeout(timeout):
            _, connection = await loop.create_connection(
                lambda: Connection(answer, timeout=timeout), url.host, url.port, ssl=context
            )
    except TimeoutError:
        what = "TLS connection" if url.secure else "connection"
        raise NoAnswerError(f"no {what} to {where} within {timeout:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise tls.untrusted(error) from None
    except ssl.SSLError as error:
        if error.reason in _NO_TLS:
            raise RtspError(f"{where} answers without TLS: its URL may be rtsp://") from None
        reason = (error.reason or "no TLS").replace("_", " ").lower()
        raise RtspError(f"no TLS with {where}: {reason}") from None
    except OSError as error:
        raise ClosedError(f"cannot connect to {where}: {reason_of(error)}") from None
    try:
        tls.check(connection.certificate)
    except UntrustedError:
        await connection.close()
        raise
    return connection


async def certificate_pin(url: str | Url, *, timeout: float = 10.0) -> str:
    """Return the SHA-256 of the certificate that a server shows, as `Tls.pin` takes it.

    Nothing says that it is the right server: compare it with what its owner says. "" for rtsp.
    Raises what `Client.connect` raises.
    """
    url = Url.parse(url) if isinstance(url, str) else url

    async def refuse(_request: Request) -> Response:
        return Response(501)

    connection = await open_connection(url, Tls(insecure=True), refuse, timeout)
    try:
        certificate = connection.certificate
    finally:
        await connection.close()
    return hashlib.sha256(certificate).hexdigest() if certificate else ""
