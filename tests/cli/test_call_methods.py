"""`mikey call` and `mikey answer` by every method, and what their options have to bring."""

from __future__ import annotations

import json
import shutil
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from mikey.cli import keygen
from mikey.cli.calls.credentials import METHODS
from mikey.cli.calls.props import BOBS_NUMBER, Props
from mikey.cli.main import main
from mikey.session import Method
from tests.cli.calling import Answering, answering_with, call, content, key_file, wav_file

ALICE, BOB = "sip:alice@127.0.0.1", "sip:bob@127.0.0.1"
CERTIFICATE = ["--key", "alice.key", "--cert", "alice.pem", "--ca", "root.pem"]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial PKI whose Bob has no port: nobody calls him there."""
    folder = tmp_path_factory.mktemp("trial")
    keygen.write_trial_pki(folder, (ALICE, BOB))
    return folder


def certificate(folder: Path, who: str) -> list[str]:
    return [
        *("--key", str(folder / f"{who}.key")),
        *("--cert", str(folder / f"{who}.pem")),
        *("--ca", str(folder / "root.pem")),
    ]


def answering(props: Props, *options: str) -> AbstractContextManager[Answering]:
    """Start `mikey answer` on the port that Bob's certificate names."""
    listen = ("--listen", f"127.0.0.1:{props.port}")
    return answering_with(*listen, *props.callee_options(), *options)


def caller_options(props: Props) -> list[str]:
    folder = props.folder
    if props.method is Method.SAKKE:
        return ["--sakke-keys", str(next(folder.glob("*0001-*"))), "--peer", BOBS_NUMBER]
    if props.method in (Method.PSK, Method.DHHMAC):
        return ["--psk-file", str(folder / "alice.psk"), "--identity", ALICE]
    peer = ["--peer-cert", str(folder / "bob.pem")] if props.method is Method.PKE else []
    return [*certificate(folder, "alice"), *peer]


@pytest.mark.realtime
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.value)
def test_a_call_with_new_keys_on_the_way(
    method: Method, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    props = Props(tmp_path, method)
    speech = wav_file(tmp_path / "in.wav", seconds=0.5)
    with answering(props, "--record", str(props.heard)) as bob:
        status, out, err = call(
            capsys, props.uri, "--method", method.value, *caller_options(props),
            "--send", speech, "--rekey-every", "0.2", "--json",
        )  # fmt: skip
        assert status == 0, err
        heard = bob.event("ended")
        assert bob.wait() == 0
    sent = json.loads(out)
    assert sent["method"] == heard["method"] == method.value
    assert sent["updates"] == heard["updates"] >= 1
    assert (heard["initiator"], sent["responder"]) == props.identities
    assert (heard["sip_from"], sent["sip_to"]) == (sent["sip_from"], heard["sip_to"])
    mine, theirs = ([one["fingerprint"] for one in each["sessions"]] for each in (sent, heard))
    assert mine == theirs
    assert content(speech) == content(props.heard)


@pytest.mark.realtime
def test_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    props = Props(tmp_path / "bob", Method.DH_SIGN)
    strangers = tmp_path / "strangers"
    keygen.write_trial_pki(strangers, (ALICE, BOB))
    speech = wav_file(tmp_path / "in.wav")
    with answering(props) as bob:
        status, _, err = call(capsys, props.uri, *certificate(strangers, "alice"), "--send", speech)
        assert status == 1
        assert err.startswith("mikey: ")
        assert err.count("\n") == 1
        assert "not" in bob.event("refused")["reason"]


@pytest.mark.realtime
def test_a_revoked_certificate_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    props = Props(tmp_path, Method.RSA_R)
    speech = wav_file(tmp_path / "in.wav")
    authority = x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes())
    revoked = x509.load_pem_x509_certificate((tmp_path / "alice.pem").read_bytes())
    key = load_pem_private_key((tmp_path / "root.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    start, end = authority.not_valid_before_utc, authority.not_valid_after_utc
    entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number)
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
    builder = builder.last_update(start).next_update(end)
    builder = builder.add_revoked_certificate(entry.revocation_date(start).build())
    crl = tmp_path / "crl.pem"
    crl.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    with answering(props, "--crl", str(crl)) as bob:
        status, _, _ = call(
            capsys, props.uri, "--method", "RSA-R", *caller_options(props), "--send", speech
        )
        assert status == 1
        assert bob.event("refused")["reason"] == "a certificate is revoked"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "who are we? --psk-file, or --key with --cert and --ca, or --sakke-keys"),
        (["--key", "alice.key"], "a certificate takes --key, --cert and --ca: --cert and --ca"),
        (["--ca", "root.pem"], "--key and --cert missing"),
        (["--crl", "none"], "--key and --cert and --ca missing"),
        (["--hash", "sha256"], "--key and --cert and --ca missing"),
        (["--fetch"], "--key and --cert and --ca missing"),
        (["--hash", "md5"], "Invalid value for '--hash'"),
        (["--key", "bob.key", "--cert", "alice.pem", "--ca", "root.pem"], "alice.pem: the first"),
        (["--key", "root.pem", "--cert", "alice.pem", "--ca", "root.pem"], "root.pem: "),
        (["--key", "open.key", "--cert", "alice.pem", "--ca", "root.pem"], "chmod 600"),
        (["--key", "alice.key", "--cert", "gone", "--ca", "root.pem"], "gone: No such file"),
    ],
)
def test_options_that_do_not_suffice(
    options: list[str], line: str, trial: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(trial)
    shutil.copy("alice.key", "open.key")
    Path("open.key").chmod(0o644)
    wav_file(Path("in.wav"))
    for command in (["call", BOB, "--send", "in.wav"], ["answer"]):
        assert main([*command, *options]) == 2
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("method", "options", "line"),
    [
        ("PKE", CERTIFICATE, "--peer-cert"),
        ("PSK", CERTIFICATE, "--psk-file"),
        ("RSA-R", ["--psk-file", "keys"], "RSA-R needs a certificate"),
        ("DHHMAC", ["--psk-file", "keys"], "no key for sip:bob@127.0.0.1"),
        ("SDES", ["--psk-file", "keys"], "Invalid value for '--method'"),
        (
            "PKE",
            [*CERTIFICATE, "--peer-cert", "root.pem"],
            "--peer-cert: the certificate names nob",
        ),
        ("PKE", [*CERTIFICATE, "--peer-cert", "alice.pem"], f"names {ALICE}, not {BOB}"),
        ("DH-SIGN", [*CERTIFICATE, "--peer-cert", "alice.pem"], f"names {ALICE}, not {BOB}"),
    ],
)
def test_a_method_needs_its_credentials(
    method: str, options: list[str], line: str, trial: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(trial)
    wav_file(Path("in.wav"))
    keys = Path("keys")
    keys.touch(mode=0o600)
    keys.write_text(f"sip:carol@127.0.0.1 {bytes(range(16)).hex()}\n")
    assert main(["call", BOB, "--method", method, "--send", "in.wav", *options]) == 2
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--psk-file", "any", *CERTIFICATE], "--key is for PKE, DH-SIGN, RSA-R and SAKKE, not fo"),
        (["--psk-file", "any", "--hash", "sha256"], "a certificate takes --key"),
        (["--psk-file", "any", *CERTIFICATE, "--method", "DH-SIGN"], "--psk-file is for PSK and"),
        (["--psk-file", "any", "--identity", ""], "'' is no SIP URI"),
        ([*CERTIFICATE, "--timeout", "nan"], "is no number of seconds"),
        ([*CERTIFICATE, "--rekey-every", "inf"], "is no number of seconds"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    options: list[str], line: str, trial: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(trial)
    wav_file(Path("in.wav"))
    key_file(Path("any"), f"* {bytes(range(16)).hex()}")
    assert main(["call", BOB, "--send", "in.wav", *options]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("days", "line"), [(-30, "alice.pem: expired at "), (30, "alice.pem: not valid before ")]
)
@pytest.mark.parametrize("command", [["call", BOB, "--send", "in.wav"], ["answer"]])
def test_a_certificate_of_ours_that_nobody_would_believe(
    command: list[str], days: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made_at = datetime.now(UTC) + timedelta(days=days)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(made_at.timestamp(), tz)

    monkeypatch.setattr(keygen, "datetime", Clock)
    keygen.write_trial_pki(tmp_path, (ALICE, BOB), days=10)
    monkeypatch.chdir(tmp_path)
    wav_file(Path("in.wav"))
    assert main([*command, *CERTIFICATE]) == 2
    assert line in capsys.readouterr().err


def test_a_uri_that_cannot_be_called(
    trial: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trial)
    wav_file(Path("in.wav"))
    for uri in ("sips:bob@127.0.0.1", "sip:bob@127.0.0.1;transport=tls"):
        assert main(["call", uri, "--send", "in.wav", *CERTIFICATE]) == 2
        assert "SIP over TLS is not supported" in capsys.readouterr().err
    assert main(["call", "bob", "--send", "in.wav", *CERTIFICATE]) == 2
    assert "'bob' is no SIP URI; one is like sip:bob@192.0.2.2:5070" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "line"),
    [(["--record", ""], "the name is empty"), (["--identity", ""], "'' is no SIP URI")],
)
def test_answer_takes_no_empty_word(
    options: list[str], line: str, trial: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(trial)
    assert main(["answer", *CERTIFICATE, *options]) == 2
    assert line in capsys.readouterr().err
