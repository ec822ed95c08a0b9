//! AES-GCM as RFC 7714 uses it: 12 octets of IV, 16 of tag, encrypted in place.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce, Tag};
use zeroize::Zeroize;

/// Octets of the session salt and of the IV.
pub const SALT_LENGTH: usize = 12;
/// Octets of the tag; RFC 7714 13.2 allows no other length.
pub const TAG_LENGTH: usize = 16;

enum Key {
    Aes128(Aes128Gcm),
    Aes256(Aes256Gcm),
}

/// AES-GCM under one session key.
pub struct Gcm {
    key: Key,
    salt: [u8; SALT_LENGTH],
}

impl Gcm {
    /// The IV takes the leftmost 12 octets of the session salt (R7714-11-1).
    ///
    /// # Panics
    /// If the key has not 16 or 32 octets; [`Profile`](crate::srtp::Profile) sees to that.
    pub fn new(key: &[u8], session_salt: &[u8; 14]) -> Self {
        const LENGTH: &str = "a key of AES-GCM has 16 or 32 octets (RFC 7714 12)";
        let key = match key.len() {
            16 => Key::Aes128(Aes128Gcm::new_from_slice(key).expect(LENGTH)),
            _ => Key::Aes256(Aes256Gcm::new_from_slice(key).expect(LENGTH)),
        };
        let mut salt = [0; SALT_LENGTH];
        salt.copy_from_slice(&session_salt[..SALT_LENGTH]);
        Self { key, salt }
    }

    /// IV = (0000 || SSRC || ROC || SEQ) XOR salt (RFC 7714 8.1), and for SRTCP
    /// (0000 || SSRC || 0000 || 0 || index) XOR salt (9.1): both are SSRC || 48-bit index.
    fn iv(&self, ssrc: u32, index: u64) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut iv = self.salt;
        let tail = (u128::from(ssrc) << 48 | u128::from(index)).to_be_bytes();
        for (octet, part) in iv.iter_mut().zip(&tail[4..]) {
            *octet ^= part;
        }
        iv.into()
    }

    /// Encrypt `data` in place and write its tag. False if the data is too long for GCM.
    #[must_use]
    pub fn seal(&self, ssrc: u32, index: u64, aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> bool {
        let iv = self.iv(ssrc, index);
        let sealed = match &self.key {
            Key::Aes128(gcm) => gcm.encrypt_inout_detached(&iv, aad, data.into()),
            Key::Aes256(gcm) => gcm.encrypt_inout_detached(&iv, aad, data.into()),
        };
        sealed.map(|made| tag.copy_from_slice(&made)).is_ok()
    }

    /// Check the tag and, if it fits, decrypt `data` in place.
    #[must_use]
    pub fn open(&self, ssrc: u32, index: u64, aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
        let iv = self.iv(ssrc, index);
        let Ok(tag) = Tag::try_from(tag) else {
            return false;
        };
        match &self.key {
            Key::Aes128(gcm) => gcm.decrypt_inout_detached(&iv, aad, data.into(), &tag),
            Key::Aes256(gcm) => gcm.decrypt_inout_detached(&iv, aad, data.into(), &tag),
        }
        .is_ok()
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}
