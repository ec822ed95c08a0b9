"""What can stand in the chain behind the header, and how each is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from mikey.registry import PayloadType
from mikey.wire.cert import Cert
from mikey.wire.chash import Chash
from mikey.wire.dh import Dh
from mikey.wire.err import Err
from mikey.wire.general_extension import GeneralExtension
from mikey.wire.id import Id
from mikey.wire.idr import Idr
from mikey.wire.kemac import Kemac
from mikey.wire.opaque import MEASURED, Opaque
from mikey.wire.pke import Pke
from mikey.wire.rand import Rand
from mikey.wire.sakke import Sakke
from mikey.wire.sign import Sign
from mikey.wire.sp import Sp
from mikey.wire.t import T
from mikey.wire.v import V

if TYPE_CHECKING:
    from collections.abc import Callable

    from mikey.wire._reader import Reader

Payload: TypeAlias = (
    Kemac
    | Pke
    | Dh
    | Sign
    | T
    | Id
    | Cert
    | Chash
    | V
    | Sp
    | Rand
    | Err
    | GeneralExtension
    | Idr
    | Sakke
    | Opaque
)

_CLASSES: Final = (
    Kemac,
    Pke,
    Dh,
    Sign,
    T,
    Id,
    Cert,
    Chash,
    V,
    Sp,
    Rand,
    Err,
    GeneralExtension,
    Idr,
    Sakke,
)


def payload_type(payload: Payload) -> PayloadType:
    """Return the value that the payload before `payload` names it by."""
    return payload.TYPE


def _measured(kind: PayloadType) -> Callable[[Reader], Payload]:
    return lambda reader: Opaque.parse(reader, kind)


PARSERS: Final[dict[PayloadType, Callable[[Reader], Payload]]] = {
    **{payload.TYPE: payload.parse for payload in _CLASSES},
    **{kind: _measured(kind) for kind in MEASURED},
}
"""What reads a payload behind its Next payload octet.

Types that nobody here can measure have no entry: IBAKE, ESK, SK, ECCPT, Key data (which stands
in KEMAC only) and the unassigned ones.
"""
