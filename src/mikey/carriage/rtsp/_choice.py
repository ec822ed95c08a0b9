"""Which profile fits a server, and why: from what it said, never from a guess in the dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mikey.carriage.rtsp._restate import is_null, without_zeros
from mikey.errors import PeerError
from mikey.policy import PROFILES, Compat, KeyFlow, SrtpPolicy, srtp_policy
from mikey.registry import KeyType, SrtpParam
from mikey.wire import Kemac, KeyData, KvSpi, Message, Sp, parse_key_data

_SERVERS = (
    ("gstreamer", "gst-legacy"),
    ("live555", "live555"),
    ("gortsplib", "mediamtx"),
    ("mediamtx", "mediamtx"),
)


# Profiles whose name says the policy; the others are for what every product has.
_SUITES = {
    "gst-gcm": "AEAD_AES_128_GCM",
    "gst-sha1-32": "AES_CM_128_HMAC_SHA1_32",
    "onvif-gcm": "AEAD_AES_128_GCM",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The name of a profile, its Compat as this server needs it, and the reason in one line."""

    profile: str
    compat: Compat
    reason: str


def suite_of(profile: str) -> SrtpPolicy:
    """Return the SRTP policy of a profile, for keys of which nobody said another."""
    return SrtpPolicy.named(_SUITES.get(profile, "AES_CM_128_HMAC_SHA1_80"))


def choose(
    message: bytes | None, *, server: str | None = None, policies: Sequence[SrtpPolicy] = ()
) -> Choice:
    """Choose by the MIKEY message of the SDP, the Server header, and the policies that we offer.

    `message` None: the SDP has no key, so ours is the only one; `policies` then tell the cipher.
    A message that cannot be read decides nothing: refusing it is the session's task.
    """
    product = _product(server)
    seen = None if message is None else _seen(message)
    if seen is not None and not seen.null:
        return _choice("rfc", "the server's message is protected by a key or a certificate")
    if seen is None:
        gcm = bool(policies) and policies[0].is_aead
        said = f"the server calls itself {product[1]}" if product else "the SDP has no MIKEY key"
        name = product[0] if product else "onvif-cm"
        if gcm:
            name = {"onvif-cm": "onvif-gcm", "gst-legacy": "gst-gcm"}.get(name, name)
        return _choice(name, said)
    if product is not None and product[0] != "gst-legacy":
        return _choice(product[0], f"the server calls itself {product[1]}", seen)
    if product is not None or seen.from_gstreamer:
        why = (
            f"the server calls itself {product[1]}"
            if product
            else "its policy has the tag's length in parameter 3, as GStreamer writes it"
        )
        return _choice(_gst(seen), f"{why}{_suite(seen)}", seen)
    if seen.policy is not None and seen.policy.is_aead:
        if seen.key is not None and seen.key.key_type is KeyType.TEK:
            return _choice("gst-gcm", "AES-GCM with key and salt in one TEK", seen)
        return _choice("onvif-gcm", "AES-GCM with key and salt apart")
    return _choice("onvif-cm", "AES-CM with its parameters as RFC 3830 has them")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What matters of a message."""

    null: bool
    from_gstreamer: bool
    policy: SrtpPolicy | None
    key: KeyData | None


def _seen(octets: bytes) -> _Seen | None:
    """Return what the message shows, None if it cannot be read."""
    try:
        message = Message.parse(without_zeros(octets))
    except PeerError:
        return None
    if not is_null(message):
        return _Seen(null=False, from_gstreamer=False, policy=None, key=None)
    sp, kemac = message.get(Sp), message.one(Kemac)
    policy = key = None
    try:
        key = next(iter(parse_key_data(kemac.encr_data)), None)
        policy = None if sp is None else srtp_policy(sp, PROFILES["gst-legacy"])
    except PeerError:
        pass
    values = dict(sp.params) if sp is not None else {}
    length = values.get(SrtpParam.SESSION_AUTH_KEY_LEN, b"")
    written = length in (b"\x0a", b"\x04") or (length == b"\0" and SrtpParam.ENCR_ALG in values)
    return _Seen(null=True, from_gstreamer=written, policy=policy, key=key)


def _product(server: str | None) -> tuple[str, str] | None:
    text = (server or "").lower()
    for name, profile in _SERVERS:
        if name in text:
            return profile, name
    return None


def _gst(seen: _Seen) -> str:
    if seen.policy is not None and seen.policy.is_aead:
        return "gst-gcm"
    if seen.policy is not None and seen.policy.tag_length == 4:
        return "gst-sha1-32"
    return "gst-legacy"


def _suite(seen: _Seen) -> str:
    return "" if seen.policy is None else f", {seen.policy.name}"


def _choice(name: str, reason: str, seen: _Seen | None = None) -> Choice:
    """Return the choice, with MKIs as long as the peer's where both send keys."""
    compat = PROFILES[name]
    if seen is not None and seen.key is not None and compat.flow is KeyFlow.TWO_KEYS:
        validity = seen.key.validity
        length = len(validity.spi) if isinstance(validity, KvSpi) else 0
        if length != compat.mki_length:
            compat = replace(compat, mki_length=length)
            reason += f"; its keys have an MKI of {length} octets"
    return Choice(name, compat, reason)
