"""SRTP policies as products want to read them (the fields of `Compat` under "Sent")."""

from __future__ import annotations

from mikey.errors import LocalError, PeerError
from mikey.policy.compat import Compat
from mikey.policy.sp import srtp_policy
from mikey.policy.srtp import SrtpPolicy
from mikey.registry import SrtpParam
from mikey.wire import Sp, SpParam


def product_sp(policy: SrtpPolicy, policy_no: int, compat: Compat) -> Sp:
    """Return the SP payload of a policy for a peer.

    Raises LocalError where the peer's parameters cannot say the policy.
    """
    sp = policy.to_sp(policy_no)
    asked = compat.sends_tag_length_in_type_3, compat.aead_authentication, compat.sp_parameters
    if asked == (False, False, None):
        return sp
    values = dict(sp.params)
    if compat.sends_tag_length_in_type_3 and not policy.is_aead:
        values[SrtpParam.SESSION_AUTH_KEY_LEN] = bytes([policy.tag_length])
    if compat.aead_authentication and policy.is_aead:
        values[SrtpParam.SESSION_AUTH_KEY_LEN] = b"\0"
        values[SrtpParam.SRTP_AUTHENTICATION] = b"\1"
    if compat.sp_parameters is not None:
        values = {param: value for param, value in values.items() if param in compat.sp_parameters}
    written = Sp(policy_no, sp.prot_type, tuple(SpParam(p, values[p]) for p in sorted(values)))
    if written != sp and not _says(written, policy, compat):
        raise LocalError(f"the peer's profile has no way to say {policy.name}")
    return written


def _says(sp: Sp, policy: SrtpPolicy, compat: Compat) -> bool:
    try:
        return srtp_policy(sp, compat) == policy
    except PeerError:
        return False
