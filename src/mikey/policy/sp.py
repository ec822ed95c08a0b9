"""From a received SP payload to an `SrtpPolicy` (RFC 3830 6.10, 4771 4, 7714 15)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import product
from math import prod

from mikey.errors import LocalError, PeerError, PolicyError, UnsupportedError
from mikey.policy.compat import Compat
from mikey.policy.srtp import SrtpPolicy
from mikey.registry import (
    ErrorNumber,
    FecOrder,
    ProtType,
    SrtpAuth,
    SrtpEncr,
    SrtpParam,
    SrtpPrf,
)
from mikey.wire import Sp, SpParam

_MOST_OPTIONS = 64

_PARAMS = {int(param): param for param in SrtpParam}
_ONE_OCTET = frozenset(
    {
        SrtpParam.ENCR_ALG,
        SrtpParam.AUTH_ALG,
        SrtpParam.SRTP_PRF,
        SrtpParam.FEC_ORDER,
        SrtpParam.SRTP_AUTH_ALG,
        SrtpParam.SRTCP_AUTH_ALG,
    }
)
_SWITCHES = frozenset(
    {SrtpParam.SRTP_ENCRYPTION, SrtpParam.SRTCP_ENCRYPTION, SrtpParam.SRTP_AUTHENTICATION}
)


def srtp_policy(sp: Sp, compat: Compat | None = None) -> SrtpPolicy:
    """Return the policy that `sp` states over the defaults of RFC 3711 (R3830-6.10.1-7).

    Raises UnsupportedError (9) for another security protocol and PolicyError (10) for a
    parameter, value or combination that is unknown or not built; nothing is dropped silently
    (R3830-6.10.1-11).
    """
    if sp.prot_type is not ProtType.SRTP:
        raise UnsupportedError(
            f"security protocol {sp.prot_type.label} is not supported",
            number=ErrorNumber.INVALID_SP,
        )
    if compat is None:
        return _srtp_policy(sp.params)
    return _srtp_policy(
        sp.params,
        tag_length_in_type_3=compat.tag_length_in_type_3,
        unknown_parameters=compat.unknown_parameters,
        short_srtcp_tag=compat.short_srtcp_tag,
    )


# Peers say the same few policies over and over.
@lru_cache(maxsize=64)
def _srtp_policy(
    params: tuple[SpParam, ...],
    *,
    tag_length_in_type_3: bool = False,
    unknown_parameters: bool = False,
    short_srtcp_tag: bool = False,
) -> SrtpPolicy:
    if unknown_parameters:
        params = tuple(item for item in params if item.param in _PARAMS)
    values = _values(params)
    if tag_length_in_type_3:
        _move_tag_length(values)
    encryption = SrtpEncr(values.pop(SrtpParam.ENCR_ALG, SrtpEncr.AES_CM))
    try:
        if encryption is SrtpEncr.AES_GCM:
            return _gcm_policy(values)
        policy = _classic_policy(encryption, values)
        return replace(policy, short_srtcp_tag=True) if short_srtcp_tag else policy
    except LocalError as fault:  # what no SrtpPolicy can be, and here the peer asked for it
        raise _refuse(str(fault).removeprefix("SRTP policy: ")) from None


def choices(sp: Sp) -> Iterator[Sp]:
    """Yield the SPs with one value per Type that `sp` leaves to choose from.

    A parameter that stands more than once names options (R3830-6.10.1-12). Nothing comes of a
    list of more than 64 combinations.
    """
    values: dict[int, list[SpParam]] = {}
    for item in sp.params:
        values.setdefault(item.param, []).append(item)
    if len(values) == len(sp.params):  # nothing is left to choose
        yield sp
    elif prod(map(len, values.values())) <= _MOST_OPTIONS:
        for params in product(*values.values()):
            yield Sp(sp.policy_no, sp.prot_type, params)


def alternatives(sp: Sp) -> tuple[SrtpPolicy, ...]:
    """Return every policy among the `choices`, as an Error message lists them.

    What is unknown or not built is left out.
    """
    policies = []
    for choice in choices(sp):
        with suppress(PeerError):
            policies.append(srtp_policy(choice))
    return tuple(dict.fromkeys(policies))


def _refuse(reason: str) -> PolicyError:
    return PolicyError(f"SRTP policy: {reason}", number=ErrorNumber.INVALID_SPPAR)


def _values(params: tuple[SpParam, ...]) -> dict[SrtpParam, int]:
    """Read the parameters: known, each once, with a value of a sensible width."""
    values: dict[SrtpParam, int] = {}
    for item in params:
        param = _PARAMS.get(item.param)
        if param is None:
            raise _refuse(f"parameter {item.param} is unknown")
        if param in values:  # R3830-6.10.1-12
            raise _refuse(f"parameter {param.label} stands twice")
        if not 1 <= len(item.value) <= 4 or (param in _ONE_OCTET and len(item.value) != 1):
            raise _refuse(f"parameter {param.label} has {len(item.value)} octets")
        value = int.from_bytes(item.value)
        if param in _SWITCHES and value > 1:
            raise _refuse(f"parameter {param.label} is neither off nor on")
        values[param] = value
    return values


def _move_tag_length(values: dict[SrtpParam, int]) -> None:
    """Undo GStreamer's habit: the tag's length stands where the key's belongs."""
    length = values.get(SrtpParam.SESSION_AUTH_KEY_LEN)
    if length in (4, 10):
        del values[SrtpParam.SESSION_AUTH_KEY_LEN]
        values.setdefault(SrtpParam.AUTH_TAG_LEN, length)


def _gcm_policy(values: dict[SrtpParam, int]) -> SrtpPolicy:
    """AES-GCM: the AEAD tag is the authentication, and HMAC beside it is refused (R7714-7.1-1)."""
    for param, allowed in (
        (SrtpParam.AEAD_AUTH_TAG_LEN, (16,)),
        (SrtpParam.AUTH_ALG, (SrtpAuth.NULL,)),
        (SrtpParam.AUTH_TAG_LEN, (0, 16)),
        (SrtpParam.SESSION_AUTH_KEY_LEN, (0, 20)),
        (SrtpParam.SRTP_ENCRYPTION, (1,)),  # R7714-8.2-1
        # 0 means "no separate tag" and 1 asks for none: the AEAD tag stays in both cases.
        (SrtpParam.SRTP_AUTHENTICATION, (0, 1)),
    ):
        value = values.pop(param, allowed[0])
        if value not in allowed:
            raise _refuse(f"{param.label} {value} does not fit AES-GCM")
    key_length = values.pop(SrtpParam.SESSION_ENCR_KEY_LEN, 16)
    salt_length = values.pop(SrtpParam.SESSION_SALT_KEY_LEN, 12)
    srtcp_encryption = bool(values.pop(SrtpParam.SRTCP_ENCRYPTION, 1))
    prf, rate, order, prefix = _common(values)
    return SrtpPolicy(
        encryption=SrtpEncr.AES_GCM,
        key_length=key_length,
        authentication=SrtpAuth.NULL,
        salt_length=salt_length,
        prf=prf,
        key_derivation_rate=rate,
        srtcp_encryption=srtcp_encryption,
        fec_order=order,
        tag_length=16,
        prefix_length=prefix,
    )


def _classic_policy(encryption: SrtpEncr, values: dict[SrtpParam, int]) -> SrtpPolicy:
    """Ciphers with separate authentication."""
    authentication = _authentication(values)
    srtp_tag, srtcp_tag = _tag_lengths(values, authentication)
    encr_key_length = values.pop(SrtpParam.SESSION_ENCR_KEY_LEN, 16)
    salt_length = values.pop(SrtpParam.SESSION_SALT_KEY_LEN, 14)
    srtp_encryption = bool(values.pop(SrtpParam.SRTP_ENCRYPTION, 1))
    srtcp_encryption = bool(values.pop(SrtpParam.SRTCP_ENCRYPTION, 1))
    srtp_authentication = bool(values.pop(SrtpParam.SRTP_AUTHENTICATION, 1))
    prf, rate, order, prefix = _common(values)
    return SrtpPolicy(
        encryption=encryption,
        key_length=encr_key_length,
        authentication=authentication,
        salt_length=salt_length,
        prf=prf,
        key_derivation_rate=rate,
        srtp_encryption=srtp_encryption,
        srtcp_encryption=srtcp_encryption,
        srtp_authentication=srtp_authentication,
        fec_order=order,
        tag_length=srtp_tag,
        prefix_length=prefix,
        srtcp_tag=srtcp_tag,
    )


def _authentication(values: dict[SrtpParam, int]) -> SrtpAuth:
    """Read how SRTP is authenticated; the RFC 4771 parameters beat the general ones."""
    general = SrtpAuth(values.pop(SrtpParam.AUTH_ALG, SrtpAuth.HMAC_SHA_1))
    authentication = SrtpAuth(values.pop(SrtpParam.SRTP_AUTH_ALG, general))
    srtcp_authentication = SrtpAuth(values.pop(SrtpParam.SRTCP_AUTH_ALG, SrtpAuth.HMAC_SHA_1))
    if not general.assigned:  # also where the special parameters leave it nothing to say
        raise _refuse(f"authentication {general.label} is unknown")
    # SRTCP is always authenticated (RFC 3711 3.4): NULL or RCC in the general one is SRTP's.
    if srtcp_authentication is not SrtpAuth.HMAC_SHA_1:
        raise _refuse(f"authentication {srtcp_authentication.label} does not fit SRTCP")
    key_length = values.pop(SrtpParam.SESSION_AUTH_KEY_LEN, 20)
    lengths = {
        values.pop(SrtpParam.SRTP_SESSION_AUTH_KEY_LEN, key_length),
        values.pop(SrtpParam.SRTCP_SESSION_AUTH_KEY_LEN, key_length),
    }
    # Without authentication there is no key to speak of: 0 says the same as 20.
    if authentication is SrtpAuth.NULL:
        lengths.discard(0)
    if lengths - {20}:
        raise _refuse("the authentication key has 20 octets")
    return authentication


def _tag_lengths(values: dict[SrtpParam, int], authentication: SrtpAuth) -> tuple[int, int]:
    """Read the octets of the tags of SRTP and SRTCP, the RFC 4771 parameters first as well."""
    tag_length = values.pop(SrtpParam.AUTH_TAG_LEN, None)
    srtp_tag = values.pop(SrtpParam.SRTP_AUTH_TAG_LEN, tag_length)
    if authentication is SrtpAuth.NULL and srtp_tag == 0:
        srtp_tag = None
    general_tag = 10 if tag_length is None else tag_length
    srtcp_tag = values.pop(SrtpParam.SRTCP_AUTH_TAG_LEN, max(general_tag, 10))
    return 10 if srtp_tag is None else srtp_tag, srtcp_tag


def _common(values: dict[SrtpParam, int]) -> tuple[SrtpPrf, int, FecOrder, int]:
    """Read what both kinds share, and refuse what is left over."""
    prf = SrtpPrf(values.pop(SrtpParam.SRTP_PRF, SrtpPrf.AES_CM))
    rate = values.pop(SrtpParam.KEY_DERIVATION_RATE, 0)
    order = FecOrder(values.pop(SrtpParam.FEC_ORDER, FecOrder.FEC_SRTP))
    prefix = values.pop(SrtpParam.SRTP_PREFIX_LEN, 0)
    for param in values:
        raise _refuse(f"parameter {param.label} is not supported here")
    return prf, rate, order, prefix
