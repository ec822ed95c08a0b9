"""A CSB over any course of events: both ends agree, nothing is taken twice, nothing is lost.

The machine loses requests and answers, repeats what it saw, damages it, rekeys with and without
keys, adds streams, and moves time. After each exchange that completes the two ends have the
same streams and the same newest key.
"""

from __future__ import annotations

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mikey import Bundle, PeerError, Stream
from tests.rules import psk_parties as p


class Csb(RuleBasedStateMachine):
    """Alice and Bob, and somebody between them."""

    @initialize(mki_length=st.sampled_from((0, 1, 4)))
    def agree(self, mki_length: int) -> None:
        self.time = p.Time()
        self.alice = p.alice(self.time, mki_length=mki_length, random=Random(1).randbytes)
        self.bob = p.bob(self.time, errors_per_second=0)
        self.seen: list[bytes] = []
        self.stale = False
        first = self.alice.start(p.STREAMS, context=p.CONTEXT)
        self.alices, self.bobs = self._exchange(first)

    @rule(seconds=st.sampled_from((0, 0.001, 1, 100, 299)))
    def wait(self, seconds: float) -> None:
        self.time.advance(seconds)

    @rule(new_keys=st.booleans(), added=st.integers(0, 2))
    def rekey(self, new_keys: bool, added: int) -> None:
        if self.stale and not new_keys:
            return  # the keys that Bob took from a lost exchange stay his
        self.alices, self.bobs = self._exchange(self._update(new_keys, added))
        self.stale = False

    @rule(new_keys=st.booleans())
    def lose_the_request(self, new_keys: bool) -> None:
        self.alice.cancel(self._update(new_keys, 0))

    @rule()
    def lose_the_answer(self) -> None:
        update = self._update(True, 0)
        _, self.bobs = p.accepted(self.bob, update)
        self.seen.append(update)
        self.alice.cancel(update)
        self.stale = True

    @rule()
    def reject(self) -> None:
        update = self._update(True, 0)
        p.offered(self.bob, update)
        self.seen.append(update)
        self.alice.cancel(update)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        octets = data.draw(st.sampled_from(self.seen))
        try:
            self.bob.receive(octets, context=p.CONTEXT)
        except PeerError:
            return
        raise AssertionError("a message was taken twice")

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        octets = bytearray(data.draw(st.sampled_from(self.seen)))
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
        for receiver in (self.bob, self.alice):
            try:
                receiver.receive(bytes(octets), context=p.CONTEXT)
            except PeerError:
                continue
            raise AssertionError("a damaged message was taken")

    @invariant()
    def the_same_keys(self) -> None:
        if hasattr(self, "alices") and not self.stale:
            newest = [
                [(s.ssrc, s.keys[0]) for s in bundle.crypto_sessions]
                for bundle in (self.alices, self.bobs)
            ]
            assert newest[0] == newest[1]

    @invariant()
    def nothing_is_left_open(self) -> None:
        if hasattr(self, "alices"):
            assert not self.alice._open
            assert [*self.bob._bundles.values()] == [self.bobs]

    def _update(self, new_keys: bool, added: int) -> bytes:
        old = [Stream(s.ssrc or 0, s.roc) for s in self.alices.crypto_sessions]
        streams = [*old, *(Stream(1000 + len(old) + n) for n in range(added))]
        return self.alice.rekey(self.alices, streams=streams, new_keys=new_keys, context=p.CONTEXT)

    def _exchange(self, octets: bytes) -> tuple[Bundle, Bundle]:
        answer, bobs = p.accepted(self.bob, octets)
        assert answer is not None
        alices = p.answered(self.alice, answer)
        self.seen += [octets, answer]
        return alices, bobs


TestCsb = Csb.TestCase
TestCsb.settings = settings(max_examples=40, stateful_step_count=15)
