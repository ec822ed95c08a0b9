"""Security policy payload, SP (RFC 3830 section 6.10; TESLA policies: RFC 4442 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from mikey.registry import PayloadType, ProtType
from mikey.values import quick_init
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_PROT_TYPES = Members(ProtType)
_HEAD = Struct(">BBH")  # Policy no, Prot type, Policy param length


class SpParam(NamedTuple):
    """One parameter: its Type, whose registry depends on the policy's Prot type, and Value.

    Type is 8 bits, Value up to 255 octets, which may be none. A policy has a dozen of these,
    so they are tuples: the cheapest frozen value.
    """

    param: int
    value: bytes


# What SpParam._make does, less the check that a pair has two items.
_param = partial(tuple.__new__, SpParam)


@quick_init
@dataclass(frozen=True, slots=True)
class Sp:
    """A policy: parameters as the sender ordered them, repeated Types included."""

    TYPE: ClassVar[PayloadType] = PayloadType.SP

    policy_no: int
    prot_type: ProtType
    params: tuple[SpParam, ...] = ()

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read the policy; raises DecodeError if its parameters do not fill its length."""
        policy_no, prot_type, length = reader.unpack(_HEAD)
        params = tuple(map(_param, reader.tlvs(length)))
        return cls(policy_no, _PROT_TYPES[prot_type], params)

    def encode(self, writer: Writer) -> None:
        """Append the policy; raises LocalError if a value does not fit its field."""
        params = bytearray()
        try:
            for param, value in self.params:
                params.append(param)
                params.append(len(value))
                params += value
        except ValueError:
            raise writer.misuse("a parameter's Type or length does not fit one octet") from None
        writer.pack(_HEAD, self.policy_no, self.prot_type, len(params))
        writer.put(params)
