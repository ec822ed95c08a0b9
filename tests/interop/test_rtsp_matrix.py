"""Our RTSP client and server with GStreamer's and gortsplib's: media decoded, RTCP verified.

In every run the cases cover each pair of cipher, transport, TLS, profile and direction; all of
them run under `-m matrix`.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import NamedTuple

import pytest

from mikey import rtsp
from mikey.policy import Policy, SrtpPolicy
from tests.asynchronous import asynchronous
from tests.interop.rtsp_peers import (
    CIPHERS,
    decoded,
    go_client,
    go_server,
    gst_client,
    gst_server,
)
from tests.rtsp_media import received, watched
from tests.tls import TlsFiles, make

pytestmark = [pytest.mark.interop, pytest.mark.realtime]

FRAMES = 30
FPS = 100
OPEN = Policy(allow_null=True)
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": "gst-legacy",
    "AES_CM_128_HMAC_SHA1_32": "gst-sha1-32",
    "AES_256_CM_HMAC_SHA1_80": "gst-legacy",
    "AEAD_AES_128_GCM": "gst-gcm",
    "AEAD_AES_256_GCM": "gst-gcm",
}


class Case(NamedTuple):
    cipher: str
    transport: str
    tls: bool
    profile: str
    direction: str

    @property
    def label(self) -> str:
        tls = "tls" if self.tls else "plain"
        return f"{self.direction}-{self.cipher}-{self.transport}-{tls}-{self.profile}"


AXES = (tuple(CIPHERS), ("udp", "tcp"), (True, False), ("SAVP", "SAVPF"), ("receive", "send"))
MATRIX = [Case(*values) for values in itertools.product(*AXES)]


def pairwise(cases: list[Case]) -> list[Case]:
    """Return few of the cases with every pair of values of two axes, greedily."""
    missing = {pair for case in cases for pair in _pairs(case)}
    chosen = []
    while missing:
        best = max(cases, key=lambda case: len(missing & _pairs(case)))
        chosen.append(best)
        missing -= _pairs(best)
    return chosen


def _pairs(case: Case) -> set[tuple[tuple[int, object], ...]]:
    return set(itertools.combinations(enumerate(case), 2))


USUAL = pairwise(MATRIX)
ALL = [
    pytest.param(
        case,
        id=case.label,
        marks=() if case in USUAL else (pytest.mark.matrix, pytest.mark.slow),
    )
    for case in MATRIX
]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return make(tmp_path_factory.mktemp("tls"))


def test_the_usual_cases_are_few_and_cover_each_pair() -> None:
    assert len(USUAL) <= 14
    assert {p for c in USUAL for p in _pairs(c)} == {p for c in MATRIX for p in _pairs(c)}


@pytest.mark.parametrize("case", ALL)
@asynchronous
async def test_gstreamer(case: Case, tls: TlsFiles) -> None:
    await (_from_gstreamer(case, tls) if case.direction == "receive" else _to_gstreamer(case, tls))


async def _from_gstreamer(case: Case, tls: TlsFiles) -> None:
    cipher, auth = CIPHERS[case.cipher]
    options = {"cipher": cipher, "auth": auth, "profile": case.profile, "fps": FPS}
    if case.tls:
        options |= {"certificate": str(tls.certificate), "key": str(tls.key)}
    async with gst_server({**options, "frames": FRAMES}) as server:
        scheme = "rtsps" if case.tls else "rtsp"
        seen = await received(
            f"{scheme}://127.0.0.1:{server.port}/test",
            rtsp.Options(transport=case.transport),
            rtsp.Tls(ca=tls.certificate) if case.tls else None,
        )
        assert seen.session.choice.profile == PROFILES[case.cipher]
        (stream,) = seen.session.streams
        assert stream.policy.name == case.cipher
        assert (stream.lost, stream.rtp.rejected, stream.rtcp.rejected) == (0, 0, 0)
        assert stream.rtcp.verified >= 1
        assert stream.our_ssrc in server.told("rtcp")
    assert await decoded(seen.packets) == {"frames": FRAMES, "bars": FRAMES}


async def _to_gstreamer(case: Case, tls: TlsFiles) -> None:
    options = rtsp.ServerOptions(
        profile=PROFILES[case.cipher],
        srtp=SrtpPolicy.named(case.cipher),
        feedback=case.profile == "SAVPF",
        policy=OPEN,
    )
    files = rtsp.ServerTls(tls.certificate, tls.key) if case.tls else None
    source = rtsp.bars(frames=FRAMES, fps=FPS)
    async with await rtsp.Server.open([source], options=options, tls=files) as server:
        watching = asyncio.create_task(watched(server))
        told = await gst_client(
            {
                "url": server.url,
                "protocols": case.transport,
                "frames": FRAMES,
                "insecure": True,
            }
        )
        (stream,) = (await watching).streams
    assert told["error"] == ""
    assert (told["frames"], told["bars"]) == (FRAMES, FRAMES)
    assert told["rtcp"] == [stream.ssrc]
    assert stream.rtcp.verified >= 1
    assert stream.rtcp.rejected == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_gortsplib_sends(transport: str, tls: TlsFiles) -> None:
    async with go_server(tls, FRAMES) as server:
        seen = await received(
            f"rtsps://127.0.0.1:{server.port}/test",
            rtsp.Options(transport=transport),
            rtsp.Tls(pin=tls.pin),
            frames=FRAMES,
        )
        (stream,) = seen.session.streams
        assert seen.session.choice.profile == "mediamtx"
        assert (stream.lost, stream.rtp.rejected, stream.rtcp.rejected) == (0, 0, 0)
        assert stream.rtcp.verified >= 1
        while "*rtcp.ReceiverReport" not in server.told("rtcp"):
            await asyncio.sleep(0.01)
    assert await decoded(seen.packets) == {"frames": FRAMES, "bars": FRAMES}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_gortsplib_receives(transport: str, tls: TlsFiles) -> None:
    source = rtsp.bars(frames=FRAMES, fps=FPS)
    async with await rtsp.Server.open(
        [source],
        options=rtsp.ServerOptions(profile="mediamtx"),
        tls=rtsp.ServerTls(tls.certificate, tls.key),
    ) as server:
        watching = asyncio.create_task(watched(server))
        told = await go_client(server.url, transport, FRAMES)
        (stream,) = (await watching).streams
    assert told["errors"] is None
    assert (told["frames"], told["bars"]) == (FRAMES, FRAMES)
    assert (told["rtp_in_error"], told["rtcp_in_error"]) == (0, 0)
    assert told["rtcp"] >= 1
    assert stream.rtcp.verified >= 1
