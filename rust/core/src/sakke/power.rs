//! Powers of g in PF_p by a secret number, with a table that is read as a whole.
//!
//! As in `comb`: the number has odd digits of `BITS` bits, and the table the odd powers, for each
//! row of digits. An entry t stands for 1 + i t; its inverse in PF_p is 1 - i t.

use super::field::{invert_all, Fe};
use super::fp2::Fp2;
use super::lanes;
use super::limbs::Limbs;
use super::parameters::PAIRING_OF_GENERATOR;
use super::scalar::Scalar;
use crate::simd;
use crate::simd::batch::{Ifma, Shape, LANES};
use zeroize::Zeroizing;

const BITS: usize = 6;
const LEVELS: usize = 4;
const ENTRIES: usize = 1 << (BITS - 1);
/// Numbers are below 2^1023.
const ROWS: usize = 1023usize.div_ceil(BITS * LEVELS);

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

    /// g^k, up to a factor in F_p.
    pub fn power(&self, k: &Scalar) -> Fp2 {
        let mut levels = Zeroizing::new(
            [Fp2 {
                a: Fe::ONE,
                b: Fe::ZERO,
            }; LEVELS],
        );
        let digits = k.odd_digits_of_rows::<BITS, LEVELS>(ROWS);
        for (entries, digits) in self.entries.chunks(ENTRIES).zip(digits) {
            let found = simd::select(entries, &digits.each_ref().map(|digit| digit.index));
            for (level, (t, digit)) in levels.iter_mut().zip(found.iter().zip(&digits)) {
                *level = level.mul_unit(Fe(*t).negate_if(digit.negative));
            }
        }
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
