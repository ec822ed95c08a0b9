//! The field F_p of 1024 bits.

use super::limbs::{self, Limbs, Wide, LIMBS, OCTETS};
use super::parameters::P;
use crate::simd;
use core::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use zeroize::{DefaultIsZeroes, Zeroizing};

/// An element in Montgomery form (times 2^1024 modulo p), always below p.
#[derive(Clone, Copy, Default)]
pub struct Fe(pub Limbs);

impl DefaultIsZeroes for Fe {}

impl AsRef<Limbs> for Fe {
    fn as_ref(&self) -> &Limbs {
        &self.0
    }
}

impl Fe {
    pub const ZERO: Self = Self([0; LIMBS]);
    pub const ONE: Self = Self(P.one);

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
        Product::of_square(&self).reduce()
    }

    /// The inverse; 0 of 0.
    pub fn invert(self) -> Self {
        count::inversion();
        Self(P.invert(&self.0))
    }

    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        limbs::equal(&self.0, &[0; LIMBS])
    }

    /// All ones if it is zero.
    #[inline(always)]
    pub fn is_zero_mask(&self) -> u64 {
        limbs::mask(self.is_zero())
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
        Product::of(&self, &other).reduce()
    }
}

/// A sum of products that waits for its reduction, modulo 13/16 2^1024 p and always below that.
pub struct Product(Wide);

/// The 17 limbs, from limb 15 on, of 13/16 2^1024 p = 13 p 2^1020.
const LIMIT: [u64; LIMBS + 1] = {
    let (mut out, mut carry, mut i) = ([0; LIMBS + 1], 0, 0);
    while i < LIMBS {
        let sum = P.m[i] as u128 * (13 << 60) + carry;
        out[i] = sum as u64;
        carry = sum >> 64;
        i += 1;
    }
    out[LIMBS] = carry as u64;
    out
};

impl Product {
    /// The product of two elements: below p^2, and p is below 13/16 2^1024.
    #[inline(always)]
    pub fn of(a: &Fe, b: &Fe) -> Self {
        count::product();
        let mut product = Self([0; 2 * LIMBS]);
        simd::mul_wide(&mut product.0, &a.0, &b.0);
        product
    }

    #[inline(always)]
    pub fn of_square(a: &Fe) -> Self {
        count::square();
        let mut product = Self([0; 2 * LIMBS]);
        simd::sqr_wide(&mut product.0, &a.0);
        product
    }

    /// The sum of products, as many as both have elements; at least one.
    pub fn sum(a: &[Fe], b: &[Fe]) -> Self {
        let mut sum = Self::of(&a[0], &b[0]);
        for (a, b) in a.iter().zip(b).skip(1) {
            sum += &Self::of(a, b);
        }
        sum
    }

    #[inline(always)]
    pub fn reduce(&self) -> Fe {
        count::reduction();
        let mut out = Fe::ZERO;
        simd::redc(&mut out.0, &self.0);
        out
    }
}

impl AddAssign<&Self> for Product {
    #[inline(never)]
    fn add_assign(&mut self, other: &Self) {
        // Below 26/16 2^1024 p, which is below 2^2048.
        (self.0, _) = limbs::add(&self.0, &other.0);
        let high = self.0.last_chunk_mut().expect("a product has 32 limbs");
        let (less, borrow) = limbs::sub(high, &LIMIT);
        (*high, _) = limbs::add(&less, &limbs::masked(&LIMIT, limbs::mask(borrow)));
    }
}

impl SubAssign<&Self> for Product {
    #[inline(never)]
    fn sub_assign(&mut self, other: &Self) {
        let borrow;
        (self.0, borrow) = limbs::sub(&self.0, &other.0);
        let high = self.0.last_chunk_mut().expect("a product has 32 limbs");
        (*high, _) = limbs::add(high, &limbs::masked(&LIMIT, limbs::mask(borrow)));
    }
}

/// Replaces all elements by their inverses with one inversion; if one is zero, all become zero.
pub fn invert_all(elements: &mut [Fe]) {
    let mut products = Zeroizing::new(Vec::with_capacity(elements.len()));
    let mut product = Fe::ONE;
    for element in elements.iter() {
        products.push(product);
        product = product * *element;
    }
    let mut inverse = product.invert();
    for (element, before) in elements.iter_mut().zip(products.iter()).rev() {
        let next = inverse * *element;
        *element = inverse * *before;
        inverse = next;
    }
}

/// What the tests count; nothing in other builds.
pub mod count {
    #[cfg(test)]
    thread_local! {
        static COUNTS: core::cell::Cell<[u32; 4]> = const { core::cell::Cell::new([0; 4]) };
    }

    #[inline(always)]
    fn add(_operation: usize) {
        #[cfg(test)]
        COUNTS.with(|counts| {
            let mut next = counts.get();
            next[_operation] += 1;
            counts.set(next);
        });
    }

    #[inline(always)]
    pub fn product() {
        add(0);
    }

    #[inline(always)]
    pub fn square() {
        add(1);
    }

    #[inline(always)]
    pub fn reduction() {
        add(2);
    }

    #[inline(always)]
    pub fn inversion() {
        add(3);
    }

    /// Products, squares, reductions and inversions of a call in this thread.
    #[cfg(test)]
    pub fn of<T>(call: impl FnOnce() -> T) -> [u32; 4] {
        COUNTS.set([0; 4]);
        call();
        COUNTS.get()
    }
}
