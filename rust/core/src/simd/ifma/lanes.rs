//! Eight elements of the field at a time, one in each 64-bit lane of a vector.
//!
//! An element is 20 limbs of 52 bits, a vector each, in Montgomery form with radix 2^1040. That
//! leaves room for sums without reduction: 2^1040 is above 2^16 p. A product waits for its
//! reduction in 40 columns of 64 bits. Each product of two elements adds at most 40 numbers below
//! 2^52, so less than 2^58, to a column, and a reduction adds as much again: up to 16 products,
//! added or subtracted, stay between -2^63 and 2^63. Shifts that take the sign along carry what is
//! negative as well.
//!
//! The bounds: a reduction of t gives t / 2^1040 + (something from 0 to p). For two factors below
//! 40 p, t / 2^1040 is below 40^2 p^2 / 2^1040 < 0.02 p. A number of the scalar form (radix
//! 2^1024, below p) is taken as 2^16 times itself, without a reduction ("entered": the form is
//! right, the size below 2^16 p); times a factor below n p it gives t / 2^1040 < 0.6 n p.
//! Each function says what it takes and gives.

use super::super::batch::LANES;
use super::super::{Limbs, PRIME};
use core::arch::x86_64::*;

const LIMBS: usize = 20;
const BITS: usize = 52;
const MASK: u64 = (1 << BITS) - 1;
/// -1 / p modulo 2^52.
const NEGATIVE_INVERSE: u64 = super::super::NEGATIVE_INVERSE & MASK;

/// A number for all lanes.
pub(super) type Broadcast = [u64; LIMBS];

/// 2^`shift` times a number, for a shift of 0 or 16.
pub(super) const fn broadcast(number: &Limbs, shift: usize) -> Broadcast {
    let (mut out, mut i) = ([0; LIMBS], 0);
    while i < LIMBS {
        let limb = if BITS * i < shift {
            number[0] << shift
        } else {
            let start = BITS * i - shift;
            let low = number[start / 64] >> (start % 64);
            let next = start / 64 + 1;
            if next < 16 {
                low | number[next] << 1 << (63 - start % 64)
            } else {
                low
            }
        };
        out[i] = limb & MASK;
        i += 1;
    }
    out
}

static P: Broadcast = broadcast(&PRIME, 0);
/// 2^1024 - p, the scalar form of 1.
const SCALAR_ONE: Limbs = {
    let (mut one, mut i) = (PRIME, 0);
    while i < 16 {
        one[i] = !one[i];
        i += 1;
    }
    // p is odd.
    one[0] += 1;
    one
};
/// The form of 1.
static ONE: Broadcast = broadcast(&SCALAR_ONE, 16);
/// The number with which a product is divided by 2^16.
static LEAVE: Broadcast = broadcast(&SCALAR_ONE, 0);
/// 2^52 / (highest limb of p + 1), rounded down.
const RECIPROCAL: u64 = (1 << BITS) / ((PRIME[15] >> 28) + 1);

/// Eight elements; all limbs below 2^52.
#[derive(Clone, Copy)]
pub(super) struct Lanes([__m512i; LIMBS]);

impl Default for Lanes {
    fn default() -> Self {
        // SAFETY: all zeros are a value of a vector of integers.
        unsafe { core::mem::zeroed() }
    }
}

impl zeroize::DefaultIsZeroes for Lanes {}

/// Sums of elements whose limbs have not been carried: 64 bits with sign.
#[derive(Clone, Copy)]
pub(super) struct Raw([__m512i; LIMBS]);

/// Sums of products before their reduction.
#[derive(Clone, Copy)]
pub(super) struct Columns([__m512i; 2 * LIMBS]);

/// Adds the product of two numbers of `N` limbs to `low`, and then to `high` what belongs above.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn add_rows<const N: usize>(
    low: &mut [__m512i],
    window: &mut [__m512i; N],
    a: &[__m512i; N],
    b: impl Fn(usize) -> __m512i,
    above: impl Fn(usize) -> __m512i,
) {
    for (i, low) in low[..N].iter_mut().enumerate() {
        let b = b(i);
        *low = _mm512_madd52lo_epu64(window[0], a[0], b);
        for j in 0..N - 1 {
            let limb = _mm512_madd52lo_epu64(window[j + 1], a[j + 1], b);
            window[j] = _mm512_madd52hi_epu64(limb, a[j], b);
        }
        window[N - 1] = _mm512_madd52hi_epu64(above(i), a[N - 1], b);
    }
}

impl Columns {
    /// A product.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn product(a: &Lanes, b: impl Fn(usize) -> __m512i) -> Self {
        let zero = _mm512_setzero_si512();
        let mut t = [zero; 2 * LIMBS];
        let mut window = [zero; LIMBS];
        add_rows(&mut t, &mut window, &a.0, b, |_| zero);
        t[LIMBS..].copy_from_slice(&window);
        Self(t)
    }

    /// A product of elements.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn of(a: &Lanes, b: &Lanes) -> Self {
        Self::product(a, |i| b.0[i])
    }

    /// A product with the same number in all lanes.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn of_broadcast(a: &Lanes, b: &Broadcast) -> Self {
        Self::product(a, |i| _mm512_set1_epi64(b[i] as i64))
    }

    /// Adds a product with the same number in all lanes.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_broadcast(&mut self, a: &Lanes, b: &Broadcast) {
        let (low, high) = self.0.split_at_mut(LIMBS);
        let mut window: [__m512i; LIMBS] = core::array::from_fn(|i| low[i]);
        let b = |i: usize| _mm512_set1_epi64(b[i] as i64);
        add_rows(low, &mut window, &a.0, b, |i| high[i]);
        high.copy_from_slice(&window);
    }

    /// A square: of both halves, and twice their product.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn of_square(a: &Lanes) -> Self {
        const HALF: usize = LIMBS / 2;
        let zero = _mm512_setzero_si512();
        let low: [__m512i; HALF] = core::array::from_fn(|i| a.0[i]);
        let high: [__m512i; HALF] = core::array::from_fn(|i| a.0[i + HALF]);
        let mut mixed = [zero; 2 * HALF];
        let mut window = [zero; HALF];
        add_rows(&mut mixed, &mut window, &low, |i| high[i], |_| zero);
        mixed[HALF..].copy_from_slice(&window);
        let mixed = mixed.map(|t| _mm512_add_epi64(t, t));
        let mut t = [zero; 2 * LIMBS];
        let mut window = [zero; HALF];
        add_rows(&mut t, &mut window, &low, |i| low[i], |_| zero);
        for i in 0..HALF {
            t[HALF + i] = _mm512_add_epi64(window[i], mixed[i]);
        }
        let mut window: [__m512i; HALF] = core::array::from_fn(|i| mixed[HALF + i]);
        add_rows(&mut t[LIMBS..], &mut window, &high, |i| high[i], |_| zero);
        t[LIMBS + HALF..].copy_from_slice(&window);
        Self(t)
    }

    /// Adds sums of products.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_add_epi64(self.0[i], other.0[i])
        }))
    }

    /// Subtracts sums of products.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn minus(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_sub_epi64(self.0[i], other.0[i])
        }))
    }

    /// t / 2^1040 modulo p, as a number from t / 2^1040 to t / 2^1040 + p, plus `OFFSET` p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce<const OFFSET: u64>(&self) -> Lanes {
        let t = &self.0;
        let mut window: [__m512i; LIMBS] = core::array::from_fn(|i| t[i]);
        let mut carry = _mm512_setzero_si512();
        let inverse = _mm512_set1_epi64(NEGATIVE_INVERSE as i64);
        for i in 0..LIMBS {
            let low = _mm512_add_epi64(window[0], carry);
            let q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), low, inverse);
            let p = |j: usize| _mm512_set1_epi64(P[j] as i64);
            // Its low 52 bits are zero now.
            carry = _mm512_srai_epi64::<{ BITS as u32 }>(_mm512_madd52lo_epu64(low, q, p(0)));
            for j in 0..LIMBS - 1 {
                let low = _mm512_madd52lo_epu64(window[j + 1], q, p(j + 1));
                window[j] = _mm512_madd52hi_epu64(low, q, p(j));
            }
            window[LIMBS - 1] = _mm512_madd52hi_epu64(t[i + LIMBS], q, p(LIMBS - 1));
        }
        window[0] = _mm512_add_epi64(window[0], carry);
        Raw(window).carry::<OFFSET>()
    }
}

impl Raw {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn plus(&self, other: &Lanes) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_add_epi64(self.0[i], other.0[i])
        }))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn minus(&self, other: &Lanes) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_sub_epi64(self.0[i], other.0[i])
        }))
    }

    /// 2^`SHIFT` times the sum.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn times<const SHIFT: u32>(&self) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_slli_epi64::<SHIFT>(self.0[i])
        }))
    }

    /// The negated sum in the lanes of the mask.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn negate_if(&self, lanes: __mmask8) -> Self {
        let zero = _mm512_setzero_si512();
        Self(core::array::from_fn(|i| {
            _mm512_mask_sub_epi64(self.0[i], lanes, zero, self.0[i])
        }))
    }

    /// The element after `OFFSET` p has been added, with which the sum is not negative; it is
    /// below 2^1040.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn carry<const OFFSET: u64>(&self) -> Lanes {
        let mask = _mm512_set1_epi64(MASK as i64);
        let mut carry = _mm512_setzero_si512();
        let mut out = self.0;
        for (limb, p) in out.iter_mut().zip(&P) {
            let offset = _mm512_set1_epi64((p * OFFSET) as i64);
            let sum = _mm512_add_epi64(_mm512_add_epi64(*limb, offset), carry);
            carry = _mm512_srai_epi64::<{ BITS as u32 }>(sum);
            *limb = _mm512_and_si512(sum, mask);
        }
        Lanes(out)
    }
}

impl Lanes {
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn raw(&self) -> Raw {
        Raw(self.0)
    }

    /// The same number in all lanes.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn splat(number: &Broadcast) -> Self {
        Self(core::array::from_fn(|i| {
            _mm512_set1_epi64(number[i] as i64)
        }))
    }

    /// 1, below 3 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn one() -> Self {
        Self::splat(&ONE).settle().carry::<0>()
    }

    /// The same element below 3 p.
    ///
    /// q p is subtracted, where q estimates v / p from the highest limb t of v: t / (t_p + 1) is
    /// at most v / p, and above v / p - 0.1 as t_p, the highest limb of p, has 36 bits and v / p
    /// less than 18. The reciprocal and the quotient are rounded down: together less than 2 is
    /// missing.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn settle(&self) -> Raw {
        let (zero, top) = (_mm512_setzero_si512(), self.0[LIMBS - 1]);
        let q = _mm512_madd52hi_epu64(zero, top, _mm512_set1_epi64(RECIPROCAL as i64));
        // What is to be subtracted is at most v, so that nothing leaves the highest limb.
        Raw(core::array::from_fn(|i| {
            let mut less = _mm512_madd52lo_epu64(zero, q, _mm512_set1_epi64(P[i] as i64));
            if i > 0 {
                less = _mm512_madd52hi_epu64(less, q, _mm512_set1_epi64(P[i - 1] as i64));
            }
            _mm512_sub_epi64(self.0[i], less)
        }))
    }

    /// 2^16 times numbers of 16 limbs of 64 bits.
    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    pub(super) fn enter(number: &[__m512i; 16]) -> Self {
        let mask = _mm512_set1_epi64(MASK as i64);
        Self(core::array::from_fn(|i| {
            let limb = if i == 0 {
                _mm512_slli_epi64::<16>(number[0])
            } else {
                let start = BITS * i - 16;
                let (limb, shift) = (start / 64, (start % 64) as i64);
                let low = _mm512_srlv_epi64(number[limb], _mm512_set1_epi64(shift));
                match number.get(limb + 1) {
                    // A shift by 64 gives 0.
                    Some(next) => {
                        let high = _mm512_sllv_epi64(*next, _mm512_set1_epi64(64 - shift));
                        _mm512_or_si512(low, high)
                    }
                    None => low,
                }
            };
            _mm512_and_si512(limb, mask)
        }))
    }

    /// Numbers of the scalar form, one for each lane, entered.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn gather(numbers: &[Limbs; LANES]) -> Self {
        let mut limbs = [_mm512_setzero_si512(); 16];
        for start in [0, LANES] {
            let mut rows = [_mm512_setzero_si512(); LANES];
            for (row, number) in rows.iter_mut().zip(numbers) {
                *row = vector_of(&number[start..]);
            }
            limbs[start..start + LANES].copy_from_slice(&transpose(&rows));
        }
        Self::enter(&limbs)
    }

    /// The scalar forms, below p, of elements below 40 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn leave(&self) -> [Limbs; LANES] {
        // Below 1.02 p.
        let sum = Columns::of_broadcast(self, &LEAVE).reduce::<0>();
        sum.less_if_not_below::<1>().scatter()
    }

    /// Less `TIMES` p in the lanes that have as much.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn less_if_not_below<const TIMES: u64>(&self) -> Self {
        let mut less = self.raw();
        for _ in 0..TIMES {
            less = less.minus(&Self::splat(&P));
        }
        let less = less.carry::<0>();
        // The highest limb of a negative number has been cut to 52 bits and keeps their highest.
        let sign = _mm512_set1_epi64(1 << (BITS - 1));
        let negative = _mm512_test_epi64_mask(less.0[LIMBS - 1], sign);
        Self(core::array::from_fn(|i| {
            _mm512_mask_mov_epi64(less.0[i], negative, self.0[i])
        }))
    }

    /// The numbers of the lanes in limbs of 64 bits, for numbers below 2^1024.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn scatter(&self) -> [Limbs; LANES] {
        let mut out = [[0; 16]; LANES];
        let limbs: [[u64; LANES]; LIMBS] = core::array::from_fn(|i| lanes_of(self.0[i]));
        for (lane, out) in out.iter_mut().enumerate() {
            for (i, out) in out.iter_mut().enumerate() {
                let (limb, shift) = (64 * i / BITS, 64 * i % BITS);
                let next = |n: usize| limbs.get(limb + n).map_or(0, |limb| limb[lane]);
                *out = next(0) >> shift | next(1) << (BITS - shift);
                // The third limb begins below bit 64 if the shift is above 40.
                if shift > 2 * BITS - 64 {
                    *out |= next(2) << (2 * BITS - shift);
                }
            }
        }
        out
    }

    /// The product of elements below 40 p: below 1.02 p. One may be entered, the other then
    /// below n p gives a product below (0.6 n + 1) p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(&self, other: &Self) -> Self {
        Columns::of(self, other).reduce::<0>()
    }

    /// The square of elements below 40 p: below 1.02 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn square(&self) -> Self {
        Columns::of_square(self).reduce::<0>()
    }
}

/// The numbers in the lanes of a vector.
#[target_feature(enable = "avx512f")]
fn lanes_of(vector: __m512i) -> [u64; LANES] {
    // SAFETY: the two types have 64 octets and no invalid values.
    unsafe { core::mem::transmute(vector) }
}

/// A vector of the first eight of these numbers.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn vector_of(numbers: &[u64]) -> __m512i {
    let numbers: &[u64; LANES] = numbers.first_chunk().expect("there are eight numbers");
    // SAFETY: as above.
    unsafe { core::mem::transmute(*numbers) }
}

/// The numbers of the first lane of each vector, of the second, and so on.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn transpose(rows: &[__m512i; LANES]) -> [__m512i; LANES] {
    let mut out = *rows;
    for first in 0..2 {
        // Columns `first`, + 2, + 4 and + 6, of two rows beside each other.
        let mut pairs = [rows[0]; 4];
        for (pair, [one, other]) in pairs.iter_mut().zip(rows.as_chunks().0) {
            *pair = if first == 0 {
                _mm512_unpacklo_epi64(*one, *other)
            } else {
                _mm512_unpackhi_epi64(*one, *other)
            };
        }
        let [a, b, c, d] = pairs;
        // Columns + 0 and + 4 of four rows, and + 2 and + 6.
        let ab = [
            _mm512_shuffle_i64x2::<0x88>(a, b),
            _mm512_shuffle_i64x2::<0xdd>(a, b),
        ];
        let cd = [
            _mm512_shuffle_i64x2::<0x88>(c, d),
            _mm512_shuffle_i64x2::<0xdd>(c, d),
        ];
        for (i, (ab, cd)) in ab.into_iter().zip(cd).enumerate() {
            out[first + 2 * i] = _mm512_shuffle_i64x2::<0x88>(ab, cd);
            out[first + 2 * i + 4] = _mm512_shuffle_i64x2::<0xdd>(ab, cd);
        }
    }
    out
}
