"""Our own certificates: what belongs together, and what goes into messages."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography import x509

from mikey.credentials import Certified, PublicKey, SoftwareKey, Trust
from mikey.errors import LocalError, PeerError
from mikey.registry import CertType, ErrorNumber, HashFunc, SignType
from mikey.secret import Secret
from mikey.wire import Cert
from tests import pki
from tests.pki import NOW, authority, issue

ALICE = "sip:alice@example.org"
ROOT = authority("root")
MID = authority("mid", ROOT)
LEAF = issue(MID, "alice", uris=[ALICE])
OTHER = issue(MID, "bob", uris=["sip:bob@example.org"])
SIGNS = issue(MID, "alice", uris=[ALICE], key_usage=pki.usage("digital_signature"))
OPENS = issue(
    MID,
    "alice",
    uris=[ALICE],
    key=pki.rsa_key("alice 2"),
    key_usage=pki.usage("key_encipherment"),
)
TRUST = Trust([ROOT.der])


def certified(**changes: Any) -> Certified:
    fields: dict[str, Any] = {
        "key": SoftwareKey(LEAF.rsa),
        "chain": [LEAF.der, MID.der],
        "identity": ALICE,
        "trust": TRUST,
        **changes,
    }
    return Certified(**fields)


def two_keys(**changes: Any) -> Certified:
    return certified(
        chain=[SIGNS.der, MID.der],
        encryption_key=SoftwareKey(OPENS.rsa),
        encryption_chain=[OPENS.der, MID.der],
        **changes,
    )


@pytest.mark.rule("R3830-6.7-4", "R3830-6.7-5")
def test_one_certificate_in_each_payload_the_end_entity_first() -> None:
    assert certified().cert_payloads() == (
        Cert(CertType.X509, LEAF.der),
        Cert(CertType.X509, MID.der),
    )


@pytest.mark.rule("R3830-6.7-10")
def test_two_keys_go_out_as_types_2_and_3() -> None:
    credential = two_keys()
    payloads = credential.cert_payloads()
    assert payloads == (
        Cert(CertType.X509_SIGN, SIGNS.der),
        Cert(CertType.X509_ENCR, OPENS.der),
        Cert(CertType.X509, MID.der),
    )
    for purpose, wanted in (("sign", SIGNS), ("encrypt", OPENS)):
        found = TRUST.verify(payloads, now=NOW, identity=ALICE, purpose=purpose)  # type: ignore[arg-type]
        assert found.der == wanted.der
    envelope = PublicKey(OPENS.key.public_key()).encrypt(Secret(b"sixteen octets !"))
    assert credential.decrypt(envelope) == Secret(b"sixteen octets !")
    assert credential.encryption_certificate is not None
    assert credential.encryption_certificate.der == OPENS.der


def test_a_certificate_by_url() -> None:
    url = "http://example.org/alice.cer"
    assert certified(url=url).cert_payloads() == (Cert(CertType.X509_URL, url.encode()),)
    for wrong in ("ftp://example.org/a", "http://a b/", "", "http://example.org/\u00e9"):
        with pytest.raises(LocalError, match="URL"):
            certified(url=wrong)


@pytest.mark.rule("R3830-6.5-5")
@pytest.mark.parametrize(
    ("options", "hash_name", "s_type"),
    [
        ({}, "sha1", SignType.RSA_PKCS_1_V1_5),
        ({"sign_hash": "sha256"}, "sha256", SignType.RSA_PKCS_1_V1_5),
        ({"pss": True}, "sha1", SignType.RSA_PSS),
        ({"pss": True, "sign_hash": "sha512"}, "sha512", SignType.RSA_PSS),
    ],
)
def test_signatures_are_sha1_unless_configured(
    options: dict[str, Any], hash_name: str, s_type: SignType
) -> None:
    credential = certified(**options)
    signature = credential.sign(b"octets")
    assert credential.s_type is s_type
    assert len(signature) == credential.signature_size == 256
    credential.certificate.public_key.verify(
        signature, b"octets", s_type=s_type, hashes=[hash_name]
    )


@pytest.mark.rule("R3830-6.8-4")
def test_which_certificate_chash_names() -> None:
    credential = two_keys()
    assert credential.has_certificate(HashFunc.SHA_1, hashlib.sha1(OPENS.der).digest())
    assert credential.has_certificate(HashFunc.SHA_256, hashlib.sha256(OPENS.der).digest())
    assert not credential.has_certificate(HashFunc.SHA_1, hashlib.sha1(SIGNS.der).digest())
    with pytest.raises(PeerError) as caught:
        credential.has_certificate(HashFunc(9), bytes(20))
    assert caught.value.number is ErrorNumber.INVALID_HA


def test_a_key_for_signatures_alone_opens_nothing() -> None:
    credential = certified(chain=[SIGNS.der, MID.der])
    assert credential.encryption_certificate is None
    assert not credential.has_certificate(HashFunc.SHA_1, hashlib.sha1(SIGNS.der).digest())
    with pytest.raises(LocalError, match="decrypts"):
        credential.decrypt(bytes(256))


class Elsewhere:
    """A key of which only the face is here, as one in a token."""

    size = 256
    blocking = True

    def sign(self, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        return b"short"


def test_a_key_elsewhere() -> None:
    credential = certified(key=Elsewhere())
    assert credential.blocking
    assert not certified().blocking
    with pytest.raises(LocalError, match="another length"):
        credential.sign(b"octets")
    with pytest.raises(LocalError, match="decrypts"):
        credential.decrypt(bytes(256))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"chain": []}, "has a certificate"),
        ({"chain": [b"junk"]}, "cannot be used"),
        ({"chain": [OTHER.der, MID.der]}, "does not belong to the key"),
        ({"chain": [MID.der, LEAF.der]}, "cannot be used"),
        ({"chain": [LEAF.der, ROOT.der]}, "the issuer of each"),
        ({"identity": "sip:bob@example.org"}, "does not name"),
        ({"identity": ""}, "names both parties"),
        ({"peer": "a\nb"}, "printable"),
        ({"sign_hash": "md5"}, "no hash for signatures"),
        ({"verify_hashes": ("sha1", "md5")}, "no hash for signatures"),
        ({"verify_hashes": ()}, "at least one hash"),
        ({"encryption_key": SoftwareKey(OPENS.rsa)}, "goes with its certificate"),
        ({"encryption_chain": [OPENS.der]}, "goes with its certificate"),
        (
            {"encryption_key": SoftwareKey(OPENS.rsa), "encryption_chain": [SIGNS.der]},
            "does not belong",
        ),
        (
            {"encryption_key": SoftwareKey(SIGNS.rsa), "encryption_chain": [SIGNS.der]},
            "does not allow to encrypt",
        ),
        ({"key": SoftwareKey(OPENS.rsa), "chain": [OPENS.der]}, "does not allow to sign"),
    ],
)
def test_what_does_not_belong_together(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        certified(**changes)


def test_a_short_key_of_our_own() -> None:
    short = issue(ROOT, "alice", uris=[ALICE], key=pki.rsa_key("short", 1024))
    changes = {"key": SoftwareKey(short.rsa), "chain": [short.der]}
    with pytest.raises(LocalError, match="1024 bits only"):
        certified(**changes)
    certified(**changes, trust=Trust([ROOT.der], minimum_rsa_bits=1024))


def test_a_certificate_without_names_goes_with_any_identity() -> None:
    plain = issue(None, "camera", basic=x509.BasicConstraints(True, None), key_usage=None)
    certified(key=SoftwareKey(plain.rsa), chain=[plain.der], trust=Trust([plain.der]))


def test_no_octets_of_keys_or_certificates_are_shown() -> None:
    shown = repr(two_keys(peer_certificate=OTHER.der))
    assert "RSA-2048" in shown
    assert "b'" not in shown
    assert "\\x" not in shown
