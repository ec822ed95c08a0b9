"""From a client to a session: which streams, over what, with whose keys."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from mikey.carriage.rtsp import Choice, Presentation, Track, choose
from mikey.credentials import NoKey, Psk
from mikey.errors import LocalError, PeerError
from mikey.policy import PROFILES, Compat, KeyFlow, SrtpPolicy
from mikey.rtsp._keys import Keyring
from mikey.rtsp._setup import Setup
from mikey.rtsp.client import Client, Settings
from mikey.rtsp.errors import RtspError
from mikey.rtsp.session import Session
from mikey.rtsp.stream import Handlers
from mikey.rtsp.tls import Tls
from mikey.secret import Secret

__all__ = ["Options", "playing", "setup"]

logger = logging.getLogger("mikey.rtsp")

_LOWER = {"auto": ("UDP", "TCP"), "udp": ("UDP",), "tcp": ("TCP",)}
_NAMES = ("rtsp:client", "rtsp:server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the streams of a presentation are set up.

    `only`: kinds ("video") or indices ("0") of the streams wanted, all by default.
    `transport`: "udp", "tcp" (interleaved), or "auto", UDP unless the server refuses it, or unless
    nothing comes by it (`Settings.silence`; `playing` alone looks for that).
    `profile`: the name of a `policy.PROFILES` entry; None chooses by what the server said.
    `flow`: whose key protects what, in place of the profile's.
    `srtp`: the policy of a key that we make; None: as the server's, else as the profile's
    name says, else AES_CM_128_HMAC_SHA1_80.
    `psk`: the key shared with the server, for the flow of RFC 4567; products know none. With it
    a server whose keys are protected by nothing but the transport is refused.
    RTSP 2.0 (`Settings.credential`) knows neither profile nor flow nor pre-shared key.
    """

    only: Collection[str] = ()
    transport: str = "auto"
    profile: str | None = None
    flow: KeyFlow | None = None
    srtp: SrtpPolicy | None = None
    psk: Psk | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.transport not in _LOWER:
            raise LocalError(f"a transport is {', '.join(_LOWER)}, not {self.transport!r}")
        if self.profile is not None and self.profile not in PROFILES:
            raise LocalError(f"no profile is named {self.profile!r}; known: {', '.join(PROFILES)}")
        named = None if self.profile is None else PROFILES[self.profile].flow
        if self.psk is not None and (self.flow or named) not in (None, KeyFlow.ANSWER):
            raise LocalError("a pre-shared key goes with the flow of RFC 4567, and with no other")


async def setup(
    client: Client,
    *,
    presentation: Presentation | None = None,
    options: Options | None = None,
    handlers: Handlers | None = None,
) -> Session:
    """Set up streams of a presentation (None: DESCRIBE first); `Session.play` begins.

    Raises LocalError for options that fit nothing there, RefusedError, PeerError for keys that
    are not to be had or not to be taken: MIKEY-NULL outside TLS without `Policy.allow_null`.
    """
    options = options or Options()
    certified = client.settings.credential
    if certified is not None and (options.psk or options.profile or options.flow):
        raise LocalError("RTSP 2.0 has one way of keying, by certificates")
    if presentation is None:
        if not client.methods:
            await client.options()
        presentation = await client.describe()
    tracks = _wanted(presentation, options.only)
    if certified is None:
        choice = _choice(client, presentation, tracks, options)
    else:
        choice = Choice("rfc", certified.compat, "RTSP 2.0: the server answers our RSA-R in SETUP")
    session: Session | None = None

    def make_keyring(chosen: Choice) -> Keyring:
        settings = client.settings
        return Keyring(
            certified or _credential(options, chosen.compat),
            secure=client.secure,
            policy=settings.policy,
            clock=settings.clock,
            random=settings.random,
        )

    def fail(error: Exception) -> None:
        if session is not None:
            session.fail(error)

    def goodbye() -> None:
        if session is not None:
            session.said_goodbye()

    work = Setup(
        client,
        presentation,
        tracks,
        choice,
        make_keyring,
        lower=_LOWER[options.transport],
        srtp=options.srtp,
        handlers=handlers or Handlers(),
        fail=fail,
        goodbye=goodbye,
    )
    await work.run()
    if work.session is None:
        raise RtspError("no stream was set up")
    session = Session(
        client,
        presentation,
        work.choice,
        work.keyring,
        work.session.id,
        work.session.timeout,
        work.streams,
    )
    return session


@asynccontextmanager
async def playing(
    url: str,
    *,
    options: Options | None = None,
    handlers: Handlers | None = None,
    user: str | None = None,
    password: Secret | None = None,
    tls: Tls | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Session]:
    """Connect, set up and play; leaving tears down and closes everything.

    With the transport "auto" it waits for the first packet: where a firewall lets none through
    over UDP, all is done once more over TCP. Raises what `Client.connect`, `setup` and
    `Session.play` raise.
    """
    options = options or Options()
    settings = settings or Settings()

    @asynccontextmanager
    async def opened(chosen: Options) -> AsyncIterator[Session]:
        client = await Client.connect(url, user=user, password=password, tls=tls, settings=settings)
        async with client, await setup(client, options=chosen, handlers=handlers) as session:
            await session.play()
            yield session

    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(opened(options))
        over_udp = any(stream.transport.lower == "UDP" for stream in session.streams)
        if options.transport == "auto" and over_udp and not await session.hears(settings.silence):
            await stack.aclose()
            logger.info("no packet came over UDP within %g s: TCP is tried", settings.silence)
            try:
                session = await stack.enter_async_context(opened(replace(options, transport="tcp")))
            except RtspError as error:
                raise RtspError(
                    f"no packet came over UDP within {settings.silence:g} s, and over TCP: {error}",
                    status=error.status,
                ) from None
        yield session


def _wanted(presentation: Presentation, only: Collection[str]) -> Sequence[Track]:
    tracks = presentation.tracks
    if not tracks:
        raise RtspError("the server's description has no streams")
    if not only:
        return tracks
    wanted = [track for track in tracks if track.kind in only or str(track.index) in only]
    unknown = set(only) - {track.kind for track in tracks} - {str(track.index) for track in tracks}
    if unknown:
        missing = ", ".join(sorted(unknown))
        has = ", ".join(f"{track.index} {track.kind}" for track in tracks)
        raise LocalError(f"the presentation has no stream {missing!r}, but {has}")
    return wanted


def _choice(
    client: Client, presentation: Presentation, tracks: Sequence[Track], options: Options
) -> Choice:
    message = next(
        (one.octets for track in tracks if (one := presentation.message_for(track.index))), None
    )
    if options.profile is not None:
        choice = Choice(options.profile, PROFILES[options.profile], "it was asked for")
    else:
        plain = next((track for track in tracks if not track.secure), None)
        if plain is not None and options.flow is None:
            raise PeerError(
                f"stream {plain.index} is plain RTP ({plain.profile}), not SRTP", number=None
            )
        policies = () if options.srtp is None else (options.srtp,)
        choice = choose(message, server=client.server, policies=policies)
    if options.flow is not None and options.flow is not choice.compat.flow:
        choice = _with_flow(choice, options.flow)
    if options.psk is not None and choice.compat.flow is not KeyFlow.ANSWER:
        # Else whoever changes the description turns the protection off.
        raise RtspError("the server has no key that the shared one protects", status=403)
    return choice


def _with_flow(choice: Choice, flow: KeyFlow) -> Choice:
    return Choice(
        choice.profile,
        replace(choice.compat, flow=flow),
        f"{choice.reason}; the flow was asked for",
    )


def _credential(options: Options, compat: Compat) -> NoKey | Psk:
    if compat.flow is not KeyFlow.ANSWER:
        return NoKey(*_NAMES, compat=compat)
    if options.psk is None:
        raise LocalError("the server's key is protected by one that both share: give it (psk)")
    return options.psk
