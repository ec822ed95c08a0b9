"""Failures as SIP tells them."""

from __future__ import annotations

import pytest

from mikey.carriage.sdp import Description, refusal
from mikey.errors import (
    AuthenticationError,
    CarriageError,
    DecodeError,
    PeerError,
    PolicyError,
    ReplayError,
)
from mikey.registry import ErrorNumber

NOT_UNDERSTOOD = (306, "Attribute not understood: key-mgmt")


@pytest.mark.rule("R4567-4.1.2-8", "R4567-4.1.2-3")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationError(), "MIKEY: authentication failed"),
        (DecodeError("octets are left"), "MIKEY: octets are left"),
        (PolicyError("no policy fits", number=ErrorNumber.INVALID_SPPAR), "MIKEY: no policy fits"),
        (CarriageError("no MIKEY line", status=488), "MIKEY: no MIKEY line"),
    ],
)
def test_a_failure_is_488_with_its_warnings(error: PeerError, reason: str) -> None:
    refused = refusal(error)
    assert refused.status == 488
    assert refused.warnings == (NOT_UNDERSTOOD, (399, reason))


def test_malformed_text_keeps_its_status() -> None:
    with pytest.raises(CarriageError) as caught:
        Description("garbage")
    assert refusal(caught.value).status == 400


def test_where_nothing_may_be_said_nothing_is() -> None:
    assert refusal(ReplayError()).warnings == (NOT_UNDERSTOOD,)


def test_texts_fit_a_header() -> None:
    ((_, text),) = refusal(DecodeError('a"b\\c\r\nVia: \u00e9' + "x" * 999)).warnings[1:]
    assert text.startswith("MIKEY: a?b?c??Via: ?xxx")
    assert len(text) == 200
