//! Integers of 1024 bits as 16 limbs, the lowest first. Nothing here branches on a limb.

use crate::simd::opaque;

pub(super) const LIMBS: usize = 16;
pub(super) const OCTETS: usize = 8 * LIMBS;

/// An integer below 2^1024.
pub(super) type Limbs = [u64; LIMBS];
/// A product of two, below 2^2048.
pub(super) type Wide = [u64; 2 * LIMBS];

/// Reads hex digits, for constants.
pub(super) const fn from_hex(digits: &str) -> Limbs {
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * OCTETS);
    let mut out = [0; LIMBS];
    let mut i = 0;
    while i < digits.len() {
        let value = match digits[i] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => panic!("not a hex digit"),
        };
        let limb = &mut out[LIMBS - 1 - i / 16];
        *limb = *limb << 4 | value as u64;
        i += 1;
    }
    out
}

/// Reads big-endian octets.
pub(super) fn from_octets(octets: &[u8; OCTETS]) -> Limbs {
    let mut out = [0; LIMBS];
    for (limb, piece) in out.iter_mut().rev().zip(octets.as_chunks().0) {
        *limb = u64::from_be_bytes(*piece);
    }
    out
}

/// Writes big-endian octets.
pub(super) fn to_octets(a: &Limbs) -> [u8; OCTETS] {
    let mut out = [0; OCTETS];
    for (limb, piece) in a.iter().rev().zip(out.as_chunks_mut().0) {
        *piece = limb.to_be_bytes();
    }
    out
}

/// `a + b + carry` and the carry out of it.
#[inline(always)]
pub(super) const fn add_limb(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// `a - b - borrow` and the borrow out of it.
#[inline(always)]
pub(super) const fn sub_limb(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// The sum modulo 2^(64 N), and its carry.
#[inline(always)]
pub(super) const fn add<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let (mut out, mut carry, mut i) = ([0; N], false, 0);
    while i < N {
        (out[i], carry) = add_limb(a[i], b[i], carry);
        i += 1;
    }
    (out, carry)
}

/// The difference modulo 2^(64 N), and its borrow.
#[inline(always)]
pub(super) const fn sub<const N: usize>(a: &[u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let (mut out, mut borrow, mut i) = ([0; N], false, 0);
    while i < N {
        (out[i], borrow) = sub_limb(a[i], b[i], borrow);
        i += 1;
    }
    (out, borrow)
}

/// The low and the high half.
#[inline(always)]
pub(super) fn halves(a: &Wide) -> [&Limbs; 2] {
    let [low, high] = a.as_chunks().0 else {
        unreachable!("a product has two halves")
    };
    [low, high]
}

/// Both halves as one.
#[inline(always)]
pub(super) fn join(low: &Limbs, high: &Limbs) -> Wide {
    let mut out = [0; 2 * LIMBS];
    out[..LIMBS].copy_from_slice(low);
    out[LIMBS..].copy_from_slice(high);
    out
}

/// All ones or zero, in a form that the compiler does not turn back into a branch.
#[inline(always)]
pub(super) fn mask(flag: bool) -> u64 {
    opaque(u64::from(flag).wrapping_neg())
}

/// `a` if the mask is zero, else `b`.
#[inline(always)]
pub(super) fn select(a: &Limbs, b: &Limbs, mask: u64) -> Limbs {
    core::array::from_fn(|i| a[i] ^ ((a[i] ^ b[i]) & mask))
}

/// `a` if the mask is all ones, zero if it is zero.
#[inline(always)]
pub(super) fn masked<const N: usize>(a: &[u64; N], mask: u64) -> [u64; N] {
    a.map(|limb| limb & mask)
}

/// Whether the two are equal.
#[inline(always)]
pub(super) fn equal(a: &Limbs, b: &Limbs) -> bool {
    let mut difference = 0;
    for (a, b) in a.iter().zip(b) {
        difference |= a ^ b;
    }
    opaque(difference) == 0
}

/// Whether a is below b.
pub(super) const fn less(a: &Limbs, b: &Limbs) -> bool {
    sub(a, b).1
}
