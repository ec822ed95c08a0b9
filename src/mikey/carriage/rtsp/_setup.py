"""Which MIKEY message goes into which SETUP, and what is said when one fails.

RFC 4567 4.2 (RTSP 1.0: the server is the Initiator, its messages stand in the SDP);
RFC 7826 C.1.4.1 (RTSP 2.0: the client is, and both messages stand in Transport).
"""

from __future__ import annotations

from collections.abc import Mapping

from mikey.carriage.rtsp._headers import Headers
from mikey.carriage.rtsp._keymgmt import (
    KEY_ERROR,
    KEY_FAILURE,
    NAME,
    KeyMgmt,
    mikey_only,
    parse_key_mgmt,
)
from mikey.carriage.rtsp._messages import VERSIONS, Request, Response
from mikey.carriage.rtsp._presentation import Presentation
from mikey.carriage.rtsp._transport import Transport, parse_transport
from mikey.carriage.sdp import MIKEY
from mikey.errors import CarriageError, PeerError

_FORBIDDEN = 403


def levels_in_setup(
    presentation: Presentation, index: int, *, aggregated: bool, first: bool
) -> tuple[int | None, ...]:
    """Return the levels whose responses the SETUP of a stream carries (R4567-4.2-2, -3).

    That of the stream, or that of the session (None): in the `first` SETUP, and in each where
    every stream has a session of its own (`aggregated` False). () where nothing is to be said.
    """
    carried = presentation.message_for(index)
    if carried is None or not presentation.tracks[index].secure:
        return ()
    if carried.media is None and aggregated and not first:
        return ()
    return (carried.media,)


def key_mgmt_for(
    presentation: Presentation, messages: Mapping[int | None, bytes]
) -> tuple[KeyMgmt, ...]:
    """Return the KeyMgmt of messages by level, each with the control URI of its level."""
    return tuple(
        KeyMgmt(MIKEY, presentation.uri_of(level), octets) for level, octets in messages.items()
    )


def take_key_mgmt(
    request: Request, presentation: Presentation, expected: tuple[int | None, ...]
) -> dict[int | None, bytes]:
    """Return the MIKEY messages of a SETUP by level, as a server takes them.

    Raises CarriageError: 403 where one of `expected` is missing, 463 for a URI that is none of
    the presentation's, for two messages of one level and for data that is no base64
    (R4567-4.2-5, R4567-3.2-3).
    """
    found: dict[int | None, bytes] = {}
    for spec in mikey_only(parse_key_mgmt(request.headers.all(NAME))):
        level = presentation.level_of(spec, request.uri)
        if level in found:
            raise CarriageError("RTSP: two MIKEY messages of one level", status=KEY_FAILURE)
        found[level] = spec.data
    if any(level not in found for level in expected):
        raise CarriageError("RTSP: SETUP has no MIKEY message (KeyMgmt)", status=_FORBIDDEN)
    return found


def take_transport(request: Request) -> tuple[Transport, ...]:
    """Return the transports of an RTSP 2.0 SETUP that a server may choose from.

    Those of SRTP without MIKEY are left out. Raises CarriageError: 403 where nothing else is
    offered (RFC 7826 C.1.4.1), 400 without a Transport header field.
    """
    value = request.headers.get("Transport")
    if value is None:
        raise CarriageError("RTSP: SETUP has no Transport", status=400)
    usable = tuple(t for t in parse_transport(value) if not t.secure or t.mikey is not None)
    if not usable:
        raise CarriageError("RTSP: every transport is SRTP without MIKEY", status=_FORBIDDEN)
    return usable


def refusal_status(error: PeerError, version: str) -> int:
    """Return the status that answers a request which failed with `error` (R4567-3.2-5).

    That of a CarriageError, else 463; in RTSP 2.0 466 in place of 463.
    """
    status = error.status if isinstance(error, CarriageError) else KEY_FAILURE
    return _key_failure(version) if status in (KEY_FAILURE, KEY_ERROR) else status


def refuse(
    error: PeerError, request: Request, *, mikey: bytes | None = None, uri: str = ""
) -> Response:
    """Return the response to a request that failed with `error`.

    `mikey` is a MIKEY Error message (`Responder.refuse`): it goes into KeyMgmt with the control
    URI `uri`, in RTSP 2.0 into the first SRTP transport of the request.
    """
    status = refusal_status(error, request.version)
    headers = Headers((name, value) for name, value in request.headers if name.lower() == "cseq")
    if mikey is not None and status == KEY_FAILURE:
        spec = KeyMgmt(MIKEY, uri or request.uri, mikey)
        headers = headers.and_field(NAME, spec.encode())
    elif mikey is not None and status == KEY_ERROR:
        chosen = next((t for t in take_transport(request) if t.secure), None)
        if chosen is not None:
            said = Transport(profile=chosen.profile, lower=chosen.lower, mikey=mikey)
            headers = headers.and_field("Transport", said.encode())
    return Response(status, headers=headers, version=request.version)


def is_key_failure(response: Response) -> bool:
    """Tell whether a response says that key management failed, by its version's number for it."""
    return response.status == _key_failure(response.version)


def _key_failure(version: str) -> int:
    return KEY_ERROR if version == VERSIONS[1] else KEY_FAILURE
