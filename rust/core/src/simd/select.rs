//! The choice of a table's entries by secret indices: every entry is read, and a mask keeps one.

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64 as arch;

/// How far ahead of what is read of a table the processor is asked for the rest, in octets. The
/// row that follows is asked for as well, because it is read next.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 8 << 10;

/// Asks the processor to bring what follows these numbers at a distance into its cache.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn prefetch(numbers: &[u64]) {
    for line in numbers.chunks(8) {
        let ahead = line.as_ptr().wrapping_byte_add(AHEAD);
        // SAFETY: nothing is read; what is no address is ignored.
        unsafe { arch::_mm_prefetch::<{ arch::_MM_HINT_T0 }>(ahead.cast()) };
    }
}

/// How many entries are chosen in one pass over the table.
const AT_ONCE: usize = 4;

/// Returns the entries with these indices, all zero where there is none; `N` is a multiple of 8.
pub fn select<const N: usize, const K: usize>(
    entries: &[[u64; N]],
    indices: &[u64; K],
) -> [[u64; N]; K] {
    const { assert!(N.is_multiple_of(8)) };
    let mut found = [[0; N]; K];
    let places = found.chunks_mut(AT_ONCE);
    for (found, indices) in places.zip(indices.chunks(AT_ONCE)) {
        select_some(entries, indices, found);
    }
    found
}

/// Sets `found`, all zero before, to the entries with these indices, up to `AT_ONCE`.
fn select_some<const N: usize>(entries: &[[u64; N]], indices: &[u64], found: &mut [[u64; N]]) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has what the function needs.
            return unsafe { wide(entries, indices, found) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function needs.
            return unsafe { with_avx2(entries, indices, found) };
        }
    }
    plain(entries, indices, found);
}

/// Compiled again for each kind of processor, with its vectors.
#[inline(always)]
fn plain<const N: usize>(entries: &[[u64; N]], indices: &[u64], found: &mut [[u64; N]]) {
    for (found, index) in found.iter_mut().zip(indices) {
        for (i, entry) in (0..).zip(entries) {
            let mask = super::opaque(u64::from(i == *index).wrapping_neg());
            for (found, limb) in found.iter_mut().zip(entry) {
                *found |= limb & mask;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<const N: usize>(entries: &[[u64; N]], indices: &[u64], found: &mut [[u64; N]]) {
    plain(entries, indices, found);
}

/// With eight limbs in a vector; a comparison of vectors makes the mask.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide<const N: usize>(entries: &[[u64; N]], indices: &[u64], found: &mut [[u64; N]]) {
    // What is not wanted is an index that no entry has.
    let wanted: [_; AT_ONCE] = core::array::from_fn(|k| {
        arch::_mm512_set1_epi64(indices.get(k).map_or(-1, |index| *index as i64))
    });
    // Four vectors at a time, of each of the entries to be found, stay in registers.
    for start in (0..N).step_by(32) {
        let mut sums = [[arch::_mm512_setzero_si512(); 4]; AT_ONCE];
        for (i, entry) in (0..).zip(entries) {
            prefetch(&entry[start..N.min(start + 32)]);
            let i = arch::_mm512_set1_epi64(i);
            let masks = wanted.map(|wanted| arch::_mm512_cmpeq_epi64_mask(i, wanted));
            for (j, limbs) in entry[start..].chunks_exact(8).take(4).enumerate() {
                // SAFETY: the eight limbs are there, and the load needs no alignment.
                let limbs = unsafe { arch::_mm512_loadu_epi64(limbs.as_ptr().cast()) };
                for (sums, mask) in sums.iter_mut().zip(masks) {
                    sums[j] = arch::_mm512_mask_mov_epi64(sums[j], mask, limbs);
                }
            }
        }
        for (sums, found) in sums.iter().zip(found.iter_mut()) {
            for (sum, limbs) in sums.iter().zip(found[start..].chunks_exact_mut(8)) {
                // SAFETY: there is room for eight limbs, and the store needs no alignment.
                unsafe { arch::_mm512_storeu_epi64(limbs.as_mut_ptr().cast(), *sum) };
            }
        }
    }
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
        let entry = |i: u64| entries.get(i as usize).copied().unwrap_or([0; N]);
        for i in 0..22 {
            let indices = [i, (i + 7) % 22, 1 << 63, 19, i];
            assert_eq!(select(&entries, &indices), indices.map(entry));
            let mut found = [[0; N]; 5];
            plain(&entries, &indices, &mut found);
            assert_eq!(found, indices.map(entry));
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                let mut found = [[0; N]; 5];
                // SAFETY: the processor has what the function needs.
                unsafe { with_avx2(&entries, &indices, &mut found) };
                assert_eq!(found, indices.map(entry));
            }
        }
    }

    #[test]
    fn all_ways_find_the_entries() {
        check::<8>();
        check::<16>();
        check::<32>();
        check::<40>();
    }
}
