"""What the commands that connect to a server have in common: whom to trust, who we are, how."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from mikey import rtsp
from mikey.cli.seconds import Seconds
from mikey.credentials import Psk, psk_file
from mikey.errors import LocalError
from mikey.policy import PROFILES, KeyFlow, Policy, SrtpPolicy
from mikey.secret import Secret

__all__ = [
    "CLIENT",
    "FLOWS",
    "PASSWORD",
    "RTSP_PROFILES",
    "SERVER",
    "Target",
    "client_options",
    "password_of",
    "shared_key",
]

PASSWORD = "MIKEY_RTSP_PASSWORD"  # noqa: S105 - the name of the variable
CLIENT, SERVER = "rtsp:client", "rtsp:server"
RTSP_PROFILES = tuple(
    name for name, compat in PROFILES.items() if name == "rfc" or compat.flow is not KeyFlow.ANSWER
)
FLOWS = {flow.value.replace(" ", "-"): flow for flow in KeyFlow}

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and how to reach it; made of the options of `client_options`."""

    url: rtsp.Url
    tls: rtsp.Tls
    user: str | None
    password: Secret | None
    options: rtsp.Options
    settings: rtsp.Settings

    @classmethod
    def of(
        cls,
        *,
        url: str,
        user: str | None,
        ca: Path | None,
        pin: str | None,
        insecure: bool,
        transport: str,
        profile: str,
        flow: str | None,
        policy_name: str | None,
        psk_path: Path | None,
        allow_null: bool,
        timeout: float,
        only: str | None = None,
    ) -> Target:
        """Read the options; asks for a password where a user has none. LocalError."""
        where = rtsp.Url.parse(url)
        psk = shared_key(psk_path, own=CLIENT, peer=SERVER)
        if not where.secure:
            if ca is not None or pin is not None or insecure:
                raise LocalError("--ca, --pin and --insecure are for rtsps://, this URL has no TLS")
            if not allow_null and psk is None:
                raise LocalError(
                    "on rtsp:// without TLS the keys travel in clear (MIKEY-NULL): use rtsps://, "
                    "or allow it with --allow-null"
                )
        name = user if user is not None else where.user
        return cls(
            url=where,
            tls=rtsp.Tls(ca=ca, pin=pin, insecure=insecure),
            user=name,
            password=None if name is None else password_of(name, where.password),
            options=rtsp.Options(
                only=tuple(word.strip() for word in only.split(",")) if only else (),
                transport=transport,
                profile=("rfc" if psk else None) if profile == "auto" else profile,
                flow=None if flow is None else FLOWS[flow],
                srtp=None if policy_name is None else SrtpPolicy.named(policy_name),
                psk=psk,
            ),
            settings=rtsp.Settings(timeout=timeout, policy=Policy(allow_null=allow_null)),
        )

    async def connect(self, tls: rtsp.Tls | None = None) -> rtsp.Client:
        """Connect; an untrusted certificate is refused in the words of the options."""
        try:
            return await rtsp.Client.connect(
                self.url,
                user=self.user,
                password=self.password,
                tls=tls or self.tls,
                settings=self.settings,
            )
        except rtsp.UntrustedError as error:
            raise in_our_words(error) from None

    @property
    def trust(self) -> str:
        """How the server was told from another, for people."""
        if not self.url.secure:
            return "no TLS: keys in clear"
        if self.tls.insecure:
            return "INSECURE: the certificate was not checked (--insecure)"
        return "its certificate is pinned" if self.tls.pin else "its certificate is trusted"


def in_our_words(error: rtsp.UntrustedError) -> rtsp.UntrustedError:
    """Return the error with the options that help."""
    ways = "trust it with --ca FILE, --pin SHA256 ('mikey rtsp doctor' shows it) or --insecure"
    return rtsp.UntrustedError(error.why, ways, error.fingerprint)


def shared_key(path: Path | None, *, own: str, peer: str) -> Psk | None:
    """Return the pre-shared key of a file for `peer`; LocalError if there is none."""
    if path is None:
        return None
    key = psk_file.load(path).lookup(peer)
    if key is None:
        raise LocalError(f"{path}: no key for {peer} (and none for *)")
    return Psk(key, own, peer)


def password_of(user: str, given: Secret | None = None) -> Secret:
    """Return a user's password: from the environment, as given, or asked for at the terminal."""
    said = os.environ.get(PASSWORD)
    if said is not None:
        return Secret(said.encode("utf-8", "surrogateescape"))
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise LocalError(f"user {user!r} has no password: put it in {PASSWORD}")
    return Secret(str(click.prompt(f"Password of {user}", hide_input=True, err=True)).encode())


def client_options(command: F) -> F:
    """Add the options that `Target.of` takes."""
    known = ", ".join(SrtpPolicy.presets())
    for option in (
        click.option(
            "--timeout",
            type=Seconds(min=0, min_open=True),
            metavar="SECONDS",
            default=10.0,
            show_default=True,
            help="For connecting, and for each answer.",
        ),
        click.option(
            "--allow-null",
            is_flag=True,
            help="Take and send keys in clear on rtsp:// too: who listens has them.",
        ),
        click.option(
            "--psk-file",
            "psk_path",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"The key shared with the server ({SERVER} or *), for the form of RFC 4567.",
        ),
        click.option(
            "--policy",
            "policy_name",
            metavar="NAME",
            help=f"SRTP policy of keys that we make. Known: {known}.  [default: the server's, "
            "else the profile's]",
        ),
        click.option(
            "--flow",
            type=click.Choice(list(FLOWS)),
            help="Whose key protects what.  [default: the profile's]",
        ),
        click.option(
            "--profile",
            type=click.Choice(["auto", *RTSP_PROFILES]),
            default="auto",
            show_default=True,
            help="How the server deviates from the RFCs.",
        ),
        click.option(
            "--transport",
            type=click.Choice(["auto", "udp", "tcp"]),
            default="auto",
            show_default=True,
            help="What SRTP goes by; auto is UDP, unless the server refuses it.",
        ),
        click.option(
            "--user",
            metavar="NAME",
            help=f"Who we are; the password is in {PASSWORD}, or asked for.",
        ),
        click.option(
            "--insecure", is_flag=True, help="Do not check the server's certificate at all."
        ),
        click.option(
            "--pin",
            metavar="SHA256",
            help="Trust the certificate with this SHA-256 ('mikey rtsp doctor' shows it).",
        ),
        click.option(
            "--ca",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Trust these authorities (PEM).  [default: the system's]",
        ),
        click.argument("url"),
    ):
        command = option(command)
    return command
