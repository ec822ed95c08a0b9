//! Inversion modulo an odd number in constant time: Bernstein and Yang's divsteps
//! (<https://gcd.cr.yp.to/safegcd-20190413.pdf>), in the variant that begins with delta = 1/2.
//!
//! f and g begin as the modulus m and the number. A divstep replaces (delta, f, g) by
//! (1 - delta, g, (g - f) / 2) if delta > 0 and g is odd, else by (1 + delta, f, (g + (g mod 2) f)
//! / 2). For m of n bits and 0 <= g < m, g is zero after (45907 n + 30179) / 19929 steps
//! (<https://github.com/sipa/safegcd-bounds>); f is then plus or minus the gcd. 62 divsteps
//! depend on the lowest 62 bits only, and act as one matrix of integers t with |t| summing up to
//! at most 2^62 in each row: f and g become its products divided by 2^62. The same matrix, with a
//! multiple of m added that makes the products divisible, acts on d and e, for which
//! d x = f, e x = g modulo m.

use super::limbs::{Limbs, LIMBS};
use crate::simd::opaque;

/// Divsteps in a matrix, and bits in a limb here.
const BITS: usize = 62;
const MASK: i64 = (1 << BITS) - 1;
/// f and g lie in [-m, m], d and e in (-2 m, m), with m of 1024 bits: 1026 bits with the sign.
const SIGNED: usize = 17;
const _: () = assert!(BITS * SIGNED >= 64 * LIMBS + 2);
/// Matrices that bring g to zero for any number of 1024 bits.
const ROUNDS: usize = (45907 * 64 * LIMBS + 30179).div_ceil(19929 * BITS);

/// An integer in limbs of 62 bits; the highest has the sign.
type Signed = [i64; SIGNED];

/// What 62 divsteps do, times 2^62.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// 1/x modulo m, below m, for x below m; 0 of 0. `inverse` is 1/m modulo 2^64.
pub(super) fn invert(x: &Limbs, m: &Limbs, inverse: u64) -> Limbs {
    let modulus = enter(m);
    let (mut f, mut g) = (modulus, enter(x));
    let (mut d, mut e) = ([0; SIGNED], [0; SIGNED]);
    e[0] = 1;
    // -(delta + 1/2)
    let mut zeta = -1;
    for _ in 0..ROUNDS {
        let matrix;
        (zeta, matrix) = divsteps(zeta, f[0] as u64, g[0] as u64);
        update_de(&mut d, &mut e, &matrix, &modulus, inverse);
        update_fg(&mut f, &mut g, &matrix);
    }
    // f is 1 or -1, or m if x is zero, and then d is zero.
    let negative = f[SIGNED - 1] >> 63;
    leave(&normalize(&d, negative, &modulus))
}

fn enter(a: &Limbs) -> Signed {
    core::array::from_fn(|i| {
        let (limb, shift) = (BITS * i / 64, BITS * i % 64);
        let low = a[limb] >> shift;
        // Bits of the next limb are wanted where this one has fewer than 62 left.
        let high = match a.get(limb + 1) {
            Some(high) if shift > 0 => high << (64 - shift),
            _ => 0,
        };
        (low | high) as i64 & MASK
    })
}

fn leave(a: &Signed) -> Limbs {
    core::array::from_fn(|i| {
        let (limb, shift) = (64 * i / BITS, 64 * i % BITS);
        let mut out = a[limb] as u64 >> shift;
        for next in 1..=2 {
            if let (Some(higher), 0..64) = (a.get(limb + next), next * BITS - shift) {
                out |= (*higher as u64) << (next * BITS - shift);
            }
        }
        out
    })
}

/// 62 divsteps on the lowest bits of f and g.
///
/// The masks are kept opaque: a compiler that sees the comparison may choose a branch.
#[inline(always)]
fn divsteps(mut zeta: i64, mut f: u64, mut g: u64) -> (i64, Matrix) {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    for _ in 0..BITS {
        let mut swap = opaque((zeta >> 63) as u64);
        let odd = opaque((g & 1).wrapping_neg());
        // Add plus or minus f to an odd g.
        g = g.wrapping_add((f ^ swap).wrapping_sub(swap) & odd);
        q = q.wrapping_add((u ^ swap).wrapping_sub(swap) & odd);
        r = r.wrapping_add((v ^ swap).wrapping_sub(swap) & odd);
        // If delta > 0 and g was odd: f becomes the old g, which is the new g plus f.
        swap &= odd;
        zeta = (zeta ^ swap as i64).wrapping_sub(1);
        f = f.wrapping_add(g & swap);
        u = u.wrapping_add(q & swap);
        v = v.wrapping_add(r & swap);
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    let [u, v, q, r] = [u, v, q, r].map(|entry| entry as i64);
    (zeta, Matrix { u, v, q, r })
}

/// Replaces f and g by the matrix' products divided by 2^62, which is exact.
#[inline(always)]
fn update_fg(f: &mut Signed, g: &mut Signed, t: &Matrix) {
    let (mut cf, mut cg) = (0i128, 0i128);
    for i in 0..SIGNED {
        cf = add_products(cf, t.u, f[i], t.v, g[i]);
        cg = add_products(cg, t.q, f[i], t.r, g[i]);
        if i > 0 {
            f[i - 1] = cf as i64 & MASK;
            g[i - 1] = cg as i64 & MASK;
        }
        cf >>= BITS;
        cg >>= BITS;
    }
    f[SIGNED - 1] = cf as i64;
    g[SIGNED - 1] = cg as i64;
}

/// Replaces d and e by the matrix' products divided by 2^62 modulo m.
///
/// To a negative d or e m is added first, so that the result stays in (-2 m, m).
#[inline(always)]
fn update_de(d: &mut Signed, e: &mut Signed, t: &Matrix, m: &Signed, inverse: u64) {
    let (sd, se) = (d[SIGNED - 1] >> 63, e[SIGNED - 1] >> 63);
    let mut md = (t.u & sd).wrapping_add(t.v & se);
    let mut me = (t.q & sd).wrapping_add(t.r & se);
    let mut cd = add_products(0, t.u, d[0], t.v, e[0]);
    let mut ce = add_products(0, t.q, d[0], t.r, e[0]);
    // The multiples of m that make the lowest 62 bits zero.
    let multiple = |sum: i128, m: i64| {
        let low = inverse.wrapping_mul(sum as u64).wrapping_add(m as u64);
        m.wrapping_sub(low as i64 & MASK)
    };
    (md, me) = (multiple(cd, md), multiple(ce, me));
    for i in 0..SIGNED {
        if i > 0 {
            cd = add_products(cd, t.u, d[i], t.v, e[i]);
            ce = add_products(ce, t.q, d[i], t.r, e[i]);
        }
        cd = cd.wrapping_add(i128::from(m[i]) * i128::from(md));
        ce = ce.wrapping_add(i128::from(m[i]) * i128::from(me));
        if i > 0 {
            d[i - 1] = cd as i64 & MASK;
            e[i - 1] = ce as i64 & MASK;
        }
        cd >>= BITS;
        ce >>= BITS;
    }
    d[SIGNED - 1] = cd as i64;
    e[SIGNED - 1] = ce as i64;
}

/// `sum + a x + b y`. A row of the matrix sums up to at most 2^62 and a limb is below 2^62, so the
/// products are below 2^124 and what is carried into them below 2^64.
#[inline(always)]
fn add_products(sum: i128, a: i64, x: i64, b: i64, y: i64) -> i128 {
    let products = (i128::from(a) * i128::from(x)).wrapping_add(i128::from(b) * i128::from(y));
    sum.wrapping_add(products)
}

/// Brings a number in (-2 m, m), negated where the mask is set, into [0, m).
fn normalize(a: &Signed, negate: i64, m: &Signed) -> Signed {
    let add_if_negative = |a: Signed| {
        let mask = opaque((a[SIGNED - 1] >> 63) as u64) as i64;
        carry(core::array::from_fn(|i| a[i].wrapping_add(m[i] & mask)))
    };
    let negate = opaque(negate as u64) as i64;
    let a = add_if_negative(*a);
    let a = carry(a.map(|limb| (limb ^ negate).wrapping_sub(negate)));
    add_if_negative(a)
}

/// Brings all limbs but the highest into [0, 2^62).
fn carry(mut a: Signed) -> Signed {
    for i in 0..SIGNED - 1 {
        a[i + 1] = a[i + 1].wrapping_add(a[i] >> BITS);
        a[i] &= MASK;
    }
    a
}
