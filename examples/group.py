"""One multicast stream, three receivers: one leaves, a late one joins.

Every member has a pre-shared key of its own with the sender, and is told the keys of the group
in a message of its own. The packets are the same for all.
"""

from __future__ import annotations

import secrets

import mikey
from mikey.srtp import Receiver

STUDIO, SSRC = "sip:studio@example.org", 0x57D10


class Member:
    """A member at both ends: the studio's half of its exchanges, and its receiver."""

    def __init__(self, name: str, group: mikey.Group) -> None:
        identity, key = f"sip:{name}@example.org", mikey.Secret(secrets.token_bytes(32))
        self.studio = mikey.Initiator(mikey.Psk(key, identity=STUDIO, peer=identity))
        self.member = mikey.Responder([mikey.Psk(key, identity=identity, peer=STUDIO)])
        self.bundle = self._tell(self.studio.start(group=group))
        self.receiver: Receiver = self.bundle.srtp_receiver(1)

    def renew(self, group: mikey.Group) -> None:
        """Tell the member the new key; its receiver knows the old one too."""
        self.bundle = self._tell(self.studio.rekey(self.bundle, keys=group.keys))
        self.receiver.install(self.bundle.masters(1))

    def _tell(self, message: bytes) -> mikey.Bundle:
        answer, theirs = mikey.drive(self.member.receive(message)).accept()
        assert answer is not None
        ours = mikey.drive(self.studio.receive(answer))
        assert ours.crypto_sessions == theirs.crypto_sessions
        return ours


def rtp(sequence_number: int) -> bytes:
    """Return an RTP packet of 20 ms of silence."""
    header = b"\x80\x00" + (sequence_number % 65536).to_bytes(2) + bytes(4) + SSRC.to_bytes(4)
    return header + b"\xff" * 160


def main() -> None:
    """Send, exclude, and let somebody in late."""
    group = mikey.Group.new([mikey.Stream(ssrc=SSRC)])
    members = {name: Member(name, group) for name in ("ann", "ben", "cyd")}
    sender = members["ann"].bundle.srtp_sender(1)
    for number in (65534, 65535, 65536):  # the sequence number goes round: ROC 1
        packet = sender.protect(rtp(number))
        assert all(each.receiver.unprotect(packet) == rtp(number) for each in members.values())
    print(f"{', '.join(members)} hear one stream of {len(packet)} octets a packet")

    # Cyd leaves: a new TGK for those who stay.
    gone, group = members.pop("cyd"), group.renewed()
    for member in members.values():
        member.renew(group)
    sender.install(members["ann"].bundle.masters(1))
    packet = sender.protect(rtp(65537))
    assert all(each.receiver.unprotect(packet) == rtp(65537) for each in members.values())
    try:
        gone.receiver.unprotect(packet)
    except mikey.PeerError as error:
        print(f"cyd, who left: {error}")

    # Dee comes late: with the rollover counter as it is now, since no packet carries it.
    members["dee"] = Member("dee", group.at({1: sender.roc}))
    packet = sender.protect(rtp(65538))
    assert all(each.receiver.unprotect(packet) == rtp(65538) for each in members.values())
    print(f"dee joined at ROC {sender.roc}; {', '.join(members)} hear the stream")


if __name__ == "__main__":
    main()
