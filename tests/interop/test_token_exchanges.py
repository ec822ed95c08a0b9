"""Whole exchanges with a private key in a token, and what its refusals look like to a peer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mikey.credentials import PublicKey
from mikey.secret import Secret
from tests import pki
from tests.interop.test_tokens import Peer, blocks, private_key
from tests.interop.token_exchange import ALICE, BOB
from tests.interop.token_peers import PIN, TokenProcess, softhsm, softoken

pytestmark = pytest.mark.interop

# Who decrypts: in PKE the one who is called, in RSA-R the one who calls.
DECRYPTS = {"PKE": BOB, "RSA-R": ALICE}


@pytest.fixture(scope="module", params=[softhsm, softoken], ids=["softhsm", "nss"])
def token(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenProcess]:
    """A token with one open key, named "a"."""
    peer: Peer = request.param
    with peer(tmp_path_factory.mktemp("token"), private_key()) as process:
        process("open", name="a", pin=PIN, **process.search)
        yield process
        process("close", name="a")


def certificates(who: str) -> dict[str, str]:
    """Return the arguments that say who has the token: its certificate, and who made that."""
    root = pki.authority("root of the token")
    issued = pki.issue(root, f"token of {who}", uris=[who], key=private_key())
    return {"name": "a", "who": who, "root": root.der.hex(), "certificate": issued.der.hex()}


@pytest.mark.parametrize("who", [ALICE, BOB], ids=["initiator", "responder"])
@pytest.mark.parametrize("method", ["PKE", "DH-SIGN", "RSA-R"])
def test_exchange(token: TokenProcess, method: str, who: str) -> None:
    """Both ends have the same keys, and others after an update."""
    ours, theirs, *updated = token("exchange", method=method, **certificates(who))
    assert ours == theirs
    assert len(set(ours)) == 2
    if method != "RSA-R":  # it has no update
        ours_again, theirs_again = updated
        assert ours_again == theirs_again
        assert not set(ours) & set(ours_again)


@pytest.mark.rule("R3830-6.3-6")
@pytest.mark.parametrize("method", ["PKE", "RSA-R"])
def test_bad_envelopes_are_all_the_same_failure(token: TokenProcess, method: str) -> None:
    """Whatever the token makes of a ciphertext, the peer sees what it sees of a wrong MAC."""
    shapes = {name: block.hex() for name, block in blocks().items() if len(block) == 256}
    another = PublicKey(private_key().public_key()).encrypt(Secret(b"of other messages"))
    shapes["another key"] = another.hex()
    refusals = token("refusals", method=method, shapes=shapes, **certificates(DECRYPTS[method]))
    assert set(refusals) == {*shapes, "MAC"}
    assert refusals["MAC"][:2] == ["AuthenticationError", "authentication failed"]
    assert {name: refusal for name, refusal in refusals.items() if refusal != refusals["MAC"]} == {}
    # It still opens what is sound.
    ours, theirs, *_ = token("exchange", method=method, **certificates(DECRYPTS[method]))
    assert ours == theirs
