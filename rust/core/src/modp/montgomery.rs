//! Montgomery arithmetic modulo a prime of `N` limbs whose lowest and highest limb are all ones.
//!
//! Numbers are below R = 2^(64 N), not always below the prime p: a product is brought below R
//! only, and `Modulus::leave` makes it unique. Because p = -1 modulo 2^64, the multiplier of a
//! reduction step is the lowest limb itself, and adding its product with p means adding its
//! product with p + 1 and dropping that limb.
//!
//! `ROWS` rows of a product are walked at a time, column by column, and what meets in a column is
//! summed in three limbs: few memory accesses, and few carries to pass on. All loops have bounds
//! known from `N` and `ROWS`; no branch and no address depends on a number.

use subtle::{Choice, ConditionallySelectable};

/// Memory for a product before its reduction. Who owns it wipes it.
pub(super) type Wide<const N: usize> = [[u64; N]; 2];

/// A prime with what the arithmetic needs. `N` is a multiple of `ROWS`.
pub(super) struct Modulus<const N: usize, const ROWS: usize> {
    prime: [u64; N],
    /// The prime plus one; its lowest limb is zero.
    successor: [u64; N],
    /// R mod p: the Montgomery form of 1.
    one: [u64; N],
    /// R^2 mod p: what brings a number into Montgomery form.
    square_of_r: [u64; N],
}

impl<const N: usize, const ROWS: usize> Modulus<N, ROWS> {
    pub(super) fn new(prime: [u64; N]) -> Self {
        const { assert!(N.is_multiple_of(ROWS) && ROWS >= 2) };
        let mut successor = prime;
        // The prime ends in a limb of ones only, and the next limb is not of that kind.
        successor[0] = 0;
        successor[1] += 1;
        // R - p: as the highest limb of p is all ones, this is R mod p and so is twice of it.
        let mut one = prime.map(|limb| !limb);
        one[0] = 1;
        let mut modulus = Self {
            prime,
            successor,
            one,
            square_of_r: one,
        };
        modulus.square_of_r = modulus.form_of_r();
        modulus
    }

    /// The Montgomery form of R = 2^(64 N), by square and multiply over the bits of 64 N.
    fn form_of_r(&self) -> [u64; N] {
        let (two, mut wide) = (self.two(), [[0; N]; 2]);
        let exponent = 64 * N;
        let mut power = self.one;
        for bit in (0..=exponent.ilog2()).rev() {
            self.square(&mut power, &mut wide);
            if exponent >> bit & 1 == 1 {
                self.multiply(&mut power, &two, &mut wide);
            }
        }
        power
    }

    /// The Montgomery form of 1.
    pub(super) fn one(&self) -> [u64; N] {
        self.one
    }

    /// The Montgomery form of 2.
    pub(super) fn two(&self) -> [u64; N] {
        let mut two = [0; N];
        let mut below = 0;
        for (limb, half) in two.iter_mut().zip(self.one) {
            *limb = half << 1 | below >> 63;
            below = half;
        }
        two
    }

    /// Brings a number below R into Montgomery form.
    pub(super) fn enter(&self, a: &mut [u64; N], wide: &mut Wide<N>) {
        self.multiply(a, &self.square_of_r, wide);
    }

    /// Takes a number out of Montgomery form; the result is below p.
    pub(super) fn leave(&self, a: &mut [u64; N], wide: &mut Wide<N>) {
        *wide = [*a, [0; N]];
        self.reduce(a, wide);
        // At most p is left, and p itself if the number was a multiple of it.
        let mut less = false;
        for (limb, prime) in a.iter().zip(&self.prime) {
            subtract(*limb, *prime, &mut less);
        }
        subtract_if(a, &self.prime, Choice::from(u8::from(!less)));
    }

    /// Replaces `a` by `a * b / R`.
    #[inline(never)]
    pub(super) fn multiply(&self, a: &mut [u64; N], b: &[u64; N], wide: &mut Wide<N>) {
        mul_wide::<N, ROWS>(wide.as_flattened_mut(), a, b);
        self.reduce(a, wide);
    }

    /// Replaces `a` by `a * a / R`.
    #[inline(never)]
    pub(super) fn square(&self, a: &mut [u64; N], wide: &mut Wide<N>) {
        sqr_wide::<N, ROWS>(wide.as_flattened_mut(), a);
        self.reduce(a, wide);
    }

    /// Sets `out` to `wide / R`, below R; `wide` is less than R^2.
    #[inline(always)]
    fn reduce(&self, out: &mut [u64; N], wide: &mut Wide<N>) {
        let p = &self.successor;
        let sum = wide.as_flattened_mut();
        let mut carry = 0;
        for i in 0..N / ROWS {
            let t = &mut sum[ROWS * i..][..N + ROWS];
            let mut column = Column::default();
            // The multipliers of the prime, each known when its column is complete.
            let mut rows = [0; ROWS];
            for k in 0..ROWS {
                column.add(t[k]);
                column.add_products(&p[1..=k], &rows);
                rows[k] = column.next();
            }
            add_columns(&mut t[ROWS..N], &p[1..], &rows, &mut column);
            let top = last_columns(&p[N + 1 - ROWS..], &rows, column);
            for (limb, top) in t[N..].iter_mut().zip(top) {
                *limb = mac(*limb, top, 1, &mut carry);
            }
        }
        *out = wide[1];
        // (R^2 + R p) / R is below R + p: with the carry gone, the rest is below R.
        subtract_if(out, &self.prime, Choice::from(carry as u8));
    }
}

/// Sets `product`, 2 N limbs, to `a * b`; N is a multiple of `ROWS`.
#[inline(always)]
pub(crate) fn mul_wide<const N: usize, const ROWS: usize>(
    product: &mut [u64],
    a: &[u64; N],
    b: &[u64; N],
) {
    product.fill(0);
    for (i, rows) in b.as_chunks::<ROWS>().0.iter().enumerate() {
        add_rows(&mut product[ROWS * i..], a, rows);
    }
}

/// Sets `square`, 2 N limbs, to `a * a`; N is a multiple of `ROWS`.
#[inline(always)]
pub(crate) fn sqr_wide<const N: usize, const ROWS: usize>(square: &mut [u64], a: &[u64; N]) {
    square.fill(0);
    for (i, rows) in a.as_chunks::<ROWS>().0.iter().enumerate() {
        add_mixed(&mut square[2 * ROWS * i..], &a[ROWS * i..], rows);
    }
    double_and_add_squares(square, a);
}

/// Returns the low half of `x * y + sum + carry`; the high half becomes the carry.
#[inline(always)]
pub(crate) fn mac(sum: u64, x: u64, y: u64, carry: &mut u64) -> u64 {
    let all = u128::from(x) * u128::from(y) + u128::from(sum) + u128::from(*carry);
    *carry = (all >> 64) as u64;
    all as u64
}

/// The sum of what meets in a column: its limb, and what the columns above get.
#[derive(Clone, Copy, Default)]
pub(crate) struct Column {
    pub(crate) low: u64,
    above: u128,
}

impl Column {
    #[inline(always)]
    pub(crate) fn add(&mut self, x: u64) {
        let (low, carry) = self.low.overflowing_add(x);
        self.low = low;
        self.above = self.above.wrapping_add(u128::from(carry));
    }

    /// Written so that it compiles to one multiplication and three additions with carry.
    #[inline(always)]
    pub(crate) fn add_product(&mut self, x: u64, y: u64) {
        let product = u128::from(x) * u128::from(y);
        let (low, carry) = self.low.overflowing_add(product as u64);
        self.low = low;
        // The high half of a product is at most 2^64 - 2.
        let high = ((product >> 64) as u64).wrapping_add(u64::from(carry));
        self.above = self.above.wrapping_add(u128::from(high));
    }

    /// Adds the products of the rows, from the first, with `x`, from its last limb down.
    #[inline(always)]
    pub(crate) fn add_products(&mut self, x: &[u64], rows: &[u64]) {
        for (x, row) in x.iter().rev().zip(rows) {
            self.add_product(*x, *row);
        }
    }

    /// Returns the limb and goes to the next column.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        let low = self.low;
        self.low = self.above as u64;
        self.above >>= 64;
        low
    }
}

/// Adds the products of all rows to the columns `t`, the first of which ends at `x[ROWS - 1]`.
#[inline(always)]
pub(crate) fn add_columns<const ROWS: usize>(
    t: &mut [u64],
    x: &[u64],
    rows: &[u64; ROWS],
    column: &mut Column,
) {
    let mut sum = *column;
    for (limb, x) in t.iter_mut().zip(x.windows(ROWS)) {
        sum.add(*limb);
        sum.add_products(x, rows);
        *limb = sum.next();
    }
    *column = sum;
}

/// The columns above, where row after row ends; `x` holds its last `ROWS - 1` limbs.
#[inline(always)]
pub(crate) fn last_columns<const ROWS: usize>(
    x: &[u64],
    rows: &[u64; ROWS],
    mut column: Column,
) -> [u64; ROWS] {
    let mut top = [0; ROWS];
    for (k, limb) in top.iter_mut().enumerate() {
        column.add_products(&x[k..], &rows[k + 1..]);
        *limb = column.next();
    }
    top
}

/// Adds `x * rows` to `t`, which is zero from `t[x.len()]` on.
#[inline(always)]
fn add_rows<const N: usize, const ROWS: usize>(t: &mut [u64], x: &[u64; N], rows: &[u64; ROWS]) {
    let mut column = Column::default();
    for k in 0..ROWS - 1 {
        column.add(t[k]);
        column.add_products(&x[..=k], rows);
        t[k] = column.next();
    }
    add_columns(&mut t[ROWS - 1..N], x, rows, &mut column);
    let top = last_columns(&x[N + 1 - ROWS..], rows, column);
    t[N..N + ROWS].copy_from_slice(&top);
}

/// Adds to `t` the products of each limb of `rows`, the first ones of `x`, with all limbs of `x`
/// above it. `t` is zero from `t[x.len()]` on.
#[inline(always)]
fn add_mixed<const ROWS: usize>(t: &mut [u64], x: &[u64], rows: &[u64; ROWS]) {
    let mut column = Column::default();
    for k in 1..ROWS {
        column.add(t[k]);
        column.add_products(&x[k / 2 + 1..=k], &rows[..k.div_ceil(2)]);
        t[k] = column.next();
    }
    if x.len() == ROWS {
        for k in ROWS..2 * ROWS - 1 {
            column.add_products(&x[k / 2 + 1..], &rows[k + 1 - ROWS..k.div_ceil(2)]);
            t[k] = column.next();
        }
        return;
    }
    for k in ROWS..2 * ROWS - 1 {
        column.add(t[k]);
        column.add_products(&x[k / 2 + 1..=k], &rows[..k.div_ceil(2)]);
        t[k] = column.next();
    }
    add_columns(&mut t[2 * ROWS - 1..x.len()], &x[ROWS..], rows, &mut column);
    let top = last_columns(&x[x.len() + 1 - ROWS..], rows, column);
    t[x.len()..][..ROWS].copy_from_slice(&top);
}

/// Turns the sum of the mixed products into the square of `a`.
#[inline(always)]
fn double_and_add_squares(product: &mut [u64], a: &[u64]) {
    let (mut below, mut carry) = (0, 0);
    for ([low, high], a) in product.as_chunks_mut().0.iter_mut().zip(a) {
        let doubled = [*low << 1 | below >> 63, *high << 1 | *low >> 63];
        below = *high;
        *low = mac(doubled[0], *a, *a, &mut carry);
        *high = mac(doubled[1], 0, 0, &mut carry);
    }
}

/// Subtracts `b` from `a` if `choice` is set; a borrow out of the highest limb is dropped.
#[inline(always)]
pub(crate) fn subtract_if<const N: usize>(a: &mut [u64; N], b: &[u64; N], choice: Choice) {
    let mask = u64::conditional_select(&0, &u64::MAX, choice);
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        *a = subtract(*a, b & mask, &mut borrow);
    }
}

/// Returns `a - b - borrow`, and in `borrow` whether one is needed from the next limb.
#[inline(always)]
pub(crate) fn subtract(a: u64, b: u64, borrow: &mut bool) -> u64 {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(u64::from(*borrow));
    *borrow = first | second;
    difference
}

#[cfg(test)]
mod tests {
    use super::super::primes;
    use super::*;

    fn multiply<const N: usize, const R: usize>(
        modulus: &Modulus<N, R>,
        a: [u64; N],
        b: [u64; N],
    ) -> [u64; N] {
        let mut result = a;
        modulus.multiply(&mut result, &b, &mut [[0; N]; 2]);
        result
    }

    /// Numbers whose carries run far: all ones, ones in one half, one bit, the prime's neighbours.
    fn edges<const N: usize>(prime: [u64; N]) -> Vec<[u64; N]> {
        let mut numbers = vec![[0; N], [u64::MAX; N], prime, [1; N], [1 << 63; N]];
        for limb in 0..N {
            numbers.push(std::array::from_fn(|i| u64::from(i == limb)));
            numbers.push(std::array::from_fn(|i| if i < limb { 0 } else { u64::MAX }));
            numbers.push(std::array::from_fn(|i| if i > limb { 0 } else { u64::MAX }));
            numbers.push(std::array::from_fn(|i| prime[i] ^ u64::from(i == limb)));
        }
        numbers
    }

    fn check<const N: usize, const ROWS: usize>(prime: [u64; N]) {
        let modulus = Modulus::<N, ROWS>::new(prime);
        let wide = &mut [[0; N]; 2];
        for a in edges(prime) {
            let mut square = a;
            modulus.square(&mut square, wide);
            assert_eq!(square, multiply(&modulus, a, a), "{a:x?}");
            // Into Montgomery form and back: the same number below the prime.
            let mut back = a;
            modulus.enter(&mut back, wide);
            modulus.leave(&mut back, wide);
            let mut reduced = a;
            let above = a.iter().rev().cmp(prime.iter().rev()).is_ge();
            subtract_if(&mut reduced, &prime, Choice::from(u8::from(above)));
            assert_eq!(back, reduced, "{a:x?}");
            for b in edges(prime) {
                let (mut ab, mut ba) = (multiply(&modulus, a, b), multiply(&modulus, b, a));
                modulus.leave(&mut ab, wide);
                modulus.leave(&mut ba, wide);
                assert_eq!(ab, ba, "{a:x?} {b:x?}");
            }
        }
    }

    #[test]
    fn edges_agree() {
        check::<12, 6>(primes::OAKLEY_1);
        check::<12, 12>(primes::OAKLEY_1);
        check::<16, 8>(primes::OAKLEY_2);
        check::<24, 8>(primes::OAKLEY_5);
        check::<24, 4>(primes::OAKLEY_5);
    }
}
