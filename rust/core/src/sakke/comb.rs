//! Multiples of a fixed point by a secret number, with tables that are read as a whole.
//!
//! The number is written with odd digits of `BITS` bits (`Scalar::odd_digits`); none is zero, so
//! that each adds a point. Digit `LEVELS` i + j, of weight 2^(BITS (LEVELS i + j)), takes its
//! point from row i of the table, which holds the odd multiples 1 to 2^BITS - 1 of
//! 2^(BITS LEVELS i) B. The points of level j sum up to S_j, and [k]B is the sum of
//! 2^(BITS j) S_j: BITS (LEVELS - 1) doublings save all rows but one in LEVELS.
//!
//! The points of a level are summed up as a tree of affine additions that share an inversion in
//! each generation (`sums`). There all sums are of points with different x, for points of order
//! q: the sum of rows m to n is a multiple a of B with |a| <= (2^BITS - 1) (2^(BITS LEVELS m) +
//! ... + 2^(BITS LEVELS n)) < 2^(BITS LEVELS n + BITS + 1), and a is an odd multiple of
//! 2^(BITS LEVELS m), so not 0. As LEVELS >= 2, that is less than any such number of the rows
//! above n, so neither equal nor opposite as integers. And modulo q neither, because both
//! together stay below q: |a| + |a'| < 2^(BITS LEVELS (ROWS - 1) + BITS + 2) <= 2^1021 < q.

use super::curve::{Affine, Jacobian};
use super::field::{invert_all, Fe};
use super::lanes;
use super::limbs::{self, Wide};
use super::scalar::Scalar;
use crate::simd;
use crate::simd::batch::{Ifma, Shape, LANES};
use zeroize::Zeroizing;

/// The table of a point.
pub struct Comb<const BITS: usize, const LEVELS: usize> {
    /// Row after row; 2^(BITS - 1) points each, as limbs of x and y.
    points: Vec<Wide>,
}

impl<const BITS: usize, const LEVELS: usize> Comb<BITS, LEVELS> {
    const ENTRIES: usize = 1 << (BITS - 1);
    /// Numbers are below 2^1023.
    const ROWS: usize = 1023usize.div_ceil(BITS * LEVELS);
    pub const OCTETS: usize = Self::ROWS * Self::ENTRIES * size_of::<Wide>();

    /// The table of a point of order q, or of one of order 2 q or 4 q.
    pub fn new(base: &Affine) -> Self {
        const { assert!(LEVELS >= 2 && BITS * (LEVELS * (Self::ROWS - 1) + 1) + 2 <= 1021) };
        // The point of each row, and twice that, which is the step from one entry to the next.
        let mut ends = Vec::with_capacity(2 * Self::ROWS);
        let mut point = Jacobian::from(*base);
        for _ in 0..Self::ROWS {
            ends.push(point);
            point = point.double();
            ends.push(point);
            for _ in 1..BITS * LEVELS {
                point = point.double();
            }
        }
        let ends = normalize(&ends);
        let mut points = vec![Affine::default(); Self::ROWS * Self::ENTRIES];
        for (row, [first, _]) in points.chunks_mut(Self::ENTRIES).zip(ends.as_chunks().0) {
            row[0] = *first;
        }
        let mut sums = Vec::with_capacity(Self::ROWS);
        for entry in 1..Self::ENTRIES {
            let rows = points.chunks(Self::ENTRIES).zip(ends.as_chunks().0);
            sums.clear();
            sums.extend(rows.map(|(row, [_, step])| [row[entry - 1], *step]));
            let rows = points.chunks_mut(Self::ENTRIES);
            for (row, sum) in rows.zip(add_pairs(&sums)) {
                row[entry] = sum;
            }
        }
        let points = points
            .iter()
            .map(|point| limbs::join(&point.x.0, &point.y.0));
        Self {
            points: points.collect(),
        }
    }

    /// The points of the digits: level after level, row after row.
    fn push_points(&self, k: &Scalar, points: &mut Vec<Affine>) {
        let start = points.len();
        points.resize(start + LEVELS * Self::ROWS, Affine::default());
        let rows = self.points.chunks(Self::ENTRIES);
        let digits = k.odd_digits_of_rows::<BITS, LEVELS>(Self::ROWS);
        for (row, (entries, digits)) in rows.zip(digits).enumerate() {
            let found = simd::select(entries, &digits.each_ref().map(|digit| digit.index));
            for (level, (entry, digit)) in found.iter().zip(&digits).enumerate() {
                let [x, y] = limbs::halves(entry).map(|limbs| Fe(*limbs));
                let point = Affine { x, y }.negate_if(digit.negative);
                points[start + level * Self::ROWS + row] = point;
            }
        }
    }

    /// The sum of [k]B over tables and numbers. Where the processor is given for it, levels are
    /// summed up beside each other, as many as it has lanes, or parts of them: each the rows from
    /// one to another, for which what is said above holds as well.
    pub fn multiply(pairs: &[(&Self, &Scalar)], ifma: Option<Ifma>) -> Zeroizing<Jacobian> {
        let levels = pairs.len() * LEVELS;
        let mut points = Zeroizing::new(Vec::with_capacity(levels * Self::ROWS));
        for (comb, k) in pairs {
            comb.push_points(k, &mut points);
        }
        // Lanes to a level.
        let parts = LANES / levels;
        let fits = LANES.is_multiple_of(levels) && Self::ROWS.is_multiple_of(parts);
        match ifma.filter(|_| fits) {
            Some(ifma) => {
                let limbs = points.iter().map(|point| [point.x.0, point.y.0]);
                let limbs = Zeroizing::new(limbs.collect::<Vec<_>>());
                let sums = Zeroizing::new(ifma.sum_columns(&limbs, &lanes::invert_limbs));
                Self::put_together(&*Zeroizing::new(lanes::affine(&sums)), parts)
            }
            None => {
                sum_up(&mut points, Self::ROWS);
                let sums = points.iter().step_by(Self::ROWS).copied();
                Self::put_together(&Zeroizing::new(sums.collect::<Vec<_>>()), 1)
            }
        }
    }

    /// The sum of 2^(BITS j) S_j, where S_j is the sum of as many points as there are `parts`, of
    /// one table after the other.
    ///
    /// The additions are for different points. What else meets, where the whole is infinity or by
    /// a chance of 2^-1000, makes the sum infinity for good, and all is added again by additions
    /// for any points.
    fn put_together(sums: &[Affine], parts: usize) -> Zeroizing<Jacobian> {
        let sum = |add: fn(&Jacobian, &Affine) -> Jacobian| {
            let mut result = Zeroizing::new(None);
            for level in (0..LEVELS).rev() {
                for point in sums.chunks(parts).skip(level).step_by(LEVELS).flatten() {
                    *result = Some(match &*result {
                        Some(sum) => add(sum, point),
                        None => Jacobian::from(*point),
                    });
                }
                for _ in 0..if level > 0 { BITS } else { 0 } {
                    *result = result.map(Jacobian::double);
                }
            }
            Zeroizing::new(result.unwrap_or(Jacobian::infinity()))
        };
        let result = sum(|one, other| one.add_with_slope(other).0);
        if result.is_infinity() {
            return sum(|one, other| one.add(other));
        }
        result
    }

    /// The same for eight numbers at a time of each table.
    ///
    /// z is also zero where equal or opposite points met when the levels were put together.
    pub fn multiply_lanes(
        ifma: Ifma,
        pairs: &[(&Self, &[Scalar; LANES])],
    ) -> Zeroizing<[Jacobian; LANES]> {
        let shape = Shape {
            bits: BITS,
            levels: LEVELS,
            rows: Self::ROWS,
        };
        let digits: Vec<_> = pairs
            .iter()
            .map(|(_, numbers)| lanes::digits::<BITS>(numbers, LEVELS * Self::ROWS))
            .collect();
        let multiples: Vec<_> = pairs
            .iter()
            .zip(&digits)
            .map(|((comb, _), digits)| (comb.points.as_slice(), digits.as_slice()))
            .collect();
        let sums = Zeroizing::new(ifma.multiply(shape, &multiples, &lanes::invert_limbs));
        Zeroizing::new(lanes::jacobian(&sums))
    }
}

/// The points with one inversion.
fn normalize(points: &[Jacobian]) -> Vec<Affine> {
    let mut inverses: Vec<Fe> = points.iter().map(|point| point.z).collect();
    invert_all(&mut inverses);
    let pairs = points.iter().zip(&inverses);
    pairs
        .map(|(point, inverse)| point.to_affine(*inverse))
        .collect()
}

/// Sums up groups of `size` points: each sum is then the first of its group.
///
/// In each generation the points of a group are added in pairs, in place, and a last one without
/// another moves up.
fn sum_up(points: &mut [Affine], size: usize) {
    let most = points.len() / size * (size / 2);
    let mut differences = Zeroizing::new(Vec::with_capacity(most));
    let mut left = size;
    while left > 1 {
        differences.clear();
        for group in points.chunks(size) {
            let pairs = group[..left].as_chunks::<2>().0.iter();
            differences.extend(pairs.map(|[one, other]| other.x - one.x));
        }
        invert_all(&mut differences);
        let inverses = differences.chunks(left / 2);
        for (group, inverses) in points.chunks_mut(size).zip(inverses) {
            for (i, inverse) in inverses.iter().enumerate() {
                group[i] = add_by(&group[2 * i], &group[2 * i + 1], inverse);
            }
            group[left / 2] = group[left - 1];
        }
        left = left.div_ceil(2);
    }
}

/// The sum of two points, from the inverse of the difference of their x.
#[inline(always)]
fn add_by(one: &Affine, other: &Affine, inverse: &Fe) -> Affine {
    let slope = (other.y - one.y) * *inverse;
    let x = slope.square() - one.x - other.x;
    let y = slope * (one.x - x) - one.y;
    Affine { x, y }
}

/// The sum of each pair, whose points have different x, with one inversion for all.
fn add_pairs(pairs: &[[Affine; 2]]) -> Vec<Affine> {
    let mut inverses: Vec<Fe> = pairs.iter().map(|[one, other]| other.x - one.x).collect();
    invert_all(&mut inverses);
    let sums = pairs.iter().zip(&inverses);
    let sums = sums.map(|([one, other], inverse)| add_by(one, other, inverse));
    sums.collect()
}
