//! HashToIntegerRange (RFC 6508 5.1) with SHA-256.

use super::limbs::{self, OCTETS};
use super::scalar::Scalar;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const HASH_OCTETS: usize = 32;

/// The blocks v_1 || v_2 ... of the hash: v_i = h(h_i || h(s)), h_i = h(h_(i-1)), h_0 = 0.
fn blocks<const N: usize>(pieces: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut state = Sha256::new();
    for piece in pieces {
        state.update(piece);
    }
    let a = Zeroizing::<[u8; HASH_OCTETS]>::new(state.finalize().into());
    let mut h = [0; HASH_OCTETS];
    let mut out = Zeroizing::new([0; N]);
    for block in out.chunks_mut(HASH_OCTETS) {
        h = Sha256::digest(h).into();
        let hasher = Sha256::new().chain_update(h).chain_update(*a);
        let v = Zeroizing::<[u8; HASH_OCTETS]>::new(hasher.finalize().into());
        block.copy_from_slice(&v[..block.len()]);
    }
    out
}

/// The hash of the pieces in 0 to q - 1: q has 1022 bits, which are 4 blocks.
pub fn to_scalar(pieces: &[&[u8]]) -> Scalar {
    Scalar::reduce(&Zeroizing::new(limbs::from_octets(&blocks::<OCTETS>(
        pieces,
    ))))
}

/// The hash of the octets in 0 to 2^128 - 1: one block, of which the last 128 bits count.
pub fn to_mask(octets: &[u8]) -> Zeroizing<[u8; 16]> {
    let block = blocks::<HASH_OCTETS>(&[octets]);
    let mut out = Zeroizing::new([0; 16]);
    out.copy_from_slice(&block[HASH_OCTETS - 16..]);
    out
}
