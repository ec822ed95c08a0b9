"""An I_MESSAGE that is answered with V: the pre-shared key and public-key methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from mikey.credentials import FetchCertificate
from mikey.errors import PolicyError, ReportedError
from mikey.methods._common.error_message import read_error
from mikey.methods._common.exchange import Completion, Surroundings, check_answers
from mikey.methods._common.identities import lone_id, to_text
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.verification import Parties, appendix, check_verification
from mikey.policy import Compat
from mikey.registry import DataType, ErrorNumber, MacAlg
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import Hdr, Id, KeyData, Message, T


@final
@quick_init
@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VerifiedOpening:
    """A message that was sent, with its keys (see `exchange.Opening`).

    `method` is its name, `response` the data type that answers it. `message_key` is the key
    that later updates stand under, None where there is none.
    """

    octets: bytes = field(repr=False)
    early_keys: tuple[KeyData, ...] = field(repr=False)
    message_key: Secret | None = field(repr=False)
    method: str
    response: DataType
    header: Hdr
    t: T
    parties: tuple[Id, Id]
    rand: bytes = field(repr=False)
    keys: MessageKeys = field(repr=False)
    mac_alg: MacAlg
    compat: Compat

    def needed(self, _message: Message) -> tuple[FetchCertificate, ...]:
        """No certificate has a part in this."""
        return ()

    def receive(self, message: Message, _around: Surroundings) -> Completion:
        """Verify the R_MESSAGE: V under the key that only the Responder has besides us.

        Raises DecodeError, UnsupportedError and AuthenticationError, PolicyError (7) for a
        response that names somebody else.
        """
        check_answers(message, self.response, self.header, self.t, self.compat)
        idi, wanted = self.parties
        idr = lone_id(message) or wanted
        if idr != wanted:
            raise PolicyError(
                f"the response comes from {to_text(idr)}, not from {to_text(wanted)}",
                number=ErrorNumber.INVALID_ID,
                payload="ID",
            )
        covered = Parties(idi.data, idr.data)
        check_verification(
            message, self.t, self.mac_alg, self.keys, covered, self.compat, self.method
        )
        return Completion(
            keys=self.early_keys,
            idr=idr,
            rand=self.rand,
            csb_id=self.header.csb_id,
            message_key=self.message_key,
        )

    def read_error(self, message: Message, _around: Surroundings) -> ReportedError:
        """Read an Error message, which ends in V if the Responder has the key."""
        idi, idr = self.parties
        covered = appendix(Parties(idi.data, idr.data), self.t, self.compat)
        return read_error(message, self.t, self.keys, covered)
