"""One trial of a way to play a URL: what was asked and answered, and whether packets verify."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from mikey import rtsp
from mikey.carriage.rtsp import Headers, Response, parse_key_mgmt
from mikey.cli.rtsp.options import Target
from mikey.cli.rtsp.report import StreamReport
from mikey.errors import LocalError, MikeyError, PeerError
from mikey.policy import PROFILES, KeyFlow, srtp_policy
from mikey.text import plain
from mikey.wire import Kemac, KvSpi, Message, Sp, parse_key_data

__all__ = ["Trial", "Watched", "attempt", "profiles"]

_ENOUGH = 10  # packets of each stream
_LOOK_EVERY = 0.05


class Watched(rtsp.Client):
    """A client that remembers the key messages it sent, each with the answer that it got."""

    said: list[tuple[str, bytes, int]]

    async def request(
        self,
        method: str,
        uri: str,
        headers: Headers | None = None,
        body: bytes = b"",
        *,
        accept: Collection[int] = (),
    ) -> Response:
        """Send a request as ever."""
        status = 0
        try:
            response = await super().request(method, uri, headers, body, accept=accept)
            status = response.status
        except rtsp.RefusedError as error:
            status = error.status
            raise
        finally:
            for spec in parse_key_mgmt((headers or Headers()).all("KeyMgmt")):
                self.said.append((method, spec.data, status))
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of a profile over a transport.

    `error` is why there was no session, "" if there was one; `refused` are our messages that the
    server did not take. `rekey` and `ask` tell what came of new keys and of the question for the
    current ones: "works", a reason, or "" where it was not tried.
    """

    profile: str
    reason: str
    flow: str
    transport: str
    error: str = ""
    streams: tuple[StreamReport, ...] = ()
    rekey: str = ""
    ask: str = ""
    refused: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def works(self) -> bool:
        """Whether something came, and all of it verifies."""
        came = any(stream.verified for stream in self.streams)
        return not self.error and came and not any(stream.failed for stream in self.streams)

    @property
    def unverified(self) -> bool:
        """Whether packets came that were under another key: no transport can mend that."""
        return any(stream.failed for stream in self.streams)

    @property
    def verdict(self) -> str:
        """What happened, in one line."""
        if self.error:
            return self.error
        parts = []
        for stream in self.streams:
            said = f"stream {stream.index}: {stream.verified} verified"
            if stream.rejected:
                said += f", {stream.rejected} rejected ({stream.last_error})"
            if stream.rtcp_rejected:
                said += f", {stream.rtcp_rejected} SRTCP rejected"
            parts.append(said)
        return "; ".join(parts)


def profiles(message: bytes | None) -> list[str | None]:
    """Return the profiles in the order of trial; None chooses by what the server said.

    `message` is the server's: without one only a key of ours can protect what comes, and its
    cipher and MKI tell which products it cannot be of.
    """
    if message is None:
        return [None, "onvif-cm", "onvif-gcm"]
    policy, mki = None, False
    with contextlib.suppress(PeerError):
        parsed = Message.parse(message)
        for sp in parsed.all(Sp):
            policy = srtp_policy(sp, PROFILES["gst-legacy"])
        keys = parse_key_data(parsed.one(Kemac).encr_data)
        mki = any(isinstance(key.validity, KvSpi) for key in keys)
    if policy is not None and policy.is_aead:
        return [None, "onvif-gcm", "gst-gcm"]
    own = ["live555", "mediamtx"] if mki else ["mediamtx", "live555"]
    short = ["gst-sha1-32"] if policy is not None and policy.tag_length == 4 else []
    return [None, "onvif-cm", *own, *short, "gst-legacy"]


async def attempt(
    target: Target, tls: rtsp.Tls, profile: str | None, transport: str, seconds: float
) -> Trial:
    """Play for a moment, over a connection of its own."""
    options = replace(target.options, profile=profile, transport=transport)
    trial = Trial(
        profile=profile or "auto",
        reason="",
        flow="" if profile is None else PROFILES[profile].flow.value,
        transport=transport,
    )
    client: Watched | None = None
    try:
        client = await Watched.connect(
            target.url,
            user=target.user,
            password=target.password,
            tls=tls,
            settings=target.settings,
        )
        client.said = []
        async with client:
            session = await rtsp.setup(client, options=options)
            choice = session.choice
            trial = replace(
                trial, profile=choice.profile, reason=plain(choice.reason), flow=session.flow.value
            )
            async with session:
                await session.play()
                await _listen(session, seconds)
                trial = replace(trial, streams=tuple(map(StreamReport.of, session.streams)))
                if trial.works:
                    trial = await _renewal(session, trial, seconds)
    except (LocalError, PeerError) as error:
        trial = replace(trial, error=plain(str(error)))
    if client is not None:
        refused = (octets for _, octets, status in client.said if status >= 300)
        trial = replace(trial, refused=tuple(refused))
    return trial


async def _listen(session: rtsp.Session, seconds: float) -> None:
    """Wait until every stream has enough packets, at most `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not all(
                stream.rtp.verified + stream.rtp.rejected >= _ENOUGH for stream in session.streams
            ):
                await asyncio.sleep(_LOOK_EVERY)


async def _renewal(session: rtsp.Session, trial: Trial, seconds: float) -> Trial:
    """Try new keys and the question for the current ones."""
    rekey = ask = "works"
    if session.flow is KeyFlow.SERVER_KEY:
        rekey = "the server makes the keys"
    else:
        before = sum(stream.rtp.rejected for stream in session.streams)
        try:
            await session.rekey()
            await asyncio.sleep(min(1.0, seconds))
            lost = sum(stream.rtp.rejected for stream in session.streams) - before
            if lost:
                rekey = f"accepted, but then {lost} packets did not verify"
        except MikeyError as error:
            rekey = plain(str(error))
    try:
        await session.ask_keys()
    except MikeyError as error:
        ask = plain(str(error))
    return replace(trial, rekey=rekey, ask=ask)
