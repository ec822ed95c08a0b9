"""`mikey call` and `mikey answer` by SAKKE: whom they name, what they refuse, how keys change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from mikey.carriage.sdp import Description, Sender
from mikey.cli import keygen
from mikey.cli.calls.callee import Callee, Terms
from mikey.cli.calls.naming import named
from mikey.cli.main import main
from mikey.credentials import Sakke
from mikey.errors import PolicyError, ReportedError
from mikey.policy import Context, SrtpPolicy
from mikey.registry import DataType, ErrorNumber
from mikey.session import Initiator, Responder, drive
from mikey.sip import CallError, CallRefusedError, Timers, UserAgent
from mikey.wire import Err, Message
from tests.asynchronous import asynchronous
from tests.cli.calling import answering_with, call, content, wav_file
from tests.cli.sakke_files import ABROAD, ALICE, BOB, CAROL, LONG_AGO, credential, trial

CERTIFIED = [
    *("--method", "SAKKE", "--key", "pki/alice.key"),
    *("--cert", "pki/alice.pem", "--ca", "pki/root.pem"),
]
FROM = "sip:operator@example.org"
SDP = (
    "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/SAVP 96\r\na=rtpmap:96 L16/8000\r\n"
)


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys of this month, one of another, and those of another KMS."""
    folder = tmp_path_factory.mktemp("kms")
    for name, path in zip("abc", trial(folder, ALICE, BOB, CAROL), strict=True):
        path.rename(folder / f"{name}.toml")
    trial(folder, ALICE, at=LONG_AGO)[0].rename(folder / "old.toml")
    trial(folder / "abroad", ALICE, kms=ABROAD)[0].rename(folder / "abroad.toml")
    wav_file(folder / "in.wav")
    return folder


@dataclass
class Talk:
    """What answers, its URI, and what it refused."""

    callee: Callee
    uri: str
    alice: UserAgent
    refused: list[str]

    async def refusal(self, text: str) -> tuple[Message, CallRefusedError]:
        """Offer a text that is refused; return the Error message in the body, and the refusal."""
        with pytest.raises(CallRefusedError, match="488") as caught:
            await self.alice.invite(self.uri, from_uri=FROM, body=text.encode())
        return Message.parse(Description(caught.value.body.decode()).message()), caught.value


@asynccontextmanager
async def talking(own: Sakke, **terms: object) -> AsyncIterator[Talk]:
    refused: list[str] = []
    callee = Callee(
        Terms(sakke=own, **terms),  # type: ignore[arg-type]
        refused=lambda _who, why: refused.append(why),
    )
    timers = Timers(t1=0.03)
    async with (
        UserAgent(on_invite=callee.handle, timers=timers) as bob,
        UserAgent(timers=timers) as alice,
    ):
        callee.agent = bob
        yield Talk(callee, f"sip:bob@127.0.0.1:{bob.address[1]}", alice, refused)


def users(kms: Path) -> tuple[Sakke, Sakke]:
    return credential(kms / "a.toml", BOB), credential(kms / "b.toml")


def offer(own: Sakke, policy: SrtpPolicy | None = None) -> tuple[Initiator, str]:
    initiator = Initiator(own, policies=(policy or SrtpPolicy(),))
    return initiator, Description(SDP.format(version=1)).offer(initiator, {0: 1}).text


def altered(text: str, at: int) -> str:
    octets = bytearray(Description(text).message())
    octets[at] ^= 1
    return Description(text).attach(bytes(octets))


def errors(message: Message) -> list[int]:
    assert message.header.data_type is DataType.ERROR
    return [int(error.number) for error in message.all(Err)]


@pytest.mark.rule("R4567-4.1.2-6", "R6509-2.2.2-1")
@asynchronous
async def test_a_refusal_is_488_with_its_number_in_the_body(kms: Path) -> None:
    alice, bob = users(kms)
    async with talking(bob) as talk:
        weak = SrtpPolicy.NULL_HMAC_SHA1_80
        initiator, text = offer(alice, weak)
        error, refusal = await talk.refusal(text)
        assert errors(error) == [ErrorNumber.INVALID_SPPAR]
        with pytest.raises(ReportedError) as caught:  # signed by Bob
            drive(initiator.receive(error.octets))
        assert caught.value.authenticated
        assert [code for code, _ in refusal.warnings] == [306, 399]
        error, _ = await talk.refusal(altered(offer(alice)[1], -1))
        assert errors(error) == [ErrorNumber.AUTH_FAILURE]
        # the length of SAKKE data: nothing behind it can be read
        text = offer(alice)[1]
        place = Description(text).message().index(b"\x01\x01\x01\x11\x04") + 3
        error, _ = await talk.refusal(altered(text, place))
        assert errors(error) == [ErrorNumber.UNSUPPORTED_MESSAGE]
        assert len(talk.refused) == 3


@pytest.mark.rule("R4567-4.1.2-11", "R6509-2.2.1-1")
@asynchronous
async def test_new_keys_come_in_a_new_csb_under_the_next_mki(kms: Path) -> None:
    alice, bob = users(kms)
    async with talking(bob) as talk:
        initiator, _ = offer(alice)
        offered = Description(SDP.format(version=1)).offer(initiator, {0: 1})
        hearing = asyncio.create_task(talk.callee.hear(None))
        standing = await talk.alice.invite(talk.uri, from_uri=FROM, body=offered.text.encode())
        answer = Description(standing.remote_body.decode())
        assert answer.key_mgmt == ()
        before = offered.receive(initiator, answer)
        again = Description(SDP.format(version=2)).offer(initiator, {0: 1})
        answer = Description((await standing.reinvite(again.text.encode())).decode())
        assert answer.key_mgmt == ()
        after = again.receive(initiator, answer)
        (old, _), (new, cs_id) = (each.find(0, Sender.INITIATOR) for each in (before, after))
        assert old.csb_id != new.csb_id
        assert old.masters(cs_id)[0].mki != new.masters(cs_id)[0].mki
        assert talk.callee.updates == 1
        # nobody else may put keys of his own into the call
        carol = credential(kms / "c.toml", BOB)
        stranger = Description(SDP.format(version=3)).offer(Initiator(carol), {0: 1})
        with pytest.raises(CallRefusedError, match="the call is with"):
            await standing.reinvite(stranger.text.encode())
        assert talk.callee.updates == 1
        await standing.bye()
        with pytest.raises(CallError, match="sent no audio"):
            await hearing


@pytest.mark.rule("R4567-8-2")
def test_what_sip_shows_is_compared_where_it_can_be(kms: Path) -> None:
    alice, bob = users(kms)
    text = offer(alice)[1]
    for shown in (
        Context(initiator=FROM, responder="sip:bob@example.org"),
        Context(initiator=ALICE, responder=BOB),
    ):
        assert named(text, shown).receive(Responder([bob])).offers[0].initiator == ALICE
    for shown in (Context(initiator=CAROL), Context(responder=CAROL)):
        with pytest.raises(PolicyError):
            named(text, shown).receive(Responder([bob]))
    # a message that names nobody has the names of SIP
    silent = Sakke(identity=ALICE, peer=BOB, keys=alice.keys, send_ids=False)
    text = offer(silent)[1]
    assert named(text, Context(initiator=ALICE)).receive(Responder([bob])).offers
    with pytest.raises(PolicyError):
        named(text, Context(initiator=FROM)).receive(Responder([bob]))


def test_other_methods_are_compared_as_ever() -> None:
    context = Context(initiator=FROM)
    for text in (SDP.format(version=1), SDP.format(version=1) + "a=key-mgmt:mikey AAAA\r\n"):
        assert named(text, context).context.initiator == FROM


@pytest.mark.realtime
def test_a_call_by_names_alone(
    kms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "heard.wav"
    options = ("--sakke-keys", str(kms / "b.toml"), "--identity", BOB, "--record", str(heard))
    with answering_with("--listen", "127.0.0.1:0", *options) as bob:
        for refused, reason in (
            (["a.toml", "--peer", CAROL], "for another identity"),
            (["abroad.toml", "--peer", BOB], "of another KMS"),
            (["a.toml", "--peer", BOB, "--policy", "NULL_HMAC_SHA1_80"], "not acceptable"),
        ):
            keys = ["--sakke-keys", str(kms / refused[0]), *refused[1:]]
            status, out, err = call(capsys, bob.uri, *keys, "--send", kms / "in.wav")
            assert (status, out) == (1, "")
            assert reason in bob.event("refused")["reason"]
            assert "488" in err
            assert reason in err
            assert err.count("\n") == 1
        status, out, err = call(
            capsys, bob.uri, "--method", "sakke", "--sakke-keys", kms / "a.toml",
            "--kms", kms / "kms.toml", "--peer", BOB, "--send", kms / "in.wav",
        )  # fmt: skip
        assert status == 0, err
        ended = bob.event("ended")
        assert bob.wait() == 0
    told = dict(line.split(None, 1) for line in out.splitlines() if line and line[0].isalpha())
    assert (told["method"].strip(), told["initiator"].strip()) == ("MIKEY-SAKKE", ALICE)
    assert told["responder"].strip() == BOB
    assert f"SIP To     {bob.uri}" in out
    assert "R_MESSAGE" not in out
    assert (ended["initiator"], ended["responder"]) == (ALICE, BOB)
    assert ended["sip_from"].startswith("sip:")
    assert all(session["ssrc"] for session in ended["sessions"])
    assert content(heard) == content(kms / "in.wav")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--sakke-keys", "a.toml"], "whom are the keys for? --peer URI"),
        (["--sakke-keys", "a.toml", "--peer", ""], "mikey: : an identity of this scheme is a tel"),
        (["--sakke-keys", "a.toml", "--peer", "07700900002"], "07700900002: an identity of this"),
        (["--sakke-keys", "a.toml", "--peer", BOB, "--identity", CAROL], f"not of {CAROL}"),
        (["--sakke-keys", "a.toml", "--peer", BOB, "--peer-kms", "k"], "describes the KMS k"),
        (["--sakke-keys", "a.toml", "--peer", BOB, "--method", "PSK"], "--peer and --peer-kms are"),
        (["--sakke-keys", "a.toml", "--method", "DH-SIGN"], "DH-SIGN needs a certificate"),
        (["--method", "SAKKE", "--psk-file", "psk"], "SAKKE needs keys from a KMS"),
        (["--sakke-keys", "old.toml", "--peer", BOB], "no key to sign with is here for the key"),
        (["--sakke-keys", "a.toml", "--sakke-keys", "b.toml"], f"different users: {ALICE}, {BOB}"),
        (["--sakke-keys", "a.toml", "--sakke-keys", "a.toml", "--peer", BOB], "given twice"),
        (["--sakke-keys", "gone"], "gone: No such file"),
        (["--sakke-keys", "open.toml"], "open.toml: others than its owner may open it"),
        (["--sakke-keys", "master.toml"], "master.toml: identity is missing"),
        (["--sakke-keys", "mixed.toml"], "mixed.toml: "),
        (["--kms", "kms.toml"], "--kms says whom to believe"),
        (["--sakke-keys", "kms.toml"], "kms.toml: identity is missing, so it is no file of a user"),
        (["--sakke-keys", "a.toml", "--kms", "b.toml"], "b.toml: a user's keys; the file of a KMS"),
        (["--sakke-keys", "a.toml", "--peer", BOB, *CERTIFIED], "the SAKKE keys sign; --key"),
        (["--sakke-keys", "a.toml", "--psk-file", "psk"], "--sakke-keys is for SAKKE, not for PSK"),
    ],
)  # fmt: skip
def test_options_that_do_not_suffice(
    options: list[str], line: str, kms: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(kms)
    if not Path("pki").exists():
        keygen.write_trial_pki(Path("pki"), ("sip:alice@127.0.0.1",))
    text = Path("a.toml").read_text()
    for name, mode, content_ in (
        ("open.toml", 0o644, text),
        ("mixed.toml", 0o600, text.replace(ALICE, CAROL)),
        ("psk", 0o600, f"* {bytes(range(16)).hex()}\n"),
    ):
        Path(name).write_text(content_)
        Path(name).chmod(mode)
    assert main(["call", "sip:bob@127.0.0.1:9", "--send", "in.wav", *options]) == 2
    captured = capsys.readouterr()
    assert line in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_answer_knows_whose_keys_it_has(kms: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = str(kms / "b.toml")
    assert main(["answer", "--sakke-keys", keys, "--identity", "sip:bob@example.org"]) == 2
    assert "an identity of this scheme" in capsys.readouterr().err
    assert main(["answer", "--sakke-keys", keys, "--identity", ALICE]) == 2
    assert f"the SAKKE keys are of {BOB}, not of {ALICE}" in capsys.readouterr().err


@pytest.mark.realtime
@pytest.mark.parametrize("scheme", ["tel", "3gpp", "raw"])
def test_the_demo_by_each_scheme(
    scheme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speech = wav_file(tmp_path / "a.wav", seconds=0.2)
    options = ("--method", "sakke", "--id-scheme", scheme, "--json", "--audio", str(speech))
    assert main(["demo", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bit_for_bit"] is True
    assert [name for name, _ in report["messages"]] == ["I_MESSAGE"]
    tel = scheme == "tel"
    assert report["initiator"] == (ALICE if tel else report["sip_from"])
    assert report["responder"] == (BOB if tel else report["sip_to"])
