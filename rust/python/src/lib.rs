//! The Python bindings of `mikey-core`; no logic of its own.
#![deny(unsafe_code)]

use pyo3::prelude::*;

mod aes_cm;
mod eccsi;
mod errors;
mod mac;
mod modp;
mod prf;
mod sakke;
mod srtp;

/// The native module `mikey._native`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::aes_cm::aes_cm;
    #[pymodule_export]
    use crate::eccsi::{eccsi_make_pair, eccsi_public_key, EccsiPublicKey, EccsiSigningKey};
    #[pymodule_export]
    use crate::mac::mac;
    #[pymodule_export]
    use crate::modp::{modp_generate, modp_modulus, modp_power};
    #[pymodule_export]
    use crate::prf::prf;
    #[pymodule_export]
    use crate::sakke::{
        sakke_field, sakke_public_key, sakke_receiver_key, sakke_simd, SakkePublicKey,
        SakkeReceiverKey,
    };
    #[pymodule_export]
    use crate::srtp::{SrtpReceiver, SrtpSender};
}
