//! AES-CM as MIKEY encrypts key data with it (RFC 3830 4.2.3).

use crate::srtp::cipher::Aes;

/// XORs the keystream E(k, IV) || E(k, IV + 1) || ... onto `data`: encrypts and decrypts.
///
/// # Panics
/// If the key has no length of AES: 16, 24 or 32 octets.
pub fn aes_cm(key: &[u8], iv: [u8; 16], data: &mut [u8]) {
    Aes::new(key).apply_counter(iv, data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38A F.5.1, the first two blocks, the second of them cut.
    #[test]
    fn the_counter_is_the_whole_iv() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff_u128.to_be_bytes();
        let mut data = [0; 20];
        data[..16].copy_from_slice(&0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes());
        data[16..].copy_from_slice(&0xae2d_8a57_u32.to_be_bytes());
        aes_cm(&key, iv, &mut data);
        let first = 0x874d_6191_b620_e326_1bef_6864_990d_b6ce_u128.to_be_bytes();
        assert_eq!(data[..16], first);
        assert_eq!(data[16..], 0x9806_f66b_u32.to_be_bytes());
    }
}
