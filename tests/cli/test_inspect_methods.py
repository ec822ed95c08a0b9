"""`mikey inspect` and what only some methods have: signatures, certificates, envelopes."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mikey.errors import LocalError
from tests.cli.inspecting import Inspect
from tests.interop.method_samples import readable
from tests.naive import pki
from tests.naive.parties import ALICE, BOB
from tests.naive.rsa import Signer
from tests.naive.vectors import TGK


def sample(name: str) -> str:
    return readable()[name].hex()


def altered(name: str, at: int) -> str:
    octets = bytearray(readable()[name])
    octets[at] ^= 1
    return octets.hex()


def key_of(inspect: Inspect, who: Signer, name: str = "own.key") -> Path:
    pem = who.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = inspect.file(pem, name)
    path.chmod(0o600)
    return path


def root(inspect: Inspect) -> Path:
    return inspect.file(pki.root().der, "root.der")


@pytest.mark.parametrize("name", ["PKE", "DH-SIGN group 0", "DH-SIGN group 0 answer", "RSA-R"])
def test_a_signature_under_a_trusted_certificate(inspect: Inspect, name: str) -> None:
    run = inspect.json(sample(name), "--ca", root(inspect))
    assert (run.status, run.object["verified"], run.object["warnings"]) == (0, True, [])
    assert "signature verified" in inspect(sample(name), "--ca", root(inspect)).text


@pytest.mark.parametrize("name", ["PKE", "DH-SIGN group 0", "RSA-R"])
def test_an_altered_message(inspect: Inspect, name: str) -> None:
    for at in (5, -1):
        run = inspect.json(altered(name, at))
        assert (run.status, run.object["verified"]) == (1, False)
        assert run.object["warnings"][0].startswith("the signature is wrong: ")
    assert "signature WRONG" in inspect(altered(name, 5)).text


def test_trust_is_a_warning(inspect: Inspect) -> None:
    nobody = inspect.json(sample("DH-SIGN group 0"))
    assert (nobody.status, nobody.object["verified"]) == (0, True)
    assert nobody.object["warnings"] == [
        "nobody vouches for the certificate of the signature (--ca FILE)"
    ]
    stranger = inspect.file(pki.authority("Stranger").der, "stranger.der")
    other = inspect.json(sample("DH-SIGN group 0"), "--ca", stranger)
    assert other.object["verified"] is True
    assert "a receiver would refuse the certificate: " in other.object["warnings"][0]
    late = 4_200_000_000 * 10**9  # beyond 2100
    old = inspect.json(sample("DH-SIGN group 0"), "--ca", root(inspect), now=late)
    assert old.object["verified"] is True
    assert any("refuse the certificate" in warning for warning in old.object["warnings"])


def test_a_message_without_certificates(inspect: Inspect) -> None:
    alone = inspect.json(sample("PKE without certificates"))
    assert (alone.status, alone.object["verified"]) == (0, None)
    assert alone.object["warnings"][0].startswith("not verified: it has no certificate")
    (_, der), _ = ALICE.certs
    known = inspect.json(sample("PKE without certificates"), "--ca", inspect.file(der, "alice.der"))
    assert (known.object["verified"], known.object["warnings"]) == (True, [])


def test_an_rsa_r_response_is_checked_with_its_request(inspect: Inspect) -> None:
    alone = inspect.json(sample("RSA-R answer"))
    assert alone.object["verified"] is None
    assert "--request" in alone.object["warnings"][0]
    for name in ("RSA-R answer", "RSA-R group answer"):
        request = sample(name.removesuffix(" answer"))
        run = inspect.json(sample(name), "--request", request, "--ca", root(inspect))
        assert (run.object["verified"], run.object["warnings"]) == (True, [])
    initiator = readable()["RSA-R"].index(b"sip:alice")
    other = inspect.json(sample("RSA-R answer"), "--request", altered("RSA-R", initiator + 5))
    assert (other.status, other.object["verified"]) == (1, False)


@pytest.mark.parametrize(
    ("name", "request_name", "who"),
    [("PKE", "PKE", BOB), ("RSA-R answer", "RSA-R", ALICE)],
    ids=["PKE", "RSA-R"],
)
def test_an_envelope_opens_with_its_key(
    inspect: Inspect, name: str, request_name: str, who: Signer
) -> None:
    arguments = (sample(name), "--request", sample(request_name))
    run = inspect.json(*arguments, "--key", key_of(inspect, who), "--show-keys")
    assert run.object["verified"] is True
    assert run.object["keys"]["key_data"][0]["key"] == TGK.hex()
    assert len(run.object["keys"]["crypto_sessions"]) == 2
    (kemac,) = (payload for payload in run.object["payloads"] if payload["type"] == "KEMAC")
    end = kemac["plaintext"][-1]
    encr_data = next(field for field in kemac["fields"] if field["name"] == "Encr data")
    assert end["offset"] + end["length"] == encr_data["length"]
    masked = inspect(*arguments, "--key", key_of(inspect, who))
    assert TGK.hex() not in masked.text
    assert TGK.hex() not in inspect.json(*arguments, "--key", key_of(inspect, who)).text


def test_another_key_opens_nothing(inspect: Inspect) -> None:
    run = inspect.json(sample("PKE"), "--key", key_of(inspect, ALICE), "--show-keys")
    assert (run.status, run.object["verified"], run.object["keys"]) == (0, True, None)
    assert "no --key opens its envelope" in run.object["warnings"]


def test_what_stands_under_an_envelope_key(inspect: Inspect) -> None:
    request = ("--request", sample("PKE"))
    names = ("PKE answer", "PKE update under the cached key", "PKE error with V")
    for name in names:
        run = inspect.json(sample(name), *request, "--key", key_of(inspect, BOB))
        assert run.object["verified"] is True, name
        alone = inspect.json(sample(name), *request)
        assert alone.object["verified"] is None, name
    octets = inspect.json(altered("PKE answer", -1), *request, "--key", key_of(inspect, BOB))
    assert (octets.status, octets.object["verified"]) == (1, False)


def test_dhhmac(inspect: Inspect) -> None:
    keys = inspect.keys()
    names = ("DHHMAC group 0", "DHHMAC group 0 answer", "DHHMAC update", "DHHMAC update answer")
    run = inspect.json(*map(sample, names), "--psk-file", keys)
    assert [one["verified"] for one in run.objects] == [True] * 4
    wrong = inspect.json(altered("DHHMAC group 0", 60), "--psk-file", keys)
    assert (wrong.status, wrong.object["verified"]) == (1, False)
    error = inspect.json(
        sample("DHHMAC error with KEMAC"), "--request", sample("DHHMAC group 0"), "--psk-file", keys
    )
    assert error.object["verified"] is True
    update = inspect.json(sample("DHHMAC update"), "--psk-file", keys)
    assert update.object["verified"] is None
    assert "an update takes its RAND from the first message" in update.object["warnings"][0]


@pytest.mark.parametrize(
    ("group", "said"),
    [(0, []), (1, ["OAKLEY-1 has 768 bits"]), (2, ["OAKLEY-2 has 1024 bits"])],
)
def test_a_group_that_is_too_weak(inspect: Inspect, group: int, said: list[str]) -> None:
    warnings = inspect.json(sample(f"DH-SIGN group {group}")).object["warnings"]
    assert [one.partition(":")[0] for one in warnings if "weak" in one] == said


def test_a_response_that_repeats_another_value(inspect: Inspect) -> None:
    run = inspect.json(sample("DH-SIGN group 1 answer"), "--request", sample("DH-SIGN group 0"))
    assert any("DHi differs" in warning for warning in run.object["warnings"])


def test_a_certificate_is_shown(inspect: Inspect) -> None:
    run = inspect.json(sample("DH-SIGN group 0"))
    leaf, middle = (
        payload["certificate"] for payload in run.object["payloads"] if payload["type"] == "CERT"
    )
    assert leaf["names"] == ["URI:sip:alice@example.com"]
    assert leaf["key"] == "RSA 2048 bits"
    assert leaf["issuer"] == middle["subject"] == "CN=Intermediate"
    assert leaf["not_before"].startswith("2000-01-01T00:00:00")
    text = inspect(sample("DH-SIGN group 0")).text
    for shown in ("sip:alice@example.com", "2000-01-01", "2100-01-01", "RSA 2048 bits"):
        assert shown in text


def test_files_that_cannot_be_used(inspect: Inspect) -> None:
    with pytest.raises(LocalError, match="no certificates"):
        inspect.json(sample("PKE"), "--ca", inspect.file(b"nothing", "none"))
    open_to_all = key_of(inspect, BOB)
    open_to_all.chmod(0o644)
    with pytest.raises(LocalError, match="chmod 600"):
        inspect.json(sample("PKE"), "--key", open_to_all)
