from __future__ import annotations

import itertools

import pytest

from mikey.carriage.rtsp import Guard, Headers, Login, Request, Response, UnauthorizedError
from mikey.carriage.rtsp._digest import Digest
from mikey.errors import CarriageError, LocalError
from mikey.policy import SECOND
from mikey.secret import Secret

URI = "rtsp://camera/stream"
WORD = Secret(b"Circle of Life")
NOW = 1_782_000_000 * SECOND


def counting() -> object:
    numbers = itertools.count(1)
    return lambda length: next(numbers).to_bytes(length)


def guard(**options: object) -> Guard:
    users = {"Mufasa": WORD, "Jürgen": Secret("wörd".encode())}
    return Guard("camera", users, random=counting(), **options)  # type: ignore[arg-type]


def login(user: str = "Mufasa", word: Secret = WORD, *, secure: bool = False) -> Login:
    return Login(user, word, secure=secure, random=counting())  # type: ignore[arg-type]


def refused(*challenges: str) -> Response:
    return Response(401, headers=Headers([("WWW-Authenticate", c) for c in challenges]))


def request(method: str = "DESCRIBE", uri: str = URI) -> Request:
    return Request(method, uri, headers=Headers({"CSeq": "1"}))


# RFC 7616 3.9.1
@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(algorithm: str, response: str) -> None:
    digest = Digest(
        algorithm=algorithm,
        user="Mufasa",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        method="GET",
        uri="/dir/index.html",
        qop="auth",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert digest.response(WORD) == response


@pytest.mark.parametrize(
    ("word", "qop", "response"),
    [
        # RFC 2617 3.5
        (b"Circle Of Life", "auth", "6629fae49393a05397450978507c4ef1"),
        # RFC 2069 2.4 as its erratum 749 has it
        (b"CircleOfLife", None, "1949323746fe6a43ef61f9606e7febea"),
    ],
)
def test_the_examples_of_rfc_2617_and_2069(word: bytes, qop: str | None, response: str) -> None:
    digest = Digest(
        algorithm="MD5",
        user="Mufasa",
        realm="testrealm@host.com",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        method="GET",
        uri="/dir/index.html",
        qop=qop,
        cnonce="0a4f113b" if qop else "",
    )
    assert digest.response(Secret(word)) == response


# What the client does


def test_the_stronger_challenge_is_taken() -> None:
    client = login()
    answer = refused(
        'Basic realm="x"',
        'Digest realm="camera", nonce="a", algorithm=MD5',
        'Digest realm="camera", nonce="b", algorithm=SHA-256, qop="auth,auth-int", opaque="o\\"o"',
    )
    assert client.challenged(answer)
    value = client.authorize(request()).headers["Authorization"]
    assert value.startswith('Digest username="Mufasa", realm="camera", nonce="b", uri="')
    assert 'algorithm=SHA-256, opaque="o\\"o", qop=auth, nc=00000001, cnonce="' in value
    assert "nc=00000002" in client.authorize(request()).headers["Authorization"]
    assert client.authorize(request()).headers["CSeq"] == "1"


def test_challenges_in_one_field_and_the_old_form() -> None:
    client = login()
    assert client.challenged(refused('Basic realm="a, b", Digest realm="c",nonce="d"'))
    value = client.authorize(request()).headers["Authorization"]
    assert "qop" not in value
    assert "algorithm" not in value
    assert 'realm="c"' in value


@pytest.mark.parametrize("one_field", [True, False])
def test_challenges_beyond_the_sixteenth_are_not_read(one_field: bool) -> None:
    weak, strong = 'Digest realm="c", nonce="n"', 'Digest realm="c", nonce="n", algorithm=SHA-256'
    challenges = [*['Basic realm="c"'] * 15, weak, strong]
    client = login()
    assert client.challenged(refused(*([", ".join(challenges)] if one_field else challenges)))
    assert "algorithm" not in client.authorize(request()).headers["Authorization"]


def test_basic_only_inside_tls() -> None:
    assert not login().challenged(refused('Basic realm="x"'))
    client = login(secure=True)
    assert client.challenged(refused('Basic realm="x"'))
    sent = client.authorize(request()).headers["Authorization"]
    assert sent == "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl"
    assert not client.challenged(refused('Basic realm="x"'))  # the password is wrong


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Digest",
        "Negotiate abc",
        'Digest realm="x"',
        'Digest realm="x", nonce="n", algorithm=MD5-sess',
        'Digest realm="x", nonce="n", algorithm=TOKEN',
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x, nonce="n"',
        "," * 1000,
    ],
)
def test_challenges_of_no_use(challenge: str) -> None:
    client = login(secure=True)
    assert not client.challenged(refused(challenge))
    assert client.authorize(request()) == request()
    assert not client.challenged(Response(200, headers=Headers({"WWW-Authenticate": challenge})))


def test_a_wrong_password_is_not_tried_for_ever() -> None:
    client = login()
    assert client.challenged(refused('Digest realm="x", nonce="1"'))
    client.authorize(request())
    assert not client.challenged(refused('Digest realm="x", nonce="2"'))
    client = login()
    tries = 0
    for number in range(100):  # a server that calls every nonce stale
        if not client.challenged(refused(f'Digest realm="x", nonce="{number}", stale=true')):
            break
        client.authorize(request())
        tries += 1
    assert tries == 3


def test_a_nonce_that_is_used_up_is_replaced() -> None:
    client = login()
    for number in range(10):
        assert client.challenged(refused(f'Digest realm="x", nonce="{number}", stale=TRUE'))
        for _ in range(3):
            assert f'nonce="{number}"' in client.authorize(request()).headers["Authorization"]


def test_names_that_cannot_be_sent() -> None:
    for user in ("a:b", "a\r\nb", "a\udc80"):
        with pytest.raises(LocalError):
            login(user)
    assert "Circle" not in repr(login())


# What the server does


def answered(server: Guard, client: Login, asked: Request, now: int = NOW) -> str:
    """Return who the server finds, after a challenge if one is due."""
    try:
        return server.check(client.authorize(asked), now=now)
    except UnauthorizedError as error:
        if not client.challenged(refused(*error.challenges)):
            raise
    return server.check(client.authorize(asked), now=now)


@pytest.mark.parametrize("algorithms", [("SHA-256", "MD5"), ("MD5",), ("SHA-256",)])
def test_both_sides_together(algorithms: tuple[str, ...]) -> None:
    server, client = guard(algorithms=algorithms), login()
    assert answered(server, client, request()) == "Mufasa"
    assert answered(server, client, request("SETUP", URI + "/1")) == "Mufasa"
    other = login("Jürgen", Secret("wörd".encode()))
    assert answered(server, other, request()) == "Jürgen"


def test_who_is_not_known() -> None:
    server = guard()
    for client in (login("Scar"), login(word=Secret(b"another")), login("Mufasa ")):
        with pytest.raises(UnauthorizedError) as caught:
            answered(server, client, request())
        assert caught.value.status == 401
        assert "Circle" not in str(caught.value)
    with pytest.raises(UnauthorizedError) as caught:
        server.check(request(), now=NOW)
    assert [c.partition(" ")[0] for c in caught.value.challenges] == ["Digest", "Digest"]


def test_a_response_is_for_one_request() -> None:
    server, client = guard(), login()
    assert answered(server, client, request()) == "Mufasa"
    sent = client.authorize(request())
    for other in (Request("TEARDOWN", URI, headers=sent.headers),):
        with pytest.raises(UnauthorizedError):
            server.check(other, now=NOW)
    with pytest.raises(CarriageError) as caught:
        server.check(Request("DESCRIBE", URI + "x", headers=sent.headers), now=NOW)
    assert caught.value.status == 400
    assert server.check(sent, now=NOW) == "Mufasa"
    with pytest.raises(UnauthorizedError) as again:  # replayed
        server.check(sent, now=NOW)
    assert all("stale=true" in c for c in again.value.challenges)


def test_nonces_age() -> None:
    server, client = guard(lifetime=10 * SECOND), login()
    assert answered(server, client, request()) == "Mufasa"
    with pytest.raises(UnauthorizedError) as caught:
        server.check(client.authorize(request()), now=NOW + 11 * SECOND)
    assert all("stale=true" in c for c in caught.value.challenges)
    with pytest.raises(UnauthorizedError):
        server.check(client.authorize(request()), now=NOW - 1)


def test_nonces_of_others_and_forged_ones() -> None:
    server = guard()
    another = Guard("camera", {"Mufasa": WORD}, random=bytes)
    forged = [another.challenges(now=NOW)[0], 'Digest realm="camera", nonce="0", qop="auth"']
    forged.append(f'Digest realm="camera", nonce="{"0" * 64}", qop="auth", algorithm=SHA-256')
    for challenge in forged:
        client = login()
        assert client.challenged(refused(challenge))
        with pytest.raises(UnauthorizedError) as caught:
            server.check(client.authorize(request()), now=NOW)
        assert not any("stale" in c for c in caught.value.challenges)


def test_the_memory_for_counts_is_bounded_and_forgets_nothing_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mikey.carriage.rtsp._guard._MOST_NONCES", 4)
    server, sent = guard(), []
    for number in range(8):
        client = login()
        with pytest.raises(UnauthorizedError) as caught:
            server.check(request(), now=NOW + number)
        assert client.challenged(refused(*caught.value.challenges))
        sent.append(client.authorize(request()))
        assert server.check(sent[-1], now=NOW + number) == "Mufasa"
    assert len(server._counts) == 4
    for replayed in sent:
        with pytest.raises(UnauthorizedError):
            server.check(replayed, now=NOW + 8)


def test_an_old_client_without_a_count() -> None:
    server, client = guard(algorithms=("MD5",)), login()
    (challenge,) = server.challenges(now=NOW)
    assert client.challenged(refused(challenge.replace(', qop="auth"', "")))
    for _ in range(2):
        assert server.check(client.authorize(request()), now=NOW) == "Mufasa"


def test_basic_inside_tls() -> None:
    server, client = guard(), login(secure=True)
    challenges = server.challenges(now=NOW, secure=True)
    assert challenges[-1] == 'Basic realm="camera"'
    assert client.challenged(refused(challenges[-1]))
    sent = client.authorize(request())
    assert server.check(sent, now=NOW, secure=True) == "Mufasa"
    with pytest.raises(UnauthorizedError):
        server.check(sent, now=NOW)
    for value in ("Basic TXVmYXNhOng=", "Basic TXVmYXNh"):
        with pytest.raises(UnauthorizedError):
            server.check(request().with_header("Authorization", value), now=NOW, secure=True)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Basic ?", 400),
        ("Digest", 400),
        ("Digest a", 400),
        ('Digest username="a", username="b"', 400),
        ('Digest username="a", realm="b", nonce="c", uri="d"', 400),
        (f'Digest username="a", realm="b", nonce="c", uri="{URI}", response="e", qop=auth', 400),
        (f'Digest username="a", realm="b", nonce="c", uri="{URI}", response="é"', 401),
        (
            f'Digest username="a", realm="b", nonce="c", uri="{URI}", response="e", '
            "algorithm=SHA-512",
            401,
        ),
        ("Negotiate abc", 401),
        ("", 401),
    ],
)
def test_authorizations_that_are_none(value: str, status: int) -> None:
    with pytest.raises(CarriageError) as caught:
        guard().check(request().with_header("Authorization", value), now=NOW, secure=True)
    assert caught.value.status == status
