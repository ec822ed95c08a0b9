"""Key data sub-payloads, the plaintext of KEMAC (RFC 3830 section 6.13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from mikey.registry import KeyType, PayloadType
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire._reader import Reader
from mikey.wire._tables import Members
from mikey.wire._writer import Writer
from mikey.wire.id import Id
from mikey.wire.validity import KV_NULL, Validity, parse_validity

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY_TYPES = Members(KeyType)
_NAME: Final = "Key data"
_BLOCK: Final = 8
_LEAST_WRAPPED: Final = 16


@quick_init
@dataclass(frozen=True, slots=True)
class KeyData:
    """One key, with a salt where its type has one, and its validity."""

    TYPE: ClassVar[PayloadType] = PayloadType.KEY_DATA

    key_type: KeyType
    key: Secret
    salt: Secret | None = None
    validity: Validity = KV_NULL

    @classmethod
    def parse(cls, reader: Reader) -> Self:
        """Read the sub-payload behind its Next payload octet.

        Raises DecodeError (12) for a KV that no RFC assigns, UnsupportedError (12) for such a
        Type: whether a salt follows is then unknown.
        """
        type_kv = reader.u8()
        key_type = _KEY_TYPES[type_kv >> 4]
        if not key_type.assigned:
            raise reader.unsupported(f"Key data type {key_type} is not known")
        key = Secret(reader.take16())
        salt = Secret(reader.take16()) if key_type.has_salt else None
        return cls(key_type, key, salt, parse_validity(reader, type_kv & 0x0F))

    def encode(self, writer: Writer) -> None:
        """Append the sub-payload; raises LocalError if a value does not fit its field."""
        if not self.key_type.assigned:
            raise writer.misuse(f"type {self.key_type} is not known")
        if self.key_type.has_salt != (self.salt is not None):
            raise writer.misuse(f"a salt and type {self.key_type.label} do not fit each other")
        writer.u8(self.key_type << 4 | self.validity.KV)
        writer.put16(self.key.expose())
        if self.salt is not None:
            writer.put16(self.salt.expose())
        self.validity.encode(writer)


def parse_key_data(
    octets: bytes, *, origin: int = 0, key_wrap: bool = False
) -> tuple[KeyData, ...]:
    """Read the chain of Key data that fills `octets`; no octets are no keys (R3830-6.2-8).

    `origin` is the place of `octets` in the message and is added to the offset of errors. With
    `key_wrap` the chain may be followed by the zero octets that AES key wrap needs, exactly
    those (R3830-4.2.3-4). Raises PeerError (12) if the chain names another type than Key data,
    does not end with the octets, or holds what `KeyData.parse` refuses.
    """
    reader = Reader(octets, _NAME, origin=origin)
    first = PayloadType.KEY_DATA if octets else PayloadType.LAST
    keys = _parse_chain(reader, first)
    _finish(reader, key_wrap=key_wrap)
    return keys


def encode_key_data(keys: Sequence[KeyData], *, key_wrap: bool = False) -> bytes:
    """Return the chain of Key data, with `key_wrap` filled up with zeros for AES key wrap."""
    writer = Writer(_NAME)
    _encode_chain(writer, keys)
    return _filled(writer, key_wrap=key_wrap)


def parse_id_and_key_data(
    octets: bytes, *, origin: int = 0, key_wrap: bool = False
) -> tuple[Id, tuple[KeyData, ...]]:
    """Read an ID payload and the chain of Key data behind it, which may be empty.

    This is what KEMAC holds in the public-key and RSA-R methods (R3830-6.2-6). Arguments and
    errors are those of `parse_key_data`.
    """
    reader = Reader(octets, "ID in KEMAC", origin=origin)
    following = reader.u8()
    identity = Id.parse(reader)
    reader.payload = _NAME
    keys = _parse_chain(reader, following)
    _finish(reader, key_wrap=key_wrap)
    return identity, keys


def encode_id_and_key_data(
    identity: Id, keys: Sequence[KeyData], *, key_wrap: bool = False
) -> bytes:
    """Return an ID payload and the chain of Key data behind it."""
    writer = Writer("ID in KEMAC")
    writer.u8(PayloadType.KEY_DATA if keys else PayloadType.LAST)
    identity.encode(writer)
    writer.payload = _NAME
    _encode_chain(writer, keys)
    return _filled(writer, key_wrap=key_wrap)


def _parse_chain(reader: Reader, following: int) -> tuple[KeyData, ...]:
    keys = []
    while following != PayloadType.LAST:
        if following != PayloadType.KEY_DATA:
            raise reader.malformed(f"payload type {following} where Key data (20) or 0 is due")
        following = reader.u8()
        keys.append(KeyData.parse(reader))
    return tuple(keys)


def _encode_chain(writer: Writer, keys: Sequence[KeyData]) -> None:
    for left, key in enumerate(keys, 1 - len(keys)):
        writer.u8(PayloadType.KEY_DATA if left else PayloadType.LAST)
        key.encode(writer)


def _wrapped_octets(length: int) -> int:
    """Return the length that `length` octets of plaintext, not none, are filled up to."""
    return max(_LEAST_WRAPPED, -(-length // _BLOCK) * _BLOCK)


def _finish(reader: Reader, *, key_wrap: bool) -> None:
    if key_wrap and reader.position:
        fill = _wrapped_octets(reader.position) - reader.position
        if any(reader.take(fill)):
            raise reader.malformed("the fill for AES key wrap is not zero", back=fill)
    reader.finish()


def _filled(writer: Writer, *, key_wrap: bool) -> bytes:
    octets = bytes(writer.octets)
    if key_wrap and octets:
        return octets.ljust(_wrapped_octets(len(octets)), b"\0")
    return octets
