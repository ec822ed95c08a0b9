"""The options that `call` and `answer` have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mikey.cli.sakke_options import sakke_options
from mikey.policy import SrtpPolicy

__all__ = ["HostPort", "host_port", "policies", "shared_options"]

_HOST_PORT = re.compile(r"(?:\[([^][]+)\]|([^][:]+)):(\d{1,5})", re.ASCII)

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class HostPort:
    """An address to listen on."""

    host: str
    port: int


class HostPortType(click.ParamType[HostPort]):
    """HOST:PORT, with brackets around an IPv6 address; port 0 is any that is free."""

    name = "HOST:PORT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> HostPort:
        """Read the text of an option."""
        if isinstance(value, HostPort):
            return value
        match = _HOST_PORT.fullmatch(str(value))
        if match is None or int(match[3]) > 65535:
            hint = ", with an IPv6 address [::1]:PORT" if str(value).count(":") > 1 else ""
            self.fail(f"{value!r} is not HOST:PORT{hint}", param, ctx)
        return HostPort(match[1] or match[2], int(match[3]))


host_port = HostPortType()


def policies(names: tuple[str, ...]) -> tuple[SrtpPolicy, ...]:
    """The SRTP policies of `--policy` options, in their order."""
    return tuple(SrtpPolicy.named(name) for name in dict.fromkeys(names))


def shared_options(command: F) -> F:
    """Add the options of both sides of a call."""
    command = sakke_options(command)
    known = ", ".join(SrtpPolicy.presets())
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object per line."),
        click.option("--trace", is_flag=True, help="Show the SIP messages, keys redacted."),
        click.option(
            "--any-identity",
            is_flag=True,
            help="Do not compare From and To with the identities that MIKEY authenticates.",
        ),
        click.option(
            "--policy",
            "policy_names",
            metavar="NAME",
            multiple=True,
            help=f"SRTP policy; may be given several times, the best first. Known: {known}.",
        ),
        click.option(
            "--fetch",
            is_flag=True,
            help="Fetch the certificate of a peer that sends a URL in its place: from public hosts "
            "alone, 16 KiB and 5 seconds at most. Without it such a peer is refused.",
        ),
        click.option(
            "--hash",
            "sign_hash",
            type=click.Choice(["sha1", "sha256"]),
            help="Hash of our signatures. No message names it, so the peer has to expect it; every "
            "peer takes sha1.  [default: sha1]",
        ),
        click.option(
            "--crl", "crls", metavar="FILE", multiple=True, help="Certificates that were revoked."
        ),
        click.option(
            "--ca",
            "authorities",
            metavar="FILE",
            multiple=True,
            help="Whom to trust: certificates of authorities, or of the peer itself.",
        ),
        click.option(
            "--cert", metavar="FILE", help="Our certificate, then those between it and the --ca."
        ),
        click.option(
            "--key", metavar="FILE", help="Our RSA private key; only its owner may read it."
        ),
        click.option(
            "--psk-file",
            metavar="FILE",
            help="Pre-shared keys, one 'identity key' per line; only its owner may read it.",
        ),
    ):
        command = option(command)
    return command
