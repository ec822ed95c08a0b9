//! SAKKE for eight messages at once, with AVX-512 IFMA; and sums of points for one.
//!
//! The tables are those of the scalar code, so are the digits of the numbers, and what comes out
//! is in its form again. Each lane has digits of its own: it sees all entries of a row and keeps
//! its own (a masked load of each), so that no address depends on a digit.

mod curve;
mod lanes;
mod pairing;
#[cfg(test)]
mod tests;

use super::batch::Digits;
use core::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi64_mask, _mm512_mask_mov_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_test_epi64_mask,
};
pub(super) use curve::{multiply, sum_columns};
use lanes::vector_of;
pub(super) use pairing::{evaluate, pairing, power};

/// The entries of the digits; all of the row is read. `N` is a multiple of 16.
#[target_feature(enable = "avx512f,avx512ifma")]
fn look_up<const N: usize>(row: &[[u64; N]], digits: &Digits) -> [__m512i; N] {
    const { assert!(N.is_multiple_of(16)) };
    let index = vector_of(&digits.index);
    let mut found = [_mm512_setzero_si512(); N];
    // Sixteen vectors at a time stay in registers.
    for (part, found) in found.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let mut sums = [_mm512_setzero_si512(); 16];
        for (i, entry) in (0..).zip(row) {
            let lanes = _mm512_cmpeq_epi64_mask(index, _mm512_set1_epi64(i));
            for (sum, limb) in sums.iter_mut().zip(&entry[16 * part..]) {
                *sum = _mm512_mask_mov_epi64(*sum, lanes, _mm512_set1_epi64(*limb as i64));
            }
        }
        *found = sums;
    }
    found
}

/// The lanes in which the digit is negative.
#[target_feature(enable = "avx512f")]
fn negative(digits: &Digits) -> u8 {
    let digits = vector_of(&digits.negative);
    _mm512_test_epi64_mask(digits, digits)
}
