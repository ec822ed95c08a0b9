"""Named profiles of products: which deviations each has.

Q numbers are those of docs/rtsp-products.md, where each is explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mikey.policy.compat import Compat, KeyFlow
from mikey.registry import KeyType, SrtpParam

_CLASSIC = frozenset(
    {
        SrtpParam.ENCR_ALG,
        SrtpParam.SESSION_ENCR_KEY_LEN,
        SrtpParam.AUTH_ALG,
        SrtpParam.SESSION_AUTH_KEY_LEN,
        SrtpParam.SRTP_ENCRYPTION,
        SrtpParam.SRTCP_ENCRYPTION,
        SrtpParam.SRTP_AUTHENTICATION,
    }
)

# What every RTSP product needs: Q1, Q3, Q5 to Q7, Q9, Q11 when reading, Q3, Q9, Q13 when writing.
_RTSP = Compat(
    missing_sdp_ids=True,
    tag_length_in_type_3=True,
    tek_with_salt=True,
    tek_needs_salt=True,
    unknown_parameters=True,
    any_session_count=True,
    unchecked_timestamp=True,
    missing_timestamp=True,
    missing_rand=True,
    missing_map=True,
    trailing_zeros=True,
    key_type=KeyType.TEK,
    without_identities=True,
    compact_key_mgmt=True,
)

_GST_LEGACY = replace(
    _RTSP,
    flow=KeyFlow.TWO_KEYS,
    short_srtcp_tag=True,
    sends_tag_length_in_type_3=True,
    sp_parameters=_CLASSIC,
    full_updates=True,
    rekey_in_key_mgmt=True,
)

PROFILES: Mapping[str, Compat] = MappingProxyType(
    {
        "rfc": Compat(),
        # IMPL-1 of docs/conformance/base.md
        "minisip": Compat(
            v_without_identities=True, fresh_response_timestamp=True, missing_sdp_ids=True
        ),
        # Q2, Q3, Q14, Q15: Axis, Hanwha, Bosch; GStreamer from 1.26
        "onvif-cm": replace(_RTSP, mki_length=4, flow=KeyFlow.CLIENT_KEY),
        # Q3, Q4: key and salt apart
        "onvif-gcm": replace(
            _RTSP, key_type=KeyType.TEK_SALT, mki_length=4, flow=KeyFlow.CLIENT_KEY
        ),
        # IMPL-7, Q1, Q2, Q15: GStreamer's gstmikey up to 1.24
        "gst-legacy": _GST_LEGACY,
        # Q1: the tag's length in both places
        "gst-sha1-32": replace(_GST_LEGACY, sp_parameters=_CLASSIC | {SrtpParam.AUTH_TAG_LEN}),
        # Q3, Q4: key and salt in one field, HMAC's parameters beside AES-GCM
        "gst-gcm": replace(_GST_LEGACY, aead_authentication=True),
        # Q1, Q2, Q13: nothing but these parameters, an MKI of 4 octets, blanks in the header
        "live555": replace(
            _RTSP,
            mki_length=4,
            sp_parameters=_CLASSIC | {SrtpParam.SESSION_SALT_KEY_LEN, SrtpParam.AUTH_TAG_LEN},
            flow=KeyFlow.SERVER_KEY,
            compact_key_mgmt=False,
        ),
        # Q5, Q13: gortsplib checks T, and answers SETUP with its key
        "mediamtx": replace(_RTSP, flow=KeyFlow.TWO_KEYS, server_key_in_setup=True),
        # EXT of R6509-2.2.1-4: stacks for mission-critical services before 3GPP release 14
        "33.179": Compat(sign_without_head=True),
    }
)
"""Named profiles; each field of each has a test with the message that made it necessary."""
