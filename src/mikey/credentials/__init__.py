"""Who we are to whom: pre-shared keys, certificates and the trust in them, keys of a KMS."""

from __future__ import annotations

from mikey.credentials.certificate import Certificate, Purpose
from mikey.credentials.certified import Certified
from mikey.credentials.fetching import FetchCertificate
from mikey.credentials.id_schemes import IdScheme, McxUid, RawIdentifier, TelMonthly
from mikey.credentials.keys import Decrypter, ImplicitRejection, Signer, SoftwareKey
from mikey.credentials.psk import ANY, NoKey, Psk
from mikey.credentials.public_key import PublicKey
from mikey.credentials.sakke import Kms, Sakke, SakkeKeys
from mikey.credentials.trust import Trust

__all__ = [
    "ANY",
    "Certificate",
    "Certified",
    "Decrypter",
    "FetchCertificate",
    "IdScheme",
    "ImplicitRejection",
    "Kms",
    "McxUid",
    "NoKey",
    "Psk",
    "PublicKey",
    "Purpose",
    "RawIdentifier",
    "Sakke",
    "SakkeKeys",
    "Signer",
    "SoftwareKey",
    "TelMonthly",
    "Trust",
]
