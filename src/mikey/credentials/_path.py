"""From an end entity to an anchor: by names first, then by signatures (RFC 5280 section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
)

from mikey.credentials.certificate import Parsed, moment
from mikey.credentials.public_key import unacceptable
from mikey.policy import SECOND
from mikey.text import plain

MOST_DEPTH = 8
"""Authorities between an end entity and its anchor."""

# What the verifier says where a certificate is out of its time, and where a signature is wrong.
_EXPIRED, _FORGED = "valid at validation time", "signature does not match"

MOST_OF_A_NAME = 2
"""Certificates of one authority in a chain: itself, and one across from another authority.

More of them multiply the ways that the verifier tries, each at the cost of a signature.
"""


def by_name(leaf: Parsed, others: Sequence[Parsed], anchors: Sequence[Parsed]) -> list[Parsed]:
    """Return the authorities on the way from `leaf` to an anchor, by the names of issuers alone.

    Raises PeerError (8) where no way leads to an anchor, before any public-key work.
    """
    if any(anchor.der == leaf.der for anchor in anchors):
        return []
    trusted = {anchor.certificate.subject for anchor in anchors}
    authorities: dict[x509.Name, dict[bytes, Parsed]] = {}
    for each in others:
        # Roots that were sent along prove nothing: ours are the anchors.
        if each.is_ca and not each.self_issued:
            authorities.setdefault(each.certificate.subject, {})[each.der] = each
    found: list[Parsed] = []
    reached = False
    seen: set[x509.Name] = set()
    wanted = [leaf.certificate.issuer]
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        reached = reached or name in trusted
        named = authorities.get(name, {})
        if len(named) > MOST_OF_A_NAME:
            raise unacceptable("an authority has too many certificates in the message")
        for authority in named.values():
            found.append(authority)
            wanted.append(authority.certificate.issuer)
    if not reached:
        raise unacceptable("the certificate's issuer is not known here")
    return found


def verify(
    leaf: Parsed, helpers: Sequence[Parsed], anchors: Sequence[Parsed], at: datetime
) -> list[Parsed]:
    """Return the verified chain, `leaf` first and the anchor last.

    Checks signatures, times, basicConstraints, path lengths, names constraints and keyUsage of
    authorities. Raises PeerError (8).
    """
    verifier = (
        PolicyBuilder()
        .store(Store([anchor.certificate for anchor in anchors]))
        .time(at)
        .max_chain_depth(MOST_DEPTH)
        .extension_policies(ca_policy=_authorities(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(leaf.certificate, [each.certificate for each in helpers]).chain
    except Exception as error:  # the verifier's own kinds, and those of the parser behind it
        reason = _untimely((leaf, *helpers, *anchors), at) if _EXPIRED in str(error) else None
        reason = reason or _reason(error)
        raise unacceptable(f"the certificate is not trusted: {reason}") from None
    known = {each.certificate: each for each in (*anchors, *helpers, leaf)}
    return [known[certificate] for certificate in chain]


def _authorities() -> ExtensionPolicy:
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    )


def _signs_certificates(
    policy: Policy,  # noqa: ARG001 - the verifier's signature
    certificate: x509.Certificate,  # noqa: ARG001
    usage: x509.KeyUsage | None,
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an authority may not sign certificates")


def _untimely(chain: Sequence[Parsed], at: datetime) -> str | None:
    """Return which of some certificates is out of its time, the end entity's before others."""
    now, form = int(at.timestamp()) * SECOND, "%Y-%m-%d %H:%M UTC"
    for number, each in enumerate(chain):
        which = "that of an authority" if number else "it"
        if now > each.not_after:
            return f"not valid at this time, {which} expired at {moment(each.not_after):{form}}"
        if now < each.not_before:
            return f"not valid at this time, {which} begins at {moment(each.not_before):{form}}"
    return None


def _reason(error: Exception) -> str:
    """Return one line of what the verifier says; names in certificates are the peer's words."""
    if _FORGED in str(error):
        return "no authority that is known signed it, though one has the issuer's name"
    text = str(error).partition(" (encountered processing")[0]
    return plain(text)[:200]
