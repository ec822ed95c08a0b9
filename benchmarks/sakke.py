"""SAKKE and ECCSI against the field operations they are made of, and against wolfSSL.

Medians in one thread. `bound` is what the counted products, squares and reductions of 1024 bits
take alone, as measured in the same run; inversions, table look-ups, additions and hashes are not
in it. The counts, which no machine changes, come from `sakke_counts.json`: the tests of the
native core count them, and fail if they are not those of the file. `wolfSSL` is Debian's build,
if it is there (tests/interop/wolfssl; about 0.05 ms of each call is the pipe to it), and
`external` are the figures of its version 5.9.2, fastest build, on an AMD Zen 5 of 4.1 GHz, of
which the targets are told too. wolfSSL reads its tables as a whole, as we do. The rows with
`vectors` are what a call does where the processor has AVX-512 IFMA; those without are told to leave
it aside. The rows of a group take all cores, the external one a single core for the encapsulations
alone.

Run at the root of the repository: python -m benchmarks.sakke [--json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from _pytest.outcomes import OutcomeException
from benchmarks import sakke_group
from tests.interop.wolfssl_peer import WolfSsl

from mikey import _native

COUNTS: dict[str, list[int]] = json.loads(
    Path(__file__).with_name("sakke_counts.json").read_text(encoding="utf-8")
)["counts"]
COUNTED = ("product", "square", "reduction", "inversion")
SECONDS = 0.8
IDENTIFIER = b"2011-02\0tel:+447700900123\0"
BATCH = 8
STRANGERS = 4000
"""More than an EccsiPublicKey remembers."""

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """An operation: its milliseconds, and what they are compared with."""

    name: str
    ms: float
    target: float | None
    counts: dict[str, int] | None = None
    bound: float | None = None
    wolfssl: float | None = None
    external: float | None = None


def median_ms(
    work: Work,
    *,
    calls: int = 1,
    seconds: float = SECONDS,
    clock: Callable[[], int] = time.thread_time_ns,
) -> float:
    """Return the median milliseconds of one of the `calls` that `work` does.

    The clock is the processor's time of this thread, whatever else the machine does.
    """
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = clock()
        work()
        times.append((clock() - start) / 1e6 / calls)
    return statistics.median(times)


def measure_field() -> dict[str, float]:
    """Return the nanoseconds of each operation in the field."""

    def repeat(operation: str, times: int) -> Work:
        return lambda: _native.sakke_field(operation, times)

    return {
        name: 1e6 * median_ms(repeat(name, times), calls=times, seconds=SECONDS / 2)
        for name, times in zip(COUNTED, (100, 100, 100, 2), strict=True)
    }


class Case:
    """Keys of a KMS and of its users, and the work to be measured."""

    def __init__(self) -> None:
        self.master = b"\x01" + secrets.token_bytes(127)
        self.z = _native.sakke_public_key(self.master)
        self.rsk = _native.sakke_receiver_key(self.master, IDENTIFIER)
        self.ssv = secrets.token_bytes(16)
        self.sender = _native.SakkePublicKey(self.z)
        self.receiver = _native.SakkeReceiverKey(self.z, IDENTIFIER, self.rsk)
        self.data = self.sender.encapsulate(IDENTIFIER, self.ssv)
        if self.receiver.decapsulate(self.data) != self.ssv:
            raise SystemExit("what was encapsulated does not decapsulate")
        self.ksak = b"\x01" + secrets.token_bytes(31)
        self.kpak = _native.eccsi_public_key(self.ksak)
        nonce = b"\x01" + secrets.token_bytes(31)
        self.ssk, self.pvt = _native.eccsi_make_pair(self.ksak, IDENTIFIER, nonce)
        self.signer = _native.EccsiSigningKey(self.kpak, IDENTIFIER, self.ssk, self.pvt)
        self.message = secrets.token_bytes(400)
        self.signature = self.sign()
        self.kms = _native.EccsiPublicKey(self.kpak)

    def sign(self) -> bytes:
        """Sign with a fresh j."""
        return self.signer.sign(self.message, b"\x01" + secrets.token_bytes(31))

    def verify_stranger(self) -> Work:
        """Return the verification of a signer who was not seen lately."""
        signed = []
        for number in range(STRANGERS):
            name = IDENTIFIER + number.to_bytes(2)
            pair = _native.eccsi_make_pair(self.ksak, name, b"\x01" + secrets.token_bytes(31))
            signer = _native.EccsiSigningKey(self.kpak, name, *pair)
            nonce = b"\x01" + secrets.token_bytes(31)
            signed.append((name, self.message, signer.sign(self.message, nonce)))
        strangers = itertools.cycle(signed)
        return lambda: self.kms.verify(*next(strangers))

    def peer(self) -> dict[str, float]:
        """Return wolfSSL's milliseconds, by our names; nothing if it is not there."""
        z, rsk, kpak = self.z, self.rsk, self.kpak
        signed = (IDENTIFIER, self.message, self.signature)
        requests: dict[str, tuple[str, tuple[bytes, ...]]] = {
            "encapsulate": ("sakke-encapsulate", (z, IDENTIFIER, self.ssv)),
            "decapsulate": ("sakke-decapsulate", (z, IDENTIFIER, rsk, self.data)),
            "make an RSK": ("sakke-rsk", (self.master, IDENTIFIER)),
            "check an RSK again": ("sakke-validate", (z, IDENTIFIER, rsk)),
            "ECCSI sign": ("eccsi-sign", (kpak, IDENTIFIER, self.ssk, self.pvt, self.message)),
            "ECCSI verify": ("eccsi-verify", (kpak, *signed)),
        }
        try:
            with WolfSsl() as peer:
                return {
                    name: measure_request(peer, verb, octets)
                    for name, (verb, octets) in requests.items()
                }
        except OutcomeException:
            return {}


def measure_request(peer: WolfSsl, verb: str, octets: tuple[bytes, ...]) -> float:
    """Return the median milliseconds of a request, by the clock on the wall."""
    return median_ms(lambda: peer.ask(verb, *octets), clock=time.perf_counter_ns)


def measure() -> tuple[dict[str, float], list[Row]]:
    """Measure all; return the nanoseconds of the field's operations, and the rows."""
    field, case = measure_field(), Case()
    wolfssl = case.peer()
    rows: list[Row] = []

    def add(
        name: str,
        work: Work,
        target: float | None,
        external: float | None = None,
        *,
        counted: str | None = None,
        calls: int = 1,
    ) -> None:
        counts = dict(zip(COUNTED, COUNTS[counted], strict=True)) if counted else None
        # The bound: everything counted but the inversions.
        bound = sum(counts[one] * field[one] for one in COUNTED[:3]) / 1e6 if counts else None
        ms = median_ms(work, calls=calls)
        rows.append(Row(name, ms, target, counts, bound, wolfssl.get(name), external))

    simd = _native.sakke_simd() is not None

    def add_both(name: str, work: Callable[[bool], object], target: float, external: float) -> None:
        """Add an operation with vectors that do parts of it at once, and without."""
        if simd:
            add(f"{name}, vectors", lambda: work(True), target)
        add(name, lambda: work(False), target, external, counted=name)

    add_both(
        "encapsulate",
        lambda vectors: case.sender.encapsulate(IDENTIFIER, case.ssv, vectors=vectors),
        0.6,
        3.07,
    )
    add_both(
        "decapsulate",
        lambda vectors: case.receiver.decapsulate(case.data, vectors=vectors),
        1.4,
        3.79,
    )
    add_both(
        "make an RSK",
        lambda vectors: _native.sakke_receiver_key(case.master, IDENTIFIER, vectors=vectors),
        0.35,
        0.67,
    )
    if simd:
        identifiers = [IDENTIFIER + bytes((i,)) for i in range(BATCH)]
        add(
            "encapsulate, of a batch",
            lambda: case.sender.encapsulate_many(identifiers, case.ssv),
            0.15,
            calls=BATCH,
        )
        add(
            "decapsulate, of a batch",
            lambda: case.receiver.decapsulate_many([case.data] * BATCH),
            0.3,
            calls=BATCH,
        )
    add(
        "check an RSK, its tables",
        lambda: _native.SakkeReceiverKey(case.z, IDENTIFIER, case.rsk),
        20,
        counted="receiver key, table",
    )
    add("check an RSK again", case.receiver.check, 1.5, 4.85, counted="receiver key, check")
    add(
        "tables of a KMS",
        lambda: _native.SakkePublicKey(case.z),
        None,
        counted="KMS key, table",
    )
    add("ECCSI sign", case.sign, 0.04, 0.017)
    add("ECCSI verify", case.verify_stranger(), 0.12, 0.108)
    add(
        "ECCSI verify, known",
        lambda: case.kms.verify(IDENTIFIER, case.message, case.signature),
        0.06,
    )
    if simd:
        rows.append(Row("key a group of 10 000", 1000 * sakke_group.seconds(batch=True), 2500))
    name = "the same, one by one"
    rows.append(Row(name, 1000 * sakke_group.seconds(batch=False), 5000, external=31_000))
    return field, rows


def print_all(field: dict[str, float], rows: list[Row]) -> None:
    """Print the field's operations, the rows and their counts."""
    product = field["product"] + field["reduction"]
    print(f"1024 bits, ns: {', '.join(f'{name} {ns:.0f}' for name, ns in field.items())}")
    print(f"Montgomery product {product:.0f} ns (target 205)")
    print(f"eight at once: {_native.sakke_simd() or 'not with this processor'}\n")
    print(
        f"{'ms':26}{'mikey':>9}{'target':>9}{'bound':>9}{'ratio':>7}{'wolfSSL':>10}{'external':>10}"
    )
    for row in rows:
        ratio = row.ms / row.bound if row.bound else None
        figures = (
            (row.ms, 9, 3),
            (row.target, 9, 2),
            (row.bound, 9, 3),
            (ratio, 7, 2),
            (row.wolfssl, 10, 3),
            (row.external, 10, 3),
        )
        print(f"{row.name:26}" + "".join(show(*figure) for figure in figures))
    print(f"\n{'counts':26}" + "".join(f"{name:>11}" for name in COUNTED))
    for row in rows:
        if row.counts:
            print(f"{row.name:26}" + "".join(f"{row.counts[name]:11}" for name in COUNTED))


def show(figure: float | None, width: int, digits: int) -> str:
    """Return a figure in its column, a dash if there is none."""
    return f"{'-':>{width}}" if figure is None else f"{figure:{width}.{digits}f}"


def main() -> None:
    """Measure and print; with --json as one object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print an object instead of tables")
    as_json = parser.parse_args().json
    field, rows = measure()
    if as_json:
        print(json.dumps({"field_ns": field, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        print_all(field, rows)


if __name__ == "__main__":
    main()
