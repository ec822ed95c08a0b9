"""SETUP of the streams of a presentation, with keys by the flow that fits the server."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mikey.aio import RtpEndpoint
from mikey.carriage.rtsp import (
    KEY_ERROR,
    KEY_FAILURE,
    Choice,
    Headers,
    KeyMgmt,
    Presentation,
    Response,
    Session,
    Track,
    Transport,
    is_key_failure,
    mikey_only,
    parse_address,
    parse_key_mgmt,
    parse_transport,
    suite_of,
)
from mikey.errors import CarriageError
from mikey.policy import PROFILES, KeyFlow, SrtpPolicy
from mikey.rtsp._flow import ClientKeys
from mikey.rtsp._keys import Keyring
from mikey.rtsp.client import Client
from mikey.rtsp.errors import RefusedError, RtspError
from mikey.rtsp.stream import Handlers, MediaStream

__all__ = ["Setup"]

_UNSUPPORTED_TRANSPORT = 461
_MIKEY = "mikey"


@dataclass(frozen=True, slots=True)
class _Way:
    """How a stream is to come, as we ask for it."""

    transport: Transport
    endpoint: RtpEndpoint | None


class Setup:
    """The SETUP requests of one session, one after the other.

    `lower` are "UDP" and "TCP" by preference: where the server refuses the first (461), the next
    is tried.
    """

    def __init__(
        self,
        client: Client,
        presentation: Presentation,
        tracks: Sequence[Track],
        choice: Choice,
        make_keyring: Callable[[Choice], Keyring],
        *,
        lower: Sequence[str],
        srtp: SrtpPolicy | None,
        handlers: Handlers,
        fail: Callable[[Exception], None],
        goodbye: Callable[[], None],
    ) -> None:
        self._client = client
        self._presentation = presentation
        self._tracks = tracks
        self._make_keyring = make_keyring
        self._lower = list(lower)
        self._srtp = srtp
        self._handlers = handlers
        self._fail = fail
        self._goodbye = goodbye
        self._cname = f"{secrets.token_hex(6)}@{client.connection.own_host}"  # RFC 7022 4.2
        self.choice = choice
        self.session: Session | None = None
        self.streams: list[MediaStream] = []
        self._begin(choice)

    def _begin(self, choice: Choice) -> None:
        self.choice = choice
        self.keyring = self._make_keyring(choice)
        taken = {ssrc for track in self._tracks for ssrc in track.ssrcs} | {0}
        self._ssrcs: dict[int, int] = {}
        for track in self._tracks:
            ssrc = 0
            while ssrc in taken:
                ssrc = int.from_bytes(self._client.settings.random(4))
            taken.add(ssrc)
            self._ssrcs[track.index] = ssrc
        self._keys = ClientKeys(
            self._presentation,
            self.keyring,
            self._ssrcs,
            self._srtp,
            otherwise=suite_of(choice.profile),
        )

    async def run(self) -> None:
        """Set up all streams; on an error those that are there are closed again."""
        try:
            for track in self._tracks:
                self.streams.append(await self._track(track))
        except BaseException:
            for stream in self.streams:
                await stream.close()
            raise

    async def _track(self, track: Track) -> MediaStream:
        while True:
            way = await self._way(track)
            try:
                specs = self._keys.for_setup(track.index, first=not self.streams)
                asked = replace(way.transport, mikey=self._keys.for_transport(track.index))
                way = replace(way, transport=asked)
                response = await self._ask(track, way, specs)
                if response.status < 300:
                    return self._agreed(track, way, response)
                self._other_way(track, response)
            except BaseException:
                if way.endpoint is not None:
                    await way.endpoint.close()
                raise
            if way.endpoint is not None:
                await way.endpoint.close()

    def _other_way(self, track: Track, response: Response) -> None:
        """Change what the server refused, once each; raises RefusedError for all else."""
        if response.status == _UNSUPPORTED_TRANSPORT and len(self._lower) > 1:
            del self._lower[0]
            return
        # A protected exchange does not fall back to keys in clear because somebody said 463.
        final = self.choice.compat.flow in (KeyFlow.CLIENT_KEY, KeyFlow.ANSWER)
        if is_key_failure(response) and not final and not self.streams:
            gcm = self._srtp is not None and self._srtp.is_aead
            name = "onvif-gcm" if gcm else "onvif-cm"
            reason = f"the server refused the key of {self.choice.profile} ({response.status})"
            self._begin(Choice(name, PROFILES[name], f"{reason}: one with MKI for both directions"))
            return
        phrase = response.reason
        if self.keyring.certified and is_key_failure(response):
            phrase = f"{phrase}{self._reported(track, response)}"
        raise RefusedError("SETUP", response.status, phrase)

    def _reported(self, track: Track, response: Response) -> str:
        """Return what the MIKEY message of a refusal says, "" without one."""
        try:
            (said,) = parse_transport(response.headers.get("Transport") or "")
        except (CarriageError, ValueError):
            return ""
        return "" if said.mikey is None else f": {self._keys.reported(track.index, said.mikey)}"

    async def _ask(self, track: Track, way: _Way, specs: tuple[KeyMgmt, ...]) -> Response:
        headers = [("Transport", way.transport.encode())]
        compact = self.choice.compat.compact_key_mgmt
        if specs:
            value = ", ".join(spec.encode(blanks=not compact) for spec in specs)
            headers.append(("KeyMgmt", value))
        if self.session is not None:
            headers.append(("Session", self.session.id))
        if self.keyring.certified:
            headers.append(("Accept-Ranges", "npt"))  # RFC 7826 13.3
        return await self._client.request(
            "SETUP",
            track.control,
            Headers(headers),
            accept=(_UNSUPPORTED_TRANSPORT, KEY_FAILURE, KEY_ERROR),
        )

    async def _way(self, track: Track) -> _Way:
        profile = track.profile if track.secure else "RTP/SAVP"
        if self._lower[0] == "TCP":
            first = 2 * len(self.streams)
            asked = Transport(profile=profile, lower="TCP", interleaved=(first, first + 1))
            return _Way(asked, None)
        endpoint = await RtpEndpoint.open(self._client.connection.own_host)
        ports = endpoint.port, endpoint.port + 1
        if self.keyring.certified:  # the host is left out: it is that of the connection
            asked = Transport(profile=profile, dest_addr=tuple(f":{port}" for port in ports))
            return _Way(asked, endpoint)
        return _Way(Transport(profile=profile, client_port=ports), endpoint)

    def _agreed(self, track: Track, way: _Way, response: Response) -> MediaStream:
        transport = self._transport(way, response)
        value = response.headers.get("Session")
        if value is None:
            raise RtspError("the answer to SETUP names no session")
        session = Session.parse(value)
        if self.session is not None and session.id != self.session.id:
            raise RtspError("the server opened a second session for another stream")
        self.session = session
        answer = transport.mikey if self.keyring.certified else None
        specs = mikey_only(parse_key_mgmt(response.headers.all("KeyMgmt")))
        if specs and not self.keyring.certified and self.choice.compat.server_key_in_setup:
            answer = specs[0].data
        ssrc = transport.ssrc[0] if transport.ssrc else next(iter(track.ssrcs), None)
        if ssrc in self._ssrcs.values():  # under one key for both directions a two-time pad
            raise RtspError("the server sends under the SSRC of our reports")
        return MediaStream(
            track,
            transport,
            self._keys.agreed(track.index, ssrc, answer),
            self._handlers,
            our_ssrc=self._ssrcs[track.index],
            cname=self._cname,
            connection=self._client.connection,
            endpoint=way.endpoint,
            on_failure=self._fail,
            on_goodbye=self._goodbye,
        )

    @staticmethod
    def _transport(way: _Way, response: Response) -> Transport:
        """Return what the server agreed on, if it is what we asked for."""
        value = response.headers.get("Transport")
        if value is None:
            raise RtspError("the answer to SETUP has no Transport")
        agreed, *more = parse_transport(value)
        asked = way.transport
        if more or agreed.multicast or not agreed.secure or agreed.lower != asked.lower:
            raise RtspError("the answer to SETUP is another Transport than asked for")
        if asked.interleaved is not None and agreed.interleaved is None:
            agreed = replace(agreed, interleaved=asked.interleaved)
        if len(agreed.src_addr) == 2:  # RTSP 2.0
            rtp, rtcp = (parse_address(address)[1] for address in agreed.src_addr)
            agreed = replace(agreed, server_port=(rtp, rtcp))
        return agreed
