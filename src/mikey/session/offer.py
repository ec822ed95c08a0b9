"""A verified offer, waiting for the caller to accept or reject it (RFC 3830 5.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mikey.credentials import Certified
from mikey.errors import LocalError, PolicyError
from mikey.methods._common.exchange import Reply
from mikey.registry import ErrorNumber
from mikey.session.bundle import Bundle, is_blocking
from mikey.session.cs_map import CsName
from mikey.session.group import Group
from mikey.session.proofs import Proof, RsaRProof, SakkeProof
from mikey.session.stream import Stream, policy_of
from mikey.values import quick_init
from mikey.wire import Hdr, SrtpId, SrtpIdMap

Install = Callable[[Bundle], None]
Refuse = Callable[[PolicyError], "bytes | None"]


@quick_init
@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """What an authenticated Initiator offers; nothing is installed before `accept`.

    Made by `Responder.receive` alone. `initiator` and `responder` are the authenticated
    identities (in MIKEY-NULL those that the transport vouches for). An offer is answered once.
    """

    _bundle: Bundle = field(repr=False)
    _proof: Proof = field(repr=False)
    _install: Install = field(repr=False)
    _refuse: Refuse = field(repr=False)
    _random: Callable[[int], bytes] = field(repr=False)
    is_update: bool
    _unanswered: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def initiator(self) -> str:
        """The identity of the Initiator."""
        return self._bundle.peer

    @property
    def initiator_kms(self) -> str | None:
        """The URI of the KMS that vouches for the Initiator; None where no KMS does.

        A KMS can sign as anybody: where messages of several are taken from "*", a name is worth
        no more than who vouches for it.
        """
        return self._proof.request.kms if isinstance(self._proof, SakkeProof) else None

    @property
    def responder(self) -> str:
        """Our identity, as the Initiator knows it."""
        return self._bundle.identity

    @property
    def blocking(self) -> bool:
        """Whether `accept` and `reject` may take long, for our key lies in a token."""
        return is_blocking(self._bundle.credential)

    @property
    def csb_id(self) -> int:
        """The CSB ID."""
        return self._bundle.csb_id

    @property
    def wants_response(self) -> bool:
        """Whether a response is due: the V flag asks for it, or the method always has one.

        SAKKE has none, whatever V says (R6509-2.2.1-1).
        """
        if self._proof.response is None:
            return False
        return self._proof.always_answered or self._proof.message.header.v

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The crypto sessions in order with their policies; SSRC 0 is the stream's to choose."""
        bundle = self._bundle
        return tuple(
            Stream(entry.ssrc, entry.roc, policy_of(entry, bundle.policies))
            for entry in bundle.sessions
        )

    @property
    def cs_ids(self) -> tuple[int, ...]:
        """The CS IDs of `streams`: 1, 2, ... unless a GENERIC-ID map gives others."""
        bundle = self._bundle
        if bundle.names:
            return tuple(name.cs_id for name in bundle.names)
        return tuple(range(1, len(bundle.sessions) + 1))

    @property
    def open_ids(self) -> tuple[int, ...]:
        """The CS IDs of streams whose SSRC is still to be chosen."""
        bundle = self._bundle
        return tuple(cs_id for i, cs_id in enumerate(self.cs_ids) if bundle.is_open(i))

    @property
    def has_response(self) -> bool:
        """Whether the method has a response at all: all have but SAKKE."""
        return self._proof.response is not None

    def accept(
        self,
        ssrcs: Mapping[int, int] | None = None,
        *,
        rocs: Mapping[int, int] | None = None,
        group: Group | None = None,
    ) -> tuple[bytes | None, Bundle]:
        """Install the offer; return the response (None where none is wanted) and the bundle.

        `ssrcs` are our SSRCs by CS ID, `rocs` the rollover counters of streams that run
        already. `group` gives the keys of a group in place of fresh ones (RSA-R; RFC 4738 3.2).
        Raises LocalError for a CS whose SSRC the Initiator chose (R3830-6.1.1-7) and
        for an offer that was answered before. Raises PolicyError, to be given to
        `Responder.refuse`: 10 for an SSRC that another stream under the same TEK has, 12 where
        another offer for the CSB was accepted since this one was received.
        """
        bundle = self._alone() if group is None else self._joined(group)
        sessions = self._fill(bundle, ssrcs or {}, rocs or {})
        if sessions != bundle.sessions:
            names = tuple([_filled(*pair) for pair in zip(bundle.names, sessions, strict=False)])
            bundle = replace(bundle, sessions=sessions, names=names)
        response = self._response(bundle)
        if not self._unanswered.acquire(blocking=False):  # never released: once, in any thread
            raise LocalError("the offer was answered before")
        self._install(bundle)
        return response, bundle

    def reject(self, number: ErrorNumber, reason: str = "rejected") -> bytes | None:
        """Return the authenticated Error message that says no; error 10 lists our policies.

        None where the rate of errors is used up. The offer cannot be accepted any more, and
        stays in the replay cache (R3830-5.3-6).
        """
        self._unanswered.acquire(blocking=False)
        return self._refuse(PolicyError(reason, number=number))

    def _alone(self) -> Bundle:
        if isinstance(self._proof, RsaRProof):
            self._proof.leave()
        return self._bundle

    def _joined(self, group: Group) -> Bundle:
        if not isinstance(self._proof, RsaRProof):
            raise LocalError("keys of a group are asked for by RSA-R")
        opened = self._proof.join(group, self._random)
        return replace(
            self._bundle,
            csb_id=opened.csb_id,
            rand=opened.rand,
            sessions=opened.sessions,
            policies=opened.policies,
            keys=opened.keys,
            message_key=self._proof.message_key,
        )

    @staticmethod
    def _fill(
        bundle: Bundle, ssrcs: Mapping[int, int], rocs: Mapping[int, int]
    ) -> tuple[SrtpId, ...]:
        sessions = list(bundle.sessions)
        for cs_id in sorted({*ssrcs, *rocs}):
            place = bundle.index(cs_id)
            entry = sessions[place]
            if not bundle.is_open(place):
                raise LocalError(f"the SSRC of crypto session {cs_id} is its sender's to choose")
            stream = Stream(ssrcs.get(cs_id, 0), rocs.get(cs_id, entry.roc))
            sessions[place] = SrtpId(entry.policy_no, stream.ssrc, stream.roc)
        return tuple(sessions)

    def _response(self, bundle: Bundle) -> bytes | None:
        proof = self._proof
        request = proof.message.header
        if proof.response is None or not self.wants_response:
            return None
        # #CS stays what it was (R3830-6.1-22), also 0 for a map that an update leaves; in RSA-R
        # the Responder fills the map in.
        described = request.cs_map
        leaves_map = not isinstance(described, SrtpIdMap) or not described.sessions
        if isinstance(proof, RsaRProof):
            leaves_map = False
        header = Hdr(
            data_type=proof.response,
            csb_id=request.csb_id,
            cs_map=described if leaves_map else SrtpIdMap(bundle.sessions),
            prf=request.prf,
        )
        credential = proof.credential
        certs = credential.cert_payloads() if isinstance(credential, Certified) else ()
        return proof.respond(Reply(header=header, idr=proof.idr, certs=certs))


def _filled(name: CsName, session: SrtpId) -> CsName:
    return name._replace(fixed=name.fixed or bool(session.ssrc))
