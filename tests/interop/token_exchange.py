"""Whole exchanges in the process of a token: one party's key lies in it, the other's in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from mikey import Certified, Clock, Context, Initiator, Method, Responder, Stream, Trust, drive
from mikey.credentials import SoftwareKey
from mikey.errors import PeerError
from mikey.methods._common import signature
from mikey.tokens import TokenKey
from mikey.wire import Kemac, Message, Payload, Pke, T
from tests import pki

ALICE, BOB = "sip:alice@example.org", "sip:bob@example.org"
CONTEXT = Context(protocols=("mikey",))
STREAMS = (Stream(0xA1), Stream())

Change = Callable[[Message], bytes]


class Parties:
    """Alice and Bob; `who` has the token's key, which `certificate` certifies."""

    def __init__(self, token: TokenKey, who: str, root: bytes, certificate: bytes) -> None:
        self._token, self._who = token, who
        self._root, self._certificate = root, certificate
        self._now = pki.NOW
        # An authority of its own for the other one.
        authority = pki.authority("the other's root")
        other = BOB if who == ALICE else ALICE
        self._other = pki.issue(authority, other, uris=[other])
        self._trust = Trust([root, authority.der])

    def credential(self, me: str) -> Certified:
        mine, theirs = self._other.der, self._certificate
        key: SoftwareKey | TokenKey = SoftwareKey(self._other.rsa)
        if me == self._who:
            mine, theirs, key = theirs, mine, self._token
        return Certified(
            key=key, chain=[mine], identity=me, peer=BOB if me == ALICE else ALICE,
            trust=self._trust, peer_certificate=theirs, sign_hash="sha256",
        )  # fmt: skip

    def clock(self) -> Clock:
        self._now += 1
        return Clock(lambda: self._now)

    def exchange(self, method: Method) -> list[list[str]]:
        """Make an exchange and its update; return the fingerprints of each side, each time."""
        alice = Initiator(self.credential(ALICE), method=method, clock=self.clock(), mki_length=1)
        bob = Responder([self.credential(BOB)], clock=self.clock())
        assert alice.blocking is (self._who == ALICE)
        assert bob.blocking is (self._who == BOB)
        messages = [alice.start(STREAMS, context=CONTEXT)]
        found: list[list[str]] = []
        while messages:
            response, theirs = drive(bob.receive(messages.pop(), context=CONTEXT)).accept(
                {2: 0xB2} if not found else {}
            )
            assert response is not None
            ours = drive(alice.receive(response, context=CONTEXT))
            assert (ours.peer, theirs.peer) == (BOB, ALICE)
            for bundle in (ours, theirs):
                found.append([session.fingerprint for session in bundle.crypto_sessions])
            if len(found) == 2 and method is not Method.RSA_R:
                messages.append(alice.rekey(ours, context=CONTEXT))
        return found

    def refusals(self, method: Method, shapes: Mapping[str, bytes]) -> dict[str, list[object]]:
        """Return what an envelope of each shape ends as, and a wrong MAC, "MAC".

        The peer itself made them: each message is signed as it should be.
        """

        def envelope(data: bytes) -> Change:
            return lambda message: self._changed(
                message,
                [replace(p, data=data) if isinstance(p, Pke) else p for p in message.payloads],
            )

        changes = {name: envelope(data) for name, data in shapes.items()}
        changes["MAC"] = lambda message: self._changed(
            message,
            [replace(p, mac=bytes(20)) if isinstance(p, Kemac) else p for p in message.payloads],
        )
        return {name: self._refusal(method, change) for name, change in changes.items()}

    def _refusal(self, method: Method, change: Change) -> list[object]:
        alice = Initiator(self.credential(ALICE), method=method, clock=self.clock())
        bob = Responder([self.credential(BOB)], clock=self.clock())
        first = alice.start(STREAMS, context=CONTEXT)
        try:
            if method is Method.PKE:
                drive(bob.receive(change(Message.parse(first)), context=CONTEXT))
            else:
                response, _ = drive(bob.receive(first, context=CONTEXT)).accept({2: 0xB2})
                assert response is not None
                drive(alice.receive(change(Message.parse(response)), context=CONTEXT))
        except PeerError as error:
            told = bob.refuse(error)
            return [type(error).__name__, str(error), error.number, len(told or b"")]
        raise AssertionError("an envelope that is none was opened")

    def _changed(self, message: Message, payloads: list[Payload]) -> bytes:
        """Sign other payloads as the one does who has no token."""
        me = BOB if self._who == ALICE else ALICE
        appended = b"" if me == ALICE else ALICE.encode() + BOB.encode() + message.one(T).value
        return signature.build_signed(message.header, payloads[:-1], self.credential(me), appended)
