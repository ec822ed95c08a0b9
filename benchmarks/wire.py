"""Parsing and writing a PSK I_MESSAGE of about 200 octets, against a bare lower bound.

A row is for the message of 112 octets that GStreamer sends in RTSP.

The lower bound is the same message taken apart by hand with `struct`: offsets written into the
code, plain tuples, no registry, no check, no error that says where. Nothing with types and
checked bounds can reach it; the ratio says what they cost, whatever the machine.

Run: python benchmarks/wire.py
"""

from __future__ import annotations

import base64
import statistics
import timeit
from struct import Struct
from typing import TYPE_CHECKING, Any

from mikey.registry import DataType, EncrAlg, ExtensionType, IdType, MacAlg, ProtType, TsType
from mikey.wire import (
    GeneralExtension,
    Hdr,
    Id,
    Kemac,
    Message,
    Rand,
    SdpIds,
    Sp,
    SpParam,
    SrtpId,
    SrtpIdMap,
    T,
    encode,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RTSP = base64.b64decode(
    "AQAFANDwv84BAAAm/kOaAAAAAAsA7q5huAtVFQUKECSDlpOhhBJYS/hSVXPUhVoBAAAAFQABAQEBEAIBAQMBCgcBAQgB"
    "AQoBAQAAACIAIAAeJUol6bCV1y+VMhjtBaMVYoVFJrl4eWttZ+usk50XAA=="
)

LOOPS = 2_000
RUNS = 41

_HEAD = Struct(">BBBBIBB")
_SRTP_ID = Struct(">BII")


def sample() -> Message:
    """Return the message: two crypto sessions, ten parameters, one TGK of 16 octets."""
    params = ((0, 1), (1, 16), (2, 1), (3, 20), (4, 14), (5, 0), (7, 1), (8, 1), (10, 1), (11, 10))
    return Message.build(
        Hdr(
            DataType.PSK_INIT,
            0x12345678,
            SrtpIdMap((SrtpId(0, 0xDEADBEEF), SrtpId(0, 0))),
            v=True,
        ),
        [
            T(TsType.NTP_UTC, bytes.fromhex("c8e350ea80000000")),
            Rand(bytes(range(16))),
            Id(IdType.URI, b"sip:alice@example.com"),
            Id(IdType.URI, b"sip:bob@example.com"),
            Sp(0, ProtType.SRTP, tuple(SpParam(kind, bytes([value])) for kind, value in params)),
            GeneralExtension(ExtensionType.SDP_IDS, SdpIds(("mikey",)).encode()),
            Kemac(EncrAlg.AES_CM_128, bytes(20), MacAlg.HMAC_SHA_1_160, bytes(20)),
        ],
    )


def bare_parse(octets: bytes) -> list[tuple[Any, ...]]:
    """Take the message apart without types and checks."""
    version, data_type, following, v_prf, csb_id, count, map_type = _HEAD.unpack_from(octets)
    at = 10 + 9 * count
    sessions = list(_SRTP_ID.iter_unpack(octets[10:at]))
    found: list[tuple[Any, ...]] = [(version, data_type, v_prf, csb_id, map_type, sessions)]
    while following:
        kind = following
        following = octets[at]
        if kind == 5:
            found.append((kind, octets[at + 1], octets[at + 2 : at + 10]))
            at += 10
        elif kind == 11:
            end = at + 2 + octets[at + 1]
            found.append((kind, octets[at + 2 : end]))
            at = end
        elif kind in (6, 21):
            end = at + 4 + (octets[at + 2] << 8 | octets[at + 3])
            found.append((kind, octets[at + 1], octets[at + 4 : end]))
            at = end
        elif kind == 10:
            end = at + 5 + (octets[at + 3] << 8 | octets[at + 4])
            policy_no, prot_type = octets[at + 1], octets[at + 2]
            at += 5
            params = []
            while at < end:
                stop = at + 2 + octets[at + 1]
                params.append((octets[at], octets[at + 2 : stop]))
                at = stop
            found.append((kind, policy_no, prot_type, params))
        else:
            end = at + 4 + (octets[at + 2] << 8 | octets[at + 3])
            found.append((kind, octets[at + 1], octets[at + 4 : end], octets[end + 1 : end + 21]))
            at = end + 21
    return found


def bare_encode(found: list[tuple[Any, ...]]) -> bytes:
    """Write what `bare_parse` returned."""
    version, data_type, v_prf, csb_id, map_type, sessions = found[0]
    out = bytearray(
        _HEAD.pack(version, data_type, found[1][0], v_prf, csb_id, len(sessions), map_type)
    )
    for session in sessions:
        out += _SRTP_ID.pack(*session)
    kinds = [item[0] for item in found[2:]] + [0]
    for item, following in zip(found[1:], kinds, strict=True):
        kind = item[0]
        out.append(following)
        if kind == 5:
            out.append(item[1])
            out += item[2]
        elif kind == 11:
            out.append(len(item[1]))
            out += item[1]
        elif kind in (6, 21):
            out.append(item[1])
            out += len(item[2]).to_bytes(2, "big")
            out += item[2]
        elif kind == 10:
            params = bytearray()
            for param, value in item[3]:
                params.append(param)
                params.append(len(value))
                params += value
            out += bytes(item[1:3])
            out += len(params).to_bytes(2, "big")
            out += params
        else:
            out.append(item[1])
            out += len(item[2]).to_bytes(2, "big")
            out += item[2]
            out.append(1)
            out += item[3]
    return bytes(out)


def measure(*calls: Callable[[], object]) -> list[float]:
    """Return the median microseconds of each call; the calls take turns, so that all of them
    meet the same disturbances."""
    timers = [timeit.Timer(call) for call in calls]
    runs = [[timer.timeit(LOOPS) for timer in timers] for _ in range(RUNS)]
    return [statistics.median(times) / LOOPS * 1e6 for times in zip(*runs, strict=True)]


def main() -> None:
    """Measure and print."""
    message = sample()
    octets = message.octets
    header, payloads = message.header, message.payloads
    found = bare_parse(octets)
    if bare_encode(found) != octets or Message.parse(octets) != message:
        raise SystemExit("the lower bound and the package disagree about the message")

    names = ("parse", "walk", "encode", "build", "parse (112 octets)", "bare parse", "bare encode")
    times = dict(
        zip(
            names,
            measure(
                lambda: Message.parse(octets),
                lambda: list(walk(octets)),
                lambda: encode(header, payloads),
                lambda: Message.build(header, payloads),
                lambda: Message.parse(RTSP),
                lambda: bare_parse(octets),
                lambda: bare_encode(found),
            ),
            strict=True,
        )
    )
    print(f"PSK I_MESSAGE of {len(octets)} octets, median of {RUNS} runs, one core")
    for name, bound in (
        ("parse", "bare parse"),
        ("walk", "bare parse"),
        ("encode", "bare encode"),
        ("build", "bare encode"),
        ("parse (112 octets)", "bare parse"),
    ):
        print(
            f"{name:18}{times[name]:8.2f} us  {times[name] / times[bound]:5.2f} x"
            f"  {bound} ({times[bound]:.2f} us)"
        )


if __name__ == "__main__":
    main()
