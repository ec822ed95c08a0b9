"""The public-key method (RFC 3830 3.2, 4.5).

    I_MESSAGE = HDR, T, RAND, [IDi|{CERTi}], [IDr], {SP}, KEMAC, [CHASH], PKE, SIGNi
    R_MESSAGE = HDR, T, [IDr], V

An update has the same form without RAND. If the envelope key was cached (C in PKE), updates
are messages of the pre-shared key method under it instead (R3830-4.5-5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mikey.credentials import Certificate, Certified
from mikey.errors import AuthenticationError, DecodeError, LibraryError, PolicyError
from mikey.methods._common import certificates, envelope, signature
from mikey.methods._common.error_message import build_error
from mikey.methods._common.exchange import (
    Draft,
    Reply,
    Surroundings,
    refuse_strangers,
)
from mikey.methods._common.identities import to_id
from mikey.methods._common.message_keys import MessageKeys
from mikey.methods._common.opening import VerifiedOpening
from mikey.methods._common.verification import (
    Parties,
    appendix,
    build_with_v,
)
from mikey.policy.clock import value64
from mikey.registry import CacheType, DataType, EncrAlg, ErrorNumber, HashFunc, MacAlg
from mikey.secret import Secret
from mikey.values import quick_init
from mikey.wire import (
    Chash,
    Dh,
    Id,
    Kemac,
    KeyData,
    Message,
    Payload,
    Pke,
    Rand,
    Sp,
    T,
    V,
)

NAME = "PKE"
REQUEST = DataType.PKE_INIT
RESPONSE = DataType.PKE_RESP


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How the Initiator protects the keys that it sends.

    `recipient` is the peer's verified certificate; `key` is the envelope key, 16 octets or
    more and fresh for each message; `cache` says whether both sides keep it (R3830-6.3-2);
    `chash` names the certificate to a peer that has several (RFC 3830 6.8); `oaep_hash` follows
    from the peer's key or configuration (R3830-4.2.5-1).
    """

    recipient: Certificate
    key: Secret
    encr_alg: EncrAlg = EncrAlg.AES_CM_128
    mac_alg: MacAlg = MacAlg.HMAC_SHA_1_160
    cache: CacheType = CacheType.NO_CACHE
    chash: HashFunc | None = None
    oaep_hash: str | None = None


def build_request(
    draft: Draft,
    key_data: tuple[KeyData, ...],
    credential: Certified,
    sealed: Envelope,
    *,
    rand: bytes,
) -> VerifiedOpening:
    """Build an I_MESSAGE; `rand` is the one in `draft`, in an update that of the CSB.

    To key a group, the same `key_data`, CSB ID, map and RAND go to each member, each with an
    envelope key and a T of its own (R3830-8.1-1). Raises LocalError.
    """
    envelope.check_sent(sealed.encr_alg, sealed.mac_alg, sealed.key)
    header, t = draft.header, draft.t
    idi = draft.idi or to_id(credential.identity)
    idr = draft.idr or to_id(credential.peer)
    keys = MessageKeys(sealed.key, header.prf, header.csb_id, rand)
    algorithms = (sealed.encr_alg, sealed.mac_alg)
    own: list[Payload] = [envelope.seal(idi, key_data, keys, value64(t), algorithms)]
    if sealed.chash is not None:
        own.append(Chash(sealed.chash, sealed.recipient.digest(sealed.chash)))
    data = sealed.recipient.public_key.encrypt(sealed.key, oaep_hash=sealed.oaep_hash)
    own.append(Pke(sealed.cache, data))
    octets = signature.build_signed(header, (*draft.payloads(), *own), credential)
    # A NULL MAC asks for no weaker a response than the default (R3830-6.9-3).
    mac_alg = MacAlg(sealed.mac_alg or MacAlg.HMAC_SHA_1_160)
    return VerifiedOpening(
        octets=octets,
        early_keys=key_data,
        message_key=_kept(sealed.cache, sealed.key),
        method=NAME,
        response=RESPONSE,
        header=header,
        t=t,
        parties=(idi, idr),
        rand=rand,
        keys=keys,
        mac_alg=mac_alg,
        compat=credential.compat,
    )


def check_request(message: Message, *, allow_no_kemac: bool = False) -> None:
    """Do all that costs no cryptography: payloads, order, algorithms, limits.

    An update without KEMAC is refused unless `allow_no_kemac`; it carries no keys
    (R3830-4.5-7). Raises DecodeError (12), UnsupportedError (0, 4), PolicyError (3, 4, 8).
    """
    message.one(T)
    signature.check_form(message)
    refuse_strangers(message, (Dh, V), NAME)
    message.one(Pke)
    certificates.needed(message)
    kemac = message.get(Kemac)
    if kemac is not None:
        envelope.check_algorithms(kemac)
    elif not allow_no_kemac or message.get(Rand) is not None:
        raise DecodeError("a public-key message carries KEMAC", payload="KEMAC")


def fits(message: Message, credential: Certified) -> bool:
    """Tell whether the envelope may be for a key of `credential`: CHASH, length of the data.

    Without CHASH a Responder with several keys tries each that fits (R3830-6.8-6).
    """
    ours = credential.encryption_certificate
    if ours is None or len(message.one(Pke).data) != ours.public_key.size:  # R3830-6.3-5
        return False
    chash = message.get(Chash)
    return chash is None or credential.has_certificate(chash.hash_func, chash.value)


@final
class VerifiedRequest:
    """An I_MESSAGE whose signature was right; its keys come out of the envelope when asked for.

    `initiator` is the identity that the certificate proves. Not for two threads at a time.
    """

    __slots__ = ("_credential", "_keys", "_opened", "_rand", "certificate", "initiator", "message")

    def __init__(
        self,
        message: Message,
        credential: Certified,
        certificate: Certificate,
        initiator: Id,
        rand: bytes,
    ) -> None:
        self.message = message
        self.certificate = certificate
        self.initiator = initiator
        self._credential = credential
        self._rand = rand
        self._keys: MessageKeys | None = None
        self._opened: tuple[tuple[KeyData, ...], Secret] | None = None

    def keys(self) -> tuple[KeyData, ...]:
        """Open the envelope with our private key; () for an update without keys.

        Raises AuthenticationError for a wrong MAC, a ciphertext that was made for another key,
        and an identity inside that is not the Initiator's (R3830-3.2-5): one failure for all.
        DecodeError for authentic octets that are no keys.
        """
        if self._opened is None:
            self._opened = self._open()
        return self._opened[0]

    @property
    def message_key(self) -> Secret | None:
        """The envelope key, if both sides keep it (R3830-6.3-3); after `keys`."""
        if self._opened is None:
            raise LibraryError("the envelope was not opened")
        return _kept(self.message.one(Pke).c, self._opened[1])

    @property
    def cache(self) -> CacheType:
        """What the Initiator says of keeping the envelope key."""
        return self.message.one(Pke).c

    def respond(self, reply: Reply, idr: Id) -> bytes:
        """Return the R_MESSAGE; `idr` is our identity, sent or not. After `keys`."""
        if self._keys is None:
            raise LibraryError("the envelope was not opened")
        t = self.message.one(T)
        payloads: tuple[Payload, ...] = (t,) if reply.idr is None else (t, reply.idr)
        covered = self._covered(idr)
        return build_with_v(
            reply.header, payloads + reply.extensions, self._alg(), self._keys, covered
        )

    def error(self, numbers: tuple[ErrorNumber, ...], offered: tuple[Sp, ...], idr: Id) -> bytes:
        """Return the Error message: with V once the envelope was opened, else bare."""
        header, t = self.message.header, self.message.one(T)
        return build_error(
            header, t, numbers, offered if self._keys else (), keys=self._keys, alg=self._alg(),
            covered=self._covered(idr),
        )  # fmt: skip

    def _open(self) -> tuple[tuple[KeyData, ...], Secret]:
        message = self.message
        header = message.header
        env_key, sound = envelope.decrypt_key(message.one(Pke), self._credential)
        keys = MessageKeys(env_key, header.prf, header.csb_id, self._rand)
        key_data: tuple[KeyData, ...] = ()
        if message.get(Kemac) is not None:
            t = value64(message.one(T))
            opened = envelope.unseal(message, keys, t, sound=sound)
            if opened.identity != self.initiator:
                raise AuthenticationError
            key_data = opened.keys
        elif not sound:
            raise AuthenticationError
        self._keys = keys
        return key_data, env_key

    def _alg(self) -> MacAlg:
        kemac = self.message.get(Kemac)
        if kemac is None or kemac.mac_alg is MacAlg.NULL:
            return MacAlg.HMAC_SHA_1_160
        return kemac.mac_alg

    def _covered(self, idr: Id) -> bytes:
        parties = Parties(self.initiator.data, idr.data)
        return appendix(parties, self.message.one(T), self._credential.compat)


def verify_request(
    message: Message,
    credential: Certified,
    around: Surroundings,
    *,
    initiator: Id | None,
    rand: bytes,
) -> VerifiedRequest:
    """Check certificate and signature of an I_MESSAGE that passed `check_request`.

    `initiator` is who message or carrier say it is from, None where neither does; `rand` that
    of the message, or of the CSB that it updates. Raises PolicyError (8) for a certificate that
    does not hold or is not the Initiator's, or an envelope for another certificate than ours;
    AuthenticationError for the signature.
    """
    if not fits(message, credential):
        raise PolicyError(
            "the envelope is for another certificate", number=ErrorNumber.INVALID_CERT,
            payload="CHASH",
        )  # fmt: skip
    signer = certificates.verify_sender(message, credential, initiator, around)
    return VerifiedRequest(message, credential, signer.certificate, signer.identity, rand)


def _kept(cache: CacheType, env_key: Secret) -> Secret | None:
    return None if cache is CacheType.NO_CACHE else env_key
