"""What each payload is for, with the section that defines it and its own words on the core."""

from __future__ import annotations

from dataclasses import dataclass

from mikey.registry import PayloadType


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a payload is defined, what it does, and a phrase of that section."""

    section: str
    words: str
    quote: str


HEADER = Explanation(
    "RFC 3830 6.1",
    "Says which exchange this is (data type), to which bundle of crypto sessions it belongs (CSB "
    "ID, drawn by the Initiator) and which streams it keys: entry i of the map is CS ID i, with "
    "the policy, SSRC and rollover counter of one SRTP stream. SSRC 0 is left to the Responder. A "
    "GENERIC-ID map says the CS ID of each, and the SPI, which is the MKI of its key.",
    "The Common Header includes a general description of the exchange message.",
)

EXPLANATIONS = {
    PayloadType.KEMAC: Explanation(
        "RFC 3830 6.2",
        "Carries the keys, encrypted under a key derived from the shared secret, and the MAC. In "
        "the pre-shared key method it is last and its MAC covers the whole message; with public "
        "keys the MAC covers this payload and a signature the rest.",
        "Note that the MAC coverage depends on the method used",
    ),
    PayloadType.PKE: Explanation(
        "RFC 3830 6.3",
        "The envelope key, encrypted with the Responder's public key: KEMAC's keys derive from it.",
        "C (2 bits): envelope key cache indicator",
    ),
    PayloadType.DH: Explanation(
        "RFC 3830 6.4",
        "One side's public Diffie-Hellman value; both values together make the TGK. Group 0 is "
        "the strongest of the three (1536 bits).",
        "the public DH-value (the length is implicit from the group used)",
    ),
    PayloadType.SIGN: Explanation(
        "RFC 3830 6.5",
        "A signature over everything before it. It has no Next payload: nothing follows it. One of "
        "type ECCSI (RFC 6507) is made by an identity, and brings the token that belongs to it.",
        "S type (4 bits): indicates the signature algorithm applied by the signer.",
    ),
    PayloadType.T: Explanation(
        "RFC 3830 6.6",
        "When the Initiator made its message. It never repeats a value, so a receiver knows a "
        "replay by it, and the cipher of KEMAC takes its IV from it. Responses echo it.",
        "The timestamp payload carries the timestamp information.",
    ),
    PayloadType.ID: Explanation(
        "RFC 3830 6.7",
        "Who is speaking, or to whom: of two the sender's comes first. It finds the pre-shared "
        "key and goes into the MAC of a response.",
        "The ID payload carries a uniquely defined identifier.",
    ),
    PayloadType.CERT: Explanation(
        "RFC 3830 6.7",
        "A certificate, or a URL of one; a chain is several of these payloads.",
        "contains an indicator of the certificate provided as well as the certificate data",
    ),
    PayloadType.CHASH: Explanation(
        "RFC 3830 6.8",
        "Names the Responder's certificate whose public key the envelope key is encrypted with.",
        "contains the hash of the certificate used",
    ),
    PayloadType.V: Explanation(
        "RFC 3830 6.9",
        "Proves that the Responder has the key: a MAC over this message, then both identities "
        "and the Initiator's timestamp, which are not repeated here.",
        "the MAC is calculated over the entire MIKEY message, as well as the IDs and Timestamp",
    ),
    PayloadType.SP: Explanation(
        "RFC 3830 6.10",
        "How the packets of a crypto session are protected, parameter by parameter. What is not "
        "listed has the default of the security protocol (for SRTP that of RFC 3711).",
        "if a Type/Value is not set, the default is used",
    ),
    PayloadType.RAND: Explanation(
        "RFC 3830 6.11",
        "Random octets of the Initiator that go into every key derivation of this bundle. An "
        "update carries none and goes on with those of the first message.",
        "The RAND MUST be independently generated per CSB",
    ),
    PayloadType.ERR: Explanation(
        "RFC 3830 6.12",
        "Why a message was refused. Without a V or SIGN behind it, anybody may have sent it.",
        "indicates the type of error that was encountered",
    ),
    PayloadType.TR: Explanation(
        "RFC 6043 6.4",
        "A timestamp with its role: time of issue, begin or end of validity, rekeying interval.",
        "describes the meaning of the timestamp itself",
    ),
    PayloadType.IDR: Explanation(
        "RFC 6043 6.6",
        "An identity with its role, where a message names several parties.",
        "describes the meaning of the identity itself",
    ),
    PayloadType.RANDR: Explanation(
        "RFC 6043 6.8",
        "Random octets with the role of the party that made them.",
        "describing the role (the generating entity) of the RAND",
    ),
    PayloadType.TP: Explanation(
        "RFC 6043 6.10",
        "What kind of ticket is asked for.",
        "contains a desired Ticket Policy",
    ),
    PayloadType.TICKET: Explanation(
        "RFC 6043 6.10",
        "A ticket from a key server: its policy, and data that the resolving party can open.",
        "contains the granted Ticket Policy as well as Ticket Data",
    ),
    PayloadType.GENERAL_EXT: Explanation(
        "RFC 3830 6.15",
        "Room for later inventions, always under the MAC or signature. Type 1 lists the key "
        "management protocols of the SDP offer, so that a removed one is noticed (RFC 4567 "
        "4.1.4); type 3 names keys (RFC 4563), type 4 a CSB ID (RFC 4738).",
        "is part of the authenticated/signed data part",
    ),
    PayloadType.SAKKE: Explanation(
        "RFC 6509 4.2",
        "A shared secret, encapsulated for the identity of the receiver: URI and key period, as "
        "the ID scheme makes them one. The receiver's key opens it; the KMS could make that key.",
        "contains the SAKKE Encapsulated Data",
    ),
}

KEY_DATA = Explanation(
    "RFC 3830 6.13",
    "One key: a TGK, from which every crypto session derives its own, or a TEK, which SRTP takes "
    "as it is; its salt if it has one, and how long it holds or which MKI names it.",
    "The Key data payload contains key material, e.g., TGKs.",
)


def explanation(kind: PayloadType | None) -> Explanation | None:
    """Return the explanation of a payload, None being the header."""
    return HEADER if kind is None else EXPLANATIONS.get(kind)
