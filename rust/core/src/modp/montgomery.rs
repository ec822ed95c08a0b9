//! Montgomery arithmetic modulo a prime of `N` limbs whose lowest and highest limb are all ones.
//!
//! Numbers are below R = 2^(64 N), not always below the prime p: a product is brought below R
//! only, and `Modulus::leave` makes it unique. Because p = -1 modulo 2^64, the multiplier of a
//! reduction step is the lowest limb itself, and adding its product with p means adding its
//! product with p + 1 and dropping that limb.
//!
//! Four rows of a product are walked at a time, column by column, each row with its own carry:
//! `x * y + sum + carry` fits 128 bits, so that no carry has to be looked for. All loops have
//! bounds known from `N`; no branch and no address depends on a number.

use subtle::{Choice, ConditionallySelectable};

/// Rows walked at a time; `N` is a multiple of it.
const ROWS: usize = 4;

/// Memory for a product before its reduction. Who owns it wipes it.
pub(super) type Wide<const N: usize> = [[u64; N]; 2];

/// A prime with what the arithmetic needs.
pub(super) struct Modulus<const N: usize> {
    prime: [u64; N],
    /// The prime plus one; its lowest limb is zero.
    successor: [u64; N],
    /// R mod p: the Montgomery form of 1.
    one: [u64; N],
    /// R^2 mod p: what brings a number into Montgomery form.
    square_of_r: [u64; N],
}

impl<const N: usize> Modulus<N> {
    pub(super) fn new(prime: [u64; N]) -> Self {
        const { assert!(N.is_multiple_of(ROWS) && N >= 2 * ROWS) };
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
    pub(super) fn multiply(&self, a: &mut [u64; N], b: &[u64; N], wide: &mut Wide<N>) {
        let product = wide.as_flattened_mut();
        product.fill(0);
        for (i, rows) in b.as_chunks().0.iter().enumerate() {
            add_rows(&mut product[ROWS * i..], a, rows);
        }
        self.reduce(a, wide);
    }

    /// Replaces `a` by `a * a / R`.
    pub(super) fn square(&self, a: &mut [u64; N], wide: &mut Wide<N>) {
        let product = wide.as_flattened_mut();
        product.fill(0);
        for i in 0..N / ROWS {
            add_mixed(&mut product[2 * ROWS * i..], &a[ROWS * i..]);
        }
        double_and_add_squares(product, a);
        self.reduce(a, wide);
    }

    /// Sets `out` to `wide / R`, below R; `wide` is less than R^2.
    fn reduce(&self, out: &mut [u64; N], wide: &mut Wide<N>) {
        let p = &self.successor;
        let sum = wide.as_flattened_mut();
        let mut carry = 0;
        for i in 0..N / ROWS {
            let t = &mut sum[ROWS * i..][..N + ROWS];
            let mut c = [0; ROWS];
            let m0 = t[0];
            let m1 = mac(t[1], p[1], m0, &mut c[0]);
            let m2 = mac(t[2], p[2], m0, &mut c[0]);
            let m2 = mac(m2, p[1], m1, &mut c[1]);
            let m3 = mac(t[3], p[3], m0, &mut c[0]);
            let m3 = mac(m3, p[2], m1, &mut c[1]);
            let m3 = mac(m3, p[1], m2, &mut c[2]);
            let rows = [m0, m1, m2, m3];
            add_columns(&mut t[ROWS..N], &p[1..], &rows, &mut c);
            let top = last_columns(&p[N - 3..], &rows, c);
            for (limb, top) in t[N..].iter_mut().zip(top) {
                *limb = mac(*limb, top, 1, &mut carry);
            }
        }
        *out = wide[1];
        // (R^2 + R p) / R is below R + p: with the carry gone, the rest is below R.
        subtract_if(out, &self.prime, Choice::from(carry as u8));
    }
}

/// Returns the low half of `x * y + sum + carry`; the high half becomes the carry.
#[inline(always)]
fn mac(sum: u64, x: u64, y: u64, carry: &mut u64) -> u64 {
    let all = u128::from(x) * u128::from(y) + u128::from(sum) + u128::from(*carry);
    *carry = (all >> 64) as u64;
    all as u64
}

/// Adds to each column the four products that meet there: `x[k + 3] * rows[0] + ...`.
#[inline(always)]
fn add_columns(t: &mut [u64], x: &[u64], rows: &[u64; ROWS], c: &mut [u64; ROWS]) {
    let [mut c0, mut c1, mut c2, mut c3] = *c;
    for (column, x) in t.iter_mut().zip(x.windows(ROWS)) {
        let sum = mac(*column, x[3], rows[0], &mut c0);
        let sum = mac(sum, x[2], rows[1], &mut c1);
        let sum = mac(sum, x[1], rows[2], &mut c2);
        *column = mac(sum, x[0], rows[3], &mut c3);
    }
    *c = [c0, c1, c2, c3];
}

/// The columns above, where row after row ends; `x` holds its last three limbs.
#[inline(always)]
fn last_columns(x: &[u64], rows: &[u64; ROWS], c: [u64; ROWS]) -> [u64; ROWS] {
    let [c0, mut c1, mut c2, mut c3] = c;
    let first = mac(c0, x[2], rows[1], &mut c1);
    let first = mac(first, x[1], rows[2], &mut c2);
    let first = mac(first, x[0], rows[3], &mut c3);
    let second = mac(c1, x[2], rows[2], &mut c2);
    let second = mac(second, x[1], rows[3], &mut c3);
    let third = mac(c2, x[2], rows[3], &mut c3);
    [first, second, third, c3]
}

/// Adds `x * rows` to `t`, which is zero from `t[x.len()]` on.
#[inline(always)]
fn add_rows<const N: usize>(t: &mut [u64], x: &[u64; N], rows: &[u64; ROWS]) {
    let mut c = [0; ROWS];
    t[0] = mac(t[0], x[0], rows[0], &mut c[0]);
    let sum = mac(t[1], x[1], rows[0], &mut c[0]);
    t[1] = mac(sum, x[0], rows[1], &mut c[1]);
    let sum = mac(t[2], x[2], rows[0], &mut c[0]);
    let sum = mac(sum, x[1], rows[1], &mut c[1]);
    t[2] = mac(sum, x[0], rows[2], &mut c[2]);
    add_columns(&mut t[3..N], x, rows, &mut c);
    t[N..N + ROWS].copy_from_slice(&last_columns(&x[N - 3..], rows, c));
}

/// Adds to `t` the products of each of the first four limbs of `x` with all limbs above it.
///
/// `t` is zero from `t[x.len()]` on.
#[inline(always)]
fn add_mixed(t: &mut [u64], x: &[u64]) {
    let rows = &[x[0], x[1], x[2], x[3]];
    let mut c = [0; ROWS];
    t[1] = mac(t[1], x[1], x[0], &mut c[0]);
    t[2] = mac(t[2], x[2], x[0], &mut c[0]);
    let sum = mac(t[3], x[3], x[0], &mut c[0]);
    t[3] = mac(sum, x[2], x[1], &mut c[1]);
    if x.len() == ROWS {
        t[4] = mac(c[0], x[3], x[1], &mut c[1]);
        t[5] = mac(c[1], x[3], x[2], &mut c[2]);
        t[6] = c[2];
        return;
    }
    let sum = mac(t[4], x[4], x[0], &mut c[0]);
    t[4] = mac(sum, x[3], x[1], &mut c[1]);
    let sum = mac(t[5], x[5], x[0], &mut c[0]);
    let sum = mac(sum, x[4], x[1], &mut c[1]);
    t[5] = mac(sum, x[3], x[2], &mut c[2]);
    let sum = mac(t[6], x[6], x[0], &mut c[0]);
    let sum = mac(sum, x[5], x[1], &mut c[1]);
    t[6] = mac(sum, x[4], x[2], &mut c[2]);
    add_columns(&mut t[7..x.len()], &x[4..], rows, &mut c);
    t[x.len()..][..ROWS].copy_from_slice(&last_columns(&x[x.len() - 3..], rows, c));
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
fn subtract_if<const N: usize>(a: &mut [u64; N], b: &[u64; N], choice: Choice) {
    let mask = u64::conditional_select(&0, &u64::MAX, choice);
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        *a = subtract(*a, b & mask, &mut borrow);
    }
}

/// Returns `a - b - borrow`, and in `borrow` whether one is needed from the next limb.
#[inline(always)]
fn subtract(a: u64, b: u64, borrow: &mut bool) -> u64 {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(u64::from(*borrow));
    *borrow = first | second;
    difference
}

#[cfg(test)]
mod tests {
    use super::super::primes;
    use super::*;

    fn multiply<const N: usize>(modulus: &Modulus<N>, a: [u64; N], b: [u64; N]) -> [u64; N] {
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

    fn check<const N: usize>(prime: [u64; N]) {
        let modulus = Modulus::new(prime);
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
        check(primes::OAKLEY_1);
        check(primes::OAKLEY_2);
        check(primes::OAKLEY_5);
    }
}
