"""What a careful reader would remark on a message that is sound: age, replay, weak algorithms."""

from __future__ import annotations

from collections.abc import Iterator

from mikey.cli.inspect.related import REQUESTS
from mikey.errors import MikeyError, PeerError
from mikey.policy import SECOND, Compat, Context, Policy, srtp_policy
from mikey.policy.clock import difference_ns
from mikey.registry import (
    DataType,
    DhGroup,
    EncrAlg,
    ErrorNumber,
    HashFunc,
    MacAlg,
    ProtType,
    TsType,
)
from mikey.session.checks import check_list
from mikey.wire import Chash, Dh, Err, Hdr, Kemac, Message, Pke, Rand, Sp, T

_UNITS = (("year", 31_556_952), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_WEAK_GROUPS = {DhGroup.OAKLEY_1: 768, DhGroup.OAKLEY_2: 1024}


class Seen:
    """The messages that stood before, as far as replays show by them."""

    def __init__(self) -> None:
        self._octets: set[bytes] = set()
        self._times: set[tuple[int, T | None]] = set()

    def remark(self, message: Message) -> Iterator[str]:
        """Remark on a message that repeats one before, and remember it."""
        time = (message.header.csb_id, message.get(T))
        if message.octets in self._octets:
            yield "the same message stands before: a receiver would drop it as a replay"
        elif message.header.data_type in REQUESTS and time in self._times:
            yield "another message before has the same CSB ID and timestamp (R3830-5.2-4)"
        self._octets.add(message.octets)
        if message.header.data_type in REQUESTS:
            self._times.add(time)


def warnings(
    message: Message, seen: Seen, protocols: tuple[str, ...] | None, now: int
) -> tuple[str, ...]:
    """Return remarks on a message; `seen` knows those before it in the same input."""
    return (
        *_header(message.header),
        *_time(message, now),
        *seen.remark(message),
        *_strength(message),
        *_policies(message),
        *_errors(message),
        *_list(message, protocols),
    )


def _header(header: Hdr) -> Iterator[str]:
    if not header.data_type.assigned:
        yield f"data type {int(header.data_type)} is not assigned"
    if not header.prf.assigned:
        yield f"PRF func {int(header.prf)} is not assigned"


def _time(message: Message, now: int) -> Iterator[str]:
    t = message.get(T)
    if t is None or t.ts_type is TsType.COUNTER:
        return
    difference = difference_ns(t, now)
    if abs(difference) > Policy().skew:
        side = "in the future" if difference > 0 else "old"
        yield f"the timestamp is {_span(abs(difference))} {side}: a receiver would refuse it"


def _span(nanoseconds: int) -> str:
    """Return a time span in its largest unit: "3 days"."""
    seconds = nanoseconds // SECOND
    for name, size in _UNITS:
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a second"


def _strength(message: Message) -> Iterator[str]:
    for kemac in message.all(Kemac):
        if kemac.encr_alg is EncrAlg.NULL and kemac.encr_data:
            yield "KEMAC is not encrypted: whoever sees this message has its keys"
        elif not kemac.encr_alg.assigned:
            yield f"Encr alg {int(kemac.encr_alg)} is not assigned"
        # In an envelope AES key wrap, which checks itself, does without (R3830-4.2.3-5).
        wrapped = kemac.encr_alg is EncrAlg.AES_KW_128 and message.get(Pke) is not None
        if kemac.mac_alg is MacAlg.NULL and kemac.encr_alg is not EncrAlg.NULL and not wrapped:
            yield "KEMAC is encrypted and has no MAC"
    for dh in message.all(Dh):
        if dh.group in _WEAK_GROUPS:
            yield f"{dh.group.label} has {_WEAK_GROUPS[dh.group]} bits: too weak today"
    for chash in message.all(Chash):
        if chash.hash_func is HashFunc.MD5:
            yield "MD5 is broken"
    rand = message.get(Rand)
    if rand is not None and len(rand.value) < Policy().minimum_rand:
        yield f"RAND has {len(rand.value)} octets, 16 are advised (R3830-6.11-2)"


def _policies(message: Message) -> Iterator[str]:
    for sp in message.all(Sp):
        if sp.prot_type is not ProtType.SRTP:
            continue
        try:
            policy = srtp_policy(sp)
        except MikeyError as error:
            yield f"policy {sp.policy_no} would be refused: {error}"
            continue
        if policy.is_weak:
            yield f"policy {sp.policy_no} ({policy.name}) does not protect its packets fully"


def _errors(message: Message) -> Iterator[str]:
    if message.header.data_type is DataType.ERROR:
        for err in message.all(Err):
            yield f"the peer reports: {_ERRORS.get(err.number, err.number.label)}"


_ERRORS = {
    ErrorNumber.AUTH_FAILURE: "authentication failed (wrong key?)",
    ErrorNumber.INVALID_TS: "timestamp outside its window (check both clocks)",
    ErrorNumber.INVALID_PRF: "PRF not supported",
    ErrorNumber.INVALID_MAC: "MAC algorithm not supported",
    ErrorNumber.INVALID_EA: "encryption algorithm not supported",
    ErrorNumber.INVALID_HA: "hash function not supported",
    ErrorNumber.INVALID_DH: "DH group not supported",
    ErrorNumber.INVALID_ID: "identity not supported or not known",
    ErrorNumber.INVALID_CERT: "certificate not supported",
    ErrorNumber.INVALID_SP: "security protocol not supported",
    ErrorNumber.INVALID_SPPAR: "security policy not acceptable",
    ErrorNumber.INVALID_DT: "data type not supported",
    ErrorNumber.UNSPECIFIED: "unspecified error",
    ErrorNumber.UNSUPPORTED_MESSAGE: "message not understood",
}


def _list(message: Message, protocols: tuple[str, ...] | None) -> Iterator[str]:
    """Remark on the list of protocols against bidding down (RFC 4567 4.1.4)."""
    if protocols is None or message.header.data_type not in REQUESTS:
        return
    try:
        check_list(message, Context(protocols=protocols), Compat())
    except PeerError as error:
        yield f"{error.reason} (RFC 4567 4.1.4)"
