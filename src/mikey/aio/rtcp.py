"""Compound RTCP packets (RFC 3550 6): SR, RR, SDES with CNAME, BYE."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mikey.errors import DecodeError

__all__ = ["Report", "ReportBlock", "SenderInfo", "compose", "parse"]

_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_CNAME = 1
_BLOCK = struct.Struct(">IBBHIIII")
_INFO = struct.Struct(">IIIII")


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderInfo:
    """What a sender says of itself: `ntp` is a 64-bit NTP time, `rtp` the same instant."""

    ntp: int
    rtp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """What a receiver says of one source (6.4.1).

    `jitter` is in timestamp units, `last_sr` the middle 32 bits of an NTP time, `delay` in
    1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One compound packet: `sender` makes it SR, without it is RR; `goodbye` adds BYE."""

    ssrc: int
    cname: str = ""
    sender: SenderInfo | None = None
    blocks: tuple[ReportBlock, ...] = ()
    goodbye: bool = False


def compose(report: Report) -> bytes:
    """The octets of a compound packet: SR or RR first, then SDES, then BYE (6.1)."""
    body = struct.pack(">I", report.ssrc)
    if report.sender is not None:
        info = report.sender
        body += _INFO.pack(
            info.ntp >> 32, info.ntp & 0xFFFFFFFF, info.rtp, info.packets, info.octets
        )
    for block in report.blocks:
        lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
        body += _BLOCK.pack(
            block.ssrc,
            block.fraction_lost,
            lost >> 16,
            lost & 0xFFFF,
            block.highest,
            block.jitter,
            block.last_sr,
            block.delay,
        )
    kind = _RR if report.sender is None else _SR
    packets = _packet(kind, len(report.blocks), body) + _sdes(report.ssrc, report.cname)
    if report.goodbye:
        packets += _packet(_BYE, 1, struct.pack(">I", report.ssrc))
    return packets


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 2 << 6 | count, kind, len(body) // 4) + body


def _sdes(ssrc: int, cname: str) -> bytes:
    text = cname.encode()[:255]
    chunk = struct.pack(">IBB", ssrc, _CNAME, len(text)) + text + b"\0"
    return _packet(_SDES, 1, chunk + bytes(-len(chunk) % 4))


def parse(octets: bytes) -> Report:
    """Read a compound packet; kinds that are not known here are passed over.

    Raises DecodeError for octets that are no compound RTCP packet (A.2).
    """
    ssrc, cname, sender, goodbye = None, "", None, False
    blocks: list[ReportBlock] = []
    for kind, count, body in _packets(octets):
        if ssrc is None:
            if kind not in (_SR, _RR) or len(body) < 4:
                raise _malformed("it does not begin with a report")
            ssrc = int.from_bytes(body[:4])
        if kind in (_SR, _RR):
            start = 4
            if kind == _SR:
                sender = _sender_info(body)
                start += _INFO.size
            blocks += _blocks(body, start, count)
        elif kind == _SDES:
            cname = _cname(body, ssrc) or cname
        elif kind == _BYE:
            named = body[: 4 * count]
            leaving = [int.from_bytes(named[at : at + 4]) for at in range(0, len(named), 4)]
            goodbye = goodbye or ssrc in leaving
    if ssrc is None:
        raise _malformed("it is empty")
    return Report(ssrc=ssrc, cname=cname, sender=sender, blocks=tuple(blocks), goodbye=goodbye)


def _packets(octets: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at < len(octets):
        if len(octets) - at < 4 or octets[at] >> 6 != 2:
            raise _malformed("a header is cut off or has another version")
        end = at + 4 + 4 * int.from_bytes(octets[at + 2 : at + 4])
        if end > len(octets):
            raise _malformed("a packet is longer than the datagram")
        yield octets[at + 1], octets[at] & 0x1F, octets[at + 4 : end]
        at = end


def _sender_info(body: bytes) -> SenderInfo:
    if len(body) < 4 + _INFO.size:
        raise _malformed("a sender report is cut off")
    high, low, rtp, packets, size = _INFO.unpack_from(body, 4)
    return SenderInfo(ntp=high << 32 | low, rtp=rtp, packets=packets, octets=size)


def _blocks(body: bytes, start: int, count: int) -> Sequence[ReportBlock]:
    if len(body) < start + count * _BLOCK.size:
        raise _malformed("a report block is cut off")
    found = []
    for index in range(count):
        ssrc, fraction, high, low, highest, jitter, last_sr, delay = _BLOCK.unpack_from(
            body, start + index * _BLOCK.size
        )
        lost = high << 16 | low
        found.append(
            ReportBlock(
                ssrc=ssrc,
                fraction_lost=fraction,
                lost=lost - (lost >> 23 << 24),
                highest=highest,
                jitter=jitter,
                last_sr=last_sr,
                delay=delay,
            )
        )
    return found


def _cname(body: bytes, ssrc: int) -> str:
    """The CNAME of the first chunk, if it is of this source."""
    if int.from_bytes(body[:4]) != ssrc:
        return ""
    at = 4
    while at + 1 < len(body) and body[at] != 0:
        kind, length = body[at], body[at + 1]
        if at + 2 + length > len(body):
            raise _malformed("an SDES item is cut off")
        if kind == _CNAME:
            return body[at + 2 : at + 2 + length].decode("utf-8", "replace")
        at += 2 + length
    return ""


def _malformed(reason: str) -> DecodeError:
    return DecodeError(f"no RTCP packet: {reason}", number=None)
