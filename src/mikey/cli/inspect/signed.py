"""Signatures: whether SIGN is right, and beside it whether its certificate would be believed.

The verdict speaks of the signature alone. Who made the certificate, and whether it holds today,
is for a receiver to judge: what it would say is a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from mikey.cli.inspect.certificates import look
from mikey.cli.inspect.verdict import Verdict
from mikey.credentials import PublicKey, Trust
from mikey.credentials.trust import MOST_CERTIFICATES
from mikey.errors import AuthenticationError, PeerError
from mikey.methods import sakke
from mikey.methods._common import certificates, signature
from mikey.methods._common.identities import dh_response_ids, lone_id, to_text
from mikey.registry import CertType, DataType
from mikey.wire import Cert, Id, Message, Sign, T

_MOST_GIVEN = 100
_NOT_FOR_SIGNING = (CertType.X509_ENCR, CertType.X509_URL)


class Signatures:
    """Checks SIGN; `given` are certificates (DER) to trust, `now` nanoseconds since 1970.

    Raises LocalError for certificates that cannot be used.
    """

    def __init__(self, given: Sequence[bytes], now: int) -> None:
        self._given = tuple(given)[:_MOST_GIVEN]
        self._trust = Trust(self._given) if self._given else None
        self._now = now

    def check(self, message: Message, request: Message | None, related: list[Message]) -> Verdict:
        """Return the verdict on a message that ends in SIGN.

        `request` is what it answers, None if it is none of an answer; `related` may have the
        certificate where the message has none.
        """
        try:
            sign = signature.check_form(message)
        except PeerError as error:
            return _verdict(None, error.reason)
        is_rsa_r = message.header.data_type is DataType.RSA_R_RESP
        if is_rsa_r and request is None:
            return _verdict(None, "its signature covers IDi of its request (--request MESSAGE)")
        readings = _readings(message, request if is_rsa_r else None)
        own = message.all(Cert)[:MOST_CERTIFICATES]
        others = tuple(cert for one in related for cert in one.all(Cert))[:_MOST_GIVEN]
        readable = False
        for der, key, is_own in self._keys(own, others):
            readable = readable or is_own
            try:
                key.verify(sign.signature, *readings, s_type=sign.s_type)
            except AuthenticationError:
                continue
            return _verdict(True, notes=self._believed(message, der, own))
        if readable:
            return _verdict(
                False, "another key than that of its certificate, or an altered message"
            )
        return _verdict(None, _why_not(own))

    def _keys(
        self, own: Sequence[Cert], others: Sequence[Cert]
    ) -> Iterator[tuple[bytes, PublicKey, bool]]:
        """Yield the keys that SIGN may be made with, and whether the message itself has them."""
        sent = [cert.data for cert in own if cert.cert_type not in _NOT_FOR_SIGNING]
        heard = [cert.data for cert in others if cert.cert_type not in _NOT_FOR_SIGNING]
        for der in dict.fromkeys((*sent, *self._given, *heard)):
            seen = look(der)
            if seen is not None and seen.public_key is not None:
                # An authority in a chain is no sender, and its key proves no alteration.
                is_sender = der in sent and (not seen.is_ca or len(sent) == 1)
                yield der, seen.public_key, is_sender

    def _believed(self, message: Message, der: bytes, own: Sequence[Cert]) -> tuple[str, ...]:
        """Say what a receiver would think of the certificate."""
        if self._trust is None:
            return ("nobody vouches for the certificate of the signature (--ca FILE)",)
        sent = [cert for cert in own if cert.cert_type is not CertType.X509_URL]
        chain = sent if any(cert.data == der for cert in sent) else [der]
        claimed = sender_of(message)
        try:
            self._trust.verify(
                chain, now=self._now, identity=None if claimed is None else to_text(claimed)
            )
        except PeerError as error:
            return (f"a receiver would refuse the certificate: {error.reason}",)
        return ()


def sender_of(message: Message) -> Id | None:
    """Return the identity that the sender of a signed message claims; None if it does not."""
    kind = message.header.data_type
    try:
        if kind is DataType.DH_RESP:
            return dh_response_ids(message)[0]
        if kind is DataType.RSA_R_RESP:
            return lone_id(message)
        if kind is sakke.REQUEST:
            return sakke.request_ids(message)[0]
        if kind is DataType.ERROR:
            return None
        return certificates.request_ids(message, (), None)[0]
    except PeerError:
        return None


def _readings(message: Message, request: Message | None) -> tuple[bytes, ...]:
    """Return what the signature may cover: for RSA-R with the names and T (R4738-3.6-11)."""
    front = signature.unsigned(message)
    if request is None:
        return (front,)
    initiators = _names(request, sender_of(request))
    responders = (*_names(message, sender_of(message)), *(each.data for each in request.all(Id)))
    t = message.one(T).value
    ends = [idi + idr + t for idi, idr in product(initiators, dict.fromkeys((*responders, b"")))]
    # The two octets of SIGN's own head count, or do not: the RFC can be read both ways.
    return tuple(start + end for end in ends for start in (front, front[: -Sign.HEADER_OCTETS]))


def _names(message: Message, claimed: Id | None) -> tuple[bytes, ...]:
    """Return the ID data that a sender may mean: what it says, else what its certificates say."""
    if claimed is not None:
        return (claimed.data,)
    found = [look(cert.data) for cert in message.all(Cert)[:MOST_CERTIFICATES]]
    names = [name for seen in found if seen is not None and not seen.is_ca for name in seen.names]
    return tuple(name.partition(":")[2].encode() for name in names[:MOST_CERTIFICATES])


def _why_not(own: Sequence[Cert]) -> str:
    if any(cert.cert_type is CertType.X509_URL for cert in own):
        return "its certificate is given by URL, and nothing is fetched (--ca FILE)"
    if own:
        return "none of its certificates has an RSA key that can be read"
    return "it has no certificate, and none that was given fits (--ca FILE)"


def _verdict(verified: bool | None, reason: str = "", notes: tuple[str, ...] = ()) -> Verdict:
    return Verdict(verified, reason, notes, proof="signature")
