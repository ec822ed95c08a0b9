//! The choice of a table's entry by a secret index: every entry is read, and a mask keeps one.

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64 as arch;

/// Returns the entry with this index, all zero if there is none; `N` is a multiple of 8.
pub fn select<const N: usize>(entries: &[[u64; N]], index: u64) -> [u64; N] {
    const { assert!(N.is_multiple_of(8)) };
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has what the function needs.
            return unsafe { wide(entries, index) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function needs.
            return unsafe { with_avx2(entries, index) };
        }
    }
    plain(entries, index)
}

/// Compiled again for each kind of processor, with its vectors.
#[inline(always)]
fn plain<const N: usize>(entries: &[[u64; N]], index: u64) -> [u64; N] {
    let mut found = [0; N];
    for (i, entry) in (0..).zip(entries) {
        let mask = super::opaque(u64::from(i == index).wrapping_neg());
        for (found, limb) in found.iter_mut().zip(entry) {
            *found |= limb & mask;
        }
    }
    found
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<const N: usize>(entries: &[[u64; N]], index: u64) -> [u64; N] {
    plain(entries, index)
}

/// With eight limbs in a vector; a comparison of vectors makes the mask.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide<const N: usize>(entries: &[[u64; N]], index: u64) -> [u64; N] {
    let mut found = [0; N];
    let wanted = arch::_mm512_set1_epi64(index as i64);
    // Four vectors at a time stay in registers.
    for (part, out) in found.chunks_mut(32).enumerate() {
        let mut sums = [arch::_mm512_setzero_si512(); 4];
        for (i, entry) in (0..).zip(entries) {
            let mask = arch::_mm512_cmpeq_epi64_mask(arch::_mm512_set1_epi64(i), wanted);
            for (sum, limbs) in sums.iter_mut().zip(entry[32 * part..].chunks_exact(8)) {
                // SAFETY: the eight limbs are there, and the load needs no alignment.
                let limbs = unsafe { arch::_mm512_loadu_epi64(limbs.as_ptr().cast()) };
                *sum = arch::_mm512_mask_mov_epi64(*sum, mask, limbs);
            }
        }
        for (sum, limbs) in sums.into_iter().zip(out.chunks_exact_mut(8)) {
            // SAFETY: there is room for eight limbs, and the store needs no alignment.
            unsafe { arch::_mm512_storeu_epi64(limbs.as_mut_ptr().cast(), sum) };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const N: usize>() {
        let entries: Vec<[u64; N]> = (0..20u64)
            .map(|i| {
                std::array::from_fn(|j| (i << 32 | j as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            })
            .collect();
        for (i, entry) in (0..).zip(&entries) {
            assert_eq!(select(&entries, i), *entry);
            assert_eq!(plain(&entries, i), *entry);
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function needs.
                assert_eq!(unsafe { with_avx2(&entries, i) }, *entry);
            }
        }
        assert_eq!(select(&entries, 20), [0; N]);
        assert_eq!(plain(&entries, 1 << 63), [0; N]);
    }

    #[test]
    fn all_ways_find_the_entry() {
        check::<8>();
        check::<16>();
        check::<32>();
        check::<40>();
    }
}
