"""Identifiers of SAKKE and ECCSI: published numbers, normalisation, key periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mikey.credentials.id_schemes import IdScheme, McxUid, RawIdentifier, TelMonthly, mcx_uid
from mikey.errors import LocalError, PolicyError
from mikey.policy import SECOND
from mikey.policy.clock import ns_from_t
from mikey.registry import ErrorNumber, SakkeIdScheme, TsType
from mikey.wire import T

KMS = "kms.example.org"
TEL = "tel:+447700900123"
UIDS = [
    (2592000, 0, 1, "74e2af803ab5d72841bbced0ce319ffe64f6fe23c88a2d258aabcf6ac5658ef4"),
    (10, 0, 10, "94fb1a697c15d7e9d6b7062066affebda2d9e346e0090d67525c0c3ce666eafa"),
    (25920000, 100, 1, "3c0ad8828cfae1ad1d08b27cc7b61258c6cfcd405081b68cd778f1e1c7f562a7"),
    (25920000, 100, 2048, "c88b3fa5e36a08985d10f7b31a631b0265e8249f0312435e4984dbc3765c7f0c"),
    (
        25920000,
        45920000,
        20393844,
        "8dc05540167345538475101514f4eabd384abd6ba665782abb312ecaf05934e1",
    ),
]


def ns(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc,arg-type]


@pytest.mark.rule("R6509-3.2-1", "R6509-3.2-5", "R6507-2-1")
def test_the_identifier_of_rfc_6508() -> None:
    """That of RFC 6509 3.2 and of the vectors of RFC 6508 A."""
    expected = b"2011-02\0tel:+447700900123\0"
    assert len(expected) == 26
    assert TelMonthly().identifier(TEL, KMS, ns(2011, 2, 15)) == expected
    assert TelMonthly().number is SakkeIdScheme.TEL_URI_MONTHLY


@pytest.mark.rule("R6509-3.2-2")
@pytest.mark.parametrize(
    "uri",
    ["TEL:+447700900123", "Tel:+447700900123", "tel:+4%3477009%30%30123", "tel:%2b447700900123"],
)
def test_what_is_normalised(uri: str) -> None:
    """RFC 3986 6.2.2; an escaped '+' is not unreserved and so not the same character."""
    if "%2b" in uri:
        with pytest.raises(PolicyError):
            TelMonthly().identifier(uri, KMS, 0)
        return
    assert TelMonthly().identifier(uri, KMS, 0) == b"1970-01\0tel:+447700900123\0"


@pytest.mark.rule("R6509-3.2-2")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "tel:",
        "tel:+",
        "tel:447700900123",
        "tel:+44-7700-900123",
        "tel:+44 7700",
        "tel:+44(7700)",
        "tel:+44.7700",
        "tel:+447700900123;ext=1",
        "tel:+447700900123;phone-context=example.com",
        "tel:7700;phone-context=+44",
        "tel:+4477009001231234",
        "sip:+447700900123@example.org",
        "tel:+447700900123\n",
        "tel:+٤٤",
        "tel:+44*",
        "+447700900123",
    ],
)
def test_what_is_no_constrained_tel_uri(uri: str) -> None:
    with pytest.raises(PolicyError) as caught:
        TelMonthly().identifier(uri, KMS, 0)
    assert caught.value.number is ErrorNumber.INVALID_ID


def test_months() -> None:
    scheme = TelMonthly()
    for year, month in ((1968, 2), (1999, 12), (2011, 2), (2036, 2), (2104, 1)):
        start = ns(year, month, 1)
        period = scheme.period(start)
        assert scheme.start(period) == start
        assert scheme.period(start - 1) == period - 1
        assert scheme.period(scheme.start(period + 1) - 1) == period
        assert scheme.label(period) == f"{year}-{month:02d}"
    with pytest.raises(LocalError):
        scheme.start(12 * 10000)
    with pytest.raises(LocalError):
        scheme.period(1 << 80)


@pytest.mark.rule("R6509-3.2-3", "R6509-3.2-4")
@pytest.mark.parametrize(
    ("value", "month"), [("ffffffff00000000", b"2036-02"), ("0000000100000000", b"2036-02"),
                         ("7fffffff00000000", b"2104-02"), ("8000000000000000", b"1968-01"),
                         ("0100000000000000", b"2036-08")]
)  # fmt: skip
def test_the_month_of_t_beyond_the_ntp_era(value: str, month: bytes) -> None:
    t = T(TsType.NTP_UTC, bytes.fromhex(value))
    assert TelMonthly().identifier(TEL, KMS, ns_from_t(t))[:7] == month


@pytest.mark.rule("R6509-3.3-2", "R6509-3.3-1")
@pytest.mark.parametrize(("year", "month"), [(2026, 11), (2026, 12), (2024, 2), (2026, 2)])
def test_the_monthly_rule(year: int, month: int) -> None:
    scheme = TelMonthly()
    first = datetime(year, month, 1, tzinfo=UTC)
    following = (first + timedelta(days=32)).replace(day=1)
    last = following - timedelta(days=1)
    old, new = (int(moment.timestamp()) * SECOND for moment in (first, following))

    def at(moment: datetime) -> int:
        return int(moment.timestamp()) * SECOND

    # the new month, from the second-to-last day of the old one
    assert not scheme.acceptable(new, at(last - timedelta(days=1)) - 1)
    assert scheme.acceptable(new, at(last - timedelta(days=1)))
    assert scheme.acceptable(new, at(last))
    assert scheme.acceptable(new, new)
    # the old month, until the end of the second day of the new one
    assert scheme.acceptable(old, at(following + timedelta(days=2)) - 1)
    assert not scheme.acceptable(old, at(following + timedelta(days=2)))
    # the month after next, and the one before
    assert not scheme.acceptable(at(following + timedelta(days=40)), at(last))
    assert not scheme.acceptable(old - 1, at(last))


@pytest.mark.parametrize(("length", "offset", "number", "uid"), UIDS)
def test_uids_of_33180(length: int, offset: int, number: int, uid: str) -> None:
    assert mcx_uid("sip:user@example.org", KMS, length, offset, number).hex() == uid


def test_uid_of_a_time() -> None:
    scheme = McxUid(25920000, 100)
    assert scheme.number is SakkeIdScheme.MCX_HASHED_UID
    start = scheme.start(2048)
    uid = bytes.fromhex(UIDS[3][3])
    for at in (start, start + 1, scheme.start(2049) - 1):
        assert scheme.identifier("sip:user@example.org", KMS, at) == uid
    for at in (start - 1, scheme.start(2049)):
        assert scheme.identifier("sip:user@example.org", KMS, at) != uid
    # The worked example: period 1 of 30 days is the second of 1900.
    assert McxUid().period(-(2208988800 - 2592000) * SECOND) == 1


def test_uid_periods_meet_within_a_grace() -> None:
    scheme = McxUid(grace=60)
    change = scheme.start(scheme.period(ns(2026, 11, 1)) + 1)
    assert scheme.acceptable(change, change - 60 * SECOND)
    assert not scheme.acceptable(change, change - 60 * SECOND - 1)
    assert scheme.acceptable(change - 1, change + 60 * SECOND - 1)
    assert not scheme.acceptable(change - 1, change + 60 * SECOND)


@pytest.mark.parametrize("values", [(0, 0, 0), (10, 10, 0), (10, -1, 0), (10, 0, 10), (10, 0, -1)])
def test_settings_of_no_kms(values: tuple[int, int, int]) -> None:
    with pytest.raises(LocalError):
        McxUid(*values)


@pytest.mark.parametrize(("uri", "kms"), [("", KMS), ("sip:a", ""), ("s" * 65536, KMS)])
def test_no_uid_without_names(uri: str, kms: str) -> None:
    with pytest.raises(PolicyError):
        McxUid().identifier(uri, kms, 0)


@pytest.mark.rule("R6508-2.2-1")
@pytest.mark.parametrize("uri", ["", "\0", "\1", "x" * 128])
def test_raw_identifiers_are_numbers_that_sakke_takes(uri: str) -> None:
    with pytest.raises(PolicyError):
        RawIdentifier().identifier(uri, KMS, 0)
    assert RawIdentifier().identifier("x" * 127, KMS, 0) == b"x" * 127
    assert RawIdentifier().identifier("!", KMS, 0) == b"!"


def test_no_raw_identifier_is_that_of_a_telephone_number() -> None:
    """Whoever may choose a name would choose the octets that are somebody else's for a month."""
    taken = TelMonthly().identifier("tel:+447700900001", KMS, 0)
    with pytest.raises(PolicyError):
        RawIdentifier().identifier(taken.decode(), KMS, 0)


@pytest.mark.parametrize("scheme", [TelMonthly(), McxUid(), RawIdentifier()])
def test_any_time_of_a_period_gives_its_identifier(scheme: IdScheme) -> None:
    now = ns(2026, 11, 23)
    period = scheme.period(now)
    first, last = scheme.start(period), scheme.start(period + 1) - 1
    assert first <= now <= last
    assert scheme.period(first) == scheme.period(last) == period
    assert (
        scheme.identifier(TEL, KMS, first)
        == scheme.identifier(TEL, KMS, last)
        == scheme.identifier(TEL, KMS, now)
    )
    assert scheme.acceptable(now, now)
    assert scheme.label(period)
