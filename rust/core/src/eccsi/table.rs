//! Multiples of a point that is used again and again, and products without a table.

use super::point::{Affine, Point};
use super::INTEGER;
use p256::Scalar;
use std::hint::black_box;
use zeroize::Zeroizing;

/// Rows of 1, 2 .. 2^(W-1) times [2^(W i)]point: a product is one addition per W bits, no doubling.
pub(super) struct Table<const W: usize> {
    entries: Vec<Affine>,
}

impl<const W: usize> Table<W> {
    const ENTRIES: usize = 1 << (W - 1);
    // A scalar has 256 bits. The last row takes what is left, and the carry of the row before:
    // fewer than W bits and a carry are at most 2^(W-1), so there is no carry out of it.
    const ROWS: usize = 256 / W + 1;

    /// The table of a point that is not infinity.
    pub(super) fn new(point: &Point) -> Self {
        let mut base = *point;
        let mut multiples = Vec::with_capacity(Self::ROWS * Self::ENTRIES);
        for _ in 0..Self::ROWS {
            let mut multiple = base;
            multiples.push(multiple);
            for _ in 1..Self::ENTRIES {
                multiple = multiple.add(&base);
                multiples.push(multiple);
            }
            base = multiple.double();
        }
        Self {
            // No multiple below q is infinity.
            entries: Point::batch_to_affine(&multiples),
        }
    }

    /// [scalar]point in constant time: every entry of the table is read, every digit is added.
    pub(super) fn multiply(&self, scalar: &Scalar) -> Point {
        let octets: Zeroizing<[u8; INTEGER]> = Zeroizing::new(scalar.to_bytes().into());
        let half = Self::ENTRIES as u64;
        let mut sum = Zeroizing::new(Point::INFINITY);
        let mut entry = Zeroizing::new(Affine::default());
        let mut carry = 0;
        for (row, entries) in self.entries.chunks_exact(Self::ENTRIES).enumerate() {
            let digit = window(&octets, row * W, W) + carry;
            // All ones if the digit is above half of the row: it becomes digit - 2^W.
            let negative = black_box(0u64.wrapping_sub(half.wrapping_sub(digit) >> 63));
            carry = negative & 1;
            let size = digit ^ (negative & (digit ^ (2 * half).wrapping_sub(digit)));
            for (multiple, of_row) in (1u64..).zip(entries) {
                *entry = entry.select(of_row, mask_of_zero(multiple ^ size));
            }
            *entry = entry.select(&entry.negate(), negative);
            let added = sum.add_affine(&entry);
            *sum = added.select(&sum, mask_of_zero(size));
        }
        *sum
    }

    /// [scalar]point + sum. Skips zero digits and reads what it needs: for public scalars.
    pub(super) fn vartime_multiply_add(&self, scalar: &Scalar, mut sum: Point) -> Point {
        let octets: [u8; INTEGER] = scalar.to_bytes().into();
        let mut carry = 0;
        for (row, entries) in self.entries.chunks_exact(Self::ENTRIES).enumerate() {
            let digit = window(&octets, row * W, W) as usize + carry;
            carry = usize::from(digit > Self::ENTRIES);
            if carry == 1 {
                let distance = (1 << W) - digit;
                if distance > 0 {
                    sum = sum.add_affine(&entries[distance - 1].negate());
                }
            } else if digit > 0 {
                sum = sum.add_affine(&entries[digit - 1]);
            }
        }
        sum
    }
}

/// All ones for 0, 0 for any other number below 2^63; the compiler is kept from branching on it.
fn mask_of_zero(number: u64) -> u64 {
    black_box(0u64.wrapping_sub(number.wrapping_sub(1) >> 63))
}

/// `width` bits (at most 8) from bit `start` of a big-endian integer; zeros beyond its end.
fn window(octets: &[u8; INTEGER], start: usize, width: usize) -> u64 {
    let octet = |index: usize| match octets.len().checked_sub(index + 1) {
        Some(place) => u64::from(octets[place]),
        None => 0,
    };
    let pair = octet(start / 8) | octet(start / 8 + 1) << 8;
    pair >> (start % 8) & ((1 << width) - 1)
}

/// [scalar]point for a point met once, by its odd multiples (wNAF): for public scalars.
pub(super) fn vartime_multiply(scalar: &Scalar, point: &Affine) -> Point {
    const WIDTH: usize = 5;
    let point = Point::from(*point);
    let twice = point.double();
    let mut odd = [point; 1 << (WIDTH - 2)];
    for index in 1..odd.len() {
        odd[index] = odd[index - 1].add(&twice);
    }
    let mut sum = Point::INFINITY;
    let mut doublings = 0;
    for digit in vartime_naf::<WIDTH>(scalar).iter().rev() {
        doublings += 1;
        if *digit != 0 {
            let multiple = &odd[usize::from(digit.unsigned_abs() / 2)];
            let doubled = sum.vartime_double_times(doublings);
            sum = if *digit > 0 {
                doubled.add(multiple)
            } else {
                doubled.add(&multiple.negate())
            };
            doublings = 0;
        }
    }
    sum.vartime_double_times(doublings)
}

/// Digits that are 0 or odd and below 2^(W-1), of which W in a row have one that is not 0.
fn vartime_naf<const W: usize>(scalar: &Scalar) -> [i8; 257] {
    let octets: [u8; INTEGER] = scalar.to_bytes().into();
    let mut digits = [0; 257];
    let mut carry = 0;
    let mut at = 0;
    while at < digits.len() {
        if window(&octets, at, 1) == carry {
            // An even rest.
            at += 1;
            continue;
        }
        let digit = window(&octets, at, W) + carry;
        carry = digit >> (W - 1);
        // Odd and below 2^W: with its carry taken off, between -2^(W-1) and 2^(W-1).
        digits[at] = (digit as i8) - ((carry as i8) << W);
        at += W;
    }
    digits
}
