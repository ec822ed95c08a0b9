"""tshark 4.0.17 and the naive decoder agree, where tshark can read; and where it cannot."""

from __future__ import annotations

import pytest

from mikey import wire
from tests import independent
from tests.independent import check_message, check_messages, differences, same_as_ours
from tests.interop import samples, tshark_fields
from tests.interop.tshark import Carrier, Dissection, dissect, dissect_all, invite
from tests.interop.tshark_fields import UNNAMED, UNREADABLE, first_gap
from tests.naive import decode as d
from tests.naive import encode as e
from tests.naive.vectors import ANSWER, OFFER, TGK, TS

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("carrier", ["udp", "sip"])
def test_samples(carrier: Carrier) -> None:
    messages = samples.readable()
    gaps = {name: first_gap(d.decode(octets)) for name, octets in messages.items()}
    assert not any(gaps.values()), gaps
    check_messages([*messages.values()], carrier)


@pytest.mark.parametrize("carrier", ["udp", "sip"])
def test_samples_that_tshark_cannot_finish(carrier: Carrier) -> None:
    check_messages([*samples.unreadable().values()], carrier)


def test_every_gap_has_its_sample() -> None:
    assert [gap.what for gap in UNREADABLE] == [*samples.unreadable()]


@pytest.fixture(scope="module")
def unread() -> dict[str, Dissection]:
    """What tshark makes of the messages that it cannot read."""
    messages = samples.unreadable()
    return dict(zip(messages, dissect_all([*messages.values()]), strict=True))


@pytest.mark.parametrize("what", [gap.what for gap in UNREADABLE])
def test_gap_is_real(
    what: str, unread: dict[str, Dissection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its entry the message passes, without it tshark and the decoder differ."""
    octets = samples.unreadable()[what]
    parts, dissection = d.decode(octets), unread[what]
    assert differences(len(octets), parts, dissection) == []
    others = tuple(gap for gap in UNREADABLE if gap.what != what)
    monkeypatch.setattr(tshark_fields, "UNREADABLE", others)
    assert differences(len(octets), parts, dissection) != []


def test_chash_ends_silently(unread: dict[str, Dissection]) -> None:
    """No mark, and yet the RAND behind it is not there."""
    dissection = unread["CHASH, and all after it"]
    assert (dissection.malformed, dissection.complete) == (False, False)
    assert [payload.name for payload in dissection.payloads] == [
        "mikey.hdr", "mikey.t", "mikey.chash",
    ]  # fmt: skip


def test_the_printed_length_of_cert_is_wrong() -> None:
    octets = samples.message(samples.cert(2, samples.certificate()))
    (length,) = [leaf for leaf in dissect(octets).payloads[2].leaves if "cert.len" in leaf.name]
    assert int(length.value, 16) == 0x0200 | len(samples.certificate()) >> 8
    assert int(length.value, 16) != len(samples.certificate())


def test_mac_2_leaves_its_octets(unread: dict[str, Dissection]) -> None:
    dissection = unread["Mac alg 2 in KEMAC"]
    assert [leaf.name for leaf in dissection.payloads[-1].leaves][-1] == "mikey.kemac.mac_alg"


def _registry() -> dict[str, dict[int, bytes]]:
    """Return, for each field with names, a message for each value of its registry."""
    message = samples.message

    def param(number: int, values: int) -> dict[int, bytes]:
        return {n: message(e.sp([(number, bytes([n]))])) for n in range(values)}

    return {
        "mikey.type": {n: message(data_type=n) for n in range(27)},
        "mikey.prf_func": {n: message(prf=n) for n in range(2)},
        "mikey.cs_id_map_type": {n: message(cs=(n, 0, b"")) for n in range(3)},
        "mikey.t.ts_type": {n: e.build(0, [e.t(n, TS)], csb_id=1) for n in (0, 1)}
        | {n: e.build(0, [e.t(n, TS[:4])], csb_id=1) for n in (2, 3)},
        "mikey.id.type": {n: message(e.ident(b"a", n)) for n in range(3)},
        "mikey.cert.type": {n: message(samples.cert(n, b"\x30\0")) for n in range(4)},
        "mikey.err.no": {n: message(e.err(n)) for n in range(16)},
        "mikey.ext.type": {n: message(e.general_ext(n, b"")) for n in range(8)},
        "mikey.dh.group": {n: message(samples.dh(n, d.DH_OCTETS[n])) for n in range(3)},
        "mikey.dh.kv": {n: message(samples.dh(1, 96, n, b"\0\0"[:n])) for n in range(3)},
        "mikey.pke.c": {n: message(samples.pke(n, b"")) for n in range(3)},
        "mikey.sign.type": {n: message(samples.sign(n, b"")) for n in range(3)},
        "mikey.kemac.encr_alg": {n: message(e.kemac(n, b"")) for n in range(4)},
        "mikey.kemac.mac_alg": {
            n: message(e.kemac(1, b"", n, bytes(d.MAC_OCTETS[n]))) for n in range(3)
        },
        "mikey.v.auth_alg": {
            n: message((d.V, e.u(n, 1) + bytes(d.MAC_OCTETS[n]))) for n in range(3)
        },
        "mikey.key.type": {
            n: message(
                e.kemac(0, e.chain([e.key_data(TGK, n, salt=b"" if n in (1, 3, 5) else None)]))
            )
            for n in range(8)
        },
        "mikey.sp.proto_type": {n: message(e.sp([], prot_type=n)) for n in range(2)},
        "mikey.sp.encr_alg": param(0, 9),
        "mikey.sp.auth_alg": param(2, 5),
        "mikey.sp.prf": param(5, 3),
        "mikey.sp.srtp_encr": param(7, 2),
        "mikey.sp.srtcp_encr": param(8, 2),
        "mikey.sp.fec": param(9, 1),
        "mikey.sp.srtp_auth": param(10, 2),
    }


def test_values_without_a_name() -> None:
    """UNNAMED lists exactly what the registries have and tshark does not name."""
    asked = [(name, n, octets) for name, by in _registry().items() for n, octets in by.items()]
    unnamed: dict[str, tuple[int, ...]] = {}
    shown = dissect_all([octets for _, _, octets in asked])
    for (name, number, _), dissection in zip(asked, shown, strict=True):
        leaves = [leaf for payload in dissection.payloads for leaf in payload.leaves]
        (leaf,) = [leaf for leaf in leaves if leaf.name == name]
        assert int(leaf.value, 16) == number
        if "Unknown" in leaf.label:
            unnamed[name] = (*unnamed.get(name, ()), number)
    assert unnamed == UNNAMED


def test_a_difference_in_any_octet_is_found() -> None:
    """Hold the dissection of a changed message against the decoding of the right one."""
    parts = d.decode(OFFER)
    changed = []
    for at in range(len(OFFER)):
        octets = bytearray(OFFER)
        octets[at] ^= 0x01
        changed.append(bytes(octets))
    found = [bool(differences(len(OFFER), parts, shown)) for shown in dissect_all(changed)]
    assert all(found), found.index(False)


def test_octets_after_the_end_are_found() -> None:
    longer = OFFER + b"\0"
    assert differences(len(longer), d.decode(OFFER), dissect(longer)) == [
        "8 payloads, 8 shown, 193 of 194 octets"
    ]


def test_a_wrong_message_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(independent, "decode", lambda _: d.decode(OFFER))
    with pytest.raises(AssertionError, match="differ"):
        check_message(ANSWER)


def test_what_no_datagram_carries_is_decoded_alone() -> None:
    long = samples.message(e.ident(b"a" * 65_535))
    check_message(long)
    with pytest.raises(ValueError, match="too long"):
        dissect(long)
    with pytest.raises(ValueError, match="message ends"):
        check_message(long[:-1])


def test_the_invite_is_whole() -> None:
    head, _, body = invite(OFFER).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize("name", [*samples.readable(), *samples.unreadable()])
def test_our_own_decoder_agrees(name: str) -> None:
    octets = (samples.readable() | samples.unreadable())[name]
    items = list(wire.walk(octets))
    assert [(item.offset, item.length) for item in items] == [
        (part.offset, part.length) for part in d.decode(octets)
    ]


@pytest.mark.parametrize("octets", [OFFER, ANSWER, samples.RFC_4567_OFFER, samples.RFC_4567_ANSWER])
def test_messages_of_others_in_our_own_decoder(octets: bytes) -> None:
    same_as_ours(octets, wire.Message.parse(octets))
