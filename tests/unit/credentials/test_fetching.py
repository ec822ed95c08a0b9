"""Certificates by URL: what is asked for, and what never is."""

from __future__ import annotations

import pytest

from mikey.credentials import FetchCertificate, Purpose, Trust
from mikey.credentials.fetching import requests, resolve
from mikey.errors import PeerError
from mikey.registry import CertType, ErrorNumber
from mikey.wire import Cert
from tests.pki import NOW, authority, issue

URL = "http://example.org/alice.cer"


def by_url(url: str | bytes) -> Cert:
    return Cert(CertType.X509_URL, url if isinstance(url, bytes) else url.encode())


@pytest.mark.rule("R4738-3.8-1")
@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://example.org",
        "HTTP://Example.org:8080/a/b?c=d&e=%20",
        "http://192.0.2.1/x",
        "http://[2001:db8::1]:80/x",
        "https://example.org?x",
    ],
)
def test_urls_that_are_fetched(url: str) -> None:
    assert requests([by_url(url)]) == (FetchCertificate(url),)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "alice.cer",
        "//example.org/x",
        "ftp://example.org/a.cer",
        "file:///etc/passwd",
        "ldap://example.org/cn=alice",
        "gopher://example.org/x",
        "data:application/pkix-cert;base64,AAAA",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http:example.org",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org/#part",
        "http://example.org/a b",
        "http://example.org/a\r\nX: y",
        "http://example.org/\0",
        "http://example.org\\@evil.org/",
        "http://example.org:port/",
        "http://example.org:999999/",
        "http://example.org/%zz",
        " http://example.org/",
        "http://example.org/\n",
        "http://example.org/" + "a" * 2048,
    ],
)
def test_urls_that_are_not(url: str) -> None:
    with pytest.raises(PeerError) as caught:
        requests([by_url(url)])
    assert caught.value.number is ErrorNumber.INVALID_CERT


@pytest.mark.parametrize("octets", [b"http://example.org/\xff", "http://exämple.org/".encode()])
def test_urls_are_ascii(octets: bytes) -> None:
    with pytest.raises(PeerError, match="ASCII"):
        requests([by_url(octets)])


def test_each_url_once_and_four_at_most() -> None:
    urls = [f"http://example.org/{i}" for i in range(5)]
    four = [by_url(url) for url in urls[:4]]
    assert requests([*four, *four]) == tuple(FetchCertificate(url) for url in urls[:4])
    with pytest.raises(PeerError, match="more than 4"):
        requests(by_url(url) for url in urls)
    assert requests([Cert(CertType.X509, b"")]) == ()


def test_answers_take_the_places_of_their_urls() -> None:
    root = authority("root")
    leaf = issue(root, "alice", uris=["sip:alice@example.org"])
    certs = (by_url(URL), Cert(CertType.X509, root.der), by_url("http://example.org/other"))
    resolved = resolve(certs, {URL: leaf.der})
    assert resolved == (Cert(CertType.X509, leaf.der), *certs[1:])
    trust = Trust([root.der])
    purposes: tuple[Purpose, ...] = ("sign", "encrypt")
    for purpose in purposes:
        found = trust.verify(resolved[:2], now=NOW, purpose=purpose)
        assert found.der == leaf.der
    with pytest.raises(PeerError, match="by URL is not there"):
        trust.verify(resolved, now=NOW)
    with pytest.raises(PeerError, match="16384"):
        trust.verify(resolve(certs[:1], {URL: bytes(1 << 20)}), now=NOW)
