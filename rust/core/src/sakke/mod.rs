//! SAKKE, Sakai-Kasahara Key Encryption (RFC 6508), with parameter set 1 of RFC 6509.
//!
//! All integers have a fixed width and are big-endian octets outside.

mod comb;
mod curve;
mod field;
mod fp2;
mod hash;
mod inverse;
mod lanes;
mod limbs;
mod lines;
pub mod measure;
mod montgomery;
mod parameters;
mod power;
#[cfg(test)]
mod reference;
mod scalar;
mod scheme;
#[cfg(test)]
mod tests;

pub use crate::simd::batch::Ifma;
pub use curve::POINT_OCTETS;
pub use scheme::{
    public_key, receiver_key, Invalid, PublicKey, ReceiverKey, DATA_OCTETS, SSV_OCTETS,
};
