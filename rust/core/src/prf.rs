//! The pseudo-random functions of MIKEY (RFC 3830 4.1.2, RFC 6043 6.1).
//!
//! P(s, label, m) = HMAC(s, A_1 || label) || ... || HMAC(s, A_m || label), with A_0 = label and
//! A_i = HMAC(s, A_(i-1)). The input key is cut into blocks of 32 octets, the last of which may
//! be shorter and is never padded; the output is the XOR of P over all blocks.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroize;

const BLOCK: usize = 32;

/// The hash function under the HMAC of a PRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrfHash {
    /// MIKEY-1.
    Sha1,
    /// PRF-HMAC-SHA-256.
    Sha256,
}

/// Fills `out` from `inkey` under `label`; an empty `inkey` gives zeros.
pub fn prf(hash: PrfHash, inkey: &[u8], label: &[u8], out: &mut [u8]) {
    out.fill(0);
    for block in inkey.chunks(BLOCK) {
        match hash {
            PrfHash::Sha1 => add::<Hmac<Sha1>>(block, label, out),
            PrfHash::Sha256 => add::<Hmac<Sha256>>(block, label, out),
        }
    }
}

/// XORs P(block, label) into `out`.
fn add<M: Mac + KeyInit + Clone>(block: &[u8], label: &[u8], out: &mut [u8]) {
    // HMAC takes keys of any length.
    let Ok(keyed) = <M as KeyInit>::new_from_slice(block) else {
        return;
    };
    let mut a = None;
    for piece in out.chunks_mut(M::output_size()) {
        let next = match &a {
            None => keyed.clone().chain_update(label),
            Some(a) => keyed.clone().chain_update(a),
        };
        let next = next.finalize().into_bytes();
        let p = keyed.clone().chain_update(&next).chain_update(label);
        let mut p = p.finalize().into_bytes();
        for (octet, mask) in piece.iter_mut().zip(&p) {
            *octet ^= mask;
        }
        p.as_mut_slice().zeroize();
        a = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The XOR over blocks: callers refuse such keys (R3830-4.1.2-5).
    #[test]
    fn two_equal_blocks_cancel() {
        let mut out = [1u8; 46];
        prf(PrfHash::Sha1, &[7; 64], b"label", &mut out);
        assert_eq!(out, [0; 46]);
    }

    #[test]
    fn a_shorter_output_is_a_prefix() {
        for hash in [PrfHash::Sha1, PrfHash::Sha256] {
            let (mut long, mut short) = ([0; 75], [0; 33]);
            prf(hash, &[7; 33], b"label", &mut long);
            prf(hash, &[7; 33], b"label", &mut short);
            assert_eq!(long[..33], short);
        }
    }
}
