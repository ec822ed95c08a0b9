//! Inversion in a time that tells the number, for what is random (`Modulus::invert` blinds):
//! Euclid's algorithm as Lehmer computes it.
//!
//! a and b begin as the modulus m and the number x; a step replaces them by b and a - q b with
//! q = floor(a / b), until b is the gcd, 1. Beside them go u and v, which begin as 0 and 1
//! and become v and u + q v: after an even number of steps a = -u x and b = v x modulo m, after an
//! odd number a = u x and b = -v x. As v a + u b stays m, neither u nor v exceeds m.
//!
//! Several steps are made with the 64 highest bits of a and b alone. Together they act as a matrix
//! of A, B, C, D >= 0: a becomes A a - B b and b becomes D b - C a, both negated if the steps are
//! odd in number; u becomes A u + B v and v becomes C u + D v. Steps are made as long as no
//! remainder of the high bits is below 2^32. Then A to D are below 2^32, because times the high
//! bits after the steps they sum up to those before, which are below 2^64. What had been cut off,
//! less than 1 in units of the lowest of the high bits, is multiplied by A to D as well and changes
//! the new a and b by less than 2^32 of these units. So both stay positive, even where a quotient
//! was not that of a and b themselves. If then a < b, the next quotient is 0, which is a swap.

use super::limbs::{self, Limbs, LIMBS};

/// 1/x modulo m for x below m, if the gcd is 1.
///
/// `None` for 0, and where no step can be made because the product of two quotients that follow
/// each other comes near 2^32 or above it: for about one in 2^18 random numbers, but for all small
/// ones.
pub(super) fn vartime_invert(x: &Limbs, m: &Limbs) -> Option<Limbs> {
    let (mut a, mut b) = (*m, *x);
    let (mut u, mut v) = ([0; LIMBS], [0; LIMBS]);
    v[0] = 1;
    // The limbs that a or b still has, and those that u or v has.
    let (mut size, mut grown) = (LIMBS, 1);
    let mut odd = false;
    loop {
        while size > 1 && a[size - 1] | b[size - 1] == 0 {
            size -= 1;
        }
        if size == 1 {
            // Nothing is cut off: up to b = 1.
            let last = Steps::of(a[0], b[0], 1);
            last.add(&mut u, &mut v, grown);
            let negative = odd ^ last.odd;
            return Some(if negative { limbs::sub(m, &v).0 } else { v });
        }
        let shift = (a[size - 1] | b[size - 1]).leading_zeros();
        let high = |n: &Limbs| n[size - 1] << shift | n[size - 2] >> 1 >> (63 - shift);
        let steps = Steps::of(high(&a), high(&b), 1 << 32);
        if steps.b == 0 {
            // None could be made.
            return None;
        }
        steps.subtract(&mut a[..size], &mut b[..size]);
        grown = steps.add(&mut u, &mut v, grown);
        odd ^= steps.odd;
    }
}

/// What several of Euclid's steps do.
struct Steps {
    odd: bool,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

impl Steps {
    /// The steps from a pair of numbers on, as long as the remainder is not below `least`.
    #[inline(always)]
    fn of(mut high: u64, mut low: u64, least: u64) -> Self {
        let (mut odd, mut a, mut b, mut c, mut d) = (false, 1, 0, 0, 1);
        while low != 0 {
            let (quotient, rest) = (high / low, high % low);
            if rest < least {
                break;
            }
            (high, low) = (low, rest);
            (a, b, c, d) = (c, d, a + quotient * c, b + quotient * d);
            odd = !odd;
        }
        Self { odd, a, b, c, d }
    }

    /// Makes the steps with a and b.
    #[inline(always)]
    fn subtract(&self, a: &mut [u64], b: &mut [u64]) {
        let (mut above_a, mut above_b) = (0, 0);
        for (a, b) in a.iter_mut().zip(b) {
            let (x, y) = (*a, *b);
            (*a, above_a, *b, above_b) = if self.odd {
                let (a, above_a) = difference(above_a, self.b, y, self.a, x);
                let (b, above_b) = difference(above_b, self.c, x, self.d, y);
                (a, above_a, b, above_b)
            } else {
                let (a, above_a) = difference(above_a, self.a, x, self.b, y);
                let (b, above_b) = difference(above_b, self.d, y, self.c, x);
                (a, above_a, b, above_b)
            };
        }
    }

    /// Makes the steps with u and v of `size` limbs; returns how many these have then.
    #[inline(always)]
    fn add(&self, u: &mut Limbs, v: &mut Limbs, size: usize) -> usize {
        let (mut above_u, mut above_v) = (0, 0);
        for (u, v) in u[..size].iter_mut().zip(&mut v[..size]) {
            let (x, y) = (*u, *v);
            (*u, above_u) = sum(above_u, self.a, x, self.b, y);
            (*v, above_v) = sum(above_v, self.c, x, self.d, y);
        }
        if above_u | above_v == 0 {
            return size;
        }
        // Both stay below 2^1024, so that there is a limb.
        (u[size], v[size]) = (above_u, above_v);
        size + 1
    }
}

/// The lowest limb of `above + p x - q y`, and what is above it: |p x - q y| < 2^96, if p and q
/// are below 2^32.
#[inline(always)]
fn difference(above: i64, p: u64, x: u64, q: u64, y: u64) -> (u64, i64) {
    let [one, other] = [(p, x), (q, y)].map(|(p, x)| u128::from(p) * u128::from(x));
    let sum = i128::from(above)
        .wrapping_add_unsigned(one)
        .wrapping_sub_unsigned(other);
    (sum as u64, (sum >> 64) as i64)
}

/// The lowest limb of `above + p x + q y`, and what is above it: all below 2^128, if p and q are at
/// most 2^63. They are above 2^32 in the last steps alone, the two numbers before which are p and q
/// times the last but one remainder, at least 2, and more.
#[inline(always)]
fn sum(above: u64, p: u64, x: u64, q: u64, y: u64) -> (u64, u64) {
    let [one, other] = [(p, x), (q, y)].map(|(p, x)| u128::from(p) * u128::from(x));
    let sum = one.wrapping_add(other).wrapping_add(u128::from(above));
    (sum as u64, (sum >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::hash;
    use super::super::parameters::{P, Q};
    use super::*;
    use crypto_bigint::{Odd, U1024};

    fn random(seed: &str, i: u32) -> Limbs {
        hash::to_scalar(&[seed.as_bytes(), &i.to_be_bytes()]).0
    }

    /// Whether there is an inverse, which then is that of the other library.
    fn agrees(x: &Limbs, m: &Limbs) -> bool {
        let modulus = Odd::new(U1024::from_words(*m)).unwrap();
        let other = U1024::from_words(*x).invert_odd_mod(&modulus).into_option();
        match (vartime_invert(x, m), other) {
            (Some(inverse), Some(other)) => {
                assert_eq!(inverse, other.to_words(), "{x:x?} {m:x?}");
                true
            }
            (_, other) => other.is_none(),
        }
    }

    #[test]
    fn inverses_are_those_of_another_library() {
        for i in 0..500 {
            let x = random("x", i);
            assert!(agrees(&x, &P.m) && agrees(&x, &Q.m));
            // Moduli of all sizes that x is below, one bit after the other.
            let mut m = random("m", i);
            m[0] |= 1;
            m[15] |= 1 << 62;
            let shift = i as usize % 64;
            m[15] |= u64::MAX << shift >> 1;
            assert!(agrees(&x, &m));
        }
    }

    /// Up to 1475 quotients, nearly all 1: the inverse of F_n modulo F_(n + 1) is F_n or its negative.
    #[test]
    fn fibonacci_numbers() {
        let (mut one, mut other) = ([0; LIMBS], [0; LIMBS]);
        (one[0], other[0]) = (1, 2);
        for n in 2.. {
            // F_n and F_(n + 1); F_(n + 1) divides F_n^2 + (-1)^n.
            if n % 2 == 1 {
                assert_eq!(vartime_invert(&one, &other), Some(one), "{n}");
            } else {
                let negative = limbs::sub(&other, &one).0;
                assert_eq!(vartime_invert(&one, &other), Some(negative), "{n}");
            }
            let (next, carry) = limbs::add(&one, &other);
            if carry {
                assert_eq!(n, 1475);
                break;
            }
            (one, other) = (other, next);
        }
    }

    /// Numbers and moduli that have the quotients that are wanted, great ones among small ones.
    #[test]
    fn quotients_of_all_sizes() {
        let mut refused = 0;
        for i in 0..2000 {
            let draws = random("quotients", i);
            // Bits of the greatest; two of 16 bits may be too much after each other.
            let most = 1 + i % 34;
            let (mut one, mut other) = (U1024::ZERO, U1024::ONE);
            for n in 0.. {
                let draw = draws[n % LIMBS].rotate_left((n / LIMBS * 7) as u32);
                let bits = if draw.is_multiple_of(3) {
                    most
                } else {
                    1 + draw as u32 % 3
                };
                let quotient = U1024::from_u64(draw >> (64 - bits) | 1);
                if other.bits() + bits + 1 > U1024::BITS {
                    break;
                }
                (one, other) = (other, quotient.wrapping_mul(&other).wrapping_add(&one));
            }
            if bool::from(other.is_odd()) {
                let [x, m] = [one, other].map(|number| number.to_words());
                if most >= 16 && vartime_invert(&x, &m).is_none() {
                    refused += 1;
                } else {
                    assert!(agrees(&x, &m), "{i}");
                }
            }
        }
        assert!(refused > 0);
    }

    #[test]
    fn great_quotients_are_refused() {
        let one = |bit: usize| core::array::from_fn(|i| u64::from(i == bit / 64) << (bit % 64));
        assert_eq!(vartime_invert(&[0; LIMBS], &P.m), None);
        for bit in 0..1023 {
            for x in [one(bit), limbs::sub(&P.m, &one(bit)).0] {
                assert!(vartime_invert(&x, &P.m).is_none() || agrees(&x, &P.m));
            }
            // The first quotient is that of p and 2^bit.
            assert!(bit > 992 || vartime_invert(&one(bit), &P.m).is_none());
        }
    }
}
