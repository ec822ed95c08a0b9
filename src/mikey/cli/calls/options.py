"""The options that `call` and `answer` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mikey.policy import SrtpPolicy

__all__ = ["HostPort", "host_port", "policies", "shared_options"]

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
        host, colon, port = str(value).rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return HostPort(host.strip("[]"), int(port))


host_port = HostPortType()


def policies(names: tuple[str, ...]) -> tuple[SrtpPolicy, ...]:
    """The SRTP policies of `--policy` options, in their order."""
    return tuple(SrtpPolicy.named(name) for name in dict.fromkeys(names))


def shared_options(command: F) -> F:
    """Add the options of both sides of a call."""
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
            "--psk-file",
            metavar="FILE",
            required=True,
            help="Pre-shared keys, one 'identity key' per line; only its owner may read it.",
        ),
    ):
        command = option(command)
    return command
