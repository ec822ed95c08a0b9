"""How an Initiator makes its messages: method, algorithms, keys (RFC 3830 4.2, 6.2, 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from mikey.credentials import ANY, Certified, NoKey, Psk, Sakke
from mikey.crypto import check_prf
from mikey.errors import LocalError, PeerError
from mikey.methods._common.message_keys import check_encr, check_mac_alg
from mikey.methods.sakke import SSV_OCTETS
from mikey.policy import Compat, SrtpPolicy
from mikey.registry import CacheType, DhGroup, EncrAlg, KeyType, MacAlg, MapType, PrfFunc
from mikey.secret import Secret
from mikey.session.bundle import Credential
from mikey.session.keys import check_keys, make_key
from mikey.session.method import Method
from mikey.wire import KeyData, KvNull, KvSpi, Validity

_SENT = (KeyType.TGK, KeyType.TGK_SALT, KeyType.TEK_SALT, KeyType.TEK)
_CERTIFIED = (Method.PKE, Method.DH_SIGN, Method.RSA_R)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the caller of an Initiator chose, checked; the names are those of its arguments."""

    method: Method
    policies: tuple[SrtpPolicy, ...]
    prf: PrfFunc
    encr: EncrAlg
    mac: MacAlg
    key_type: KeyType
    mki_length: int
    dh_group: DhGroup
    cache: CacheType
    map_type: MapType

    @classmethod
    def checked(
        cls,
        credential: Credential,
        *,
        method: Method | None,
        policies: Sequence[SrtpPolicy],
        prf: PrfFunc,
        encr: EncrAlg,
        mac: MacAlg,
        key_type: KeyType | None,
        mki_length: int | None,
        dh_group: DhGroup,
        cache: CacheType,
        map_type: MapType | None,
    ) -> Self:
        """Return the options; raises LocalError for what no message can be made with."""
        method = _fitting(credential, method)
        _check_names(credential, method)
        if not policies:
            raise LocalError("an Initiator offers at least one SRTP policy")
        if not all(isinstance(policy, SrtpPolicy) for policy in policies):
            raise LocalError("a policy is a SrtpPolicy, such as SrtpPolicy.named(name)")
        null = isinstance(credential, NoKey)
        wrapped = method is Method.PKE and encr is EncrAlg.AES_KW_128
        if mac is MacAlg.NULL and not null and not wrapped:
            raise LocalError("a message has a MAC")
        compat = credential.compat
        key_type = compat.key_type if key_type is None else key_type
        mki_length = compat.mki_length if mki_length is None else mki_length
        if method is Method.SAKKE:
            map_type, mki_length = _sakke_map(map_type, mki_length)
            if key_type is not KeyType.TGK:
                raise LocalError("SAKKE brings a TGK")
        elif map_type not in (None, MapType.SRTP_ID):
            raise LocalError("the map of this method is SRTP-ID")
        if not 0 <= mki_length <= 0xFF:
            raise LocalError("an MKI has at most 255 octets")
        if key_type not in _SENT:
            raise LocalError(f"a key is sent as TGK, TGK+SALT or TEK+SALT, not {key_type.label}")
        _check_tek(key_type, compat)
        with our_fault():
            check_encr(encr)
            check_mac_alg(mac)
            check_prf(prf)
        return cls(
            method=method,
            policies=tuple(policies),
            prf=prf,
            encr=EncrAlg.NULL if null else encr,
            mac=MacAlg.NULL if null else mac,
            key_type=key_type,
            mki_length=mki_length,
            dh_group=dh_group,
            cache=cache,
            map_type=MapType.SRTP_ID if map_type is None else map_type,
        )

    def make_keys(
        self, policies: Iterable[SrtpPolicy], count: int, random: Callable[[int], bytes]
    ) -> tuple[KeyData, ...]:
        """Return a fresh key, number `count` of its CSB, that suits the policies.

        In SAKKE it has the length that the parameter set gives it (R6509-3.1-2).
        """
        if self.method is Method.SAKKE:
            return (KeyData(KeyType.TGK, Secret(random(SSV_OCTETS)), None, self.validity(count)),)
        return (make_key(self.key_type, policies, self.validity(count), random),)

    def validity(self, count: int) -> Validity:
        """Return the MKI of the key with this number, where keys have one."""
        length = self.mki_length
        return KvSpi((count % (1 << 8 * length)).to_bytes(length)) if length else KvNull()


class our_fault:  # noqa: N801 - a context manager, named as it is read
    """Turn an error that would be a peer's into ours: the caller gave the values."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PeerError):
            raise LocalError(str(error)) from None


def check_sent(material: tuple[KeyData, ...], compat: Compat) -> None:
    """Check keys that are to be sent; raises LocalError, PeerError (see `our_fault`)."""
    for key in material:
        _check_tek(key.key_type, compat)
    check_keys(material)


def _check_tek(kind: KeyType, compat: Compat) -> None:
    if kind is KeyType.TEK and not compat.tek_with_salt:
        raise LocalError("a TEK is sent with its salt (R3830-6.13-8)")


def _fitting(credential: Credential, method: Method | None) -> Method:
    # A name in its place would pass for the method that the credential has without a word.
    if method is not None and not isinstance(method, Method):
        raise LocalError("a method is a Method, such as Method.DH_SIGN")
    certified = isinstance(credential, Certified)
    if isinstance(credential, Sakke):
        if method not in (None, Method.SAKKE):
            raise LocalError(f"{method.value} needs another kind of credential")
        return Method.SAKKE
    if method is None:
        return Method.DH_SIGN if certified else Method.PSK
    if (method in _CERTIFIED) is not certified or method is Method.SAKKE:
        raise LocalError(f"{method.value} needs another kind of credential")
    if method is Method.DHHMAC and not isinstance(credential, Psk):
        raise LocalError("DHHMAC needs a pre-shared key")
    return method


def _check_names(credential: Credential, method: Method) -> None:
    unnamed = credential.peer == ANY and method not in (Method.DH_SIGN, Method.RSA_R)
    if credential.identity == ANY or unnamed:
        raise LocalError("an Initiator's credential names both parties")


def _sakke_map(kind: MapType | None, mki_length: int) -> tuple[MapType, int]:
    """Return the map of SAKKE messages, and the octets of the MKI, which needs GENERIC-ID.

    There an SPI is due (R6043-6.1.1-9): of one octet unless the caller wants more.
    """
    if kind in (None, MapType.GENERIC_ID):
        return MapType.GENERIC_ID, mki_length or 1
    if mki_length:
        raise LocalError("an MKI travels in a GENERIC-ID map")
    return kind, 0
