"""SRTP policies and their form as SP payload (RFC 3830 6.10.1, 3711 8.2, 6188, 7714 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import ClassVar

from mikey.errors import LocalError
from mikey.registry import FecOrder, ProtType, SrtpAuth, SrtpEncr, SrtpParam, SrtpPrf
from mikey.values import quick_init
from mikey.wire import Sp, SpParam

_GCM = SrtpEncr.AES_GCM
_LEAST_SRTCP_TAG = 10  # R3711-5.2-1: SRTCP is never authenticated with less than 80 bits
_LARGEST_RATE = 1 << 24  # RFC 3711 4.3.1


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class SrtpPolicy:
    """How the packets of a crypto session are protected; the defaults are RFC 3711's.

    Lengths are octets. `key_length` is that of the master key (TEK) and of the session
    encryption key alike (R3830-6.10.1-8). `salt_length` is the session salt's. `tag_length`
    is the SRTP tag's, `srtcp_tag` overrides that of SRTCP, which otherwise is the same but
    never below 10; `short_srtcp_tag` lets it be, for peers that do not keep to RFC 3711 5.2.
    `key_derivation_rate` is the rate itself: 0 or a power of two. LocalError for
    what is not built or does not fit together.
    """

    AES_CM_128_HMAC_SHA1_80: ClassVar[SrtpPolicy]
    AES_CM_128_HMAC_SHA1_32: ClassVar[SrtpPolicy]
    AES_192_CM_HMAC_SHA1_80: ClassVar[SrtpPolicy]
    AES_192_CM_HMAC_SHA1_32: ClassVar[SrtpPolicy]
    AES_256_CM_HMAC_SHA1_80: ClassVar[SrtpPolicy]
    AES_256_CM_HMAC_SHA1_32: ClassVar[SrtpPolicy]
    F8_128_HMAC_SHA1_80: ClassVar[SrtpPolicy]
    NULL_HMAC_SHA1_80: ClassVar[SrtpPolicy]
    AEAD_AES_128_GCM: ClassVar[SrtpPolicy]
    AEAD_AES_256_GCM: ClassVar[SrtpPolicy]

    encryption: SrtpEncr = SrtpEncr.AES_CM
    key_length: int = 16
    authentication: SrtpAuth = SrtpAuth.HMAC_SHA_1
    auth_key_length: int = 20
    salt_length: int = 14
    prf: SrtpPrf = SrtpPrf.AES_CM
    key_derivation_rate: int = 0
    srtp_encryption: bool = True
    srtcp_encryption: bool = True
    srtp_authentication: bool = True
    fec_order: FecOrder = FecOrder.FEC_SRTP
    tag_length: int = 10
    prefix_length: int = 0
    srtcp_tag: int | None = None
    short_srtcp_tag: bool = False

    def __post_init__(self) -> None:
        reason = self._fault() or (
            self._aead_fault() if self.is_aead else self._authentication_fault()
        )
        if reason is not None:
            raise LocalError(f"SRTP policy: {reason}")
        # One form for one meaning: what overrides stands only where it changes something.
        if self.is_aead or self.srtcp_tag is not None or self.tag_length >= _LEAST_SRTCP_TAG:
            object.__setattr__(self, "short_srtcp_tag", False)
        if self.srtcp_tag == self._srtcp_tag_by_default:
            object.__setattr__(self, "srtcp_tag", None)

    def _fault(self) -> str | None:
        """Say what no implementation here could run, None for what is usable."""
        rate = self.key_derivation_rate
        if self.encryption not in _KEY_LENGTHS:
            return f"encryption {self.encryption.label} is not built"
        if self.key_length not in _KEY_LENGTHS[self.encryption]:
            return f"a key of {self.key_length} octets does not fit {self.encryption.label}"
        if self.prf is not SrtpPrf.AES_CM:
            return f"key derivation {self.prf.label} is not built"
        if self.fec_order is not FecOrder.FEC_SRTP:
            return f"FEC order {self.fec_order.label} is not built"
        if self.prefix_length != 0:
            return "an SRTP prefix is not built"
        if self.salt_length != self.master_salt_length:
            return f"a salt of {self.salt_length} octets does not fit {self.encryption.label}"
        if not 0 <= rate <= _LARGEST_RATE or rate & (rate - 1):
            return f"key derivation rate {rate} is neither 0 nor a power of two up to 2^24"
        return None

    def _aead_fault(self) -> str | None:
        if self.authentication is not SrtpAuth.NULL:
            return "an AEAD cipher takes no separate authentication (RFC 7714 7.1)"
        if not self.srtp_encryption:
            return "an AEAD cipher always encrypts SRTP (RFC 7714 8.2)"
        if self.tag_length != 16 or self.srtcp_tag not in (None, 16):
            return "the AEAD tag has 16 octets"
        return None

    def _authentication_fault(self) -> str | None:
        if self.authentication not in (SrtpAuth.NULL, SrtpAuth.HMAC_SHA_1):
            return f"authentication {self.authentication.label} is not built"
        if self.auth_key_length != 20:
            return "the authentication key has 20 octets"
        if not 4 <= self.tag_length <= 20:
            return "the tag has 4 to 20 octets"
        if self.srtcp_tag is not None and not _LEAST_SRTCP_TAG <= self.srtcp_tag <= 20:
            return "the SRTCP tag has 10 to 20 octets (RFC 3711 5.2)"
        return None

    @property
    def is_aead(self) -> bool:
        """Whether the cipher authenticates by itself (AES-GCM)."""
        return self.encryption is _GCM

    @property
    def master_salt_length(self) -> int:
        """Octets of the master salt: 14, or 12 for AES-GCM (R3830-6.10.1-13)."""
        return 12 if self.is_aead else 14

    @property
    def srtp_tag_length(self) -> int:
        """Octets that the tag adds to an SRTP packet; 0 where it is not authenticated."""
        if self.is_aead:
            return 16
        authenticated = self.srtp_authentication and self.authentication is not SrtpAuth.NULL
        return self.tag_length if authenticated else 0

    @property
    def srtcp_tag_length(self) -> int:
        """Octets of the SRTCP tag: at least 10, and there whatever SRTP has (RFC 3711 5.2)."""
        return self._srtcp_tag_by_default if self.srtcp_tag is None else self.srtcp_tag

    @property
    def _srtcp_tag_by_default(self) -> int:
        if self.short_srtcp_tag:
            return self.tag_length
        return max(self.tag_length, _LEAST_SRTCP_TAG)

    @property
    def is_weak(self) -> bool:
        """Whether SRTP or SRTCP go unencrypted, or SRTP unauthenticated."""
        return (
            self.encryption is SrtpEncr.NULL
            or not (self.srtp_encryption and self.srtcp_encryption)
            or self.srtp_tag_length == 0
        )

    @property
    def name(self) -> str:
        """The name of a preset, else a description of the same kind."""
        usual = replace(self, short_srtcp_tag=False) if self.short_srtcp_tag else self
        for name, preset in SrtpPolicy.presets().items():
            if preset == usual:
                return name
        tag = self.srtp_tag_length * 8
        parts = [f"{self.encryption.label}/{self.key_length * 8}/tag {tag}"]
        if self.srtcp_tag is not None:
            parts.append(f"SRTCP tag {self.srtcp_tag * 8}")
        if self.key_derivation_rate:
            parts.append(f"rate {self.key_derivation_rate}")
        if not self.srtp_encryption:
            parts.append("SRTP in clear")
        if not self.srtcp_encryption:
            parts.append("SRTCP in clear")
        return ", ".join(parts)

    @classmethod
    def presets(cls) -> Mapping[str, SrtpPolicy]:
        """Return the named policies, strongest habit first."""
        return _PRESETS

    @classmethod
    def named(cls, name: str) -> SrtpPolicy:
        """Return the preset of that name; LocalError lists the names if there is none."""
        try:
            return _PRESETS[name]
        except KeyError:
            known = ", ".join(_PRESETS)
            raise LocalError(f"no SRTP policy is named {name!r}; known: {known}") from None

    def to_sp(self, policy_no: int) -> Sp:
        """Return the SP payload that says all of this policy (RFC 3830 6.10.1)."""
        return Sp(policy_no, ProtType.SRTP, _params(self))


@lru_cache(maxsize=64)
def _params(policy: SrtpPolicy) -> tuple[SpParam, ...]:
    """Return the parameters of an SP payload; a program offers the same few policies always."""
    values: dict[SrtpParam, int] = {
        SrtpParam.ENCR_ALG: policy.encryption,
        SrtpParam.SESSION_ENCR_KEY_LEN: policy.key_length,
        SrtpParam.AUTH_ALG: policy.authentication,
    }
    if not policy.is_aead:
        values[SrtpParam.SESSION_AUTH_KEY_LEN] = policy.auth_key_length
    values[SrtpParam.SESSION_SALT_KEY_LEN] = policy.salt_length
    values[SrtpParam.SRTP_PRF] = policy.prf
    if policy.key_derivation_rate:
        values[SrtpParam.KEY_DERIVATION_RATE] = policy.key_derivation_rate
    values[SrtpParam.SRTP_ENCRYPTION] = policy.srtp_encryption
    values[SrtpParam.SRTCP_ENCRYPTION] = policy.srtcp_encryption
    if policy.is_aead:
        values[SrtpParam.AEAD_AUTH_TAG_LEN] = policy.tag_length
    else:
        values[SrtpParam.SRTP_AUTHENTICATION] = policy.srtp_authentication
        values[SrtpParam.AUTH_TAG_LEN] = policy.tag_length
    if policy.srtcp_tag is not None:
        values[SrtpParam.SRTCP_AUTH_TAG_LEN] = policy.srtcp_tag
    return tuple(
        SpParam(int(param), value.to_bytes(max(1, (value.bit_length() + 7) // 8)))
        for param, value in values.items()
    )


_KEY_LENGTHS: Mapping[SrtpEncr, tuple[int, ...]] = MappingProxyType(
    {
        SrtpEncr.NULL: (16, 24, 32),
        SrtpEncr.AES_CM: (16, 24, 32),
        SrtpEncr.AES_F8: (16,),
        SrtpEncr.AES_GCM: (16, 32),
    }
)


def _gcm(key_length: int) -> SrtpPolicy:
    return SrtpPolicy(
        encryption=SrtpEncr.AES_GCM,
        key_length=key_length,
        authentication=SrtpAuth.NULL,
        salt_length=12,
        tag_length=16,
    )


_PRESETS: Mapping[str, SrtpPolicy] = MappingProxyType(
    {
        "AES_CM_128_HMAC_SHA1_80": SrtpPolicy(),
        "AES_CM_128_HMAC_SHA1_32": SrtpPolicy(tag_length=4),
        "AES_192_CM_HMAC_SHA1_80": SrtpPolicy(key_length=24),
        "AES_192_CM_HMAC_SHA1_32": SrtpPolicy(key_length=24, tag_length=4),
        "AES_256_CM_HMAC_SHA1_80": SrtpPolicy(key_length=32),
        "AES_256_CM_HMAC_SHA1_32": SrtpPolicy(key_length=32, tag_length=4),
        "F8_128_HMAC_SHA1_80": SrtpPolicy(encryption=SrtpEncr.AES_F8),
        "NULL_HMAC_SHA1_80": SrtpPolicy(encryption=SrtpEncr.NULL),
        "AEAD_AES_128_GCM": _gcm(16),
        "AEAD_AES_256_GCM": _gcm(32),
    }
)

for _name, _preset in _PRESETS.items():
    setattr(SrtpPolicy, _name, _preset)
