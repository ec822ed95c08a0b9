"""The two readers of RTSP text: what a connection brings, and the answer to DESCRIBE."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mikey import Clock, Context, NoKey, PeerError, Responder, Secret, drive
from mikey.carriage import rtsp
from mikey.carriage.rtsp import Framer, Guard, Interleaved, Login, Presentation, Request, Response
from mikey.policy import PROFILES
from tests.rules import psk_parties as p

BASE = "rtsp://camera.example.com/live/"
LIMIT = 1 << 18  # what a framer holds at most: buffer, head and body

_PASSWORD = Secret(b"hunter2 hunter2")


def connection(octets: bytes) -> None:
    """Octets of a connection: framed whole and in pieces alike, every header read."""
    whole = _framed(octets, len(octets) or 1)
    # Small pieces of long input cost calls in proportion to their number, not to the input.
    assert whole == _framed(octets, max(1, len(octets) // 64))
    for item in whole[0]:
        if not isinstance(item, Interleaved):
            _headers(item)


def _framed(octets: bytes, size: int) -> tuple[list[rtsp.Item], str]:
    framer = Framer()
    found: list[rtsp.Item] = []
    try:
        for start in range(0, len(octets), size):
            found += framer.feed(octets[start : start + size])
        framer.finish()
    except PeerError as error:
        return found, str(error)
    again = b"".join(item.encode() for item in found)
    once = Framer()
    assert len(once.feed(again)) == len(found)
    return found, ""


def _headers(item: Request | Response) -> None:
    headers = item.headers
    for read in _readers(item):
        with suppress(PeerError):
            read()
    with suppress(PeerError):
        for spec in rtsp.mikey_only(rtsp.parse_key_mgmt(headers.all("KeyMgmt"))):
            for blanks in (False, True):
                assert rtsp.parse_key_mgmt([spec.encode(blanks=blanks)]) == (spec,)
            assert rtsp.key_mgmt_body(spec)
    with suppress(PeerError):
        for transport in rtsp.parse_transport(headers.get("Transport") or ""):
            assert rtsp.parse_transport(transport.encode()) == (transport,)


def _readers(item: Request | Response) -> list[Callable[[], object]]:
    headers = item.headers
    readers: list[Callable[[], object]] = [
        lambda: item.cseq,
        lambda: rtsp.Session.parse(headers.get("Session") or ""),
        lambda: rtsp.Range.parse(headers.get("Range") or ""),
        lambda: rtsp.parse_parameters(item.body, headers),
    ]
    if isinstance(item, Request):
        guard = Guard("camera", {"user": _PASSWORD}, random=bytes)
        readers += [
            lambda: rtsp.take_transport(item),
            lambda: _stranger(guard, item),
            lambda: rtsp.refuse(PeerError("no"), item, mikey=b"\1").encode(),
        ]
    else:
        login = Login("user", _PASSWORD, secure=True, random=bytes)
        readers += [
            lambda: login.challenged(item),
            lambda: login.authorize(Request("OPTIONS", "*")).encode(),
            lambda: rtsp.is_key_failure(item),
            lambda: Presentation.of(item, BASE),
        ]
    return readers


def _stranger(guard: Guard, request: Request) -> None:
    """Nobody without the password is let in."""
    try:
        guard.check(request, now=1, secure=True)
    except PeerError:
        return
    raise AssertionError("a stranger was taken for a user")


def presentation(octets: bytes) -> None:
    """A description: read, its keys taken by the profile that fits, and no other way out."""
    text = octets.decode("utf-8", "surrogateescape")
    try:
        found = Presentation(text, BASE, context=Context(secure=True))
        messages = found.messages()
    except PeerError:
        return
    again = Presentation(str(found.description), BASE)
    assert [t.control for t in again.tracks] == [t.control for t in found.tracks]
    for track in found.tracks:
        assert rtsp.levels_in_setup(found, track.index, aggregated=True, first=True) is not None
    for carried in messages:
        choice = rtsp.choose(carried.octets, server="camera")
        assert "\n" not in choice.reason
        for compat in (choice.compat, PROFILES["rfc"]):
            clock = Clock(p.Time())
            bob = Responder([NoKey(p.BOB, p.ALICE, compat)], clock=clock)
            with suppress(PeerError):
                said = rtsp.first_message(carried.octets, compat=compat, clock=clock)
                offer = drive(bob.receive(said, context=carried.context))
                _, bundle = offer.accept()
                assert len(bundle.masters(1)) == len(bundle.keys)
                update = rtsp.update_message(carried.octets, bundle, clock=clock)
                assert drive(bob.receive(update, context=Context(secure=True))).is_update
        rtsp.filetime(carried.octets)
