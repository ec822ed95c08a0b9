"""Tables of the wire layer: registry members by value, and the lengths that a value implies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from mikey.registry import DhGroup, HashFunc, MacAlg, PayloadType, TsType, WireEnum

if TYPE_CHECKING:
    from collections.abc import Mapping

_E = TypeVar("_E", bound=WireEnum)


class Members(dict[int, _E]):
    """The members of a registry by value.

    The same answer as calling the enumeration, in a seventh of the time; a value that nobody
    assigned goes the long way and stays a member of its own.
    """

    __slots__ = ("_registry",)

    def __init__(self, registry: type[_E]) -> None:
        super().__init__((int(member), member) for member in registry)
        self._registry = registry

    def __missing__(self, value: int) -> _E:
        return self._registry(value)


MAC_OCTETS: Final[Mapping[MacAlg, int]] = {
    MacAlg.NULL: 0,
    MacAlg.HMAC_SHA_1_160: 20,
    MacAlg.HMAC_SHA_256_256: 32,
}
"""Octets of a MAC by Mac alg (RFC 3830 6.2, RFC 6043 6.2)."""

HASH_OCTETS: Final[Mapping[HashFunc, int]] = {
    HashFunc.SHA_1: 20,
    HashFunc.MD5: 16,
    HashFunc.SHA_256: 32,
}
"""Octets of a certificate hash by Hash func (RFC 3830 6.8, RFC 6043 6.7)."""

DH_OCTETS: Final[Mapping[DhGroup, int]] = {
    DhGroup.OAKLEY_5: 192,
    DhGroup.OAKLEY_1: 96,
    DhGroup.OAKLEY_2: 128,
}
"""Octets of a DH-value by DH-Group (RFC 3830 6.4)."""

TS_OCTETS: Final[Mapping[TsType, int]] = {
    TsType.NTP_UTC: 8,
    TsType.NTP: 8,
    TsType.COUNTER: 4,
    TsType.NTP_UTC_32: 4,
}
"""Octets of a TS value by TS type (RFC 3830 6.6, RFC 6043 6.3)."""

_NAMES: Final = {kind: kind.label for kind in PayloadType} | {
    PayloadType.GENERAL_EXT: "General Extension",
    PayloadType.KEY_DATA: "Key data",
}


def payload_name(kind: PayloadType) -> str:
    """Return the RFC's name of a payload type, as errors and people use it."""
    return _NAMES.get(kind) or kind.label


def spoken(payload: PayloadType | str) -> str:
    """Return the name of what is read or written: of a payload type, or the text given."""
    return payload if isinstance(payload, str) else payload_name(payload)
