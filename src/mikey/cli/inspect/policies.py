"""The fields of a security policy, its parameters in words (RFC 3830 6.10, RFC 4442 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mikey.cli.inspect.fields import Layout
from mikey.registry import ProtType, SrtpAuth, SrtpEncr, SrtpParam, SrtpPrf, TeslaParam
from mikey.wire import Sp, SpParam


def describe_sp(layout: Layout, sp: Sp) -> None:
    """Lay out a policy; each parameter is a field of three: Type, Length, Value."""
    layout.integer("Policy no", 1, sp.policy_no)
    layout.integer("Prot type", 1, sp.prot_type)
    layout.integer("Policy param length", 2, sum(2 + len(param.value) for param in sp.params))
    for param in sp.params:
        layout.group("Policy param", partial(_param, param, sp.prot_type), _meaning(param, sp))


def _param(param: SpParam, prot_type: ProtType, layout: Layout) -> None:
    layout.integer("Type", 1, param.param, _param_label(param, prot_type))
    layout.counted("Value", 1, "Length", param.value)


def _param_label(param: SpParam, prot_type: ProtType) -> str:
    if prot_type is ProtType.SRTP:
        return SrtpParam(param.param).label
    if prot_type is ProtType.TESLA:
        return TeslaParam(param.param).label
    return ""


_SRTP_VALUES: dict[int, Callable[[int], str]] = {
    SrtpParam.ENCR_ALG: lambda value: SrtpEncr(value).label,
    SrtpParam.AUTH_ALG: lambda value: SrtpAuth(value).label,
    SrtpParam.SRTP_AUTH_ALG: lambda value: SrtpAuth(value).label,
    SrtpParam.SRTCP_AUTH_ALG: lambda value: SrtpAuth(value).label,
    SrtpParam.SRTP_PRF: lambda value: SrtpPrf(value).label,
    SrtpParam.SRTP_ENCRYPTION: lambda value: "on" if value else "off",
    SrtpParam.SRTCP_ENCRYPTION: lambda value: "on" if value else "off",
    SrtpParam.SRTP_AUTHENTICATION: lambda value: "on" if value else "off",
}


def _meaning(param: SpParam, sp: Sp) -> str:
    """Return a parameter in words: "AUTH-TAG-LEN 10"."""
    label = _param_label(param, sp.prot_type) or f"type {param.param}"
    value = int.from_bytes(param.value)
    if not 1 <= len(param.value) <= 4:
        return label
    name = None
    if sp.prot_type is ProtType.SRTP and value <= 0xFF:
        name = _SRTP_VALUES.get(param.param)
    return f"{label} {name(value) if name else value}"
