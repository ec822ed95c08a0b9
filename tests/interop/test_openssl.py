"""The openssl command verifies and opens what the naive implementation makes, and nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from tests.interop import openssl
from tests.interop.openssl import Checked, Refused, openssl_checks
from tests.naive import crypto, dh, dhhmac, dhsign, exchange, pke, pki, rsa, rsar
from tests.naive.decode import DH_OCTETS, ID, KEY_DATA
from tests.naive.parties import (
    ALICE,
    ALICE_PUBLIC,
    BOB,
    BOB_PUBLIC,
    ENVELOPE_KEY,
    GROUP,
    GROUP_CSB_ID,
    KEYS,
    LATER,
    LISTENER,
    TERMS,
    UNICAST,
    XI,
    XR,
    changed,
)  # fmt: skip
from tests.naive.pke import Protection
from tests.naive.vectors import CSB_ID, IDI, IDR, PSK, RAND_VALUE, TS

pytestmark = pytest.mark.interop

FORMS = [(s_type, name) for s_type in (rsa.V15, rsa.PSS) for name in ("sha1", "sha256")]
ANCHORS = [pki.root().der]
NAMES_AND_TIME = IDI + IDR + TS
ALICE_LEAF, BOB_LEAF = pki.certificate(IDI), pki.certificate(IDR)


@pytest.mark.parametrize("s_type", [rsa.V15, rsa.PSS])
@pytest.mark.parametrize("name", ["sha384", "sha512"])
def test_longer_hashes(s_type: int, name: str) -> None:
    octets = rsar.request(TERMS, ALICE._replace(s_type=s_type, hash=name))
    assert openssl_checks(octets) == Checked(name, ALICE_LEAF)


def signed_messages(s_type: int, name: str) -> list[tuple[bytes, Checked, dict[str, object]]]:
    """Return a message of each signed kind, what is to be found, and the further arguments."""
    alice, bob = (who._replace(s_type=s_type, hash=name) for who in (ALICE, BOB))
    by_alice, by_bob = Checked(name, ALICE_LEAF), Checked(name, BOB_LEAF)
    offer = dhsign.offer(TERMS, alice, XI, group=1)
    answer, _ = dhsign.answer(offer, ALICE_PUBLIC, bob, {}, XR, idr=IDR)
    asked, listening = rsar.request(TERMS, alice), rsar.request(LISTENER, alice)
    to_bob: dict[str, object] = {"recipient": BOB.key}
    to_alice: dict[str, object] = {"recipient": ALICE.key, "appended": NAMES_AND_TIME}
    return [
        (pke.offer(TERMS, alice, BOB_PUBLIC, ENVELOPE_KEY, KEYS), by_alice, to_bob),
        (
            pke.offer(LATER, alice, BOB_PUBLIC, ENVELOPE_KEY, KEYS),
            by_alice,
            to_bob | {"rand": RAND_VALUE},
        ),
        (offer, by_alice, {}),
        (answer, by_bob, {}),
        (asked, by_alice, {}),
        (
            rsar.answer(asked, ALICE_PUBLIC, bob, UNICAST, idr=IDR),
            by_bob,
            to_alice | {"rand": RAND_VALUE},
        ),
        (
            rsar.answer(asked, ALICE_PUBLIC, bob, UNICAST, idr=IDR, head=False),
            by_bob,
            to_alice | {"rand": RAND_VALUE, "head": False},
        ),
        (
            rsar.answer(listening, ALICE_PUBLIC, bob, GROUP, idr=IDR),
            by_bob,
            to_alice | {"csb_id": GROUP_CSB_ID},
        ),
    ]


@pytest.mark.parametrize(("s_type", "name"), FORMS)
def test_signed_messages(s_type: int, name: str) -> None:
    for octets, expected, arguments in signed_messages(s_type, name):
        found = openssl_checks(octets, anchors=ANCHORS, **arguments)  # type: ignore[arg-type]
        assert found[:2] == expected[:2]
        if "recipient" in arguments:
            assert found.env_key == ENVELOPE_KEY
            assert [part.type for part in found.keys] == [ID, KEY_DATA]


def refused(match: str, check: Callable[..., object], *args: object, **options: object) -> None:
    with pytest.raises(Refused, match=match):
        check(*args, **options)


@pytest.mark.parametrize("s_type", [rsa.V15, rsa.PSS])
def test_changed_messages_are_refused(s_type: int) -> None:
    octets = dhsign.offer(TERMS, ALICE._replace(s_type=s_type), XI, group=1)
    for at in (4, len(octets) // 2, len(octets) - 1):
        refused("none of 1", openssl_checks, changed(octets, at), sender=ALICE_LEAF)


def test_what_an_rsar_answer_signs_is_exact() -> None:
    asked = rsar.request(TERMS, ALICE)
    told = rsar.answer(asked, ALICE_PUBLIC, BOB, UNICAST, idr=IDR)
    for appended, head in ((b"", True), (IDI + IDR, True), (NAMES_AND_TIME, False)):
        refused("none of 2", openssl_checks, told, appended=appended, head=head)


def test_the_salt_of_pss_is_as_long_as_the_hash() -> None:
    octets = dhsign.offer(TERMS, ALICE._replace(s_type=rsa.PSS), XI, group=1)
    cut = openssl.cut_signature(octets)
    sha1 = hashes.SHA1()
    other = ALICE.key.sign(cut.covered, padding.PSS(padding.MGF1(sha1), 10), sha1)
    assert openssl.verify_signature(octets, ALICE_LEAF) == "sha1"
    refused(r".", openssl.verify_signature, cut.covered + other, ALICE_LEAF)


def test_the_leaf_is_found_wherever_it_stands() -> None:
    for certs in (ALICE.certs[::-1], ((2, ALICE_LEAF), (0, pki.middle().der))):
        octets = rsar.request(TERMS, ALICE._replace(certs=certs))
        assert openssl_checks(octets, anchors=ANCHORS).leaf == ALICE_LEAF
    for_decryption = rsar.request(TERMS, ALICE._replace(certs=((3, ALICE_LEAF),)))
    refused("none of 0", openssl_checks, for_decryption)
    assert openssl.cut_certificates(for_decryption) == []
    assert openssl.cut_certificates(for_decryption, decrypting=True) == [ALICE_LEAF]


def test_chains() -> None:
    root, middle = pki.root(), pki.middle()
    openssl.verify_chain(ALICE_LEAF, [middle.der], [root.der])
    refused("issuer", openssl.verify_chain, ALICE_LEAF, [], [root.der])
    refused(r".", openssl.verify_chain, ALICE_LEAF, [middle.der], [pki.authority("Other").der])
    late = int(datetime.datetime(2101, 1, 1, tzinfo=datetime.UTC).timestamp())
    refused("expired", openssl.verify_chain, ALICE_LEAF, [middle.der], [root.der], at=late)
    by_a_leaf = pki.issue(
        "mallory", ALICE_PUBLIC, pki.Issuer(ALICE.key, _subject(ALICE_LEAF), ALICE_LEAF), ALICE.key
    )
    refused("CA cert", openssl.verify_chain, by_a_leaf, [ALICE_LEAF, middle.der], [root.der])


def _subject(der: bytes) -> x509.Name:
    return x509.load_der_x509_certificate(der).subject


def test_revocation() -> None:
    middle = pki.middle()

    def crl(*serials: int) -> bytes:
        builder = x509.CertificateRevocationListBuilder(middle.name, pki.BEGIN, pki.END)
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder(serial, pki.BEGIN).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(middle.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    octets = rsar.request(TERMS, ALICE)
    serial = x509.load_der_x509_certificate(ALICE_LEAF).serial_number
    assert openssl_checks(octets, anchors=ANCHORS, crls=[crl(serial + 1)]).leaf == ALICE_LEAF
    refused("revoked", openssl_checks, octets, anchors=ANCHORS, crls=[crl(serial)])


@pytest.mark.parametrize("oaep", [False, True])
@pytest.mark.parametrize("protection", [Protection(), Protection(2, 0), Protection(3, 2)])
def test_envelopes(oaep: bool, protection: Protection) -> None:
    octets = pke.offer(
        TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=protection, oaep=oaep
    )
    found = openssl_checks(octets, recipient=BOB.key, oaep=oaep)
    assert found.env_key == ENVELOPE_KEY
    with pytest.raises((Refused, ValueError)):
        openssl_checks(octets, recipient=ALICE.key, oaep=oaep)


@pytest.mark.parametrize("protection", [Protection(), Protection(3, 2)])
def test_macs_of_the_public_key_method(protection: Protection) -> None:
    octets = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=protection)
    opened = pke.open_offer(octets, ALICE_PUBLIC, BOB.key)
    key = pke.auth_key(octets, opened, protection.mac_alg)
    openssl.verify_envelope_mac(octets, key)
    answer = pke.answer(octets, opened, {}, idr=IDR)
    openssl.verify_mac(answer, key, NAMES_AND_TIME)
    refused("another", openssl.verify_mac, answer, key)
    refused("another", openssl.verify_envelope_mac, octets, key[::-1])
    refused("does not end", openssl.verify_mac, octets, key)
    error = exchange.error(octets, [10], auth=(protection.mac_alg, key), idi=IDI, idr=IDR)
    openssl.verify_mac(error, key, NAMES_AND_TIME)


def test_no_mac_is_no_mac() -> None:
    octets = pke.offer(TERMS, ALICE, BOB_PUBLIC, ENVELOPE_KEY, KEYS, protection=Protection(2, 0))
    refused("no MAC", openssl.verify_envelope_mac, octets, bytes(20))


def test_macs_of_dhhmac() -> None:
    _, key, _ = crypto.message_keys(PSK, CSB_ID, RAND_VALUE)
    offer = dhhmac.offer(TERMS, PSK, XI, group=1)
    answer, _ = dhhmac.answer(offer, PSK, {}, XR)
    for octets in (offer, answer, dhhmac.error(offer, [10], PSK)):
        openssl.verify_mac(octets, key)
        refused("another", openssl.verify_mac, octets, key[::-1])


def test_signed_errors() -> None:
    offer = dhsign.offer(TERMS, ALICE, XI, group=1)
    error = exchange.error(offer, [10], policies=TERMS.policies, signer=BOB)
    assert openssl_checks(error, sender=BOB_LEAF) == Checked("sha1", BOB_LEAF)


@pytest.mark.parametrize("group", [0, 1, 2])
def test_groups(group: int) -> None:
    """The moduli are safe primes, and both ways to exponentiate agree."""
    p = dh.modulus(group)
    assert openssl.is_prime(p)
    assert openssl.is_prime((p - 1) // 2)
    assert not openssl.is_prime(p - 2**64)
    peer = dh.public(group, XR)
    assert openssl.derive(group, p, XI, peer) == dh.shared(group, XI, peer)


def test_a_short_shared_secret_is_padded() -> None:
    """A secret with a leading zero octet is found by trying."""
    exponent = next(x for x in range(3, 4000) if dh.shared(1, x, dh.public(1, XR))[0] == 0)
    shared = openssl.derive(1, dh.modulus(1), exponent, dh.public(1, XR))
    assert shared == dh.shared(1, exponent, dh.public(1, XR))
    assert len(shared) == DH_OCTETS[1]


def test_what_is_not_rsa() -> None:
    octets = rsar.request(TERMS, ALICE)
    cut = openssl.cut_signature(octets)
    eccsi = cut.covered[:-2] + b"\x21\0" + cut.signature
    refused("not RSA", openssl.verify_signature, eccsi, ALICE_LEAF)
