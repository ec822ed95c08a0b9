"""The second implementation of RSA-R: for one, for a group, and both readings of its texts."""

from __future__ import annotations

import pytest

from tests.naive import encode as e
from tests.naive import exchange, pke, pki, rsa, rsar
from tests.naive.decode import (
    CERT,
    GENERAL_EXT,
    HDR,
    ID,
    KEMAC,
    PKE,
    RAND,
    SIGN,
    SP,
    T,
    decode,
    one,
)
from tests.naive.parties import (
    ALICE,
    ALICE_PUBLIC,
    BOB,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    GROUP,
    GROUP_CSB_ID,
    KEYS,
    LISTENER,
    RESPONDER_RAND,
    TERMS,
    UNICAST,
    YOURS,
    rejects_any_change,
    types,
)
from tests.naive.pke import Protection
from tests.naive.vectors import CSB_ID, IDI, IDR, RAND_VALUE, TGK, TS

SIGNATURES = [(s_type, name) for s_type in (rsa.V15, rsa.PSS) for name in rsa.HASHES]


def open_rsar(asked: bytes, told: bytes) -> rsar.Granted:
    return rsar.open_answer(asked, told, BOB_PUBLIC, ALICE.key)


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize(("s_type", "hash_name"), SIGNATURES)
def test_rsar_unicast(s_type: int, hash_name: str, head: bool) -> None:
    asked = rsar.request(TERMS, ALICE._replace(s_type=s_type, hash=hash_name))
    bob = BOB._replace(s_type=s_type, hash=hash_name)
    told = rsar.answer(asked, ALICE_PUBLIC, bob, UNICAST, idr=IDR, head=head)
    assert types(asked) == [HDR, T, RAND, ID, CERT, CERT, ID, SP, GENERAL_EXT, SIGN]
    assert types(told) == [HDR, T, ID, CERT, CERT, SP, KEMAC, PKE, SIGN]
    granted = open_rsar(asked, told)
    assert (granted.rand, granted.csb_id, granted.idr) == (RAND_VALUE, CSB_ID, IDR)
    assert (granted.keys[0]["key"], granted.head_signed) == (TGK, head)


def test_the_signature_of_an_rsar_answer_covers_names_and_time() -> None:
    asked = rsar.request(TERMS, ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST, idr=IDR)
    sign = one(decode(told), SIGN)
    covered = told[: sign.offset + 2] + IDI + IDR + TS
    assert rsa.verify(BOB_PUBLIC, 0, sign.fields["signature"], covered) == "sha1"
    for wrong in (told[: sign.offset + 2], covered[:-8] + bytes(8), covered + TS):
        with pytest.raises(ValueError, match="signature"):
            rsa.verify(BOB_PUBLIC, 0, sign.fields["signature"], wrong)


def test_rsar_unicast_with_the_rand_of_the_responder() -> None:
    asked = rsar.request(TERMS._replace(rand=None), ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST._replace(rand=RESPONDER_RAND), idr=IDR)
    assert types(told)[:3] == [HDR, T, RAND]
    assert open_rsar(asked, told).rand == RESPONDER_RAND
    with pytest.raises(ValueError, match="no RAND"):
        rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST, idr=IDR)
    both = rsar.request(TERMS, ALICE)
    with pytest.raises(ValueError, match="both"):
        rsar.answer(both, ALICE_PUBLIC, BOB, UNICAST._replace(rand=RESPONDER_RAND), idr=IDR)


@pytest.mark.parametrize("ext_first", [True, False])
def test_rsar_group(ext_first: bool) -> None:
    """Both members get the same keys for the same CSB ID, each in a message of its own."""
    teks: list[list[tuple[bytes, bytes]]] = []
    for member in (ALICE, pki.signer(b"sip:carol@example.com")):
        asked = rsar.request(LISTENER._replace(csb_id=len(teks) + 1), member)
        told = rsar.answer(asked, member.key.public_key(), BOB, GROUP, idr=IDR, ext_first=ext_first)
        assert types(asked) == [HDR, T, ID, CERT, CERT, ID, SIGN]
        order = [GENERAL_EXT, T] if ext_first else [T, GENERAL_EXT]
        assert types(told) == [HDR, *order, RAND, ID, CERT, CERT, SP, KEMAC, PKE, SIGN]
        granted = rsar.open_answer(asked, told, BOB_PUBLIC, member.key)
        assert (granted.csb_id, granted.rand) == (GROUP_CSB_ID, RESPONDER_RAND)
        hdr = decode(told)[0].fields
        assert (hdr["csb_id"], hdr["cs_map"][0]["roc"]) == (len(teks) + 1, 9)
        teks += exchange.masters(granted.keys, granted.csb_id, granted.rand, hdr["cs_count"])
    assert teks[0] == teks[1]


def test_the_rand_of_a_group_is_the_responders() -> None:
    asked = rsar.request(LISTENER._replace(rand=RAND_VALUE), ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, GROUP, idr=IDR)
    assert open_rsar(asked, told).rand == RESPONDER_RAND


def test_message_keys_by_the_old_csb_id_are_found() -> None:
    """R4738-3.6-4: another may key the KEMAC by the CSB ID of the header."""
    asked = rsar.request(LISTENER, ALICE)
    new = e.general_ext(4, e.u(GROUP_CSB_ID, 4))
    payloads = [
        new, e.t(0, TS), e.rand(RESPONDER_RAND), e.ident(IDR), e.sp(e.AES_CM_128_HMAC_SHA1_80),
        pke.kemac(ENVELOPE_KEY, IDR, KEYS, TERMS, CSB_ID, RESPONDER_RAND, Protection()),
        pke.envelope(ALICE_PUBLIC, ENVELOPE_KEY, 0), exchange.sign_head(BOB),
    ]  # fmt: skip
    out = e.build(10, payloads, csb_id=CSB_ID, cs_map=e.srtp_map([(0, YOURS, 0)]))
    granted = open_rsar(asked, exchange.signed(out, BOB, appended=IDI + IDR + TS))
    assert (granted.csb_id, granted.keys[0]["key"]) == (GROUP_CSB_ID, TGK)


def test_any_change_in_rsar_is_refused() -> None:
    alice, bob = ALICE._replace(certs=()), BOB._replace(certs=())
    asked = rsar.request(TERMS, alice)
    told = rsar.answer(asked, ALICE_PUBLIC, bob, UNICAST, idr=IDR)
    rejects_any_change(asked, lambda o: rsar.answer(o, ALICE_PUBLIC, bob, UNICAST, idr=IDR))
    rejects_any_change(told, lambda o: open_rsar(asked, o))


def test_the_policy_of_an_rsar_answer() -> None:
    """One SP of those offered, one value a Type; a list of options is not an answer."""
    options = [*e.AES_CM_128_HMAC_SHA1_80, (11, b"\4")]
    asked = rsar.request(TERMS._replace(policies=(e.AES_CM_128_HMAC_SHA1_80, options)), ALICE)

    def answered(policy: tuple[int, e.Policy] | None) -> rsar.Granted:
        grant = UNICAST._replace(policy=policy)
        return open_rsar(asked, rsar.answer(asked, ALICE_PUBLIC, BOB, grant, idr=IDR))

    short_tag = [*e.AES_CM_128_HMAC_SHA1_80[:-1], (11, b"\4")]
    assert answered((1, short_tag)).keys
    assert answered((0, [])).keys
    for wrong in (
        (0, short_tag),
        (1, options),
        (2, short_tag),
        (0, [(0, b"\2")]),
        (0, [(13, b"")]),
    ):
        with pytest.raises(ValueError, match="not offered"):
            answered(wrong)
    with pytest.raises(ValueError, match="no SP"):
        answered(None)


def test_a_group_wants_its_policy() -> None:
    asked = rsar.request(LISTENER, ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, GROUP._replace(policy=None), idr=IDR)
    with pytest.raises(ValueError, match="group"):
        open_rsar(asked, told)
    offering = rsar.request(LISTENER._replace(policies=TERMS.policies), ALICE)
    told = rsar.answer(offering, ALICE_PUBLIC, BOB, GROUP, idr=IDR)
    with pytest.raises(ValueError, match="group"):
        open_rsar(offering, told)


def test_an_rsar_answer_under_another_name() -> None:
    asked = rsar.request(TERMS, ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST, idr=IDR, inner=IDI)
    with pytest.raises(ValueError, match="inside"):
        open_rsar(asked, told)
