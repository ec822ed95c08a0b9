"""A process that holds a TokenKey and does what it is told, one line of JSON at a time.

A PKCS #11 module lives as long as its process and reads its configuration once, so each token of
the tests has a process of its own. `python -m tests.interop.token_worker MODULE TOKEN`
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pkcs11

from mikey import Method
from mikey.credentials.keys import Decrypter, Signer
from mikey.errors import MikeyError
from mikey.secret import Secret
from mikey.tokens import TokenKey
from tests.interop.token_exchange import Parties


class Worker:
    """The commands, by the names of the methods; octets travel as hex."""

    def __init__(self, module: str, token: str) -> None:
        self._module = module
        self._token = token
        self._keys: dict[str, TokenKey] = {}

    def open(self, name: str, pin: str | None, asked: bool = False, **search: Any) -> object:
        if "key_id" in search:
            search["key_id"] = bytes.fromhex(search["key_id"])
        secret = None if pin is None else Secret(pin.encode())
        search = {"token": self._token, **search}
        key = TokenKey.open(
            search.pop("module", self._module),
            pin=(lambda: secret) if asked and secret is not None else secret,
            **search,
        )
        both: tuple[Signer, Decrypter] = (key, key)
        assert isinstance(both[0], Signer)
        assert isinstance(both[1], Decrypter)
        self._keys[name] = key
        exponent = None if key.public_key is None else repr(key.public_key)
        return [key.size, key.blocking, key.can_sign, key.can_decrypt, exponent, repr(key)]

    def close(self, name: str) -> None:
        self._keys.pop(name).close()

    def closed_sign(self, name: str) -> object:
        key = self._keys.pop(name)
        key.close()
        key.close()
        return key.sign(b"", hash="sha1", pss=False).hex()

    def sign(self, name: str, octets: str, hash: str, pss: bool) -> object:  # noqa: A002
        return self._keys[name].sign(bytes.fromhex(octets), hash=hash, pss=pss).hex()

    def decrypt(self, name: str, ciphertext: str) -> object:
        return self._keys[name].decrypt(bytes.fromhex(ciphertext)).expose().hex()

    def raw_decrypt(self, name: str, ciphertext: str) -> object:
        """What the token itself says of a ciphertext, before we make it the same."""
        key = self._keys[name]
        try:
            plain = key._object.decrypt(
                bytes.fromhex(ciphertext), mechanism=pkcs11.Mechanism.RSA_PKCS
            )
        except pkcs11.PKCS11Error as error:
            return type(error).__name__
        return len(plain)

    def threads(self, names: list[str], count: int, ciphertext: str) -> object:
        """Sign and decrypt from four threads at once, over the keys named."""

        def one(index: int) -> tuple[str, str]:
            key = self._keys[names[index % len(names)]]
            signature = key.sign(str(index).encode(), hash="sha256", pss=False)
            return signature.hex(), key.decrypt(bytes.fromhex(ciphertext)).expose().hex()

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(count)))

    def exchange(self, name: str, method: str, who: str, root: str, certificate: str) -> object:
        parties = Parties(self._keys[name], who, bytes.fromhex(root), bytes.fromhex(certificate))
        return parties.exchange(Method(method))

    def refusals(
        self, name: str, method: str, who: str, root: str, certificate: str, shapes: dict[str, str]
    ) -> object:
        parties = Parties(self._keys[name], who, bytes.fromhex(root), bytes.fromhex(certificate))
        octets = {shape: bytes.fromhex(data) for shape, data in shapes.items()}
        return parties.refusals(Method(method), octets)

    def lose(self, name: str) -> None:
        """Take the session away under the key, as a reset of the token does."""
        key = self._keys[name]
        with key._session.lock:
            key._session._session.close()

    def change_pin(self, name: str, old: str, new: str) -> None:
        with pkcs11.lib(self._module).get_token(token_label=self._token).open(rw=True) as other:
            other.set_pin(old, new)

    def make_keys(self, name: str) -> None:
        """Keys with other permissions than the imported one's, and keys that are no use."""
        session = self._keys[name]._session._session.token.open(rw=True)
        for label, template in {
            "sign only": {pkcs11.Attribute.DECRYPT: False},
            "decrypt only": {pkcs11.Attribute.SIGN: False},
            "each time": {pkcs11.Attribute.ALWAYS_AUTHENTICATE: True},
        }.items():
            session.generate_keypair(
                pkcs11.KeyType.RSA, 2048, label=label, store=True, private_template=template
            )
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC,
            {pkcs11.Attribute.EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")},
            local=True,
        )
        for label in ("curve", "twice", "twice"):
            parameters.generate_keypair(label=label, store=True)
        session.generate_keypair(pkcs11.KeyType.RSA, 512, label="short", store=True)
        session.close()


def main() -> None:
    worker = Worker(*sys.argv[1:])
    print(json.dumps({"result": "ready"}), flush=True)
    for line in sys.stdin:
        command, arguments = json.loads(line)
        try:
            answer = {"result": getattr(worker, command)(**arguments)}
        except MikeyError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
