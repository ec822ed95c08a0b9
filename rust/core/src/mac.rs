//! The MACs of KEMAC and V (RFC 3830 4.2.4, RFC 6043 6.2).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

const ANY_LENGTH: &str = "HMAC takes a key of any length";

/// HMAC-SHA-1-160.
#[must_use]
pub fn hmac_sha1(key: &[u8], octets: &[u8]) -> [u8; 20] {
    let keyed = Hmac::<Sha1>::new_from_slice(key).expect(ANY_LENGTH);
    keyed.chain_update(octets).finalize().into_bytes().into()
}

/// HMAC-SHA-256-256.
#[must_use]
pub fn hmac_sha256(key: &[u8], octets: &[u8]) -> [u8; 32] {
    let keyed = Hmac::<Sha256>::new_from_slice(key).expect(ANY_LENGTH);
    keyed.chain_update(octets).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and last octets of test case 2 of RFC 2202 section 3 and RFC 4231 section 4.3.
    #[test]
    fn known_answers() {
        let octets = b"what do ya want for nothing?";
        let short = hmac_sha1(b"Jefe", octets);
        assert_eq!(short[..4], 0xeffc_df6a_u32.to_be_bytes());
        assert_eq!(short[16..], 0x259a_7c79_u32.to_be_bytes());
        let long = hmac_sha256(b"Jefe", octets);
        assert_eq!(long[..4], 0x5bdc_c146_u32.to_be_bytes());
        assert_eq!(long[28..], 0x64ec_3843_u32.to_be_bytes());
    }
}
