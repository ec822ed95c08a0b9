//! SAKKE for eight messages at once, with AVX-512 IFMA; and parts of one.
//!
//! The tables are those of the scalar code, so are the digits of the numbers, and what comes out
//! is in its form again. Each lane has digits of its own: it sees all entries of a row and keeps
//! its own, so that no address depends on a digit.

mod curve;
mod lanes;
mod pairing;
#[cfg(test)]
mod tests;

use super::batch::{Digits, LANES};
use super::select::prefetch;
use core::arch::x86_64::*;
pub(super) use curve::{multiply, sum_columns};
use lanes::{transpose, vector_of};
pub(super) use pairing::{evaluate, multiply_columns, pairing, power};

/// Sets what is found to the entries of digits; all of the row is read. `N` is a multiple of 8,
/// and a row has a multiple of 16 entries.
///
/// A limb of eight entries becomes a vector, and one instruction takes the limbs of sixteen
/// entries, by the four lowest bits of the indices, for all lanes.
#[target_feature(enable = "avx512f,avx512ifma")]
fn look_up<const N: usize>(row: &[[u64; N]], digits: &[Digits], found: &mut [[__m512i; N]]) {
    const { assert!(N.is_multiple_of(LANES)) };
    let zero = _mm512_setzero_si512();
    found.fill([zero; N]);
    let (sixteens, rest) = row.as_chunks::<16>();
    assert!(rest.is_empty());
    for (i, sixteen) in (0..).zip(sixteens) {
        prefetch(sixteen.as_flattened());
        let mut limbs = [[zero; N]; 2];
        for (limbs, entries) in limbs.iter_mut().zip(sixteen.as_chunks::<LANES>().0) {
            for start in (0..N).step_by(LANES) {
                let mut rows = [zero; LANES];
                for (row, entry) in rows.iter_mut().zip(entries) {
                    *row = vector_of(&entry[start..]);
                }
                limbs[start..start + LANES].copy_from_slice(&transpose(&rows));
            }
        }
        let [low, high] = &limbs;
        for (digits, found) in digits.iter().zip(&mut *found) {
            let index = vector_of(&digits.index);
            let sixteen_of = _mm512_srli_epi64::<4>(index);
            let lanes = _mm512_cmpeq_epi64_mask(sixteen_of, _mm512_set1_epi64(i));
            for (found, (low, high)) in found.iter_mut().zip(low.iter().zip(high)) {
                let limb = _mm512_permutex2var_epi64(*low, index, *high);
                *found = _mm512_mask_mov_epi64(*found, lanes, limb);
            }
        }
    }
}

/// The lanes in which the digit is negative.
#[target_feature(enable = "avx512f")]
fn negative(digits: &Digits) -> u8 {
    let digits = vector_of(&digits.negative);
    _mm512_test_epi64_mask(digits, digits)
}
