//! Multiples of a public point that is used again and again.

use p256::elliptic_curve::ops::Double;
use p256::elliptic_curve::CurveGroup;
use p256::{AffinePoint, ProjectivePoint, Scalar};

/// Rows of 1, 2 .. 2^(W-1) times [2^(W i)]point: a product is one addition per W bits, no doubling.
///
/// The sums skip zero digits and read the entries that they need, so scalars must be public.
pub(super) struct Table<const W: usize> {
    entries: Vec<AffinePoint>,
}

impl<const W: usize> Table<W> {
    const ENTRIES: usize = 1 << (W - 1);
    // A scalar has 256 bits. The last row takes what is left, and the carry of the row before:
    // fewer than W bits and a carry are at most 2^(W-1), so there is no carry out of it.
    const ROWS: usize = 256 / W + 1;

    pub(super) fn new(point: &ProjectivePoint) -> Self {
        let mut base = *point;
        let mut multiples = Vec::with_capacity(Self::ROWS * Self::ENTRIES);
        for _ in 0..Self::ROWS {
            let mut multiple = base;
            multiples.push(multiple);
            for _ in 1..Self::ENTRIES {
                multiple += &base;
                multiples.push(multiple);
            }
            base = multiple.double();
        }
        // One inversion for all; then an addition saves a fourth of its products.
        let mut entries = vec![AffinePoint::IDENTITY; multiples.len()];
        ProjectivePoint::batch_normalize(&multiples, &mut entries);
        Self { entries }
    }

    /// [scalar]point + sum, for a public scalar.
    pub(super) fn vartime_multiply_add(
        &self,
        scalar: &Scalar,
        mut sum: ProjectivePoint,
    ) -> ProjectivePoint {
        let octets: [u8; 32] = scalar.to_bytes().into();
        let mut carry = 0;
        for (row, entries) in self.entries.chunks_exact(Self::ENTRIES).enumerate() {
            let digit = window(&octets, row * W, W) + carry;
            carry = usize::from(digit > Self::ENTRIES);
            if carry == 1 {
                let distance = (1 << W) - digit;
                if distance > 0 {
                    sum -= entries[distance - 1];
                }
            } else if digit > 0 {
                sum += entries[digit - 1];
            }
        }
        sum
    }
}

/// `width` bits (at most 8) from bit `start` of a big-endian integer; zeros beyond its end.
fn window(octets: &[u8; 32], start: usize, width: usize) -> usize {
    let octet = |index: usize| usize::from(if index < 32 { octets[31 - index] } else { 0 });
    let pair = octet(start / 8) | octet(start / 8 + 1) << 8;
    pair >> (start % 8) & ((1 << width) - 1)
}
