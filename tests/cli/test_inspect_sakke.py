"""`mikey inspect` and SAKKE: the map, identities, signatures by identity, what keys open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mikey import Bundle, ErrorNumber, Initiator, Stream
from mikey.cli.main import main
from mikey.credentials import Sakke
from mikey.errors import LocalError, PeerError
from mikey.policy import Clock, Compat
from mikey.registry import MapType
from mikey.wire import Message, Rand, T
from mikey.wire import Sakke as SakkePayload
from tests import pki
from tests.cli.inspecting import Inspect
from tests.cli.sakke_files import ABROAD, ALICE, BOB, CAROL, credential, trial
from tests.rules.sakke_parties import CONTEXT, NOW, STREAMS, Noon, bob
from tests.rules.test_sakke_rsa import TIME, rsa_user

LATER = 1_800_000_000_000_000_000  # January 2027


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a KMS and its users in November 2026, and with another of that name."""
    folder = tmp_path_factory.mktemp("kms")
    for name, path in zip("abc", trial(folder, ALICE, BOB, CAROL, at=NOW), strict=True):
        path.rename(folder / f"{name}.toml")
    trial(folder, BOB, at=LATER)[0].rename(folder / "later.toml")
    trial(folder / "abroad", BOB, at=NOW, kms=ABROAD)
    trial(folder / "other", BOB, at=NOW)
    return folder


class Sent:
    """A message of Alice to Bob, and its keys."""

    def __init__(self, kms: Path, *, now: int = NOW, **options: Any) -> None:
        alice = credential(kms / "a.toml", BOB)
        changes = options.pop("changes", {})
        alice = Sakke(identity=ALICE, peer=BOB, keys=alice.keys, **changes)
        initiator = Initiator(alice, clock=Clock(lambda: now), **options)
        self.octets = initiator.start(STREAMS, context=CONTEXT)
        self.bundle: Bundle = initiator.early_bundle(self.octets)
        self.hex = self.octets.hex()


def fields(described: dict[str, Any], name: str, which: int = 0) -> dict[str, Any]:
    """Return the fields of a payload by their names, those of groups by `group.name`."""
    payloads = [*described["payloads"], described["header"]]
    payload = [payload for payload in payloads if payload["type"] == name][which]
    found = {}
    for field in payload["fields"]:
        found[field["name"]] = field
        for part in field.get("fields", ()):
            found[f"{field['name']}.{part['name']}"] = part
    return found


def test_every_field_has_its_name(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms)
    run = inspect.json("--explain", sent.hex, now=NOW)
    header = fields(run.object, "HDR")
    assert header["data type"]["meaning"] == "SAKKE"
    assert header["CS ID map type"]["meaning"] == "GENERIC-ID"
    assert header["CS 1.Session Data"]["value"] == "000000a1"
    assert header["CS 1.Session Data"]["meaning"] == "SSRC"
    assert header["CS 2.Session Data Length"]["value"] == 0
    assert header["CS 2.SPI"]["value"] == "01"
    assert [
        (fields(run.object, "IDR", i)["ID Role"]["meaning"],
         fields(run.object, "IDR", i)["ID Data"]["meaning"])
        for i in range(4)
    ] == [
        ("INITIATOR", ALICE),
        ("RESPONDER", BOB),
        ("INITIATOR-KMS", "kms.example.org"),
        ("RESPONDER-KMS", "kms.example.org"),
    ]  # fmt: skip
    sakke = fields(run.object, "SAKKE")
    assert sakke["ID scheme"]["meaning"] == "TEL-URI-MONTHLY"
    assert (sakke["SAKKE data.R"]["length"], sakke["SAKKE data.H"]["length"]) == (257, 16)
    sign = fields(run.object, "SIGN")
    assert sign["S type"]["meaning"] == "ECCSI"
    assert [sign[f"Signature.{n}"]["length"] for n in ("r", "s", "PVT")] == [32, 32, 65]
    explained = {p["type"]: p["explanation"] for p in run.object["payloads"]}
    assert explained["SAKKE"]["section"] == "RFC 6509 4.2"
    assert explained["IDR"]["words"]
    for payload in run.object["payloads"]:  # every octet has a name
        assert sum(f["length"] for f in payload["fields"] if "mask" not in f) <= payload["length"]


@pytest.mark.rule("R6509-2.1.2-1", "R6509-2.2.2-1")
def test_the_signature_is_checked_with_the_keys_of_the_kms(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms)
    run = inspect.json(sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert (run.status, run.object["verified"], run.object["warnings"]) == (0, True, [])
    run = inspect(sent.hex, "--sakke-keys", kms / "b.toml", now=NOW)
    assert "signature verified" in run.text
    nobody = inspect.json(sent.hex, now=NOW)
    assert (nobody.status, nobody.object["verified"]) == (0, None)
    assert nobody.object["warnings"] == [
        "not verified: its KMS, kms.example.org, is not known (--kms FILE)"
    ]
    abroad = inspect.json(sent.hex, "--kms", kms / "abroad" / "kms.toml", now=NOW)
    assert (abroad.status, abroad.object["verified"]) == (0, None)
    other = inspect.json(sent.hex, "--kms", kms / "other" / "kms.toml", now=NOW)
    assert (other.status, other.object["verified"]) == (1, False)


def test_an_altered_message_is_wrong_wherever_it_was(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms)
    message = Message.parse(sent.octets)
    values = (message.one(T).value, message.one(Rand).value, message.one(SakkePayload).data)
    for at in (4, *map(sent.octets.index, values), -129, -97, -65, -1):  # r, s and PVT
        octets = bytearray(sent.octets)
        octets[at] ^= 1
        run = inspect.json(octets.hex(), "--kms", kms / "kms.toml", now=NOW)
        assert (run.status, run.object["verified"]) == (1, False), at
    assert "signature WRONG" in inspect(octets.hex(), "--kms", kms / "kms.toml", now=NOW).text


def test_keys_open_it_and_are_shown_on_request_alone(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms)
    tgk = sent.bundle.keys[0].key.expose().hex()
    for arguments in ((sent.hex,), ("--json", sent.hex), ("--explain", sent.hex)):
        assert tgk not in inspect(*arguments, "--sakke-keys", kms / "b.toml", now=NOW).text
    run = inspect.json(sent.hex, "--sakke-keys", kms / "b.toml", "--show-keys", now=NOW)
    keys = run.object["keys"]
    assert [key["key"] for key in keys["key_data"]] == [tgk]
    for session, shown in zip(sent.bundle.crypto_sessions, keys["crypto_sessions"], strict=True):
        (master,) = session.keys
        assert shown["cs_id"] == session.cs_id
        assert shown["masters"] == [
            {
                "key": master.key.expose().hex(),
                "salt": master.salt.expose().hex(),
                "mki": master.mki.hex(),
            }
        ]
    text = inspect(sent.hex, "--sakke-keys", kms / "b.toml", "--show-keys", now=NOW).text
    assert tgk in text


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("c.toml", "no --sakke-keys open it"),
        ("later.toml", "no --sakke-keys open it: the message is of key period 2026-11"),
    ],
)
def test_keys_that_do_not_open_it(inspect: Inspect, kms: Path, name: str, remark: str) -> None:
    run = inspect.json(Sent(kms).hex, "--sakke-keys", kms / name, "--show-keys", now=NOW)
    assert (run.status, run.object["verified"], run.object["keys"]) == (0, True, None)
    assert run.object["warnings"] == [remark]


@pytest.mark.parametrize("map_type", [MapType.SRTP_ID, MapType.EMPTY])
def test_other_maps(inspect: Inspect, kms: Path, map_type: MapType) -> None:
    sent = Sent(kms, map_type=map_type)
    run = inspect.json(sent.hex, "--sakke-keys", kms / "b.toml", "--show-keys", now=NOW)
    assert run.object["verified"] is True
    shown = len(run.object["keys"]["crypto_sessions"])
    assert shown == (0 if map_type is MapType.EMPTY else len(sent.bundle.crypto_sessions))


@pytest.mark.rule("R6509-6-1")
def test_without_a_signature_that_is_said(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms, changes={"anonymous": True})
    run = inspect.json(sent.hex, "--sakke-keys", kms / "b.toml", "--show-keys", now=NOW)
    assert (run.status, run.object["verified"]) == (0, None)
    assert run.object["warnings"] == [
        "not verified: it is not signed: nothing proves where it came from"
    ]
    assert run.object["keys"]["key_data"][0]["key"] == sent.bundle.keys[0].key.expose().hex()


def test_messages_that_name_nobody_or_no_kms(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms, changes={"send_ids": False})
    run = inspect.json(sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert run.object["warnings"] == ["not verified: it does not say who it is from"]
    sent = Sent(kms, changes={"send_kms": False})
    run = inspect.json(sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert (run.object["verified"], run.object["warnings"]) == (True, [])
    run = inspect.json(sent.hex, "--kms", kms / "abroad" / "kms.toml", now=NOW)
    assert run.object["verified"] is None
    assert run.object["warnings"] == [
        "not verified: it names no KMS, and none that was given fits (--kms FILE)"
    ]


def test_a_signature_over_less_is_told(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms, changes={"compat": Compat(sign_without_head=True)})
    run = inspect.json(sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert run.object["verified"] is True
    assert "R6509-2.2.1-4" in run.object["warnings"][0]


@pytest.mark.rule("R6509-2.1.2-2")
def test_a_certificate_signed_it(inspect: Inspect) -> None:
    initiator = Initiator(rsa_user(ALICE, BOB), clock=Clock(lambda: TIME))
    octets = initiator.start([Stream(1)])
    run = inspect.json(
        octets.hex(),
        "--ca",
        inspect.file(pki.authority("root", key=pki.ec_key("root")).der, "root.der"),
        now=TIME,
    )
    assert (run.status, run.object["verified"], run.object["warnings"]) == (0, True, [])
    damaged = bytearray(octets)
    damaged[5] ^= 1
    assert inspect.json(damaged.hex(), now=TIME).object["verified"] is False


def test_an_error_is_signed_by_whom_it_was_sent_to(inspect: Inspect, kms: Path) -> None:
    sent = Sent(kms)
    responder = bob(Noon(), credential(kms / "b.toml"), policies=())
    with pytest.raises(PeerError) as caught:
        responder.receive(sent.octets, context=CONTEXT)
    error = responder.refuse(caught.value)
    assert error is not None
    run = inspect.json(error.hex(), "--request", sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert (run.status, run.object["verified"]) == (0, True)
    assert fields(run.object, "ERR")["Error no"]["value"] == ErrorNumber.INVALID_SPPAR
    alone = inspect.json(error.hex(), "--kms", kms / "kms.toml", now=NOW).object
    assert "--request MESSAGE" in alone["warnings"][0]
    wrong = bytearray(error)
    wrong[-100] ^= 1
    run = inspect.json(wrong.hex(), "--request", sent.hex, "--kms", kms / "kms.toml", now=NOW)
    assert (run.status, run.object["verified"]) == (1, False)


def test_files_that_cannot_be_used(
    inspect: Inspect, kms: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = Sent(kms).hex
    cases: list[tuple[list[str | Path], str]] = [
        (["--kms", kms / "gone"], "No such file"),
        (["--kms", kms / "b.toml"], "a user's keys; the file of a KMS"),
        (["--sakke-keys", kms / "kms.toml"], "identity is missing"),
        (["--sakke-keys", inspect.file("x = ", "x.toml")], "x.toml: "),
        (["--kms", kms / "kms.toml", "--kms", kms / "other" / "kms.toml"], "other public keys"),
    ]
    for arguments, reason in cases:
        with pytest.raises(LocalError, match=reason):
            inspect(message, *arguments)
        assert main(["inspect", message, *map(str, arguments)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1


def test_junk_in_place_of_keys_is_no_defect(inspect: Inspect, kms: Path) -> None:
    """Points and signatures of nonsense are wrong, not a defect."""
    sent = Sent(kms)
    for start, count in ((-129, 129), (-65, 65), (-140 - 273, 273)):
        octets = bytearray(sent.octets)
        end = start + count or None
        octets[start:end] = b"\xff" * count
        options = ("--kms", kms / "kms.toml", "--sakke-keys", kms / "b.toml")
        run = inspect.json(octets.hex(), *options, now=NOW)
        assert run.status == 1
        assert run.object["verified"] is not True
