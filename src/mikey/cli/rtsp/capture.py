"""Captures of packets: UDP and TCP found in them, UDP written (pcap and pcapng, by dpkt)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

import dpkt

from mikey.errors import LocalError, PeerError

__all__ = ["LONGEST_PAYLOAD", "Datagram", "Flow", "Reader", "Segment", "Writer"]

LONGEST_PAYLOAD = 65535 - 60 - 8
"""Octets that a UDP datagram holds, whatever the options of its IP header."""

_ETHERNET, _RAW, _NULL, _LOOP, _SLL, _SLL2 = 1, 101, 0, 108, 113, 276
_RAW_TOO = frozenset({12, 14, _RAW, 228, 229})
_TCP, _UDP = 6, 17
_SYN = 0x02
_VLAN = frozenset({0x8100, 0x88A8})
_IPV4, _IPV6 = 0x0800, 0x86DD
_LARGEST = 1 << 18

Flow: TypeAlias = tuple[bytes, bytes]
"""One direction of a connection: both addresses, and both ports."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram in a frame: where its IP header begins, its UDP header, its payload."""

    frame: bytes = field(repr=False)
    ip: int
    udp: int

    @property
    def payload(self) -> bytes:
        """What UDP carries."""
        length = int.from_bytes(self.frame[self.udp + 4 : self.udp + 6])
        return self.frame[self.udp + 8 : self.udp + length]

    def replaced(self, payload: bytes) -> bytes:
        """Return the frame with another payload; lengths and checksums follow."""
        head = bytearray(self.frame[: self.udp + 8])
        udp_length = 8 + len(payload)
        struct.pack_into(">HH", head, self.udp + 4, udp_length, 0)
        size = self.udp - self.ip
        if head[self.ip] >> 4 == 4:
            struct.pack_into(">H", head, self.ip + 2, size + udp_length)
            struct.pack_into(">H", head, self.ip + 10, 0)
            struct.pack_into(">H", head, self.ip + 10, _sum(bytes(head[self.ip : self.udp])))
            return bytes(head) + payload
        struct.pack_into(">H", head, self.ip + 4, size - 40 + udp_length)
        # UDP over IPv6 always has a checksum (RFC 8200 8.1).
        pseudo = bytes(head[self.ip + 8 : self.ip + 40]) + struct.pack(">II", udp_length, _UDP)
        check = _sum(pseudo + bytes(head[self.udp :]) + payload) or 0xFFFF
        struct.pack_into(">H", head, self.udp + 6, check)
        return bytes(head) + payload


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment in a frame: where its IP header begins, its TCP header, its payload."""

    frame: bytes = field(repr=False)
    ip: int
    tcp: int
    start: int
    end: int

    @property
    def flow(self) -> Flow:
        """Which direction of which connection it belongs to."""
        source = 12 if self.frame[self.ip] >> 4 == 4 else 8
        addresses = self.frame[self.ip + source : self.ip + (20 if source == 12 else 40)]
        return addresses, self.frame[self.tcp : self.tcp + 4]

    @property
    def sequence(self) -> int:
        """The number of the first octet of its payload."""
        return int.from_bytes(self.frame[self.tcp + 4 : self.tcp + 8])

    @property
    def opens(self) -> bool:
        """Whether it opens the connection (SYN)."""
        return bool(self.frame[self.tcp + 13] & _SYN)

    @property
    def payload(self) -> bytes:
        """What TCP carries."""
        return self.frame[self.start : self.end]

    def datagram(self, port: int) -> Datagram:
        """Return an empty UDP datagram between the same hosts.

        `port` takes the place of the lower of the two ports, which is the server's: what is left
        tells several connections of two hosts apart.
        """
        head = bytearray(self.frame[: self.tcp])
        if head[self.ip] >> 4 == 4:
            head[self.ip + 9] = _UDP
        else:
            head[self.ip + 6] = _UDP
        source, target = struct.unpack_from(">HH", self.frame, self.tcp)
        ports = (port, target) if source < target else (source, port)
        return Datagram(bytes(head) + struct.pack(">HHHH", *ports, 8, 0), self.ip, self.tcp)


class Reader:
    """The frames of a capture; raises LocalError for a file that is none."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        try:
            self._reader = dpkt.pcap.UniversalReader(file)
            self.link = int(self._reader.datalink())
        except (ValueError, dpkt.Error, struct.error, EOFError) as error:
            raise LocalError(f"{name}: no capture (pcap, pcapng): {error}") from None
        if self.link not in {_ETHERNET, _NULL, _LOOP, _SLL, _SLL2} | _RAW_TOO:
            raise LocalError(f"{name}: link layer {self.link} is not read")

    def __iter__(self) -> Iterator[tuple[float, bytes]]:
        """Yield (seconds, octets); raises PeerError for a damaged capture.

        The last frame of a pcap whose writer was stopped is what there is of it.
        """
        try:
            for seconds, frame in self._reader:
                if len(frame) > _LARGEST:
                    raise PeerError(f"{self._name}: a frame of {len(frame)} octets", number=None)
                yield seconds, bytes(frame)
        except (ValueError, dpkt.Error, struct.error, EOFError):
            raise PeerError(f"{self._name}: damaged, or cut off", number=None) from None

    def datagram(self, frame: bytes) -> Datagram | None:
        """Return the UDP datagram of a frame, None where there is none that is whole."""
        ip = _ip_at(self.link, frame)
        udp = None if ip is None else _transport_at(frame, ip, _UDP)
        if ip is None or udp is None or len(frame) < udp + 8:
            return None
        length = int.from_bytes(frame[udp + 4 : udp + 6])
        return Datagram(frame, ip, udp) if 8 <= length <= len(frame) - udp else None

    def segment(self, frame: bytes) -> Segment | None:
        """Return the TCP segment of a frame, None where there is none that is whole."""
        ip = _ip_at(self.link, frame)
        tcp = None if ip is None else _transport_at(frame, ip, _TCP)
        if ip is None or tcp is None or len(frame) < tcp + 20:
            return None
        # Behind the packet there may be padding. The length is 0 where the network card cut what
        # was captured before it (segmentation offload).
        if frame[ip] >> 4 == 4:
            length = int.from_bytes(frame[ip + 2 : ip + 4])
        else:
            length = int.from_bytes(frame[ip + 4 : ip + 6])
            length += 40 if length else 0
        end = ip + length if length else len(frame)
        start = tcp + 4 * (frame[tcp + 12] >> 4)
        whole = tcp + 20 <= start <= end <= len(frame)
        return Segment(frame, ip, tcp, start, end) if whole else None


class Writer:
    """A capture of the same link layer."""

    def __init__(self, file: BinaryIO, link: int) -> None:
        # Readers cut frames at the length that the file's header promises.
        self._writer = dpkt.pcap.Writer(file, snaplen=_LARGEST, linktype=link)

    def write(self, seconds: float, frame: bytes) -> None:
        """Add a frame; PeerError for a time that the format has no place for."""
        try:
            self._writer.writepkt(frame, ts=seconds)
        except struct.error:
            raise PeerError("a frame has a time before 1970 or after 2106", number=None) from None


def _ip_at(link: int, frame: bytes) -> int | None:
    """Return where the IP header begins."""
    if link in _RAW_TOO:
        return 0
    if link in (_NULL, _LOOP):
        return 4
    if link == _ETHERNET:
        at = 12
    elif link == _SLL:
        at = 14
    else:
        at = 0
    kind = int.from_bytes(frame[at : at + 2])
    if link == _SLL2:
        return 20 if kind in (_IPV4, _IPV6) else None
    while kind in _VLAN and len(frame) > at + 6:
        at += 4
        kind = int.from_bytes(frame[at : at + 2])
    return at + 2 if kind in (_IPV4, _IPV6) else None


def _transport_at(frame: bytes, ip: int, protocol: int) -> int | None:
    """Return where the header of UDP or TCP begins; fragments have none that is of use."""
    if len(frame) < ip + 20:
        return None
    if frame[ip] >> 4 == 4:
        fragment = int.from_bytes(frame[ip + 6 : ip + 8]) & 0x3FFF
        size = (frame[ip] & 0x0F) * 4
        return (ip + size) if frame[ip + 9] == protocol and not fragment and size >= 20 else None
    if frame[ip] >> 4 == 6 and frame[ip + 6] == protocol:
        return ip + 40
    return None


def _sum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    octets += b"\0" * (len(octets) % 2)
    total: int = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
