//! AES in f8-mode (RFC 3711 4.1.2): output feedback under a masked IV and a counter.

use super::Aes;
use zeroize::Zeroizing;

/// Octets of the key; RFC 3711 defines f8-mode for AES-128 alone.
const KEY_LENGTH: usize = 16;

/// AES-f8 under one session key.
pub struct F8Mode {
    /// E(k_e, ...)
    aes: Aes,
    /// E(k_e XOR m, ...), for the IV
    masked: Aes,
}

impl F8Mode {
    /// m = k_s || 0x555..5 up to the length of the key, 16 octets.
    pub fn new(key: &[u8], salt: &[u8]) -> Self {
        let mut masked = Zeroizing::new([0x55; KEY_LENGTH]);
        for (octet, salt) in masked.iter_mut().zip(salt) {
            *octet = *salt;
        }
        for (octet, key) in masked.iter_mut().zip(key) {
            *octet ^= key;
        }
        Self {
            aes: Aes::new(key),
            masked: Aes::new(&*masked),
        }
    }

    /// Encrypt or decrypt, which is the same.
    pub fn apply(&self, iv: [u8; 16], data: &mut [u8]) {
        let masked_iv = u128::from_be_bytes(self.masked.encrypt(iv));
        let mut state = 0;
        for (j, chunk) in (0u128..).zip(data.chunks_mut(16)) {
            let block = self.aes.encrypt((masked_iv ^ j ^ state).to_be_bytes());
            state = u128::from_be_bytes(block);
            for (octet, key) in chunk.iter_mut().zip(block) {
                *octet ^= key;
            }
        }
    }

    /// IV = 0x00 || M || PT || SEQ || TS || SSRC || ROC; `header` is the RTP header.
    pub fn rtp_iv(header: &[u8], roc: u32) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[1..12].copy_from_slice(&header[1..12]);
        iv[12..].copy_from_slice(&roc.to_be_bytes());
        iv
    }

    /// IV = 0..0 (32 bits) || E || SRTCP index || the first eight octets of the packet.
    pub fn rtcp_iv(header: &[u8], index_word: [u8; 4]) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[4..8].copy_from_slice(&index_word);
        iv[8..].copy_from_slice(&header[..8]);
        iv
    }
}
