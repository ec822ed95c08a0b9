//! Derivation of session keys (RFC 3711 4.3, RFC 6188 3, RFC 7714 11).

use super::cipher::Aes;

/// Octets of the master salt as the derivation takes it.
pub const SALT_LENGTH: usize = 14;

/// What a session key is for: SRTP or SRTCP, and within it encryption, authentication or salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fill `out` with the key of `label` at `r` = index DIV key_derivation_rate.
///
/// x = (label || r) XOR master_salt, right aligned with r in 48 bits; the key is the keystream of
/// AES-CM from IV = x * 2^16. For SRTCP, whose r RFC 3711 4.3.2 makes 32 bits long, r is widened
/// by zeros, so that the label stays where it is (R3711-4.3.2-1).
pub fn derive(master: &Aes, salt: &[u8; SALT_LENGTH], label: Label, r: u64, out: &mut [u8]) {
    let mut iv = [0; 16];
    iv[..SALT_LENGTH].copy_from_slice(salt);
    let key_id = u128::from(label as u8) << 48 | u128::from(r);
    let iv = u128::from_be_bytes(iv) ^ key_id << 16;
    out.fill(0);
    master.apply_counter(iv.to_be_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{self, array, octets};

    #[test]
    fn derives_the_keys_of_the_rfcs() {
        let labels = [
            Label::RtpEncryption,
            Label::RtpAuthentication,
            Label::RtpSalt,
        ];
        let mut checked = 0;
        for vector in vectors::load(&["srtp-rfc3711", "srtp-rfc6188"], "kdf") {
            let master = Aes::new(&octets(&vector["master_key"]));
            let salt = array(&vector["master_salt"]);
            for expected in vector["keys"].as_array().unwrap() {
                let label = labels[expected["label"].as_u64().unwrap() as usize];
                let expected = octets(&expected["key"]);
                let mut key = vec![0; expected.len()];
                derive(
                    &master,
                    &salt,
                    label,
                    vector["r"].as_u64().unwrap(),
                    &mut key,
                );
                assert_eq!(key, expected, "section {}, {label:?}", vector["section"]);
                checked += 1;
            }
        }
        assert_eq!(checked, 9);
    }
}
