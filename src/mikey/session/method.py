"""The methods that an Initiator can choose from."""

from __future__ import annotations

import enum


class Method(enum.Enum):
    """A way to establish keys; the value is its name in `Bundle.method`.

    MIKEY-NULL is the pre-shared key method without a key (`NoKey`), not one of its own.
    """

    PSK = "PSK"
    PKE = "PKE"
    DH_SIGN = "DH-SIGN"
    DHHMAC = "DHHMAC"
    RSA_R = "RSA-R"
    SAKKE = "SAKKE"
