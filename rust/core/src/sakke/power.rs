//! Powers of g in PF_p by a secret number, with a table that is read as a whole.
//!
//! As in `comb`: the number has odd digits of `BITS` bits, and the table the odd powers, for each
//! row of digits. An entry t stands for 1 + i t; its inverse in PF_p is 1 - i t.

use super::field::{invert_all, Fe};
use super::fp2::Fp2;
use super::lanes;
use super::limbs::{Limbs, LIMBS};
use super::parameters::PAIRING_OF_GENERATOR;
use super::scalar::Scalar;
use crate::simd;
use crate::simd::batch::{Ifma, Shape, LANES};
use zeroize::Zeroizing;

const BITS: usize = 6;
const LEVELS: usize = 4;
const ENTRIES: usize = 1 << (BITS - 1);
/// Lanes to a level.
const PARTS: usize = LANES / LEVELS;
/// Numbers are below 2^1023; each lane has as many rows as another.
const ROWS: usize = 1023usize.div_ceil(BITS * LEVELS).next_multiple_of(PARTS);

/// The table of g.
pub struct Powers {
    entries: Vec<Limbs>,
}

impl Powers {
    pub fn of_g() -> Self {
        let mut base = Fp2 {
            a: Fe::ONE,
            b: Fe::from_number(&PAIRING_OF_GENERATOR),
        };
        let mut powers = Vec::with_capacity(ROWS * ENTRIES);
        for _ in 0..ROWS {
            let step = base.square();
            let mut power = base;
            for _ in 0..ENTRIES {
                powers.push(power);
                power = power * step;
            }
            base = step;
            for _ in 1..BITS * LEVELS {
                base = base.square();
            }
        }
        let mut inverses: Vec<Fe> = powers.iter().map(|power| power.a).collect();
        invert_all(&mut inverses);
        let entries = powers.iter().zip(inverses);
        let entries = entries
            .map(|(power, inverse)| (power.b * inverse).0)
            .collect();
        Self { entries }
    }

    /// g^k, up to a factor in F_p; the entries of each level are multiplied beside each other where
    /// the processor is given for it.
    pub fn power(&self, k: &Scalar, ifma: Option<Ifma>) -> Fp2 {
        // Level after level.
        let mut units = Zeroizing::new(vec![[0; LIMBS]; LEVELS * ROWS]);
        let digits = k.odd_digits_of_rows::<BITS, LEVELS>(ROWS);
        for (row, (entries, digits)) in self.entries.chunks(ENTRIES).zip(digits).enumerate() {
            let found = simd::select(entries, &digits.each_ref().map(|digit| digit.index));
            for (level, (t, digit)) in found.iter().zip(&digits).enumerate() {
                units[level * ROWS + row] = Fe(*t).negate_if(digit.negative).0;
            }
        }
        let levels: Zeroizing<[Fp2; LEVELS]> = Zeroizing::new(match ifma {
            Some(ifma) => {
                let products = Zeroizing::new(ifma.multiply_columns(&units));
                let products = Zeroizing::new(lanes::fp2(&products));
                core::array::from_fn(|level| {
                    let parts = &products[PARTS * level..][..PARTS];
                    let rest = parts[1..].iter();
                    rest.fold(parts[0], |product, part| product * *part)
                })
            }
            None => core::array::from_fn(|level| {
                let units = units[level * ROWS..][..ROWS].iter();
                units.fold(Fp2::ONE, |product, t| product.mul_unit(Fe(*t)))
            }),
        });
        let mut power = levels[LEVELS - 1];
        for level in levels.iter().rev().skip(1) {
            for _ in 0..BITS {
                power = power.square();
            }
            power = power * *level;
        }
        power
    }

    /// The same for eight numbers.
    pub fn power_lanes(&self, ifma: Ifma, numbers: &[Scalar; LANES]) -> Zeroizing<[Fp2; LANES]> {
        let shape = Shape {
            bits: BITS,
            levels: LEVELS,
            rows: ROWS,
        };
        let digits = lanes::digits::<BITS>(numbers, LEVELS * ROWS);
        let powers = Zeroizing::new(ifma.power(shape, &self.entries, &digits));
        Zeroizing::new(lanes::fp2(&powers))
    }
}
