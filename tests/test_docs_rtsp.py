"""The how-to's table of RTSP profiles is that of `mikey.policy`, its messages are what is sent.

`python -m tests.test_docs_rtsp --write` puts the table there; the messages are arguments of its
`mikey inspect` examples, which tests/test_docs.py runs.
"""

from __future__ import annotations

import base64
import itertools
import re
import sys
from pathlib import Path

from mikey.cli.rtsp.options import RTSP_PROFILES
from mikey.credentials import NoKey
from mikey.policy import PROFILES, Clock, Compat, Policy, SrtpPolicy
from mikey.registry import KeyType
from mikey.rtsp._keys import Keyring, OwnKey
from mikey.session import Stream

PAGE = Path(__file__).resolve().parents[1] / "docs" / "howto-rtsp.md"
_TABLE = re.compile(r"(?<=<!-- profiles -->\n).*?(?=<!-- end -->)", re.DOTALL)

PRODUCTS = {
    "rfc": "RFC 4567 to the letter; no product, two ends of ours",
    "onvif-cm": "Axis, Hanwha, Bosch, Genetec; GStreamer from 1.26",
    "onvif-gcm": "ONVIF cameras set to AES-GCM",
    "gst-legacy": "GStreamer up to 1.24 (Debian 12, Ubuntu 24.04)",
    "gst-sha1-32": "GStreamer with tags of 32 bits",
    "gst-gcm": "GStreamer with AES-GCM",
    "live555": "live555's server and openRTSP",
    "mediamtx": "MediaMTX, gortsplib",
}


def _key(compat: Compat) -> str:
    if compat.key_type is KeyType.TEK:
        return "TEK, salt behind it"
    return compat.key_type.label


def _parameters(compat: Compat) -> str:
    if compat.sp_parameters is None:
        return "all"
    text = " ".join(str(int(number)) for number in sorted(compat.sp_parameters))
    return text + (", tag in 3" if compat.sends_tag_length_in_type_3 else "")


def table() -> str:
    """Return the table, a row for each profile."""
    rows = [
        "| profile | products | whose key | key in KEMAC | MKI | SP parameters | rekey body |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in RTSP_PROFILES:
        compat = PROFILES[name]
        flow = compat.flow.value + (", repeated" if compat.server_key_in_setup else "")
        rekey = "`KeyMgmt:`" if compat.rekey_in_key_mgmt else "`mikey:`"
        cells = (
            f"`{name}`",
            PRODUCTS[name],
            flow,
            _key(compat),
            f"{compat.mki_length} octets" if compat.mki_length else "none",
            _parameters(compat),
            rekey,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "".join(f"{row}\n" for row in rows)


def test_every_profile_has_its_products() -> None:
    assert tuple(PRODUCTS) == RTSP_PROFILES


def test_the_table_of_profiles_is_that_of_the_code() -> None:
    found = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "run: python -m tests.test_docs_rtsp --write"


def message(profile: str, srtp: SrtpPolicy, ssrc: int = 0) -> OwnKey:
    """Return the key that a client makes at 2026-01-09 23:06:40, its random octets 1, 2, 3..."""
    numbers = itertools.count(1)
    ring = Keyring(
        NoKey("rtsp:client", "rtsp:server", compat=PROFILES[profile]),
        secure=True,
        policy=Policy(),
        clock=Clock(lambda: 1_768_000_000_000_000_000),
        random=lambda count: bytes(next(numbers) & 0xFF for _ in range(count)),
    )
    return ring.make((Stream(ssrc),), srtp)


def test_the_messages_are_those_that_are_sent() -> None:
    page = PAGE.read_text(encoding="utf-8")
    camera = message("onvif-cm", SrtpPolicy())
    sent = [
        camera.message,
        camera.renew(),
        message("onvif-gcm", SrtpPolicy.AEAD_AES_128_GCM).message,
        message("live555", SrtpPolicy(), 0x3A665DC5).message,
    ]
    for octets in sent:
        assert base64.b64encode(octets).decode("ascii") in page


if __name__ == "__main__" and "--write" in sys.argv:
    PAGE.write_text(_TABLE.sub(table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
