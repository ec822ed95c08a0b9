"""Chains of certificates: which are believed, which not, and what that costs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mikey.credentials import PublicKey, Trust
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import SECOND
from mikey.registry import CertType, ErrorNumber, HashFunc
from mikey.wire import Cert
from tests import pki
from tests.pki import END, NOW, START, authority, issue, ns
from tests.unit.credentials.chains import ALICE, LEAF, MID, ROOT, refused, verify


@pytest.mark.rule("R3830-4.3.2-1", "R3830-6.7-5")
def test_chains_are_believed_in_any_order() -> None:
    other = authority("other", ROOT)
    for order in permutations([LEAF, MID, other, ROOT]):
        leaf = verify(order)
        assert leaf.der == LEAF.der
        assert leaf.identities == (ALICE, "alice@example.org")
        assert (leaf.not_before, leaf.not_after) == (ns(START), ns(END))
        assert leaf.public_key == PublicKey(LEAF.key.public_key())


@pytest.mark.rule("R3830-4.3.2-1")
def test_several_roots_and_intermediates_of_ours() -> None:
    trust = Trust([authority("elsewhere").der, ROOT.der], intermediates=[MID.der])
    assert verify([LEAF], trust=trust).der == LEAF.der
    verify([LEAF], [MID])
    refused([LEAF], "issuer is not known")
    refused([LEAF, MID], "issuer is not known", [authority("elsewhere")])


def test_the_same_names_with_other_keys() -> None:
    impostor = authority("root", key=pki.ec_key("impostor"))
    below = authority("mid", impostor, key=pki.ec_key("below"))
    refused([issue(below, "alice", uris=[ALICE]), below], "not trusted")
    refused([issue(impostor, "alice", uris=[ALICE])], "no authority that is known signed it")
    refused([issue(impostor, "alice", uris=[ALICE]), impostor, MID], "not trusted")


@pytest.mark.rule("R3830-3-2", "R3830-6.7-9")
@pytest.mark.parametrize(
    ("identity", "exact", "normalized"),
    [
        (ALICE, True, True),
        ("alice@example.org", True, True),
        ("sip:alice@EXAMPLE.org", False, True),
        ("SIP:alice@example.org", False, True),
        ("alice@Example.Org", False, True),
        ("sip:Alice@example.org", False, False),
        ("sips:alice@example.org", False, False),
        ("sip:alice@example.org;transport=tcp", False, False),
        ("sip:alice@example.org.evil.org", False, False),
        ("sip:alice@example.org\0", False, False),
        ("sip:bob@example.org", False, False),
        ("alice", False, False),
        ("", False, False),
    ],
)
def test_the_certificate_names_the_peer(identity: str, exact: bool, normalized: bool) -> None:
    for wanted, trust in (
        (exact, Trust([ROOT.der])),
        (normalized, Trust([ROOT.der], normalize_identities=True)),
    ):
        for _ in range(2):  # verified, then remembered
            if wanted:
                verify([LEAF, MID], identity=identity, trust=trust)
            else:
                refused([LEAF, MID], "does not name the peer", identity=identity, trust=trust)
            verify([LEAF, MID], trust=trust)


def test_an_address_cannot_pass_for_a_uri_or_the_other_way_round() -> None:
    odd = issue(ROOT, "odd", uris=["alice@example.org"])
    refused([odd], "does not name", identity="alice@example.org")
    assert verify([odd], identity=None).identities == ()
    common = issue(ROOT, ALICE)
    refused([common], "does not name")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START, datetime(2029, 12, 31, tzinfo=UTC)),
        (datetime(2030, 1, 2, tzinfo=UTC), END),
    ],
    ids=["expired", "not yet valid"],
)
@pytest.mark.parametrize("which", ["leaf", "authority", "root"])
def test_times_of_every_certificate(which: str, start: datetime, end: datetime) -> None:
    def at(level: str) -> dict[str, datetime]:
        return {"start": start, "end": end} if level == which else {}

    root = authority("timed root", **at("root"))  # type: ignore[arg-type]
    mid = authority("timed", root, **at("authority"))  # type: ignore[arg-type]
    leaf = issue(mid, "alice", uris=[ALICE], **at("leaf"))  # type: ignore[arg-type]
    trust = Trust([root.der])
    whose = "it" if which == "leaf" else "that of an authority"
    when = f"{whose} (expired at 2029-12-31|begins at 2030-01-02) 00:00 UTC"
    refused([leaf, mid], f"not valid at this time, {when}", trust=trust)
    inside = ns(start + (end - start) / 2)
    verify([leaf, mid], now=inside, trust=trust)
    refused([leaf, mid], "not valid at", trust=trust)  # though it is remembered


def test_the_clock_at_the_very_ends() -> None:
    for now in (ns(START), ns(END)):
        verify([LEAF, MID], now=now)
    for now in (ns(START) - SECOND, ns(END) + SECOND, 0):
        refused([LEAF, MID], "not valid at", now=now)
    with pytest.raises(LocalError):
        verify([LEAF, MID], now=1 << 80)


@pytest.mark.rule("R3830-6.7-10")
@pytest.mark.parametrize(
    ("cert_type", "usage", "sign", "encrypt"),
    [
        (CertType.X509, pki.END_USAGE, True, True),
        (CertType.X509, None, True, True),
        (CertType.X509, pki.usage("digital_signature"), True, False),
        (CertType.X509, pki.usage("content_commitment"), True, False),
        (CertType.X509, pki.usage("key_encipherment"), False, True),
        (CertType.X509, pki.usage("key_agreement"), False, False),
        (CertType.X509, pki.CA_USAGE, False, False),
        (CertType.X509_SIGN, None, True, False),
        (CertType.X509_SIGN, pki.usage("key_encipherment"), False, False),
        (CertType.X509_ENCR, None, False, True),
        (CertType.X509_ENCR, pki.usage("digital_signature"), False, False),
    ],
)
def test_types_and_key_usage_decide_the_purpose(
    cert_type: CertType, usage: x509.KeyUsage | None, sign: bool, encrypt: bool
) -> None:
    leaf = issue(ROOT, "alice", uris=[ALICE], key_usage=usage)
    trust = Trust([ROOT.der])
    for _ in range(2):
        for purpose, wanted in (("sign", sign), ("encrypt", encrypt)):
            try:
                found = trust.verify(
                    [Cert(cert_type, leaf.der)],
                    now=NOW,
                    identity=ALICE,
                    purpose=purpose,  # type: ignore[arg-type]
                )
            except PeerError:
                assert not wanted
            else:
                assert wanted
                assert found.der == leaf.der


@pytest.mark.rule("R3830-6.7-10")
def test_two_certificates_of_one_peer_by_purpose() -> None:
    signs = issue(MID, "alice", uris=[ALICE], key_usage=pki.usage("digital_signature"))
    opens = issue(MID, "alice", uris=[ALICE], key=pki.rsa_key("alice 2"))
    trust = Trust([ROOT.der])
    certs = [
        Cert(CertType.X509_ENCR, opens.der),
        Cert(CertType.X509, MID.der),
        Cert(CertType.X509_SIGN, signs.der),
    ]
    for _ in range(2):
        assert trust.verify(certs, now=NOW, purpose="sign").der == signs.der
        assert trust.verify(certs, now=NOW, purpose="encrypt").der == opens.der


def test_the_key_decides_between_two_certificates() -> None:
    older = issue(MID, "alice", uris=[ALICE], key=pki.rsa_key("alice 2"))
    wanted = PublicKey(LEAF.key.public_key())
    tried: list[PublicKey] = []

    def proves(key: PublicKey) -> bool:
        tried.append(key)
        return key == wanted

    for order in permutations([older.der, MID.der, LEAF.der]):
        found = Trust([ROOT.der]).verify(order, now=NOW, identity=ALICE, proves=proves)
        assert found.der == LEAF.der
    tried.clear()
    more = [issue(MID, "alice", uris=[ALICE], key=pki.rsa_key("alice 2")).der for _ in range(6)]
    with pytest.raises(PeerError, match="fits the signature"):
        Trust([ROOT.der]).verify([*more, MID.der, LEAF.der], now=NOW, identity=ALICE, proves=proves)
    assert len(tried) == 2
    tried.clear()
    with pytest.raises(PeerError, match="issuer is not known"):
        Trust([ROOT.der]).verify([*more, LEAF.der], now=NOW, identity=ALICE, proves=proves)
    assert tried == []


@pytest.mark.parametrize(
    ("extended", "accepted"),
    [
        (None, True),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], True),
        ([ExtendedKeyUsageOID.SERVER_AUTH], True),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], True),
        ([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.20")], True),
        ([ExtendedKeyUsageOID.CODE_SIGNING], False),
        ([ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING], False),
    ],
)
def test_extended_key_usage(extended: list[x509.ObjectIdentifier] | None, accepted: bool) -> None:
    leaf = issue(MID, "alice", uris=[ALICE], extended=extended)
    if accepted:
        verify([leaf, MID])
    else:
        refused([leaf, MID], "extended key usage")
    above = [] if extended is None else [(x509.ExtendedKeyUsage(extended), False)]
    mid = authority("mid", ROOT, extensions=above)
    if accepted:
        verify([issue(mid, "alice", uris=[ALICE]), mid])
    else:
        refused([issue(mid, "alice", uris=[ALICE]), mid], "authority's extended key usage")


def test_a_policy_without_server_authentication() -> None:
    camera = issue(ROOT, "camera", uris=[ALICE], extended=[ExtendedKeyUsageOID.SERVER_AUTH])
    strict = Trust([ROOT.der], extended_key_usages=["1.3.6.1.5.5.7.3.2"])
    refused([camera], "extended key usage", trust=strict)
    verify([LEAF, MID], trust=strict)


def test_authorities_that_are_none() -> None:
    for key, broken in {
        "cA": authority("broken", ROOT, ca=False),
        "keyCertSign": authority("broken", ROOT, key_usage=pki.END_USAGE),
    }.items():
        leaf = issue(broken, "alice", uris=[ALICE])
        refused([leaf, broken], "issuer is not known" if key == "cA" else "not trusted")
    verify([leaf := issue(MID, "alice", uris=[ALICE]), MID])
    below = issue(leaf, "mallory", uris=["sip:mallory@example.org"])
    refused([below, leaf, MID], "not known", identity="sip:mallory@example.org")
    quiet = authority("quiet", ROOT, key_usage=None)
    verify([issue(quiet, "alice", uris=[ALICE]), quiet])


def test_an_authority_is_no_peer() -> None:
    both = issue(ROOT, "both", uris=[ALICE], basic=x509.BasicConstraints(True, None))
    refused([both], "no certificate of an end entity")
    refused([ROOT], "keyUsage does not allow|not RSA", identity=None)


def test_path_lengths() -> None:
    short = authority("p0", ROOT, path_length=0)
    verify([issue(short, "alice", uris=[ALICE]), short])
    below = authority("p1", short)
    refused([issue(below, "alice", uris=[ALICE]), below, short], "path length")


@pytest.mark.parametrize(
    ("permitted", "excluded", "accepted"),
    [
        ([x509.RFC822Name("example.org")], None, True),
        ([x509.RFC822Name("example.com")], None, False),
        (None, [x509.RFC822Name("example.org")], False),
        (None, [x509.RFC822Name("example.com")], True),
        ([x509.DNSName("example.com")], None, True),  # no DNS name is there to be constrained
        # Not understood, hence refused, whether it would fit or not.
        ([x509.UniformResourceIdentifier("example.org")], None, False),
        ([x509.UniformResourceIdentifier("example.com")], None, False),
        (None, [x509.UniformResourceIdentifier("example.org")], False),
        ([x509.DirectoryName(pki.name("x"))], None, False),
    ],
)
def test_name_constraints(
    permitted: list[x509.GeneralName] | None,
    excluded: list[x509.GeneralName] | None,
    accepted: bool,
) -> None:
    bound = authority("bound", ROOT, constraints=x509.NameConstraints(permitted, excluded))
    leaf = issue(bound, "alice", uris=[ALICE], emails=["alice@example.org"])
    if accepted:
        verify([leaf, bound])
    else:
        refused([leaf, bound], "not trusted")


def test_a_critical_extension_that_is_not_known() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    refused([issue(ROOT, "a", uris=[ALICE], extensions=[(unknown, True)])], "critical")
    verify([issue(ROOT, "a", uris=[ALICE], extensions=[(unknown, False)])])


@pytest.mark.parametrize("claims_to_be_authority", [True, False])
def test_a_pinned_certificate(claims_to_be_authority: bool) -> None:
    basic = x509.BasicConstraints(claims_to_be_authority, None)
    own = issue(None, "camera", uris=[ALICE], basic=basic, key_usage=None)
    verify([own], [own])
    refused([own], "not known|no certificate of an end entity")
    again = issue(None, "camera", uris=[ALICE], basic=basic, key_usage=None)
    refused([again], "not trusted|no certificate of an end entity", [own])
    refused([own], "not valid at", [own], now=ns(END) + SECOND)
    refused([own], "does not name", [own], identity="sip:bob@example.org")
    verify([LEAF], [LEAF])


def test_a_cross_certificate() -> None:
    new_root = authority("new root")
    key = pki.ec_key("mid")
    across = authority("mid", new_root, key=key)
    for anchors in ([ROOT], [new_root], [ROOT, new_root]):
        verify([LEAF, MID, across], anchors)


@pytest.mark.rule("R3830-6.8-4")
def test_the_hash_of_a_certificate_is_over_its_der() -> None:
    leaf = verify([LEAF, MID])
    assert leaf.digest(HashFunc.SHA_1) == hashlib.sha1(LEAF.der).digest()
    assert leaf.digest(HashFunc.MD5) == hashlib.md5(LEAF.der).digest()
    assert leaf.digest(HashFunc.SHA_256) == hashlib.sha256(LEAF.der).digest()
    with pytest.raises(PeerError) as caught:
        leaf.digest(HashFunc(77))
    assert caught.value.number is ErrorNumber.INVALID_HA


def test_trust_in_nothing_or_in_junk_is_the_callers_mistake() -> None:
    with pytest.raises(LocalError, match="anchor"):
        Trust([])
    with pytest.raises(LocalError, match="cannot be used"):
        Trust([b"junk"])
    with pytest.raises(LocalError, match="cannot be used"):
        Trust([ROOT.der], intermediates=[b"junk"])
    assert repr(Trust([ROOT.certificate])) == "<Trust with 1 anchors>"


def test_a_moment_is_a_whole_second() -> None:
    brief = issue(ROOT, "alice", uris=[ALICE], end=END - timedelta(days=1))
    last = ns(END - timedelta(days=1))
    verify([brief], now=last)
    refused([brief], "not valid at", now=last + SECOND)


def test_the_name_of_a_file_is_no_certificate() -> None:
    with pytest.raises(LocalError, match="load_certificates"):
        Trust("root.pem")  # type: ignore[arg-type]
    with pytest.raises(LocalError, match="load_certificates"):
        Trust(["root.pem"])  # type: ignore[list-item]
