//! The native core of `mikey`: what must be fast or constant time, without Python.
#![deny(unsafe_code)]

pub mod aes_cm;
pub mod eccsi;
pub mod mac;
pub mod modp;
pub mod prf;
pub mod sakke;
pub mod simd;
pub mod srtp;
#[cfg(test)]
mod vectors;
