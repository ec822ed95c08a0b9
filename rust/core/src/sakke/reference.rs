//! The plain way to all results: what the fast way is tested against.

use super::curve::{Affine, Jacobian};
use super::field::Fe;
use super::fp2::Fp2;
use super::limbs::LIMBS;
use super::parameters::Q;
use super::scalar::Scalar;

/// The bits of a number, from the highest possible one.
fn bits(number: &[u64; LIMBS]) -> impl Iterator<Item = bool> + '_ {
    (0..64 * LIMBS)
        .rev()
        .map(|i| number[i / 64] >> (i % 64) & 1 == 1)
}

/// [k]B.
pub fn multiply(k: &Scalar, base: Affine) -> Jacobian {
    let mut sum = Jacobian::infinity();
    for bit in bits(&k.0) {
        sum = sum.double();
        let next = sum.add_any(base);
        sum = sum.select(next, super::limbs::mask(bit));
    }
    sum
}

/// The representative of g^k.
pub fn power(k: &Scalar, g: Fe) -> Fe {
    let base = Fp2 { a: Fe::one(), b: g };
    let mut power = Fp2::one();
    for bit in bits(&k.0) {
        power = power.square();
        let next = power * base;
        let mask = super::limbs::mask(bit);
        power = Fp2 {
            a: power.a.select(next.a, mask),
            b: power.b.select(next.b, mask),
        };
    }
    power.representative()
}

/// <R, Q> as in RFC 6508 3.2.
pub fn pairing(r: Affine, q: Affine) -> Fe {
    let one = Fe::one();
    let line = |slope: Fe, c: Affine| Fp2 {
        a: slope * (q.x + c.x) - c.y,
        b: q.y,
    };
    let next = |slope: Fe, c: Affine, other: Affine| {
        let x = slope.square() - c.x - other.x;
        Affine {
            x,
            y: slope * (c.x - x) - c.y,
        }
    };
    let mut last = Q.m;
    last[0] -= 1;
    let mut v = Fp2::one();
    let mut c = r;
    for bit in bits(&last).skip_while(|bit| !bit).skip(1) {
        let slope = (c.x.square() - one).triple() * c.y.double().invert();
        v = v.square() * line(slope, c);
        c = next(slope, c, c);
        if bit {
            let slope = (c.y - r.y) * (c.x - r.x).invert();
            v = v * line(slope, c);
            c = next(slope, c, r);
        }
    }
    // c = (p + 1) / q = 4
    v.square().square().representative()
}
