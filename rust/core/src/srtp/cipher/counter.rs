//! AES in Segmented Integer Counter Mode (RFC 3711 4.1.1, RFC 6188).

use super::Aes;
use zeroize::Zeroize;

/// Octets of the session salt k_s.
pub const SALT_LENGTH: usize = 14;

/// AES-CM under one session key.
pub struct CounterMode {
    aes: Aes,
    salt: [u8; SALT_LENGTH],
}

impl CounterMode {
    pub fn new(aes: Aes, salt: [u8; SALT_LENGTH]) -> Self {
        Self { aes, salt }
    }

    /// Encrypt or decrypt, which is the same; `index` is the 48-bit SRTP or the SRTCP index.
    pub fn apply(&self, ssrc: u32, index: u64, data: &mut [u8]) {
        self.aes.apply_counter(self.iv(ssrc, index), data);
    }

    /// IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16).
    fn iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..SALT_LENGTH].copy_from_slice(&self.salt);
        let rest = u128::from(ssrc) << 64 ^ u128::from(index) << 16;
        (u128::from_be_bytes(iv) ^ rest).to_be_bytes()
    }
}

impl Drop for CounterMode {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}
