"""What `verified` says, and what is left to warnings."""

from __future__ import annotations

import pytest

from mikey.credentials import NoKey, Psk
from mikey.errors import LocalError
from mikey.policy import Clock, Compat, Policy
from mikey.registry import ErrorNumber
from mikey.secret import Secret
from mikey.session import Initiator, Responder, Stream, drive
from tests.cli.inspecting import NOW, PAIR, Inspect
from tests.naive import vectors
from tests.unit.carriage.sdp_texts import ANSWER_64, AUDIO, OFFER_64, with_lines

ALICE, BOB = "sip:alice@example.com", "sip:bob@example.com"
KEY = Secret(vectors.PSK)
OTHER = f"{BOB} {bytes(16).hex()}\n"


def exchange(compat: Compat | None = None) -> tuple[Initiator, Responder]:
    compat = compat or Compat()
    alice = Initiator(Psk(KEY, ALICE, BOB, compat), clock=Clock(lambda: NOW), mki_length=1)
    return alice, Responder([Psk(KEY, BOB, ALICE, compat)], clock=Clock(lambda: NOW))


@pytest.mark.parametrize("arguments", [PAIR, PAIR[::-1]])
def test_a_pair_verifies(inspect: Inspect, arguments: tuple[str, str]) -> None:
    run = inspect.json(*arguments, "--psk-file", inspect.keys())
    assert run.status == 0
    assert [described["verified"] for described in run.objects] == [True, True]
    assert [described["warnings"] for described in run.objects] == [[], []]


def test_a_pair_of_descriptions_verifies(inspect: Inspect) -> None:
    offer = inspect.file(with_lines(AUDIO, f"a=key-mgmt:mikey {OFFER_64}"), "offer.sdp")
    answer = inspect.file(with_lines(AUDIO, f"a=key-mgmt:mikey {ANSWER_64}"), "answer.sdp")
    run = inspect.json(offer, answer, "--psk-file", inspect.keys())
    assert [described["verified"] for described in run.objects] == [True, True]


@pytest.mark.parametrize(
    "keys",
    [
        f"{ALICE} {vectors.PSK.hex()}\n",
        f"* {vectors.PSK.hex()}\n",
        f"{ALICE} {bytes(16).hex()}\n{BOB} {vectors.PSK.hex()}\n",
    ],
)
def test_the_key_may_stand_under_either_party(inspect: Inspect, keys: str) -> None:
    run = inspect.json(*PAIR, "--psk-file", inspect.keys(keys))
    assert [described["verified"] for described in run.objects] == [True, True]


def test_a_wrong_key(inspect: Inspect) -> None:
    run = inspect.json(PAIR[0], "--psk-file", inspect.keys(OTHER))
    assert run.status == 1
    assert run.object["verified"] is False
    assert run.object["warnings"] == ["the MAC is wrong: another key, or an altered message"]
    assert "MAC WRONG" in inspect(PAIR[0], "--psk-file", inspect.keys(OTHER)).text


@pytest.mark.parametrize("position", [5, 40, 62, 110, 155, 192])
def test_an_altered_message(inspect: Inspect, position: int) -> None:
    octets = bytearray(vectors.OFFER)
    octets[position] ^= 1
    run = inspect.json(octets.hex(), "--psk-file", inspect.keys())
    assert (run.status, run.object["verified"]) == (1, False)


def test_an_altered_answer(inspect: Inspect) -> None:
    octets = bytearray(vectors.ANSWER)
    octets[20] ^= 1
    run = inspect.json(PAIR[0], octets.hex(), "--psk-file", inspect.keys())
    assert [described["verified"] for described in run.objects] == [True, False]
    assert run.status == 1


@pytest.mark.parametrize(
    ("message", "keys", "reason"),
    [
        (PAIR[0], None, "no secret was given"),
        (PAIR[1], None, "a response is checked with its request"),
        (PAIR[1], f"{BOB} {vectors.PSK.hex()}", "a response is checked with its request"),
        (PAIR[0], f"sip:carol@x {vectors.PSK.hex()}", "no key for its identities"),
        ("02" + PAIR[0][2:], None, None),
    ],
)
def test_not_known(inspect: Inspect, message: str, keys: str | None, reason: str | None) -> None:
    options = [] if keys is None else ["--psk-file", str(inspect.keys(keys))]
    if reason is None:
        with pytest.raises(LocalError):  # no version of MIKEY: hardly a message
            inspect.json(message, *options)
        return
    run = inspect.json(message, *options)
    assert run.status == 0
    assert run.object["verified"] is None
    assert run.object["warnings"][0].startswith("not verified: ")
    assert reason in run.object["warnings"][0]


def test_an_unknown_prf_is_no_wrong_mac(inspect: Inspect) -> None:
    octets = vectors.OFFER[:3] + b"\x85" + vectors.OFFER[4:]
    run = inspect.json(octets.hex(), "--psk-file", inspect.keys())
    assert (run.status, run.object["verified"]) == (0, None)
    assert run.object["warnings"][0] == "not verified: PRF 5 is not supported"


def test_the_request_of_a_response(inspect: Inspect) -> None:
    run = inspect.json(PAIR[1], "--request", PAIR[0], "--psk-file", inspect.keys())
    assert run.object["verified"] is True
    text = with_lines(AUDIO, f"a=key-mgmt:mikey {OFFER_64}")
    run = inspect.json(PAIR[1], "--request", inspect.file(text), "--psk-file", inspect.keys())
    assert run.object["verified"] is True
    with pytest.raises(LocalError, match=r"^--request 1: "):
        inspect.json(PAIR[1], "--request", PAIR[0][:-2])


def test_age_is_a_warning(inspect: Inspect) -> None:
    run = inspect.json(*PAIR, "--psk-file", inspect.keys(), now=NOW + 3 * 86400 * 10**9)
    assert run.status == 0
    for described in run.objects:
        assert described["verified"] is True
        assert described["warnings"] == ["the timestamp is 3 days old: a receiver would refuse it"]
    early = inspect.json(PAIR[0], "--psk-file", inspect.keys(), now=NOW - 7200 * 10**9).object
    assert early["warnings"] == [
        "the timestamp is 2 hours in the future: a receiver would refuse it"
    ]


def test_replay_is_a_warning(inspect: Inspect) -> None:
    run = inspect.json(PAIR[0], PAIR[0], "--psk-file", inspect.keys())
    assert [described["verified"] for described in run.objects] == [True, True]
    assert "replay" in run.objects[1]["warnings"][0]


def test_updates_take_the_rand_of_the_first_message(inspect: Inspect) -> None:
    alice, bob = exchange()
    first = alice.start([Stream(ssrc=1), Stream()])
    answer, _ = drive(bob.receive(first)).accept({2: 2})
    assert answer is not None
    bundle = drive(alice.receive(answer))
    update = alice.rekey(bundle)
    second, _ = drive(bob.receive(update)).accept()
    assert second is not None
    keys = inspect.keys()
    run = inspect.json(first.hex(), answer.hex(), update.hex(), second.hex(), "--psk-file", keys)
    assert [described["verified"] for described in run.objects] == [True] * 4
    alone = inspect.json(update.hex(), "--psk-file", keys).object
    assert alone["verified"] is None
    assert "an update takes its RAND" in alone["warnings"][0]
    shown = inspect.json(
        second.hex(), "--request", first.hex(), "--request", update.hex(),
        "--psk-file", keys, "--show-keys",
    ).object  # fmt: skip
    assert shown["verified"] is True
    newest = drive(alice.receive(second)).masters(2)[0]
    assert shown["keys"]["key_data"][0]["spi"] == newest.mki.hex()
    assert shown["keys"]["crypto_sessions"][1]["masters"][0]["key"] == newest.key.expose().hex()


def test_error_messages(inspect: Inspect) -> None:
    alice, bob = exchange()
    first = alice.start([Stream(ssrc=1), Stream()])
    refusal = drive(bob.receive(first)).reject(ErrorNumber.INVALID_SPPAR)
    assert refusal is not None
    run = inspect.json(first.hex(), refusal.hex(), "--psk-file", inspect.keys())
    assert [described["verified"] for described in run.objects] == [True, True]
    assert "the peer reports: security policy not acceptable" in run.objects[1]["warnings"]


def test_deviations_of_products_are_named(inspect: Inspect) -> None:
    alice, bob = exchange(Compat(v_without_identities=True))
    first = alice.start([Stream(ssrc=1), Stream()])
    answer, _ = drive(bob.receive(first)).accept({2: 2})
    assert answer is not None
    run = inspect.json(first.hex(), answer.hex(), "--psk-file", inspect.keys())
    assert [described["verified"] for described in run.objects] == [True, True]
    assert any("without identities" in warning for warning in run.objects[1]["warnings"])


def test_a_message_without_a_mac(inspect: Inspect) -> None:
    sender = Initiator(NoKey(ALICE, BOB), policy=Policy(allow_null=True), clock=Clock(lambda: NOW))
    run = inspect.json(sender.start([Stream(ssrc=1)]).hex(), "--psk-file", inspect.keys())
    assert (run.status, run.object["verified"]) == (0, None)
    first, second = run.object["warnings"]
    assert "carries no MAC" in first
    assert "not encrypted" in second


def test_a_list_of_protocols_that_was_cut(inspect: Inspect) -> None:
    text = with_lines(AUDIO, "a=key-mgmt:keyp1 AQ==", f"a=key-mgmt:mikey {OFFER_64}")
    run = inspect.json(inspect.file(text), "--psk-file", inspect.keys())
    assert run.object["verified"] is True
    assert any("RFC 4567 4.1.4" in warning for warning in run.object["warnings"])
