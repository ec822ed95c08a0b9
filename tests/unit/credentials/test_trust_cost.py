"""What bad certificates cost, and what good ones cost the second time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mikey.credentials import Trust
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import SECOND
from mikey.registry import CertType, ErrorNumber
from mikey.wire import Cert
from tests import pki
from tests.pki import END, NOW, START, Issued, authority, issue, ns
from tests.unit.credentials.chains import ALICE, LEAF, MID, ROOT, Operations, refused, verify


def test_short_keys_and_other_keys() -> None:
    short = issue(ROOT, "short", uris=[ALICE], key=pki.rsa_key("short", 1024))
    refused([short], "1024 bits only")
    verify([short], trust=Trust([ROOT.der], minimum_rsa_bits=1024))
    weak = authority("weak", ROOT, key=pki.rsa_key("short", 1024))
    refused([issue(weak, "alice", uris=[ALICE]), weak], "not trusted")
    refused([issue(ROOT, "ec", uris=[ALICE], key=pki.ec_key("ec"))], "not RSA")
    huge = rsa.RSAPublicNumbers(65537, (1 << 9000) + 1).public_key()
    bomb = (
        x509.CertificateBuilder()
        .subject_name(pki.name("bomb"))
        .issuer_name(ROOT.certificate.subject)
        .public_key(huge)
        .serial_number(7)
        .not_valid_before(START)
        .not_valid_after(END)
        .sign(ROOT.key, hashes.SHA256())
    )
    operations = Operations()
    trust = Trust([ROOT.der], observe=operations)
    refused([LEAF, MID, Issued(bomb, ROOT.key)], "too large", trust=trust)
    assert operations == []


@pytest.mark.rule("R3830-6.7-7")
@pytest.mark.parametrize(
    ("certs", "reason"),
    [
        ([], "no certificate"),
        ([b""], "no X.509 certificate"),
        ([b"\x30\x80"], "no X.509 certificate"),
        ([LEAF.der[:-1], MID.der], "no X.509 certificate"),
        ([LEAF.der + b"\0", MID.der], "no X.509 certificate"),
        ([LEAF.der, MID.der, b"junk"], "no X.509 certificate"),
        ([Cert(CertType.X509_URL, b"http://example.org/a.cer")], "by URL is not there"),
        ([Cert(CertType(9), LEAF.der), MID.der], "unassigned 9 is not supported"),
        ([LEAF.der, *[MID.der] * 8], "more than 8 certificates"),
        ([bytes(65535)], "more than 16384 octets"),
        ([LEAF.der, bytes(16384 - len(LEAF.der) + 1)], "more than 16384 octets"),
    ],
)
def test_what_is_refused_before_any_verification(
    certs: Sequence[Cert | bytes], reason: str
) -> None:
    operations = Operations()
    refused(certs, reason, trust=Trust([ROOT.der], observe=operations))
    assert operations == []


def test_nobody_known_costs_no_public_key_operation() -> None:
    operations = Operations()
    trust = Trust([ROOT.der], observe=operations)
    stranger = authority("stranger")
    below = authority("below", stranger)
    refused([issue(below, "x", uris=[ALICE]), below, stranger], "not known", trust=trust)
    refused([issue(None, "x", uris=[ALICE])], "not known", trust=trust)
    refused([LEAF, MID], "does not name", identity="sip:bob@example.org", trust=trust)
    assert operations == []
    verify([LEAF, MID], trust=trust)
    assert operations == ["chain"]


def test_long_chains() -> None:
    chain = [ROOT]
    for i in range(50):
        chain.append(authority(f"level {i}", chain[-1]))
    leaf = issue(chain[-1], "alice", uris=[ALICE])
    refused([leaf, *chain[1:]], "more than 8 certificates")
    for count, accepted in ((7, True), (8, True), (9, False), (50, False)):
        leaf = issue(chain[count], "alice", uris=[ALICE])
        ours = Trust([ROOT.der], intermediates=[each.der for each in chain[1:]])
        if accepted:
            verify([leaf], trust=ours)
        else:
            refused([leaf], "max depth", trust=ours)


def test_a_maze_of_authorities_with_one_name() -> None:
    key = pki.ec_key("maze")
    up = authority("up", ROOT)
    maze = [authority("maze", authority("up", key=key), key=key) for _ in range(7)]
    operations = Operations()
    trust = Trust([up.der], observe=operations)
    leaf = issue(maze[0], "alice", uris=[ALICE])
    refused([leaf, *maze], "too many certificates", trust=trust)
    assert operations == []
    loop = [authority("b", authority("a", key=key), key=key)]
    loop.append(authority("a", loop[0], key=key))
    refused([issue(loop[0], "alice", uris=[ALICE]), *loop], "not known", trust=trust)


def test_verified_chains_are_remembered_until_they_expire() -> None:
    operations = Operations()
    soon = datetime(2030, 1, 1, 0, 0, 10, tzinfo=UTC)
    mid = authority("brief", ROOT, end=soon)
    leaf = issue(mid, "alice", uris=[ALICE])
    trust = Trust([ROOT.der], observe=operations)
    for _ in range(3):
        verify([leaf, mid], trust=trust)
    verify([mid, leaf], now=ns(soon), trust=trust)
    verify([leaf], trust=trust)  # the chain itself need not come again
    assert operations == ["chain"]
    refused([leaf, mid], "not valid at", now=ns(soon) + SECOND, trust=trust)
    assert operations == ["chain"] * 2


def test_the_cache_is_bounded() -> None:
    operations = Operations()
    trust = Trust([ROOT.der], observe=operations, cache_size=2)
    key = pki.rsa_key("alice")
    leaves = [issue(ROOT, f"p{i}", uris=[ALICE], key=key) for i in range(3)]
    for leaf in leaves:
        verify([leaf], trust=trust)
    assert len(trust._cache) == 2
    operations.clear()
    verify([leaves[2]], trust=trust)
    verify([leaves[1]], trust=trust)
    assert operations == []
    verify([leaves[0]], trust=trust)
    assert operations == ["chain"]
    none = Trust([ROOT.der], observe=operations, cache_size=0)
    verify([leaves[0]], trust=none)
    verify([leaves[0]], trust=none)
    assert operations == ["chain"] * 3
    with pytest.raises(LocalError):
        Trust([ROOT.der], cache_size=-1)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), which=st.sampled_from([0, 1]))
def test_a_damaged_certificate_is_refused(data: st.DataObject, which: int) -> None:
    certs = [LEAF.der, MID.der]
    octets = bytearray(certs[which])
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "drop"]))
    at = data.draw(st.integers(0, len(octets) - 1))
    if kind == "flip":
        octets[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del octets[at:]
    elif kind == "insert":
        octets.insert(at, data.draw(st.integers(0, 255)))
    else:
        del octets[at]
    if bytes(octets) == certs[which]:
        return
    sound, certs[which] = certs[which], bytes(octets)
    number = None
    try:
        Trust([ROOT.der]).verify(certs, now=NOW, identity=ALICE)
    except PeerError as fault:
        number = fault.number
    if number is None:
        assert is_same_certificate(certs[which], sound)
    else:
        assert number is ErrorNumber.INVALID_CERT


def is_same_certificate(one: bytes, other: bytes) -> bool:
    """Whether what is signed and the signature are the same.

    They are where nothing differs but how many bits of the signature's last octet do not count,
    which may be one if that bit is 0.
    """
    certificates = map(x509.load_der_x509_certificate, (one, other))
    return len({(each.tbs_certificate_bytes, each.signature) for each in certificates}) == 1


def test_bits_of_a_signature_that_do_not_count() -> None:
    taken: set[bool] = set()
    while len(taken) < 2:  # a signature ends in 0 or 1
        leaf = issue(ROOT, "alice", uris=[ALICE]).der
        signature = x509.load_der_x509_certificate(leaf).signature
        octets = bytearray(leaf)
        octets[-len(signature) - 1] = 1
        is_taken = signature[-1] % 2 == 0
        if is_taken:
            assert is_same_certificate(bytes(octets), leaf)
            Trust([ROOT.der]).verify([bytes(octets)], now=NOW, identity=ALICE)
        else:
            with pytest.raises(PeerError):
                Trust([ROOT.der]).verify([bytes(octets)], now=NOW, identity=ALICE)
        taken.add(is_taken)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=10))
def test_octets_that_are_no_certificate(certs: list[bytes]) -> None:
    with pytest.raises(PeerError):
        Trust([ROOT.der]).verify(certs, now=NOW)
