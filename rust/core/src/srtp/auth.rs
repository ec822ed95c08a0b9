//! HMAC-SHA1 with a truncated tag (RFC 3711 4.2.1).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Octets of the session authentication key, n_a (RFC 3711 5.2).
pub const KEY_LENGTH: usize = 20;
/// Octets of a full tag.
pub const MAX_TAG_LENGTH: usize = 20;

/// A keyed HMAC whose inner and outer first blocks are hashed once per key.
pub struct HmacSha1(Hmac<Sha1>);

impl HmacSha1 {
    pub fn new(key: &[u8; KEY_LENGTH]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// Write the leftmost `tag.len()` octets of HMAC(`parts` joined).
    pub fn tag(&self, parts: [&[u8]; 2], tag: &mut [u8]) {
        let full = self.full(parts);
        tag.copy_from_slice(&full[..tag.len()]);
    }

    /// Compare a received tag in constant time.
    pub fn verify(&self, parts: [&[u8]; 2], tag: &[u8]) -> bool {
        let full = self.full(parts);
        full[..tag.len()].ct_eq(tag).into()
    }

    fn full(&self, parts: [&[u8]; 2]) -> [u8; MAX_TAG_LENGTH] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
