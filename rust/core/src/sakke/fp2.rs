//! F_p^2 = F_p[i], and its elements up to a factor in F_p: PF_p (RFC 6508 2.1).

use super::field::{Fe, Product};
use core::ops::Mul;
use zeroize::DefaultIsZeroes;

/// a + i b.
#[derive(Clone, Copy, Default)]
pub struct Fp2 {
    pub a: Fe,
    pub b: Fe,
}

impl DefaultIsZeroes for Fp2 {}

impl Fp2 {
    pub const ONE: Self = Self {
        a: Fe::ONE,
        b: Fe::ZERO,
    };

    #[inline(always)]
    pub fn square(self) -> Self {
        Self {
            a: (self.a + self.b) * (self.a - self.b),
            b: (self.a * self.b).double(),
        }
    }

    /// The product with 1 + i t.
    #[inline(always)]
    pub fn mul_unit(self, t: Fe) -> Self {
        Self {
            a: self.a - self.b * t,
            b: self.b + self.a * t,
        }
    }

    /// The representative b / a in F_p of this as an element of PF_p (RFC 6508 2.1); 0 if a is.
    pub fn representative(self) -> Fe {
        self.a.invert() * self.b
    }
}

impl Mul for Fp2 {
    type Output = Self;

    /// By Karatsuba, with one reduction for each part.
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let mut aa = Product::of(&self.a, &other.a);
        let bb = Product::of(&self.b, &other.b);
        let mut all = Product::of(&(self.a + self.b), &(other.a + other.b));
        all -= &aa;
        all -= &bb;
        aa -= &bb;
        Self {
            a: aa.reduce(),
            b: all.reduce(),
        }
    }
}
