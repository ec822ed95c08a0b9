//! Numbers modulo the group's order q: master secrets, identifiers and r.

use super::limbs::{self, Limbs, LIMBS, OCTETS};
use super::parameters::Q;
use zeroize::Zeroize;

/// A number below q.
#[derive(Clone)]
pub struct Scalar(pub(super) Limbs);

impl Drop for Scalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Scalar {
    /// Any number of 1024 bits modulo q: q is above 2^1021, so that 4 q, 2 q and q, subtracted
    /// where they can be, leave less than q of what is below 8 q.
    pub fn reduce(number: &Limbs) -> Self {
        let mut rest = *number;
        for shift in [2, 1, 0] {
            let multiple = core::array::from_fn(|i| {
                let low = if i > 0 {
                    Q.m[i - 1] >> 1 >> (63 - shift)
                } else {
                    0
                };
                Q.m[i] << shift | low
            });
            let (less, borrow) = limbs::sub(&rest, &multiple);
            rest = limbs::select(&rest, &less, limbs::mask(!borrow));
        }
        Self(rest)
    }

    /// Reads big-endian octets; `None` for 0 and for what is not below q.
    pub fn from_octets(octets: &[u8; OCTETS]) -> Option<Self> {
        let number = limbs::from_octets(octets);
        let valid = limbs::less(&number, &Q.m) & !limbs::equal(&number, &[0; LIMBS]);
        valid.then_some(Self(number))
    }

    /// An identifier as integer (RFC 6508 2.2), 2 to q - 1. What is shorter than q, 127 octets,
    /// is below q; `None` for what is longer, and for 0 and 1.
    pub fn from_identifier(identifier: &[u8]) -> Option<Self> {
        let mut octets = [0; OCTETS];
        let start = OCTETS.checked_sub(identifier.len())?;
        if start == 0 {
            return None;
        }
        octets[start..].copy_from_slice(identifier);
        let number = limbs::from_octets(&octets);
        let mut two = [0; LIMBS];
        two[0] = 2;
        (!limbs::less(&number, &two)).then_some(Self(number))
    }

    pub fn add(&self, other: &Self) -> Self {
        Self(Q.add(&self.0, &other.0))
    }

    pub fn mul(&self, other: &Self) -> Self {
        Self(Q.mul(&Q.enter(&self.0), &other.0))
    }

    /// The inverse; `None` of 0.
    pub fn invert(&self) -> Option<Self> {
        let inverse = Q.leave(&Q.invert(&Q.enter(&self.0)));
        (!limbs::equal(&inverse, &[0; LIMBS])).then_some(Self(inverse))
    }
}
