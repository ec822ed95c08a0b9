"""Check octets cut from MIKEY messages with the ``openssl`` command.

The messages are cut by the naive decoder. What the command refuses raises ``Refused``.
"""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.naive import crypto
from tests.naive.decode import CERT, DH_OCTETS, KEMAC, PKE, SIGN, Part, V, decode, one
from tests.peers import need

HASHES = ("sha1", "sha256", "sha384", "sha512")
_DIGESTS = {1: "sha1", 2: "sha256"}
_SIGNS, _DECRYPTS = (0, 2), (0, 3)


class Refused(Exception):  # noqa: N818
    """The openssl command says no; the text is what it printed."""


class Checked(NamedTuple):
    """What was found: the hash of the signature, the sender's certificate, the envelope key.

    None stands for what the message has not, or what could not be asked for.
    """

    hash: str | None = None
    leaf: bytes | None = None
    env_key: bytes | None = None
    keys: tuple[Part, ...] = ()


class Signature(NamedTuple):
    """A signature as it was cut: S type, its octets, and the octets before it."""

    s_type: int
    signature: bytes
    covered: bytes


def openssl_checks(
    octets: bytes, *,
    sender: bytes | None = None, recipient: RSAPrivateKey | None = None,
    anchors: Sequence[bytes] = (), crls: Sequence[bytes] = (), appended: bytes = b"",
    head: bool = True, rand: bytes | None = None, csb_id: int | None = None, oaep: bool = False,
) -> Checked:  # fmt: skip
    """Verify the signature, the chain and the envelope of one message of a signed method.

    ``sender`` is the signer's certificate in DER where the message has none; ``anchors`` ask for
    the chain from its CERT payloads to one of them, with ``crls`` also for its revocation;
    ``appended`` are octets signed but not sent (IDi || IDr || T in an RSA-R response), ``head``
    off is the other reading of its scope; ``recipient`` opens the envelope, and the KEMAC with
    it, for which ``rand`` and ``csb_id`` replace the message's. Raises Refused for whatever the
    command does not verify, ValueError for a KEMAC that the envelope key does not open.
    """
    parts = decode(octets)
    certs = [(p.fields["cert_type"], p.fields["data"]) for p in parts if p.type == CERT]
    candidates = [der for kind, der in certs if kind in _SIGNS] if sender is None else [sender]
    leaf, hash_name = _leaf(octets, candidates, appended, head)
    if anchors:
        verify_chain(leaf, [der for kind, der in certs if kind != 1], anchors, crls=crls)
    if recipient is None or not any(part.type == PKE for part in parts):
        return Checked(hash_name, leaf)
    env_key = open_envelope(octets, recipient, oaep=oaep)
    keys: tuple[Part, ...] = ()
    if any(part.type == KEMAC for part in parts):
        keys = (*crypto.kemac_parts(octets, env_key, rand=rand, envelope=True, csb_id=csb_id),)
    return Checked(hash_name, leaf, env_key, keys)


def _leaf(
    octets: bytes, candidates: Sequence[bytes], appended: bytes, head: bool
) -> tuple[bytes, str]:
    """The leaf is the certificate whose key made the signature, wherever it stands."""
    for der in candidates:
        try:
            return der, verify_signature(octets, der, appended=appended, head=head)
        except Refused:
            continue
    raise Refused(f"none of {len(candidates)} certificates verifies the signature")


def cut_signature(octets: bytes) -> Signature:
    """Return the SIGN payload; what it covers ends behind its own two octets of head."""
    sign = one(decode(octets), SIGN)
    signature = sign.fields["signature"]
    return Signature(sign.fields["s_type"], signature, octets[: len(octets) - len(signature)])


def cut_certificates(octets: bytes, *, decrypting: bool = False) -> list[bytes]:
    """Return the certificates that may sign, or those to encrypt for, as they come."""
    kinds = _DECRYPTS if decrypting else _SIGNS
    found = [part.fields for part in decode(octets) if part.type == CERT]
    return [fields["data"] for fields in found if fields["cert_type"] in kinds]


def verify_signature(
    octets: bytes, certificate: bytes, *, appended: bytes = b"", head: bool = True
) -> str:
    """Return the name of the hash with which ``openssl dgst -verify`` takes the signature."""
    s_type, signature, covered = cut_signature(octets)
    if s_type not in (0, 1):
        raise Refused(f"S type {s_type} is not RSA")
    signed = (covered if head else covered[:-2]) + appended
    with _files(signature=signature, signed=signed, certificate=certificate) as path:
        public = _run("x509", "-inform", "DER", "-in", path["certificate"], "-noout", "-pubkey")
        Path(path["public"]).write_bytes(public)
        for name in HASHES:
            pss = ["rsa_padding_mode:pss", "rsa_pss_saltlen:digest", f"rsa_mgf1_md:{name}"]
            options = [word for option in pss if s_type for word in ("-sigopt", option)]
            try:
                _run("dgst", f"-{name}", *options, "-verify", path["public"],
                     "-signature", path["signature"], path["signed"])  # fmt: skip
            except Refused:
                continue
            return name
    raise Refused("no hash makes the signature right")


def open_envelope(octets: bytes, recipient: RSAPrivateKey, *, oaep: bool = False) -> bytes:
    """Return what ``openssl pkeyutl -decrypt`` finds in the PKE payload."""
    data = one(decode(octets), PKE).fields["data"]
    key = recipient.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    scheme = ["-pkeyopt", f"rsa_padding_mode:{'oaep' if oaep else 'pkcs1'}"]
    with _files(key=key, data=data) as path:
        return _run("pkeyutl", "-decrypt", "-inkey", path["key"], "-in", path["data"], *scheme)


def verify_chain(
    leaf: bytes, untrusted: Sequence[bytes], anchors: Sequence[bytes], *,
    crls: Sequence[bytes] = (), at: int | None = None,
) -> None:  # fmt: skip
    """Let ``openssl verify`` find the path; ``at`` is the time in seconds since 1970."""
    with _files(leaf=_pem(leaf), anchors=_pem(*anchors), untrusted=_pem(*untrusted)) as path:
        command = ["verify", "-no-CApath", "-no-CAstore", "-CAfile", path["anchors"]]
        command += ["-untrusted", path["untrusted"]] if untrusted else []
        command += [] if at is None else ["-attime", str(at)]
        for number, crl in enumerate(crls):
            file = Path(path["leaf"]).with_name(f"{number}.crl")
            file.write_bytes(crl)
            command += ["-CRLfile", str(file)]
        command += ["-crl_check"] if crls else []
        _run(*command, path["leaf"])


def verify_mac(octets: bytes, auth_key: bytes, appended: bytes = b"") -> None:
    """Compare the MAC at the end of a message (KEMAC or V) with that of ``openssl dgst -mac``."""
    last = decode(octets)[-1]
    if last.type not in (KEMAC, V):
        raise Refused("the message does not end in a MAC")
    alg, mac = (
        (last.fields["mac_alg"], last.fields["mac"])
        if last.type == KEMAC
        else (last.fields["auth_alg"], last.fields["ver_data"])
    )
    if alg not in _DIGESTS:
        raise Refused("the message has no MAC")
    _compare_mac(alg, auth_key, octets[: -len(mac)] + appended, mac)


def verify_envelope_mac(octets: bytes, auth_key: bytes) -> None:
    """The same for the KEMAC of a public-key method: itself alone, its Next payload as 0."""
    kemac = one(decode(octets), KEMAC)
    alg, mac = kemac.fields["mac_alg"], kemac.fields["mac"]
    if alg not in _DIGESTS:
        raise Refused("the KEMAC has no MAC")
    end = kemac.offset + kemac.length - len(mac)
    _compare_mac(alg, auth_key, b"\0" + octets[kemac.offset + 1 : end], mac)


def _compare_mac(alg: int, auth_key: bytes, covered: bytes, mac: bytes) -> None:
    with _files(covered=covered) as path:
        made = _run("dgst", f"-{_DIGESTS[alg]}", "-mac", "HMAC", "-macopt",
                    f"hexkey:{auth_key.hex()}", "-binary", path["covered"])  # fmt: skip
    if made != mac:
        raise Refused("the MAC is another")


def is_prime(number: int) -> bool:
    """Ask ``openssl prime``."""
    return b" is prime" in _run("prime", "-hex", f"{number:x}")


def derive(group: int, modulus: int, exponent: int, peer: bytes) -> bytes:
    """Return g^(xi*xr) of ``openssl pkeyutl -derive``, as long as the modulus."""
    parameters = _der(0x30, _integer(modulus) + _integer(2))
    kind = _der(0x30, bytes.fromhex("06092a864886f70d010301") + parameters)
    secret = _der(0x30, _integer(0) + kind + _der(4, _integer(exponent)))
    value = _integer(int.from_bytes(peer, "big"))
    public = _der(0x30, kind + _der(3, b"\0" + value))
    with _files(secret=secret, public=public) as path:
        shared = _run("pkeyutl", "-derive", "-keyform", "DER", "-inkey", path["secret"],
                      "-peerform", "DER", "-peerkey", path["public"],
                      "-pkeyopt", "dh_pad:1")  # fmt: skip
    if len(shared) != DH_OCTETS[group]:
        raise Refused(f"the shared secret has {len(shared)} octets")
    return shared


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _pem(*certificates: bytes) -> bytes:
    return "".join(map(ssl.DER_cert_to_PEM_cert, certificates)).encode()


@contextmanager
def _files(**contents: bytes) -> Iterator[dict[str, str]]:
    """Write each of the octets into a file of that name; the paths of others can be written."""
    with tempfile.TemporaryDirectory() as directory:
        for name, content in contents.items():
            Path(directory, name).write_bytes(content)
        names = [*contents, "public"]
        yield {name: str(Path(directory, name)) for name in names}


def _run(*arguments: str) -> bytes:
    done = subprocess.run([need("openssl"), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise Refused((done.stderr or done.stdout).decode(errors="replace").strip())
    return done.stdout
