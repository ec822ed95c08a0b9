//! Montgomery arithmetic with R = 2^1024 modulo an odd number of at most 1024 bits.

use super::inverse::vartime_invert;
use super::limbs::{add, equal, less, mask, masked, select, sub, Limbs, Wide, LIMBS, OCTETS};
use crate::simd;
use zeroize::Zeroizing;

/// A modulus m with what the arithmetic needs.
pub(super) struct Modulus {
    pub m: Limbs,
    /// -1/m modulo 2^64.
    negated_inverse: u64,
    /// R mod m: the Montgomery form of 1.
    pub one: Limbs,
    /// R^2 mod m: the product with it brings a number into Montgomery form.
    square_of_r: Limbs,
    /// R^3 mod m: the product with it brings the inverse of a Montgomery form into that form.
    cube_of_r: Limbs,
}

impl Modulus {
    pub(super) const fn new(m: Limbs) -> Self {
        // Newton's iteration doubles the correct low bits: 3, 6, 12, ... 96.
        let mut inverse = m[0].wrapping_mul(3) ^ 2;
        let mut round = 0;
        while round < 5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(m[0].wrapping_mul(inverse)));
            round += 1;
        }
        let mut one = [0; LIMBS];
        one[0] = 1;
        one = double(one, &m, 64 * LIMBS);
        let square_of_r = double(one, &m, 64 * LIMBS);
        Self {
            m,
            negated_inverse: inverse.wrapping_neg(),
            one,
            square_of_r,
            cube_of_r: double(square_of_r, &m, 64 * LIMBS),
        }
    }

    /// Sums below 2 m, of which `carry` is bit 1024, brought below m.
    #[inline(always)]
    pub(super) fn reduce_once(&self, sum: &Limbs, carry: bool) -> Limbs {
        let (less, borrow) = sub(sum, &self.m);
        select(sum, &less, mask(carry | !borrow))
    }

    /// The sum of two below m.
    #[inline(never)]
    pub(super) fn add(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let (sum, carry) = add(a, b);
        let (difference, borrow) = sub(&sum, &self.m);
        add(&difference, &masked(&self.m, mask(borrow & !carry))).0
    }

    /// The difference of two below m.
    #[inline(never)]
    pub(super) fn sub(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let (difference, borrow) = sub(a, b);
        add(&difference, &masked(&self.m, mask(borrow))).0
    }

    /// `a b / R mod m`, below m; one of `a` and `b` is below m.
    pub(super) fn mul(&self, a: &Limbs, b: &Limbs) -> Limbs {
        let mut wide = [0; 2 * LIMBS];
        simd::mul_wide(&mut wide, a, b);
        self.redc(&wide)
    }

    /// `t / R mod m`, below m, for t below m R.
    ///
    /// Each row adds the multiple of m that makes the lowest limb zero. In the end a multiple of m
    /// below m R is added, so that the rest, divided by R, is below 2 m.
    pub(super) fn redc(&self, t: &Wide) -> Limbs {
        let mut t = *t;
        let mut top = false;
        for i in 0..LIMBS {
            let row = &mut t[i..=i + LIMBS];
            let factor = row[0].wrapping_mul(self.negated_inverse);
            let carry = add_row(&mut row[..LIMBS], &self.m, factor);
            (row[LIMBS], top) = super::limbs::add_limb(row[LIMBS], carry, top);
        }
        let mut out = [0; LIMBS];
        out.copy_from_slice(&t[LIMBS..]);
        self.reduce_once(&out, top)
    }

    /// The Montgomery form of a number below 2^1024.
    pub(super) fn enter(&self, a: &Limbs) -> Limbs {
        self.mul(a, &self.square_of_r)
    }

    /// The number, below m, of a Montgomery form.
    pub(super) fn leave(&self, a: &Limbs) -> Limbs {
        let mut wide = [0; 2 * LIMBS];
        wide[..LIMBS].copy_from_slice(a);
        self.redc(&wide)
    }

    /// The inverse of a Montgomery form, in that form; 0 of 0.
    ///
    /// The inversion's time tells its number, which therefore is blinded: the product of x with a
    /// random number b is as random as b, whatever x is, and 1 / x is b times 1 / (x b). Of x = 0
    /// the product would be 0, so 1 takes its place.
    pub(super) fn invert(&self, x: &Limbs) -> Limbs {
        let zero = mask(equal(x, &[0; LIMBS]));
        let x = Zeroizing::new(select(x, &self.one, zero));
        loop {
            let blind = self.random();
            // A product is divided by R: 1 / (x b / R) times b R^3 / R is R^2 / x times R.
            if let Some(inverse) = vartime_invert(&self.mul(&x, &blind), &self.m) {
                let blind = Zeroizing::new(self.mul(&blind, &self.cube_of_r));
                return masked(&self.mul(&inverse, &blind), !zero);
            }
        }
    }

    /// A random number below m, from the system's generator: one below 2^128 R modulo m, so that
    /// what comes up once more often than the rest does so by less than a 2^128th.
    ///
    /// Panics if the system has no random numbers to give.
    pub(super) fn random(&self) -> Zeroizing<Limbs> {
        let mut octets = Zeroizing::new([0; OCTETS + 16]);
        getrandom::fill(&mut *octets).expect("the system gives random numbers");
        let mut wide = Zeroizing::new([0; 2 * LIMBS]);
        for (limb, piece) in wide.iter_mut().zip(octets.as_chunks().0) {
            *limb = u64::from_le_bytes(*piece);
        }
        Zeroizing::new(self.redc(&wide))
    }
}

/// `a 2^times mod m`, for a below m, in constants.
const fn double(mut a: Limbs, m: &Limbs, times: usize) -> Limbs {
    let mut i = 0;
    while i < times {
        let (sum, carry) = add(&a, &a);
        a = if carry || !less(&sum, m) {
            sub(&sum, m).0
        } else {
            sum
        };
        i += 1;
    }
    a
}

/// Adds `m * factor` to a row of limbs and returns what leaves it.
#[inline(always)]
fn add_row(row: &mut [u64], m: &[u64], factor: u64) -> u64 {
    let mut carry = 0;
    for (limb, m) in row.iter_mut().zip(m) {
        let sum = u128::from(*m) * u128::from(factor) + u128::from(*limb) + u128::from(carry);
        *limb = sum as u64;
        carry = (sum >> 64) as u64;
    }
    carry
}
