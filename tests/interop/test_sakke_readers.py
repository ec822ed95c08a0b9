"""SAKKE messages of ours, read by tshark and by the naive decoder."""

from __future__ import annotations

import pytest

from mikey import MapType
from mikey.wire import Message
from tests.independent import check_messages, same_as_ours
from tests.interop.tshark_fields import first_gap
from tests.naive import decode as d
from tests.naive.decode import decode, one
from tests.rules.sakke_parties import ABROAD, ALICE, BOB, CAROL, alice, first, kms, user

pytestmark = pytest.mark.interop


def messages(map_type: MapType) -> list[bytes]:
    """Return messages with all optional payloads, with none, and between two KMSs."""
    bare = user(ALICE, BOB, send_ids=False, send_kms=False)
    abroad = user(ALICE, CAROL, domains=(kms(ABROAD),), peer_kms=ABROAD)
    unsigned = user(ALICE, BOB, anonymous=True)
    return [
        first(alice(credential=credential, map_type=map_type))
        for credential in (user(ALICE, BOB), bare, abroad, unsigned)
    ]


@pytest.mark.rule("R6509-4.1-1", "R6509-4.2-1", "R6509-4.3-1", "R6509-4.4-1", "R4563-5-1x")
@pytest.mark.parametrize("map_type", [MapType.EMPTY, MapType.SRTP_ID])
def test_tshark_reads_them_to_the_end(map_type: MapType) -> None:
    found = messages(map_type)
    assert [first_gap(decode(octets)) for octets in found] == [None] * len(found)
    check_messages(found)
    check_messages(found, "sip")


@pytest.mark.rule("R6509-2.2.1-7", "R6043-6.1.1-1", "R6043-6.6-1")
def test_the_naive_decoder_reads_what_tshark_cannot() -> None:
    """A GENERIC-ID map, the default; tshark is shown what is left of the message without it."""
    found = messages(MapType.GENERIC_ID)
    for octets in found:
        gap = first_gap(decode(octets))
        assert gap is not None
        assert gap[1].what == "GENERIC-ID map"
        same_as_ours(octets, Message.parse(octets))
    check_messages(found)
    parts = decode(found[0])
    block = {"prot_type": 0, "s": 0, "policy_nos": [0], "spi": b"\1"}
    assert parts[0].fields["cs_map"] == [
        {"cs_id": 1, "session_data": b"\0\0\0\xa1", **block},
        {"cs_id": 2, "session_data": b"", **block},
    ]
    assert [p.fields["role"] for p in parts if p.type == d.IDR] == [1, 2, 6, 7]
    sakke = one(parts, d.SAKKE).fields
    assert (sakke["params"], sakke["id_scheme"], len(sakke["data"])) == (1, 1, 0x111)
    assert found[0][one(parts, d.SIGN).offset :][:2] == b"\x20\x81"
