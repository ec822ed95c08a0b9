"""SAKKE keys from the files that options name: who we are, and which KMSs we know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from mikey.credentials import ANY, Certified, Kms, Sakke, SakkeKeys
from mikey.credentials.sakke_file import load_keys, load_kms
from mikey.errors import LocalError, PeerError

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SakkeUser:
    """A user of a KMS: keys of one key period or more, and the public side of other KMSs."""

    identity: str
    keys: tuple[SakkeKeys, ...] = field(repr=False)
    domains: tuple[Kms, ...] = field(repr=False)

    @property
    def signs(self) -> bool:
        """Whether there is a signing key of each key period."""
        return all(keys.signing is not None for keys in self.keys)

    def credential(
        self,
        identity: str | None = None,
        peer: str = ANY,
        peer_kms: str | None = None,
        signer: Certified | None = None,
    ) -> Sakke:
        """Return the credential to talk to `peer` of `peer_kms` with.

        Raises LocalError for another `identity` than the keys are of, a peer that is no identity
        of the scheme, and a KMS that no file describes.
        """
        if identity is not None and self.normal(identity) != self.identity:
            raise LocalError(f"the SAKKE keys are of {self.identity}, not of {identity}")
        if peer != ANY:
            peer = self.normal(peer)
        credential = Sakke(
            identity=self.identity,
            peer=peer,
            keys=self.keys,
            domains=self.domains,
            peer_kms=peer_kms,
            signer=signer,
        )
        if peer_kms is not None and all(kms.uri != peer_kms for kms in credential.known()):
            raise LocalError(f"no file describes the KMS {peer_kms} (--kms FILE)")
        return credential

    def normal(self, name: str) -> str:
        """Return an identity as identifiers have it; LocalError for what is none."""
        try:
            return self.keys[0].kms.scheme.normal(name)
        except PeerError as error:
            raise LocalError(f"{name}: {error.reason}") from None


def load_user(keys: tuple[str, ...], kms: tuple[str, ...]) -> SakkeUser | None:
    """Read the files of --sakke-keys and --kms; None without any.

    A KMS that the keys' own files describe may be given again. Raises LocalError.
    """
    if not keys:
        if kms:
            raise LocalError("--kms says whom to believe; who we are is in --sakke-keys")
        return None
    user = load_keys(*keys)
    return SakkeUser(user.identity, user.keys, load_domains(kms, (k.kms for k in user.keys)))


def load_domains(paths: tuple[str, ...], known: Iterable[Kms] = ()) -> tuple[Kms, ...]:
    """Read the public keys of KMSs that are not `known`, each once.

    Raises LocalError for a file that cannot be used, or that has other keys of a KMS than another.
    """
    seen = {(kms.uri, kms.scheme.number): kms for kms in known}
    domains = []
    for path in paths:
        kms = load_kms(path)
        before = seen.setdefault((kms.uri, kms.scheme.number), kms)
        if before is kms:
            domains.append(kms)
        elif not same_keys(kms, before):
            raise LocalError(f"{path}: has other public keys of {kms.uri} than another file")
    return tuple(domains)


def same_keys(one: Kms, other: Kms) -> bool:
    """Tell whether two have the same public keys and make identifiers in the same way."""
    return (one.uri, one.scheme, one.sakke.octets, one.eccsi.octets) == (
        other.uri,
        other.scheme,
        other.sakke.octets,
        other.eccsi.octets,
    )


def sakke_options(command: F) -> F:
    """Add --sakke-keys and --kms."""
    for option in (
        click.option(
            "--kms",
            "kms_files",
            metavar="FILE",
            multiple=True,
            help="SAKKE: the public keys of another KMS, whose users to call and to believe.",
        ),
        click.option(
            "--sakke-keys",
            "sakke_files",
            metavar="FILE",
            multiple=True,
            help="SAKKE: our keys from a KMS, of one key period a file; only its owner may read "
            "it.",
        ),
    ):
        command = option(command)
    return command
