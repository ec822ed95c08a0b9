"""What the methods of RFC 3830, 4650 and 4738 say about an exchange in common words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from mikey.credentials import FetchCertificate
from mikey.errors import DecodeError, ReportedError
from mikey.policy import Compat
from mikey.registry import DataType
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import Cert, GeneralExtension, Hdr, Id, KeyData, Message, Payload, Rand, Sp, T

Random: TypeAlias = Callable[[int], bytes]


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An I_MESSAGE without its keys: payload values in the order of the wire.

    `certs` are the Initiator's certificates, behind its identity (RFC 3830 3.2, 3.3).
    """

    header: Hdr
    t: T
    rand: Rand | None
    idi: Id | None
    certs: tuple[Cert, ...] = ()
    idr: Id | None
    policies: tuple[Sp, ...] = ()
    extensions: tuple[GeneralExtension, ...] = ()

    def payloads(self) -> tuple[Payload, ...]:
        """Return the payloads in front of what is the method's own."""
        front = (self.t, self.rand, self.idi, *self.certs, self.idr)
        present = tuple([payload for payload in front if payload is not None])
        return present + self.policies + self.extensions


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a Responder puts into its R_MESSAGE besides what is the method's own.

    `header` has the data type of the response, the Initiator's CSB ID and PRF, and the map
    with the open SSRCs filled in; `idr` and `certs` are ours, left out where the peer knows
    them (RFC 3830 3.2).
    """

    header: Hdr
    idr: Id | None
    certs: tuple[Cert, ...] = ()
    extensions: tuple[GeneralExtension, ...] = ()

    def identity(self) -> tuple[Payload, ...]:
        """Return IDr and CERTr."""
        return self.certs if self.idr is None else (self.idr, *self.certs)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a check takes from outside: the time, and what was fetched.

    `now` counts nanoseconds since 1970; `fetched` has the DER of each URL certificate that
    `certificates.needed` named; `responder` is who answers us by what the carrier shows.
    `random` is where a signature of ours takes its octets from; `stored` says that the message
    waited in a mailbox (`Context.stored`).
    """

    now: int
    fetched: Mapping[str, bytes] = field(default_factory=dict)
    responder: Id | None = None
    random: Random | None = field(default=None, repr=False)
    stored: bool = False


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the Initiator learned from a verified response.

    `csb_id` and `rand` are those that keys are derived with; `policies` are SPs of the response
    (RSA-R alone has any); `message_key` is an envelope key that both keep (R3830-6.3-3).
    """

    keys: tuple[KeyData, ...] = field(repr=False)
    idr: Id
    rand: bytes = field(repr=False)
    csb_id: int
    policies: tuple[Sp, ...] = ()
    message_key: Secret | None = field(default=None, repr=False)


def refuse_strangers(message: Message, kinds: tuple[type[Payload], ...], method: str) -> None:
    """Refuse payloads that carry keys or authentication of other methods (R3830-6-5)."""
    for kind in kinds:
        if message.get(kind) is not None:
            name = kind.__name__.upper()
            raise DecodeError(
                f"a {method} message has no {name} payload",
                number=message.header.malformed_number,
                payload=name,
            )


def check_answers(message: Message, kind: DataType, sent: Hdr, t: T, compat: Compat) -> None:
    """Check that a message is a response of type `kind` to the one with header `sent` and `t`.

    CSB ID and PRF are repeated (R3830-6.1-21), and so is T (R3830-5.2-5), unless the peer is
    known to send one of its own. Raises DecodeError.
    """
    header = message.header
    if header.data_type is not kind:
        raise DecodeError(f"{header.data_type.label} is no {kind.label}", number=None)
    if header.csb_id != sent.csb_id or header.prf is not sent.prf:
        raise DecodeError("the response names another CSB or PRF", number=None)
    if message.one(T) != t and not compat.fresh_response_timestamp:
        raise DecodeError("the response does not repeat our timestamp", number=None, payload="T")


class Opening(Protocol):
    """An I_MESSAGE that was sent; it takes the response, and an Error message in its place.

    Nothing of it changes: a wrong message leaves the exchange open. `early_keys` are keys that
    hold before the response comes, `message_key` an envelope key that is kept.
    """

    @property
    def octets(self) -> bytes:
        """The message to send."""

    @property
    def early_keys(self) -> tuple[KeyData, ...]:
        """The keys of the message, () where the response makes them."""

    @property
    def message_key(self) -> Secret | None:
        """The envelope key that both sides keep (R3830-6.3-3)."""

    def needed(self, message: Message, /) -> tuple[FetchCertificate, ...]:
        """Return what is to be fetched before what looks like the answer is verified."""

    def receive(self, message: Message, around: Surroundings, /) -> Completion:
        """Verify the response; raises PeerError."""

    def read_error(self, message: Message, around: Surroundings, /) -> ReportedError:
        """Read an Error message; raises PeerError for one that is none, or is forged."""
