"""Deviations of products from the RFCs: one field each, RFC behaviour as default.

Code asks for fields, never for names of products. A credential carries the `Compat` of its
peer; nothing is guessed. The table of named profiles is in `policy.profiles`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mikey.registry import KeyType, SrtpParam


class KeyFlow(enum.Enum):
    """Whose keys protect which direction of an RTSP session.

    `ANSWER`: one exchange keys both: the server's message, which the client answers (RFC 4567
    4.2), or in RTSP 2.0 the client's, which the server answers (RFC 7826 C.1.4.1).
    `TWO_KEYS`: the server's key protects what it sends, the client's what that sends.
    `CLIENT_KEY`: the client's key in SETUP protects both, one in the SDP is to be ignored.
    `SERVER_KEY`: the server's key in the SDP protects both, one in SETUP is ignored.
    """

    ANSWER = "answer"
    TWO_KEYS = "two keys"
    CLIENT_KEY = "client key"
    SERVER_KEY = "server key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compat:
    """What to tolerate from, and to do for, one peer.

    Tolerated:

    `v_without_identities`: V covers the message and the Initiator's T alone (R3830-5.2-11).
    `fresh_response_timestamp`: a response carries a clock value of its own instead of the
    echo of T (R3830-5.2-11); its V still covers the Initiator's T.
    `missing_sdp_ids`: the list of protocols may be absent where the SDP offers MIKEY alone
    (R4567-4.1.4-3).
    `deduplicated_sdp_ids`: the list names each protocol once however many lines it has
    (R4567-4.1.4-2).
    `tag_length_in_type_3`: an SRTP policy holds the length of the tag in parameter 3, session
    authentication key length (10 or 4); parameter 11 is absent, or wins.
    `tek_with_salt`: a TEK without salt that is as long as master key and master salt together
    is both, one after the other (R3830-6.13-8).
    `tek_needs_salt`: a TEK that has no salt in either way is refused.
    `unknown_parameters`: parameters of an SRTP policy that nobody assigned are skipped.
    `short_srtcp_tag`: a tag of less than 10 octets is SRTCP's as well (R3711-5.2-1).
    `sign_without_head`: an ECCSI signature may leave out the two octets of SIGN in front of it
    (R6509-2.2.1-4); what we sign for that peer leaves them out.
    `any_session_count`: the map has another number of crypto sessions than m= lines ask for
    (R4567-7.1-4); all of them have the one key.
    In MIKEY-NULL messages, whose transport protects them, and by `carriage.rtsp` alone:
    `unchecked_timestamp` (a T that is off, or no time at all), `missing_timestamp` and
    `missing_rand` (where no key is derived from it), `missing_map` (of one stream then, whose
    SSRC is open), `trailing_zeros` behind the message.

    Sent:

    `key_type`: the kind of key; TEK is sent with its salt behind it in one field.
    `mki_length`: octets of the MKI of each key, 0 for none.
    `without_identities`: MIKEY-NULL messages name nobody.
    `sends_tag_length_in_type_3`: see above.
    `sp_parameters`: the parameters of an SRTP policy that the peer understands, None for all;
    the others are left out where they say a default.
    `aead_authentication`: policies of AES-GCM say that authentication is on, its key 0 octets.
    `full_updates`: an update repeats RAND and policies.
    `flow`: whose key protects what, in RTSP.
    `compact_key_mgmt`: no blanks in the KeyMgmt header.
    `rekey_in_key_mgmt`: SET_PARAMETER carries the KeyMgmt form in place of `mikey:`.
    `server_key_in_setup`: the server repeats its key in the answer to SETUP.
    """

    v_without_identities: bool = False
    fresh_response_timestamp: bool = False
    missing_sdp_ids: bool = False
    deduplicated_sdp_ids: bool = False
    tag_length_in_type_3: bool = False
    tek_with_salt: bool = False
    tek_needs_salt: bool = False
    unknown_parameters: bool = False
    short_srtcp_tag: bool = False
    any_session_count: bool = False
    sign_without_head: bool = False
    unchecked_timestamp: bool = False
    missing_timestamp: bool = False
    missing_rand: bool = False
    missing_map: bool = False
    trailing_zeros: bool = False

    key_type: KeyType = KeyType.TGK
    mki_length: int = 0
    without_identities: bool = False
    sends_tag_length_in_type_3: bool = False
    sp_parameters: frozenset[SrtpParam] | None = None
    aead_authentication: bool = False
    full_updates: bool = False
    flow: KeyFlow = KeyFlow.ANSWER
    compact_key_mgmt: bool = False
    rekey_in_key_mgmt: bool = False
    server_key_in_setup: bool = False
