"""The options that `call` and `answer` have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mikey.aio.fetch import DEFAULT_LIMITS, FetchLimits
from mikey.cli.calls.credentials import Files
from mikey.cli.sakke_options import sakke_options
from mikey.policy import SrtpPolicy

__all__ = ["HostPort", "Shared", "host_port", "shared_options"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the options of both sides of a call say; made of those of `shared_options`.

    `policies` are in the order of preference, () for the default; `fetch` None: no certificate
    is fetched.
    """

    files: Files
    policies: tuple[SrtpPolicy, ...]
    any_identity: bool
    fetch: FetchLimits | None
    trace: bool
    as_json: bool

    @classmethod
    def of(
        cls,
        *,
        psk_file: str | None,
        key: str | None,
        cert: str | None,
        authorities: tuple[str, ...],
        crls: tuple[str, ...],
        sign_hash: str | None,
        fetch: bool,
        sakke_files: tuple[str, ...],
        kms_files: tuple[str, ...],
        policy_names: tuple[str, ...],
        any_identity: bool,
        trace: bool,
        as_json: bool,
    ) -> Shared:
        """Put the options in order; no file is read yet. LocalError for an unknown policy."""
        return cls(
            files=Files(
                psk=psk_file,
                key=key,
                cert=cert,
                authorities=authorities,
                crls=crls,
                sign_hash=sign_hash,
                fetch=fetch,
                sakke_keys=sakke_files,
                kms=kms_files,
            ),
            policies=tuple(SrtpPolicy.named(name) for name in dict.fromkeys(policy_names)),
            any_identity=any_identity,
            fetch=DEFAULT_LIMITS if fetch else None,
            trace=trace,
            as_json=as_json,
        )


def shared_options(command: F) -> F:
    """Add the options that `Shared.of` takes."""
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
