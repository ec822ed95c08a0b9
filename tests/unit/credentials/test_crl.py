"""Revocation lists given by the caller."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mikey.credentials import Trust
from mikey.errors import LocalError, PeerError
from mikey.policy.clock import SECOND
from mikey.registry import ErrorNumber
from tests import pki
from tests.pki import NOW, authority, issue, ns, revocations

ALICE = "sip:alice@example.org"
ROOT = authority("root")
MID = authority("mid", ROOT)
LEAF = issue(MID, "alice", uris=[ALICE])
CHAIN = [LEAF.der, MID.der]
SERIAL = LEAF.certificate.serial_number

EARLIER = datetime(2029, 1, 1, tzinfo=UTC)
YESTERDAY = datetime(2029, 12, 31, tzinfo=UTC)
TOMORROW = datetime(2030, 1, 2, tzinfo=UTC)
LATER = datetime(2031, 1, 1, tzinfo=UTC)

NOTHING_ROOT = revocations(ROOT, this=YESTERDAY, following=TOMORROW)
NOTHING_MID = revocations(MID, this=YESTERDAY, following=TOMORROW)


def accepts(crls: list[x509.CertificateRevocationList], *, required: bool, now: int = NOW) -> bool:
    trust = Trust([ROOT.der], crls, require_crl=required)
    try:
        trust.verify(CHAIN, now=now, identity=ALICE)
    except PeerError as error:
        about_lists = "revoked" in error.reason or "CRL" in error.reason
        if error.number is not ErrorNumber.INVALID_CERT or not about_lists:
            raise
        return False
    return True


IMPOSTOR = authority("mid", ROOT, key=pki.ec_key("impostor"))


@pytest.mark.parametrize(
    ("crls", "optional", "required"),
    [
        ([], True, False),
        ([NOTHING_ROOT], True, False),
        ([NOTHING_MID], True, False),
        ([NOTHING_ROOT, NOTHING_MID], True, True),
        ([NOTHING_ROOT, revocations(MID, [1, 2, 3], this=YESTERDAY)], True, True),
        ([NOTHING_ROOT, revocations(MID, [SERIAL])], False, False),
        ([NOTHING_MID, revocations(ROOT, [MID.certificate.serial_number])], False, False),
        # The same number under another issuer is another certificate.
        ([NOTHING_MID, revocations(ROOT, [SERIAL], this=YESTERDAY)], True, True),
        # Stale, or of tomorrow: no proof that nothing happened ...
        ([NOTHING_ROOT, revocations(MID, this=EARLIER, following=YESTERDAY)], True, False),
        ([NOTHING_ROOT, revocations(MID, this=TOMORROW, following=LATER)], True, False),
        # ... and what they name is revoked all the same.
        ([revocations(MID, [SERIAL], this=EARLIER, following=YESTERDAY)], False, False),
        ([revocations(MID, [SERIAL], this=TOMORROW, following=LATER)], False, False),
        # The name of the issuer, and not its key.
        ([NOTHING_ROOT, revocations(IMPOSTOR, this=YESTERDAY)], True, False),
        ([NOTHING_ROOT, NOTHING_MID, revocations(IMPOSTOR, [SERIAL])], True, True),
        ([NOTHING_ROOT, revocations(IMPOSTOR, [SERIAL]), NOTHING_MID], True, True),
        # A newer list that lost a line does not make the older one wrong.
        ([NOTHING_ROOT, revocations(MID, [SERIAL], this=EARLIER), NOTHING_MID], False, False),
    ],
)
def test_lists(crls: list[x509.CertificateRevocationList], optional: bool, required: bool) -> None:
    assert accepts(crls, required=False) is optional
    assert accepts(crls, required=True) is required


def test_the_ends_of_a_list() -> None:
    lists = [NOTHING_ROOT, NOTHING_MID]
    for now, current in (
        (ns(YESTERDAY), True),
        (ns(TOMORROW), True),
        (ns(YESTERDAY) - SECOND, False),
        (ns(TOMORROW) + SECOND, False),
    ):
        assert accepts(lists, required=True, now=now) is current
        assert accepts(lists, required=False, now=now)


def test_an_authority_that_may_not_sign_lists() -> None:
    mid = authority("mid", ROOT, key_usage=pki.usage("key_cert_sign"))
    leaf = issue(mid, "alice", uris=[ALICE])
    crl = revocations(mid, [leaf.certificate.serial_number])
    trust = Trust([ROOT.der], [crl])
    assert trust.verify([leaf.der, mid.der], now=NOW).der == leaf.der


def test_a_remembered_chain_is_checked_again_when_its_list_is_stale() -> None:
    operations: list[str] = []
    trust = Trust(
        [ROOT.der], [NOTHING_ROOT, NOTHING_MID], require_crl=True, observe=operations.append
    )
    trust.verify(CHAIN, now=NOW)
    trust.verify(CHAIN, now=ns(TOMORROW))
    assert operations == ["chain", "crl", "crl"]
    with pytest.raises(PeerError, match="no current CRL"):
        trust.verify(CHAIN, now=ns(TOMORROW) + SECOND)


def test_new_lists_make_a_remembered_chain_void() -> None:
    trust = Trust([ROOT.der])
    trust.verify(CHAIN, now=NOW)
    trust.replace_crls([revocations(MID, [SERIAL]).public_bytes(Encoding.DER)])
    with pytest.raises(PeerError, match="revoked"):
        trust.verify(CHAIN, now=NOW)
    trust.replace_crls([])
    trust.verify(CHAIN, now=NOW)


def test_new_lists_while_a_chain_is_verified_by_the_old_ones() -> None:
    """Another thread replaces the lists: what the old ones allowed is not remembered."""
    late = [revocations(MID, [SERIAL])]

    def replace(operation: str) -> None:
        if operation == "crl" and late:
            trust.replace_crls([late.pop()])

    trust = Trust([ROOT.der], [NOTHING_MID], observe=replace)
    trust.verify(CHAIN, now=NOW)
    assert not late
    with pytest.raises(PeerError, match="revoked"):
        trust.verify(CHAIN, now=NOW)


def test_lists_that_cover_a_part_only() -> None:
    delta = revocations(MID, extensions=[(x509.DeltaCRLIndicator(1), True)])
    partial = revocations(
        MID,
        extensions=[
            (
                x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
                True,
            )
        ],
    )
    numbered = revocations(MID, extensions=[(x509.CRLNumber(7), False)])
    for crl in (delta, partial):
        with pytest.raises(LocalError, match="part only"):
            Trust([ROOT.der], [crl])
    Trust([ROOT.der], [numbered])


@pytest.mark.parametrize("octets", [b"", b"junk", LEAF.der])
def test_what_is_no_list(octets: bytes) -> None:
    with pytest.raises(LocalError, match="revocation list"):
        Trust([ROOT.der], [octets])
