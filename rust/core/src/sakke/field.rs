//! The field F_p of 1024 bits.

use super::limbs::{self, Limbs, OCTETS};
use super::parameters::P;
use core::ops::{Add, Mul, Neg, Sub};
use zeroize::DefaultIsZeroes;

/// An element in Montgomery form (times 2^1024 modulo p), always below p.
#[derive(Clone, Copy, Default)]
pub struct Fe(pub Limbs);

impl DefaultIsZeroes for Fe {}

impl Fe {
    pub const ZERO: Self = Self([0; limbs::LIMBS]);

    pub fn one() -> Self {
        Self(P.one)
    }

    /// The element of a number, which is reduced.
    pub fn from_number(number: &Limbs) -> Self {
        Self(P.enter(number))
    }

    /// Reads big-endian octets (RFC 6508 4); `None` for a number that is not below p.
    pub fn from_octets(octets: &[u8; OCTETS]) -> Option<Self> {
        let number = limbs::from_octets(octets);
        limbs::less(&number, &P.m).then(|| Self::from_number(&number))
    }

    /// Writes big-endian octets (RFC 6508 4).
    pub fn to_octets(self) -> [u8; OCTETS] {
        limbs::to_octets(&P.leave(&self.0))
    }

    #[inline(always)]
    pub fn double(self) -> Self {
        self + self
    }

    #[inline(always)]
    pub fn triple(self) -> Self {
        self + self + self
    }

    #[inline(always)]
    pub fn square(self) -> Self {
        self * self
    }

    /// The inverse; 0 of 0.
    pub fn invert(self) -> Self {
        Self(P.invert(&self.0))
    }

    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        limbs::equal(&self.0, &[0; limbs::LIMBS])
    }

    #[inline(always)]
    pub fn equals(&self, other: &Self) -> bool {
        limbs::equal(&self.0, &other.0)
    }

    /// `self` if the mask is zero, `other` if it is all ones.
    #[inline(always)]
    pub fn select(self, other: Self, mask: u64) -> Self {
        Self(limbs::select(&self.0, &other.0, mask))
    }

    /// The negated element if the mask is all ones.
    #[inline(always)]
    pub fn negate_if(self, mask: u64) -> Self {
        self.select(-self, mask)
    }
}

impl Add for Fe {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(P.add(&self.0, &other.0))
    }
}

impl Sub for Fe {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(P.sub(&self.0, &other.0))
    }
}

impl Neg for Fe {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Fe {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(P.mul(&self.0, &other.0))
    }
}

/// Replaces all elements by their inverses with one inversion; if one is zero, all become zero.
pub fn invert_all(elements: &mut [Fe]) {
    let mut products = Vec::with_capacity(elements.len());
    let mut product = Fe::one();
    for element in elements.iter() {
        products.push(product);
        product = product * *element;
    }
    let mut inverse = product.invert();
    for (element, before) in elements.iter_mut().zip(products).rev() {
        let next = inverse * *element;
        *element = inverse * before;
        inverse = next;
    }
}
