"""What the payloads of a message must be together, whatever its method (RFC 3830 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from mikey.registry import DataType
from mikey.wire.chash import Chash
from mikey.wire.cs_map import EmptyMap
from mikey.wire.dh import Dh
from mikey.wire.id import Id
from mikey.wire.kemac import Kemac
from mikey.wire.pke import Pke
from mikey.wire.rand import Rand
from mikey.wire.sign import Sign
from mikey.wire.sp import Sp
from mikey.wire.t import T
from mikey.wire.v import V

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mikey.wire.hdr import Hdr
    from mikey.wire.payloads import Payload

_MOST: Final[dict[type[Payload], int]] = {
    T: 1,
    Rand: 1,
    Kemac: 1,
    Pke: 1,
    Chash: 1,
    Sign: 1,
    V: 1,
    Id: 2,
    Dh: 1,
}
_TWO_DH: Final = frozenset({DataType.DH_RESP, DataType.DHHMAC_RESP})
_DHHMAC: Final = frozenset({DataType.DHHMAC_INIT, DataType.DHHMAC_RESP})
_KEMAC_LAST: Final = _DHHMAC | {DataType.PSK_INIT}
_AUTHENTICATE: Final[tuple[type[Payload], ...]] = (V, Sign)
_ERROR: Final = DataType.ERROR
_NOT_LAST: Final = "the authenticating payload is not the last"


class Fault(NamedTuple):
    """What is wrong, and with which payload (None: with the header)."""

    reason: str
    place: int | None


def find_fault(header: Hdr, payloads: Sequence[Payload]) -> Fault | None:
    """Return the first rule that the payloads break together, or None.

    The rules: something follows the header, and not SIGN (R3830-6.1-23); no payload stands
    more often than it may (R3830-6-4); the authenticating payload is the last (R3830-5.2-3);
    no SP goes with an Empty map, except the SPs of an Error message, whose map says nothing
    (R4563-5-1); RFC 4650's own numbering of MACs stands in its own messages (R4650-4.2-2).
    """
    if not payloads:
        return Fault("no payload follows", None)
    kinds = [type(payload) for payload in payloads]
    if kinds[0] is Sign:
        return Fault("SIGN follows the header", 0)
    present = set(kinds)
    if len(present) != len(kinds):
        fault = _find_repeated(kinds, two_dh=header.data_type in _TWO_DH)
        if fault:
            return fault
    final = payloads[-1]
    for kind in _AUTHENTICATE:
        if kind in present and type(final) is not kind:
            return Fault(_NOT_LAST, kinds.index(kind))
    if Kemac in present:
        if header.data_type in _KEMAC_LAST and type(final) is not Kemac:
            return Fault(_NOT_LAST, kinds.index(Kemac))
        if header.data_type not in _DHHMAC:
            index = kinds.index(Kemac)
            if cast("Kemac", payloads[index]).has_rfc4650_mac:
                return Fault("a MAC stands behind the NULL Mac alg", index)
    if Sp in present and type(header.cs_map) is EmptyMap and header.data_type is not _ERROR:
        return Fault("SP stands beside an Empty map", kinds.index(Sp))
    return None


def _find_repeated(kinds: Sequence[type[Payload]], *, two_dh: bool) -> Fault | None:
    seen: dict[type[Payload], int] = {}
    for index, kind in enumerate(kinds):
        most = 2 if kind is Dh and two_dh else _MOST.get(kind)
        if most is None:
            continue
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] > most:
            return Fault(f"{'no more than two' if most == 2 else 'only one'} may be there", index)
    return None
