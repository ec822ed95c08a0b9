"""The Responder of exchanges (RFC 3830 3.1, 4.5, 5.3, 5.4)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mikey.credentials import Certified, FetchCertificate, Sakke
from mikey.errors import (
    DecodeError,
    LocalError,
    PeerError,
    PolicyError,
    ReplayError,
    TimestampError,
)
from mikey.methods._common import certificates
from mikey.methods._common.exchange import Surroundings
from mikey.methods._common.identities import to_text
from mikey.policy import SECOND, Clock, Context, Policy, SrtpPolicy
from mikey.policy.clock import difference64, difference_ns
from mikey.registry import CacheType, DataType, ErrorNumber, TsType
from mikey.session.bundle import Bundle, Credential, Role
from mikey.session.checks import check_list, check_session_count, check_update, extended
from mikey.session.exchange import check_rand
from mikey.session.fetching import with_fetched
from mikey.session.keys import check_keys, count_replaced, merge_keys
from mikey.session.lookup import Credentials, check_addressed, find_claim, kind_of
from mikey.session.method import Method
from mikey.session.offer import Offer
from mikey.session.proofs import Proof, SakkeProof, Terms, proven
from mikey.session.refusal import RESPONSES, Origin, TokenBucket, error_message
from mikey.session.replay import ReplayCache, ReplayEntry, ReplayStore
from mikey.session.step import Step
from mikey.session.stream import used_policies
from mikey.session.verifiers import check_form, verify
from mikey.wire import Message, Sign, Sp, T


class Responder:
    """Receives first and update messages; one Responder may serve many threads.

    `credentials` are tried by the identities in the message. `replay` remembers what was
    received, `policies` are the SRTP policies that are acceptable: None means all that encrypt
    and authenticate. `mki_length` and `cache` are for RSA-R, where the Responder makes the keys:
    octets of their MKI (0 for none), and whether both keep the envelope key for updates.
    `errors_per_second` bounds the answers of `refuse`. A CSB is remembered from `Offer.accept`
    to `close`.
    """

    def __init__(
        self,
        credentials: Sequence[Credential],
        *,
        replay: ReplayStore | None = None,
        policies: Sequence[SrtpPolicy] | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = secrets.token_bytes,
        mki_length: int = 0,
        cache: CacheType = CacheType.NO_CACHE,
        errors_per_second: int = 10,
    ) -> None:
        self._credentials = Credentials(credentials)
        self._replay: ReplayStore = ReplayCache() if replay is None else replay
        self._policies = None if policies is None else tuple(policies)
        self._policy = policy or Policy()
        self._clock = clock or Clock()
        self._random = random
        self._mki_length = mki_length
        self._cache = cache
        self._errors = TokenBucket(errors_per_second)
        self._bundles: dict[tuple[str, int], Bundle] = {}
        self._lock = threading.Lock()

    @property
    def blocking(self) -> bool:
        """Whether a call may take long, for a key of ours lies in a token (see `aio.run`)."""
        return self._credentials.blocking

    def receive(self, octets: bytes, *, context: Context | None = None) -> Offer | Step[Offer]:
        """Check and authenticate a message; return what it offers.

        Raises PeerError; give it to `refuse` for the Error message to send, if any. Cheap
        checks come first: form, time, replay, identities, algorithms, then the MAC, and only
        behind it anything is decrypted or remembered (R3830-5.3-1).
        """
        context = context or Context()
        origin = Origin(bytes(octets))
        try:
            message = Message.parse(origin.octets)
            self._precheck(message)
            check_form(message, context, self._policy)
            check_rand(message, self._policy, number=ErrorNumber.UNSPECIFIED)
            self._check_time(message, context, self._clock.now())
            needed = self._needed(message, context)
        except PeerError as error:
            error.origin = origin
            raise
        return with_fetched(needed, partial(self._receive, message, context))

    def _receive(self, message: Message, context: Context, fetched: Mapping[str, bytes]) -> Offer:
        origin = Origin(message.octets)  # what an error speaks of, for `refuse`
        try:
            proof, known = self._authenticate(message, context, fetched)
            origin = Origin(message.octets, proof)
            return self._offer(proof, known, origin, context)
        except PeerError as error:
            error.origin = origin
            raise

    def refuse(self, error: PeerError) -> bytes | None:
        """Return the Error message that answers `error`, raised by this Responder's `receive`.

        None where nothing may or should be said: replays, Error messages, messages without a
        readable T, timestamps if the policy keeps silent, and beyond `errors_per_second`. It is
        authenticated if the peer was (R3830-5.1.2-7); error 10 then lists our policies.
        """
        origin = error.origin
        if not isinstance(origin, Origin) or error.number is None:
            return None
        if isinstance(error, TimestampError) and not self._policy.report_timestamps:
            return None
        if not self._errors.take(self._clock.now()):
            return None
        offered: tuple[Sp, ...] = ()
        if error.number is ErrorNumber.INVALID_SPPAR:
            offered = tuple(policy.to_sp(i) for i, policy in enumerate(self._acceptable()))
        return error_message(origin, (error.number,), offered)

    def close(self, bundle: Bundle) -> None:
        """Forget a CSB; without it there is no update of its keys."""
        with self._lock:
            self._bundles.pop((bundle.peer, bundle.csb_id), None)

    def adopt(self, bundle: Bundle) -> None:
        """Take updates of a CSB whose last exchange an Initiator of ours made (R3830-4.5-14).

        Where either side may update, each needs the last state of the CSB in both of its halves.
        Raises LocalError unless `Policy.responder_may_update` says so, and for a state that is
        not newer than the one that is here.
        """
        either = self._policy.responder_may_update or bundle.method == Method.RSA_R.value
        if not either:
            raise LocalError("only the Initiator of a CSB updates it (Policy.responder_may_update)")
        key = (bundle.peer, bundle.csb_id)
        with self._lock:
            known = self._bundles.get(key)
            if known is not None and difference64(bundle.t, known.t) <= 0:
                raise LocalError("the bundle is not newer than the one that is known")
            self._bundles[key] = bundle

    def _precheck(self, message: Message) -> None:
        """Do what costs next to nothing."""
        header = message.header
        if header.data_type is DataType.ERROR:
            raise DecodeError("an Error message begins no exchange", number=None)
        if header.data_type in RESPONSES:
            raise DecodeError("a response begins no exchange", number=None)

    def _needed(self, message: Message, context: Context) -> tuple[FetchCertificate, ...]:
        """Return the certificates that have to be fetched.

        Somebody whom no one knows makes us fetch: not for a replay, not for a message to
        somebody else, and not where no certificate plays a part.
        """
        if kind_of(message) not in (Certified, Sakke) or message.get(Sign) is None:
            return ()
        needed = certificates.needed(message)
        if needed:
            if not self._replay.check(ReplayEntry.of(message, "")):
                raise ReplayError
            check_addressed(message, self._credentials, context)
        return needed

    def _authenticate(
        self, message: Message, context: Context, fetched: Mapping[str, bytes]
    ) -> tuple[Proof, Bundle | None]:
        """Do the steps up to MAC or signature, in the order of RFC 3830 5.3."""
        now = self._clock.now()
        self._check_time(message, context, now)  # again: it may have taken long to fetch
        claim = find_claim(message, self._credentials, context, fetched)
        self._replay.purge(now)
        entry = ReplayEntry.of(message, claim.initiator or "")
        if not self._replay.check(entry):
            raise ReplayError
        around = Surroundings(
            now=now, fetched=fetched, random=self._random, stored=self._stored(message, context)
        )
        proof, known = verify(message, claim, self._bundles, around)
        if claim.initiator is None:
            entry = replace(entry, peer=proven(proof))
        # Only authenticated messages enter the cache; a worker may have been faster.
        if not self._replay.add(entry, self._expiry(proof, now)):
            raise ReplayError
        return proof, known

    def _stored(self, message: Message, context: Context) -> bool:
        """Whether the age of a message says nothing (R6509-2.5-1)."""
        allowed = context.stored and self._policy.accept_stored
        return allowed and message.header.data_type is DataType.SAKKE

    def _expiry(self, proof: Proof, now: int) -> int:
        """Return until when a message is remembered: as long as it could come again."""
        expires = now + 2 * self._policy.skew
        if self._policy.accept_stored and isinstance(proof, SakkeProof):
            expires = max(expires, proof.request.expires)
        return expires

    def _check_time(self, message: Message, context: Context, now: int) -> None:
        t = message.one(T)
        if t.ts_type is TsType.COUNTER:
            return
        difference = difference_ns(t, now)
        if self._stored(message, context) and difference <= self._policy.skew:
            return
        if abs(difference) > self._policy.skew:
            side = "ahead of" if difference > 0 else "behind"
            raise TimestampError(
                f"the timestamp is {abs(difference) // SECOND} s {side} our clock "
                f"({self._policy.skew // SECOND} s are allowed)",
                payload="T",
            )

    def _offer(self, proof: Proof, known: Bundle | None, origin: Origin, context: Context) -> Offer:
        """Open an authenticated message: CSB rules, protocol list, keys, policies."""
        message = proof.message
        check_update(message, known)
        check_list(message, context, proof.credential.compat)
        opened = proof.open(
            Terms(
                self._is_acceptable,
                self._policies[0] if self._policies else SrtpPolicy.AES_CM_128_HMAC_SHA1_80,
                context,
                self._random,
                self._mki_length,
                self._cache,
            )
        )
        keys, policies, sessions = opened.keys, opened.policies, opened.sessions
        check_keys(keys)
        replaced = 0
        if known is None:
            if not keys:
                raise DecodeError("a first message carries at least one key", payload="KEMAC")
        else:
            keys = merge_keys(known.keys, keys)
            replaced = count_replaced(keys, known.keys, known.replaced)
            policies = {**known.policies, **policies}
            sessions = extended(known.sessions, sessions)
        # No SP at all means RFC 3711's defaults (R3830-6.1.1-10): said in full, so that an update
        # that brings an SP does not redefine the others.
        policies = policies or {s.policy_no: SrtpPolicy() for s in sessions}
        check_session_count(len(sessions), context, proof.credential.compat)
        for policy in used_policies(sessions, policies):
            self._check_policy(policy)
        initiator = proven(proof)
        bundle = Bundle(
            csb_id=opened.csb_id,
            method=proof.name,
            role=Role.RESPONDER if known is None else known.role,
            identity=to_text(proof.idr),
            peer=initiator,
            prf=message.header.prf,
            rand=opened.rand,
            sessions=sessions,
            policies=policies,
            keys=keys,
            replaced=replaced,
            t=message.one(T),
            credential=proof.credential,
            message_key=proof.message_key,
            names=opened.names,
        )
        return Offer(
            _bundle=bundle,
            _proof=proof,
            _install=partial(self._install, known, origin),
            _refuse=partial(self._refuse_offer, origin),
            _random=self._random,
            is_update=known is not None,
        )

    def _is_acceptable(self, policy: SrtpPolicy) -> bool:
        if self._policies is None:
            return not policy.is_weak
        # A short tag of SRTCP is there because the credential's Compat allows it.
        return policy in self._policies or replace(policy, short_srtcp_tag=False) in self._policies

    def _check_policy(self, policy: SrtpPolicy) -> None:
        if not self._is_acceptable(policy):
            raise PolicyError(
                f"SRTP policy {policy.name} is not acceptable here",
                number=ErrorNumber.INVALID_SPPAR,
            )

    def _acceptable(self) -> tuple[SrtpPolicy, ...]:
        """Return what an Error message lists: our policies, by default all that protect."""
        if self._policies is not None:
            return self._policies
        return tuple(p for p in SrtpPolicy.presets().values() if not p.is_weak)

    def _install(self, known: Bundle | None, origin: Origin, bundle: Bundle) -> None:
        """Put a bundle in the place of the one that its offer was made from."""
        key = (bundle.peer, bundle.csb_id)
        with self._lock:
            if self._bundles.get(key) is known:
                self._bundles[key] = bundle
                return
        error = PolicyError("another offer for the CSB was accepted meanwhile, or it was closed")
        error.origin = origin
        raise error

    def _refuse_offer(self, origin: Origin, error: PolicyError) -> bytes | None:
        error.origin = origin
        return self.refuse(error)
