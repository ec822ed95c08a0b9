//! The plain way to all results, as RFC 6508 writes it: what the fast way is tested against.

use super::curve::{Affine, Jacobian};
use super::field::Fe;
use super::fp2::Fp2;
use super::parameters::Q;
use super::scalar::Scalar;

/// [k]B by doublings and additions.
pub fn multiply(k: &Scalar, base: Affine) -> Jacobian {
    let mut sum = Jacobian::infinity();
    for bit in k.vartime_bits() {
        sum = sum.double();
        if bit {
            sum = sum.add(&base);
        }
    }
    sum
}

/// The point of Jacobian coordinates.
pub fn affine(point: &Jacobian) -> Affine {
    point.to_affine(point.z.invert())
}

/// The representative of g^k.
pub fn power(k: &Scalar, g: Fe) -> Fe {
    let base = Fp2 { a: Fe::ONE, b: g };
    let mut power = Fp2::ONE;
    for bit in k.vartime_bits() {
        power = power.square();
        if bit {
            power = power * base;
        }
    }
    power.representative()
}

/// <R, Q> as in RFC 6508 3.2.
pub fn pairing(r: Affine, q: Affine) -> Fe {
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
    let mut last = Scalar(Q.m);
    last.0[0] -= 1;
    let mut v = Fp2::ONE;
    let mut c = r;
    for bit in last.vartime_bits().skip(1) {
        let slope = (c.x.square() - Fe::ONE).triple() * c.y.double().invert();
        v = v.square() * line(slope, c);
        c = next(slope, c, c);
        if bit {
            let slope = (c.y - r.y) * (c.x - r.x).invert();
            v = v * line(slope, c);
            c = next(slope, c, r);
        }
    }
    // (p + 1) / q = 4
    v.square().square().representative()
}
