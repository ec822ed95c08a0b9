"""The committed inputs from which fuzzing starts, and those that once broke something.

python -m tests.fuzz.corpus    write corpus/messages.txt anew
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"


@cache
def messages() -> dict[str, bytes]:
    """Return MIKEY messages by name: `name: hexadecimal`, one a line."""
    lines = (FOLDER / "messages.txt").read_text(encoding="ascii").splitlines()
    pairs = (line.rsplit(": ", 1) for line in lines if not line.startswith("#"))
    return {name: bytes.fromhex(octets) for name, octets in pairs}


@cache
def texts(kind: str) -> dict[str, bytes]:
    """Return the files of a kind ("sdp", "psk", "rtsp", "presentation") by name."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.glob(f"*.{kind}"))}


def _write() -> None:
    from tests.interop import samples
    from tests.naive import encode as e
    from tests.naive.vectors import PSK
    from tests.rules import psk_parties as p

    named = samples.readable() | samples.unreadable()
    named |= {
        "request of all algorithms 2": p.offer(prf=1, encr_alg=3, mac_alg=2),
        "request with policies": p.offer(policies=[e.AES_CM_128_HMAC_SHA1_80] * 3),
        "request without identities": p.offer(idi=None, idr=None),
        "answer without IDr": e.psk_answer(PSK, p.offer(), {2: p.YOURS}),
        "no key": p.offer(keys=[], update=True),
        "unknown TS type": p.offer(ts=(9, bytes(8))),
        "unknown PRF": p.offer()[:3] + b"\xff" + p.offer()[4:],
        "header alone": p.offer()[:10],
        "long identity": p.offer(idi=b"sip:" + b"a" * 3000 + b"@example.com"),
    }
    lines = ["# Messages to begin fuzzing with: name, then the octets.", ""]
    lines += [f"{name}: {octets.hex()}" for name, octets in named.items() if name]
    (FOLDER / "messages.txt").write_text("\n".join(lines[:1] + lines[2:]) + "\n", encoding="ascii")


if __name__ == "__main__":
    _write()
