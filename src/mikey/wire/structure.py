"""What the payloads of a message must be together, whatever its method (RFC 3830 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mikey.registry import DataType
from mikey.wire.chash import Chash
from mikey.wire.cs_map import EmptyMap
from mikey.wire.dh import Dh
from mikey.wire.id import Id
from mikey.wire.kemac import Kemac
from mikey.wire.pke import Pke
from mikey.wire.rand import Rand
from mikey.wire.sakke import Sakke
from mikey.wire.sign import Sign
from mikey.wire.sp import Sp
from mikey.wire.t import T
from mikey.wire.v import V

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mikey.wire.hdr import Hdr
    from mikey.wire.payloads import Payload

_MOST: Final[Mapping[type[Payload], int]] = {
    **dict.fromkeys((T, Rand, Kemac, Pke, Chash, Sign, V, Sakke), 1),
    Id: 2,
    Dh: 1,
}
_MOST_IN_DH_RESPONSE: Final = {**_MOST, Dh: 2}
_TWO_DH: Final = frozenset({DataType.DH_RESP, DataType.DHHMAC_RESP})
_KEMAC_LAST: Final = frozenset({DataType.PSK_INIT, DataType.DHHMAC_INIT, DataType.DHHMAC_RESP})
_ERROR: Final = DataType.ERROR
_NOT_LAST: Final = "the authenticating payload is not the last"


class Fault(NamedTuple):
    """What is wrong, and with which payload (None: with the header)."""

    reason: str
    place: int | None


def sort_out(payloads: Sequence[Payload], by_class: dict[type[Any], list[Any]]) -> None:
    """Put the payloads, in order, into the list of their class."""
    for payload in payloads:
        kind = type(payload)
        if kind in by_class:
            by_class[kind].append(payload)
        else:
            by_class[kind] = [payload]


def find_fault(
    header: Hdr, payloads: Sequence[Payload], by_class: Mapping[type[Payload], Sequence[Payload]]
) -> Fault | None:
    """Return the first rule that the payloads break together, or None.

    `by_class` is what `sort_out` makes of them.

    The rules: something follows the header, and not SIGN (R3830-6.1-23); no payload stands
    more often than it may (R3830-6-4); the authenticating payload is the last (R3830-5.2-3);
    no SP goes with an Empty map, except the SPs of an Error message, whose map says nothing
    (R4563-5-1).
    """
    if not payloads:
        return Fault("no payload follows", None)
    if type(payloads[0]) is Sign:
        return Fault("SIGN follows the header", 0)
    if len(by_class) < len(payloads):
        most = _MOST_IN_DH_RESPONSE if header.data_type in _TWO_DH else _MOST
        for kind, found in by_class.items():
            if len(found) > 1 and len(found) > most.get(kind, len(found)):
                return Fault("one more than a message may have", _find_surplus(payloads, most))
    final = type(payloads[-1])
    if V in by_class and final is not V:
        return Fault(_NOT_LAST, _place(payloads, V))
    if Sign in by_class and final is not Sign:
        return Fault(_NOT_LAST, _place(payloads, Sign))
    if Kemac in by_class and final is not Kemac and header.data_type in _KEMAC_LAST:
        return Fault(_NOT_LAST, _place(payloads, Kemac))
    if type(header.cs_map) is EmptyMap and Sp in by_class and header.data_type is not _ERROR:
        return Fault("SP stands beside an Empty map", _place(payloads, Sp))
    return None


def _find_surplus(payloads: Sequence[Payload], most: Mapping[type[Payload], int]) -> int | None:
    """Return the place of the first payload that is one more than there may be."""
    left = dict(most)
    for place, payload in enumerate(payloads):
        kind = type(payload)
        if kind in left:
            left[kind] -= 1
            if left[kind] < 0:
                return place
    return None


def _place(payloads: Sequence[Payload], kind: type[Payload]) -> int:
    return [type(payload) for payload in payloads].index(kind)
