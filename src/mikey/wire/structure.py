"""What the payloads of a message must be together, whatever its method (RFC 3830 section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

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
    from collections.abc import Sequence

    from mikey.wire.hdr import Hdr
    from mikey.wire.payloads import Payload

_ONCE: Final[frozenset[type[Payload]]] = frozenset({T, Rand, Kemac, Pke, Chash, Sign, V, Sakke})
_TWO_DH: Final = frozenset({DataType.DH_RESP, DataType.DHHMAC_RESP})
_KEMAC_LAST: Final = frozenset({DataType.PSK_INIT, DataType.DHHMAC_INIT, DataType.DHHMAC_RESP})
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
    (R4563-5-1).
    """
    kinds = list(map(type, payloads))
    if not kinds:
        return Fault("no payload follows", None)
    if kinds[0] is Sign:
        return Fault("SIGN follows the header", 0)
    once = [kind for kind in kinds if kind in _ONCE]
    if len(set(once)) != len(once) or kinds.count(Id) > 2 or kinds.count(Dh) > 1:
        surplus = _find_surplus(header, kinds)
        if surplus:
            return surplus
    final = kinds[-1]
    if V in once and final is not V:
        return Fault(_NOT_LAST, kinds.index(V))
    if Sign in once and final is not Sign:
        return Fault(_NOT_LAST, kinds.index(Sign))
    if Kemac in once and final is not Kemac and header.data_type in _KEMAC_LAST:
        return Fault(_NOT_LAST, kinds.index(Kemac))
    if type(header.cs_map) is EmptyMap and Sp in kinds and header.data_type is not _ERROR:
        return Fault("SP stands beside an Empty map", kinds.index(Sp))
    return None


def _find_surplus(header: Hdr, kinds: Sequence[type[Payload]]) -> Fault | None:
    most: dict[type[Payload], int] = dict.fromkeys(_ONCE, 1)
    most[Id] = 2
    most[Dh] = 2 if header.data_type in _TWO_DH else 1
    for place, kind in enumerate(kinds):
        if kind in most:
            most[kind] -= 1
            if most[kind] < 0:
                return Fault("one more than a message may have", place)
    return None
