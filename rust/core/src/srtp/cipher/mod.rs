//! The ciphers: AES in counter mode, AES in f8-mode, AES-GCM.

mod aes;
mod counter;
mod f8;
mod gcm;

pub use aes::Aes;
pub use counter::CounterMode;
pub use f8::F8Mode;
pub use gcm::{Gcm, TAG_LENGTH as GCM_TAG_LENGTH};

/// Octets that one initial value can encrypt: 2^16 blocks (RFC 3711 4.1.1).
pub const MAX_OCTETS: usize = 1 << 20;
