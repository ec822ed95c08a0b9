"""What the tests of trust share: a chain, and how it fares."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mikey.credentials import Certificate, Trust
from mikey.errors import PeerError
from mikey.registry import ErrorNumber
from mikey.wire import Cert
from tests.pki import NOW, Issued, authority, issue

ALICE = "sip:alice@example.org"

ROOT = authority("root")
MID = authority("mid", ROOT)
LEAF = issue(MID, "alice", uris=[ALICE], emails=["alice@example.org"])


def verify(
    certs: Sequence[Cert | bytes | Issued],
    anchors: Sequence[Issued] = (ROOT,),
    *,
    now: int = NOW,
    identity: str | None = ALICE,
    trust: Trust | None = None,
) -> Certificate:
    trust = trust or Trust([anchor.der for anchor in anchors])
    octets = [each.der if isinstance(each, Issued) else each for each in certs]
    return trust.verify(octets, now=now, identity=identity)


def refused(
    certs: Sequence[Cert | bytes | Issued],
    reason: str,
    anchors: Sequence[Issued] = (ROOT,),
    *,
    now: int = NOW,
    identity: str | None = ALICE,
    trust: Trust | None = None,
) -> None:
    with pytest.raises(PeerError, match=reason) as caught:
        verify(certs, anchors, now=now, identity=identity, trust=trust)
    assert caught.value.number is ErrorNumber.INVALID_CERT
    assert caught.value.payload == "CERT"


class Operations(list[str]):
    """What public-key work was done."""

    def __call__(self, operation: str) -> None:
        self.append(operation)
