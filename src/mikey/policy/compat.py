"""Deviations of products from the RFCs: one field each, RFC behaviour as default.

Code asks for fields, never for names of products. A credential carries the `Compat` of its
peer; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Compat:
    """What to tolerate from, and to do for, one peer.

    `v_without_identities`: V covers the message and the Initiator's T alone (R3830-5.2-11).
    `fresh_response_timestamp`: a response carries a clock value of its own instead of the
    echo of T (R3830-5.2-11); its V still covers the Initiator's T.
    `missing_sdp_ids`: the list of protocols may be absent where the SDP offers MIKEY alone
    (R4567-4.1.4-3).
    `deduplicated_sdp_ids`: the list names each protocol once however many lines it has
    (R4567-4.1.4-2).
    `tag_length_in_type_3`: an SRTP policy holds the length of the tag in parameter 3, session
    authentication key length (10 or 4, parameter 11 absent).
    `tek_with_salt`: a TEK without salt that is as long as master key and master salt together
    is both, one after the other (R3830-6.13-8).
    """

    v_without_identities: bool = False
    fresh_response_timestamp: bool = False
    missing_sdp_ids: bool = False
    deduplicated_sdp_ids: bool = False
    tag_length_in_type_3: bool = False
    tek_with_salt: bool = False


PROFILES: Mapping[str, Compat] = MappingProxyType(
    {
        "rfc": Compat(),
        # IMPL-1 of docs/conformance/base.md
        "minisip": Compat(
            v_without_identities=True, fresh_response_timestamp=True, missing_sdp_ids=True
        ),
        # IMPL-7: GStreamer's gstmikey up to 1.24
        "gst-legacy": Compat(tag_length_in_type_3=True, tek_with_salt=True, missing_sdp_ids=True),
    }
)
"""Named profiles; each field of each has a test with the message that made it necessary."""
