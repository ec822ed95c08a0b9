"""Types of the native module: what must be fast, in Rust (see rust/python)."""

from collections.abc import Sequence
from typing import Self

# SrtpEncr number, octets of the key, of the SRTP tag and of the SRTCP tag, key derivation rate,
# whether SRTP is encrypted, whether SRTCP is.
_Profile = tuple[int, int, int, int, int, bool, bool]
# Key, salt, MKI, first and last SRTP index (48 bits, both included; None: no bound).
_Key = tuple[bytes, bytes, bytes, int | None, int | None]

def aes_cm(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt or decrypt (RFC 3830 4.2.3); ValueError for a key or IV of another length."""

def mac(alg: int, key: bytes, octets: bytes) -> bytes:
    """Return the MAC (RFC 3830 4.2.4); `alg` as on the wire, ValueError if unknown or NULL."""

def prf(func: int, inkey: bytes, label: bytes, length: int) -> bytes:
    """Derive `length` octets (RFC 3830 4.1.2); `func` as on the wire, ValueError if unknown."""

def modp_modulus(group: int) -> bytes:
    """Return the modulus of a DH-Group (RFC 3830 6.4); ValueError if unknown, as below."""

def modp_generate(group: int, exponent: bytes) -> bytes:
    """Return 2 to `exponent` (32 octets) modulo the prime, in constant time, the GIL released."""

def modp_power(group: int, base: bytes, exponent: bytes) -> bytes:
    """Return `base` to `exponent` modulo the prime, in constant time, the GIL released.

    `base` has the length of the modulus, `exponent` any length; ValueError otherwise.
    """

def eccsi_public_key(master: bytes) -> bytes:
    """Return the KPAK (65 octets) of a KSAK (32 octets); ValueError, the GIL released, as below."""

def eccsi_make_pair(master: bytes, identifier: bytes, nonce: bytes) -> tuple[bytes, bytes]:
    """Return SSK (32 octets) and PVT (65) of an identifier; `nonce` is v (RFC 6507 5.1.1)."""

class EccsiPublicKey:
    """A KPAK with its tables, and a bounded memory of who signed under it."""

    def __new__(cls, kpak: bytes) -> Self: ...
    def verify(self, identifier: bytes, message: bytes, signature: bytes) -> None:
        """Verify a signature of 129 octets (RFC 6507 5.2.2); ValueError if it does not hold."""

class EccsiSigningKey:
    """An SSK that fits its PVT, identifier and KPAK (RFC 6507 5.1.2)."""

    def __new__(cls, kpak: bytes, identifier: bytes, ssk: bytes, pvt: bytes) -> Self: ...
    def sign(self, message: bytes, nonce: bytes) -> bytes:
        """Return a signature of 129 octets; `nonce` is j, of 32 octets (RFC 6507 5.2.1)."""

def sakke_public_key(master: bytes) -> bytes:
    """Return the KMS Public Key [z]P (RFC 6508 6.1), 257 octets: 04 || x || y.

    `master` has 128 octets, a number from 1 to q - 1; ValueError otherwise.
    """

def sakke_receiver_key(master: bytes, identifier: bytes, *, vectors: bool = True) -> bytes:
    """Return the Receiver Secret Key of an identifier (RFC 6508 6.1.1), 257 octets.

    `identifier` has 1 to 127 octets, as a number at least 2; ValueError otherwise, and if the
    identifier has no key with this master secret. Here and below, without `vectors` the work is
    done as on a processor that has none (`sakke_simd`), for benchmarks.
    """

def sakke_simd() -> str | None:
    """Return what this processor does eight parts of an operation, or eight, at once with."""

def sakke_field(operation: str, times: int) -> None:
    """Do a "product", "square", "reduction" or "inversion" of SAKKE's field, for benchmarks."""

class SakkePublicKey:
    """The public key of a KMS, which encapsulates (RFC 6508 6.2.1); it makes its tables once.

    ValueError unless `z` is a point of order q, 257 octets.
    """

    def __new__(cls, z: bytes) -> Self: ...
    def encapsulate(self, identifier: bytes, ssv: bytes, *, vectors: bool = True) -> bytes:
        """Return the Encapsulated Data, 273 octets, of an SSV of 16 octets for a receiver.

        ValueError for another length, or an identifier without a key. The GIL is released, and
        the time tells nothing of the SSV.
        """

    def encapsulate_many(self, identifiers: Sequence[bytes], ssv: bytes) -> list[bytes]:
        """Return the Encapsulated Data of one SSV for each receiver; faster than one by one."""

class SakkeReceiverKey:
    """A Receiver Secret Key, which decapsulates (RFC 6508 6.2.2); it makes its tables once.

    ValueError unless `rsk` is the key of the identifier with the KMS of public key `z`.
    """

    def __new__(cls, z: bytes, identifier: bytes, rsk: bytes) -> Self: ...
    def check(self) -> bool:
        """Validate the key again, with its tables."""

    def decapsulate(self, data: bytes, *, vectors: bool = True) -> bytes:
        """Return the SSV, 16 octets; ValueError with one text for whatever is wrong with `data`.

        The GIL is released, and the time tells nothing of the key or the SSV.
        """

    def decapsulate_many(self, data: Sequence[bytes]) -> list[bytes | None]:
        """Return the SSV of each, None where there is none; faster than one by one."""

class SrtpSender:
    """A one-way SRTP context that protects packets; base of `mikey.srtp.Sender`.

    `start` is the first ROC and the first SRTCP index, `lifetimes` the number of SRTP and of
    SRTCP packets per master key. `_rekey_needed()` is called once when fewer than `rekey_margin`
    packets remain.
    """

    def __new__(
        cls,
        profile: _Profile,
        keys: Sequence[_Key],
        ssrc: int,
        start: tuple[int, int],
        lifetimes: tuple[int, int],
        rekey_margin: int,
    ) -> Self: ...
    def protect(self, rtp: bytes) -> bytes:
        """Protect an RTP packet and return the SRTP packet (RFC 3711 3.3).

        The sequence numbers may come out of order, each once. LocalError if one was sent before,
        the SSRC is another one, the octets are no RTP packet, or no master key is left.
        """

    def protect_rtcp(self, rtcp: bytes) -> bytes:
        """Protect a compound RTCP packet and return the SRTCP packet (RFC 3711 3.4).

        LocalError as for `protect`; each packet takes the next SRTCP index.
        """

    def _install(self, keys: Sequence[_Key]) -> None: ...
    @property
    def ssrc(self) -> int:
        """The SSRC of all packets."""

    @property
    def roc(self) -> int:
        """The rollover counter of the highest SRTP packet so far."""

    @property
    def srtcp_index(self) -> int:
        """The index that the next SRTCP packet will have."""

    @property
    def packets(self) -> int:
        """The number of SRTP packets protected so far."""

    @property
    def packets_left(self) -> tuple[int, int]:
        """SRTP and SRTCP packets that can still be protected without new master keys."""

class SrtpReceiver:
    """A one-way SRTP context that checks and decrypts packets; base of `mikey.srtp.Receiver`.

    `start` are ROC and sequence number, `window` is the size of the replay list in packets,
    `lifetimes` the number of SRTP and of SRTCP packets per master key.
    """

    def __new__(
        cls,
        profile: _Profile,
        keys: Sequence[_Key],
        ssrc: int | None,
        start: tuple[int, int],
        window: int,
        lifetimes: tuple[int, int],
    ) -> Self: ...
    def unprotect(self, srtp: bytes) -> bytes:
        """Check an SRTP packet and return the RTP packet (RFC 3711 3.3).

        AuthenticationError for a wrong tag, ReplayError for a packet seen before or older than
        the window, DecodeError for octets that are no packet, PolicyError for another SSRC, an
        unknown MKI or a master key beyond its life. After an error all is as before.
        """

    def unprotect_rtcp(self, srtcp: bytes) -> bytes:
        """Check an SRTCP packet and return the compound RTCP packet (RFC 3711 3.4).

        Errors as for `unprotect`. Whether the packet is encrypted is said by its E flag.
        """

    def _install(self, keys: Sequence[_Key]) -> None: ...
    @property
    def ssrc(self) -> int | None:
        """The SSRC of the stream, None until the first authentic packet has told it."""

    @property
    def roc(self) -> int:
        """The rollover counter of the highest SRTP packet so far."""

    @property
    def verified(self) -> int:
        """The number of SRTP and SRTCP packets accepted."""

    @property
    def rejected(self) -> int:
        """The number of SRTP and SRTCP packets refused."""
