"""Security policy payload, SP (RFC 3830 section 6.10; TESLA policies: RFC 4442 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mikey.registry import PayloadType, ProtType
from mikey.wire._tables import Members

if TYPE_CHECKING:
    from mikey.wire._reader import Reader
    from mikey.wire._writer import Writer

_PROT_TYPES = Members(ProtType)


@dataclass(frozen=True, slots=True)
class SpParam:
    """One parameter: its Type, whose registry depends on the policy's Prot type, and Value.

    Type is 8 bits, Value up to 255 octets, which may be none.
    """

    param: int
    value: bytes


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
        policy_no = reader.u8()
        prot_type = _PROT_TYPES[reader.u8()]
        params = reader.tlvs(reader.u16())
        return cls(policy_no, prot_type, tuple([SpParam(*param) for param in params]))

    def encode(self, writer: Writer) -> None:
        """Append the policy; raises LocalError if a value does not fit its field."""
        params = bytearray()
        try:
            for param in self.params:
                value = param.value
                params.append(param.param)
                params.append(len(value))
                params += value
        except ValueError:
            raise writer.misuse("a parameter's Type or length does not fit one octet") from None
        writer.u8(self.policy_no)
        writer.u8(self.prot_type)
        writer.put16(params)
