"""`mikey rtsp doctor`: what works with a server, what does not, and why."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

import click
from cryptography import x509

from mikey import rtsp
from mikey.carriage.rtsp import Presentation, choose, filetime
from mikey.cli.calls.runner import note, run
from mikey.cli.inspect import as_text
from mikey.cli.inspect.report import inspect
from mikey.cli.inspect.sources import Found
from mikey.cli.output import page
from mikey.cli.rtsp.options import Target, client_options
from mikey.cli.rtsp.report import FLOW_WORDS
from mikey.cli.rtsp.trials import Trial, attempt, profiles
from mikey.cli.seconds import Seconds
from mikey.errors import PeerError
from mikey.policy import Clock, KeyFlow
from mikey.text import plain
from mikey.wire import Kemac, KvSpi, Message, Rand, Sp, T, parse_key_data

_MOST_MESSAGES = 4  # refused messages that are shown octet by octet


@dataclass
class Findings:
    """What was found: lines in their order, messages that were refused, trials, and the end."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    pin: str = ""
    url: str = ""
    access: tuple[str, ...] = ()

    def say(self, about: str, text: str) -> None:
        """Add a line."""
        self.lines.append((about, plain(text)))

    def take(self, trial: Trial, presentation: Presentation) -> None:
        """Add a trial, with the messages that it failed by."""
        self.trials.append(trial)
        if trial.error and not trial.refused:
            self._show_theirs(presentation)
        self.messages += [
            (f"our message, refused ({trial.profile}, {trial.transport})", octets)
            for octets in trial.refused
        ]

    def _show_theirs(self, presentation: Presentation) -> None:
        """Show the server's message, once: the session that failed stood on it."""
        carried = next(iter(presentation.messages()), None)
        shown = {octets for _, octets in self.messages}
        if carried is not None and carried.octets not in shown:
            self.messages.append(("the server's message", carried.octets))

    @property
    def working(self) -> Trial | None:
        """The first trial that works."""
        return next((trial for trial in self.trials if trial.works), None)


@click.command(
    epilog="""\b
Examples:
  mikey rtsp doctor rtsps://camera/stream
  MIKEY_RTSP_PASSWORD=... mikey rtsp doctor rtsps://camera/stream --user admin --pin 5f0c...

\b
Exit status: 0 something works, 1 nothing does, 2 what was asked for is wrong.""",
)
@client_options
@click.option(
    "--for",
    "seconds",
    type=Seconds(min=0.1),
    metavar="SECONDS",
    default=3.0,
    show_default=True,
    help="How long to wait for packets in each trial.",
)
@click.option("--all", "every", is_flag=True, help="Go on when something works.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(*, seconds: float, every: bool, as_json: bool, **server: Any) -> int:
    """Try what works with a server, in the order of what products are known to differ in.

    First the connection and its certificate, whose SHA-256 is shown for --pin, then DESCRIBE and
    the key messages in it, then each profile over each transport until one works; with that, new
    keys and the question for the current ones. Messages that were refused are shown octet by
    octet, without their keys.

    A certificate that is not trusted is told, and looked past; a password is then not sent.
    """
    target = Target.of(**server)
    findings = run(examine(target, seconds, every=every, quiet=as_json))
    if as_json:
        click.echo(_as_json(findings))
    else:
        _print(findings)
    return 0 if findings.working is not None else 1


async def examine(target: Target, seconds: float, *, every: bool, quiet: bool) -> Findings:
    """Find out all; raises LocalError for options of no use."""
    found = Findings(
        url=target.url.uri, access=() if target.user is None else ("--user", target.user)
    )
    try:
        tls = await _tls(target, found)
        if tls is None:
            return found
        async with await rtsp.Client.connect(
            target.url,
            user=target.user,
            password=target.password,
            tls=tls,
            settings=target.settings,
        ) as client:
            presentation = await _description(client, found)
    except PeerError as error:
        found.say("stopped", str(error))
        return found
    if presentation is None:
        return found
    async for trial in _trials(target, tls, presentation, seconds, quiet=quiet):
        found.take(trial, presentation)
        if trial.works and not every:
            break
    return found


async def _trials(
    target: Target, tls: rtsp.Tls, presentation: Presentation, seconds: float, *, quiet: bool
) -> AsyncIterator[Trial]:
    """Try one profile and transport after the other, but for those that cannot work any more."""
    done: set[tuple[str, str]] = set()
    hopeless: set[str] = set()
    automatic: str | None = None
    for profile, transport in _wanted(target, presentation):
        name = automatic if profile is None else profile
        if name is not None and (name in hopeless or (name, transport) in done):
            continue
        note(f"trying {profile or 'the profile that fits'} over {transport}", quiet=quiet)
        trial = await attempt(target, tls, profile, transport, seconds)
        if profile is None and trial.profile != "auto":
            automatic = trial.profile
        done.add((trial.profile, transport))
        if trial.unverified:
            hopeless.add(trial.profile)
        yield trial


def _wanted(target: Target, presentation: Presentation) -> list[tuple[str | None, str]]:
    """Return what to try: all, or what the options leave."""
    options = target.options
    messages = [
        one.octets
        for track in presentation.tracks
        if (one := presentation.message_for(track.index)) is not None
    ]
    names = profiles(messages[0] if messages else None)
    return [
        (profile, transport)
        for profile in (names if options.profile is None else [options.profile])
        for transport in ("udp", "tcp")
        if options.transport in ("auto", transport)
    ]


async def _tls(target: Target, found: Findings) -> rtsp.Tls | None:
    """Look at the certificate; return how to go on, None if not at all."""
    if not target.url.secure:
        found.say("TLS", "none: keys and passwords travel in clear; ONVIF wants rtsps://")
        return target.tls
    found.pin = await rtsp.certificate_pin(target.url, timeout=target.settings.timeout)
    certificate = await _certificate(target)
    found.say("certificate", certificate)
    found.say("SHA-256", f"--pin {found.pin}")
    try:
        async with await target.connect():
            pass
    except rtsp.UntrustedError as error:
        found.say("trust", f"{error.why}: compare the SHA-256 with the server's own, then pin it")
        if target.user is not None:
            found.say("stopped", "the password is not sent to a server that is not trusted")
            return None
        return rtsp.Tls(pin=found.pin)
    found.say("trust", target.trust)
    return target.tls


async def _certificate(target: Target) -> str:
    client = await rtsp.Client.connect(
        target.url, tls=rtsp.Tls(insecure=True), settings=target.settings
    )
    async with client:
        der = client.connection.certificate
    try:
        seen = x509.load_der_x509_certificate(der)
        until = f"{seen.not_valid_before_utc:%Y-%m-%d} to {seen.not_valid_after_utc:%Y-%m-%d}"
        own = ", signs itself" if seen.subject == seen.issuer else ""
        return f"{seen.subject.rfc4514_string() or 'no subject'}, {until}{own}"
    except ValueError:
        return "cannot be read"


async def _description(client: rtsp.Client, found: Findings) -> Presentation | None:
    """Look at OPTIONS and DESCRIBE."""
    methods = await client.options()
    found.say("server", client.server or "does not say what it is")
    for method, use in (("SET_PARAMETER", "new keys"), ("GET_PARAMETER", "late joiners")):
        if method not in methods:
            found.say("OPTIONS", f"no {method}: nothing for {use}")
    presentation = await client.describe()
    secure = False
    for track in presentation.tracks:
        names = " ".join(rtpmap.encoding for rtpmap in track.rtpmaps)
        found.say(f"stream {track.index}", f"{track.kind} {names}, {track.profile}")
        if not track.secure:
            found.say(f"stream {track.index}", "not SRTP: no keys are due for RTP/AVP")
        secure = secure or track.secure
        carried = presentation.message_for(track.index)
        if carried is None:
            if track.secure:
                found.say(
                    f"stream {track.index}", "no a=key-mgmt: the client's key is the only one"
                )
            continue
        level = "the session's key" if carried.media is None else "its own key"
        found.say(f"stream {track.index}", f"{level}: {_message(carried.octets)}")
        fits = choose(carried.octets, server=client.server)
        found.say(f"stream {track.index}", f"fits {fits.profile}: {fits.reason}")
        try:
            Message.parse(carried.octets)
        except PeerError as error:
            found.messages.append((f"the server's message of stream {track.index}", carried.octets))
            found.say(f"stream {track.index}", f"the message is odd: {error}")
    if not secure:
        found.say("stopped", "no stream is SRTP: turn on SRTP (RTP/SAVP) in the server")
        return None
    if not client.secure and any(presentation.messages()):
        found.say("warning", "these keys came in clear, without TLS: whoever listens has them")
    return presentation


def _message(octets: bytes) -> str:
    """Say in a line what is special about a message of the SDP."""
    try:
        message = Message.parse(octets)
    except PeerError:
        return f"{len(octets)} octets"
    parts = [f"{len(octets)} octets"]
    if message.get(T) is None:
        parts.append("no T")
    elif filetime(octets) is not None:
        parts.append("T holds a Windows FILETIME")
    if message.get(Rand) is None:
        parts.append("no RAND")
    if message.get(Sp) is None:
        parts.append("no SP")
    kemac = message.get(Kemac)
    if kemac is not None:
        try:
            for key in parse_key_data(kemac.encr_data):
                mki = (
                    f"MKI of {len(key.validity.spi)}"
                    if isinstance(key.validity, KvSpi)
                    else "no MKI"
                )
                parts.append(f"{key.key_type.label}, {mki}")
        except PeerError:
            parts.append("keys that are encrypted, or cannot be read")
    return ", ".join(parts)


def _advice(found: Findings) -> str:
    trial = found.working
    if trial is None:
        return "nothing works" if found.trials else "no trial was possible"
    trust = ("--pin", found.pin) if found.pin else ("--allow-null",)
    way = ("--profile", trial.profile, "--transport", trial.transport)
    words = ("mikey", "rtsp", "play", found.url, *found.access, *trust, *way)
    return f"works: {plain(shlex.join(words))}"


def _print(found: Findings) -> None:
    with page() as out:
        for about, text in found.lines:
            out.print(f"{about + ':':14}{text}", markup=False, soft_wrap=True)
        for trial in found.trials:
            mark = "works" if trial.works else "fails"
            out.print(
                f"{trial.profile} over {trial.transport}: {mark}: {trial.verdict}",
                markup=False,
                soft_wrap=True,
            )
            if trial.works:
                out.print(f"  why: {trial.reason}", markup=False, soft_wrap=True)
                out.print(f"  {FLOW_WORDS[KeyFlow(trial.flow)]}", markup=False, soft_wrap=True)
                out.print(f"  new keys: {trial.rekey}", markup=False, soft_wrap=True)
                out.print(f"  current keys: {trial.ask}", markup=False, soft_wrap=True)
        shown = found.messages[:_MOST_MESSAGES]
        reports = inspect([Found(where, octets) for where, octets in shown], now=Clock().now())
        for number, report in enumerate(reports, 1):
            out.print()
            as_text.render(out, report, number, len(reports), show_keys=False, explain=False)
        out.print(_advice(found), markup=False, soft_wrap=True)


def _as_json(found: Findings) -> str:
    trials = [
        {
            **{name: value for name, value in asdict(trial).items() if name != "refused"},
            "works": trial.works,
            "verdict": trial.verdict,
        }
        for trial in found.trials
    ]
    return json.dumps(
        {
            "event": "examined",
            "url": found.url,
            "pin": found.pin or None,
            "found": [{"about": about, "text": text} for about, text in found.lines],
            "trials": trials,
            "ok": found.working is not None,
            "advice": _advice(found),
        }
    )
