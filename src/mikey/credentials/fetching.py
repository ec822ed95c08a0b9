"""Certificates by URL (cert type 1; RFC 3830 6.7, RFC 4738 3.8).

Nothing here fetches. `requests` names what is missing, the exchange hands each as the request of
a `Step` to the caller, and `resolve` puts the answers in place of the URLs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mikey.credentials.public_key import unacceptable
from mikey.registry import CertType
from mikey.wire import Cert

MOST_URLS = 4
"""URLs in one message: each costs its receiver a connection, and nobody has signed it yet."""

MOST_URL_OCTETS = 2048

# RFC 3986 with a host; no user part, so that no credentials of ours nor theirs can be meant.
_URL = re.compile(
    r"(?:http|https)://"
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?"
    r"(?:[/?](?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FetchCertificate:
    """The request of a Step: get the certificate at `url`, answer with its DER octets.

    The URL comes from a message that nobody has authenticated yet. It is http or https with a
    host and without user or fragment; where it leads is the caller's to judge
    (`mikey.aio.fetch_certificate` does, with limits). The answer is `bytes`
    (application/pkix-cert). Raises PeerError (8) for another kind of URL.
    """

    url: str

    def __post_init__(self) -> None:
        if len(self.url) > MOST_URL_OCTETS or not _URL.fullmatch(self.url):
            raise unacceptable("the URL of a certificate is not one that is fetched")


def requests(certs: Iterable[Cert]) -> tuple[FetchCertificate, ...]:
    """Return what is to be fetched for these CERT payloads, each URL once, in their order.

    Raises PeerError (8) for more than 4 URLs, and for one that is not plain http or https.
    """
    found: dict[str, FetchCertificate] = {}
    for cert in certs:
        if cert.cert_type is CertType.X509_URL:
            url = _text(cert)
            found.setdefault(url, FetchCertificate(url))
    if len(found) > MOST_URLS:
        raise unacceptable(f"more than {MOST_URLS} certificates are to be fetched")
    return tuple(found.values())


def resolve(certs: Iterable[Cert], answers: Mapping[str, bytes]) -> tuple[Cert, ...]:
    """Return the payloads with the certificates in place of their URLs.

    A URL without an answer stays; `Trust.verify` refuses it.
    """
    if not answers:
        return tuple(certs)
    return tuple(
        Cert(CertType.X509, answers[url])
        if cert.cert_type is CertType.X509_URL and (url := _text(cert)) in answers
        else cert
        for cert in certs
    )


def _text(cert: Cert) -> str:
    try:
        return cert.data.decode("ascii")
    except UnicodeDecodeError:
        raise unacceptable("the URL of a certificate is not ASCII") from None
