"""Certificates by URL in a call, and the hash of signatures: what the options allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mikey.aio import FetchLimits, read_wav
from mikey.aio.fetch import DEFAULT_LIMITS
from mikey.cli import keygen
from mikey.cli.calls.callee import Callee, Terms
from mikey.cli.calls.caller import Caller, Plan
from mikey.cli.calls.credentials import Files
from mikey.cli.calls.props import ALICE, Props
from mikey.cli.calls.report import CallReport
from mikey.cli.main import main
from mikey.credentials import Certified, SoftwareKey, Trust
from mikey.credentials.files import load_certificates, load_key
from mikey.errors import PeerError
from mikey.policy import SrtpPolicy
from mikey.session import Method
from mikey.sip import CallRefusedError, UserAgent
from tests.asynchronous import asynchronous
from tests.cli.calling import call, wav_file
from tests.cli.test_call_methods import answering, caller_options
from tests.unit.aio.test_fetch import Server, answer, serving

HERE = FetchLimits(allow_private=True)
SIGNED = pytest.mark.parametrize("method", [Method.DH_SIGN, Method.RSA_R, Method.PKE])


class Scene:
    """Alice and Bob, whose certificates lie on a server of this machine."""

    def __init__(self, folder: Path, method: Method, server: Server) -> None:
        self.props = Props(folder, method)
        self.server = server
        self.refused: list[str] = []
        for name in ("alice", "bob"):
            (der,) = load_certificates(folder / f"{name}.pem")
            server.answers[f"/{name}.cer"] = answer(der)

    def credential(self, name: str, identity: str) -> Certified:
        folder = self.props.folder
        peer = "bob" if name == "alice" else "alice"
        return Certified(
            key=load_key(folder / f"{name}.key"),
            chain=load_certificates(folder / f"{name}.pem"),
            identity=identity,
            peer=self.props.uri if name == "alice" else "*",
            trust=Trust(load_certificates(folder / "root.pem")),
            peer_certificate=load_certificates(folder / f"{peer}.pem")[0],
            url=self.server.url(f"/{name}.cer").url,
        )

    async def call(self, alices: FetchLimits | None, bobs: FetchLimits | None) -> CallReport:
        """Let Alice call Bob, each with what they may fetch."""
        recording = read_wav(wav_file(self.props.folder / "in.wav", seconds=0.1))
        plan = Plan(
            uri=self.props.uri,
            credential=self.credential("alice", ALICE),
            method=self.props.method,
            recording=recording,
            policies=(SrtpPolicy(),),
            timeout=10,
            transport="tcp",
            rekey_every=0.05,
            fetch=alices,
        )
        terms = Terms(certified=self.credential("bob", self.props.uri), fetch=bobs)
        callee = Callee(terms, refused=lambda _who, why: self.refused.append(why))
        async with (
            UserAgent("127.0.0.1", self.props.port, on_invite=callee.handle) as bob,
            UserAgent("127.0.0.1") as alice,
        ):
            callee.agent = bob
            hearing = asyncio.create_task(callee.hear(10))
            try:
                return await Caller(plan, alice).run()
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)


@asynccontextmanager
async def scene(folder: Path, method: Method) -> AsyncIterator[Scene]:
    async with serving({}) as server:
        yield Scene(folder, method, server)


@pytest.mark.realtime
@SIGNED
def test_certificates_are_fetched_where_that_is_allowed(method: Method, tmp_path: Path) -> None:
    @asynchronous
    async def both() -> None:
        async with scene(tmp_path, method) as both:
            report = await both.call(HERE, HERE)
            assert report.method == method.value
            asked = {head.split()[1] for head in both.server.requests}
            # The callee of PKE proves itself by opening the envelope.
            answered = {"/bob.cer"} if method is not Method.PKE else set()
            assert asked == {"/alice.cer", *answered}

    both()


@SIGNED
def test_nothing_is_fetched_unasked(method: Method, tmp_path: Path) -> None:
    @asynchronous
    async def refused() -> None:
        async with scene(tmp_path, method) as both:
            with pytest.raises(CallRefusedError, match="488"):
                await both.call(None, None)
            assert ["--fetch alone" in why for why in both.refused] == [True]
            if method is not Method.PKE:
                with pytest.raises(PeerError, match="--fetch alone"):
                    await both.call(None, HERE)
            assert not [head for head in both.server.requests if "/bob.cer" in head]

    refused()


def test_hosts_that_only_we_can_reach_are_not_asked(tmp_path: Path) -> None:
    @asynchronous
    async def refused() -> None:
        async with scene(tmp_path, Method.DH_SIGN) as both:
            with pytest.raises(CallRefusedError, match="488"):
                await both.call(DEFAULT_LIMITS, DEFAULT_LIMITS)
            assert ["not public" in why for why in both.refused] == [True]
            assert both.server.requests == []

    refused()


def test_fetch_takes_the_limits_that_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option stands for the limits of `aio.fetch`; without it there are none to fetch in."""
    props = Props(tmp_path, Method.DH_SIGN)
    speech = wav_file(tmp_path / "in.wav")
    seen: list[FetchLimits | None] = []

    async def place(plan: Plan, host: str, *, quiet: bool) -> CallReport:
        seen.append(plan.fetch)
        raise PeerError("enough")

    monkeypatch.setattr("mikey.cli.call.place", place)
    options = [props.uri, *caller_options(props), "--send", str(speech)]
    assert main(["call", *options]) == main(["call", *options, "--fetch"]) != 0
    assert seen == [None, DEFAULT_LIMITS]


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_the_hash_of_our_signatures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    props = Props(tmp_path, Method.DH_SIGN)
    speech = wav_file(tmp_path / "in.wav")
    used: list[str] = []
    sign = SoftwareKey.sign

    def recorded(self: SoftwareKey, octets: bytes, *, hash: str, pss: bool) -> bytes:  # noqa: A002
        used.append(hash)
        return sign(self, octets, hash=hash, pss=pss)

    monkeypatch.setattr(SoftwareKey, "sign", recorded)
    chosen = ["--hash", name] if name != "sha1" else []
    with answering(props, *chosen) as bob:
        status, _, err = call(capsys, props.uri, *caller_options(props), "--send", speech, *chosen)
        assert status == 0, err
        assert bob.wait() == 0
    assert used == [name]


def test_the_hash_of_the_callee(tmp_path: Path) -> None:
    keygen.write_trial_pki(tmp_path, (ALICE, "sip:bob@127.0.0.1"))
    files = Files(
        key=str(tmp_path / "bob.key"),
        cert=str(tmp_path / "bob.pem"),
        authorities=(str(tmp_path / "root.pem"),),
        sign_hash="sha256",
    )
    own = files.load().certificates
    assert own is not None
    assert own.certified(None).sign_hash == "sha256"


@pytest.mark.parametrize("command", ["call", "answer"])
def test_help_says_what_fetching_means(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--fetch Fetch the certificate of a peer that sends a URL" in text
    assert "--hash [sha1|sha256] Hash of our signatures." in text
