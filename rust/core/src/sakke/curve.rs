//! The curve y^2 = x^3 - 3 x over F_p, of p + 1 = 4 q points (RFC 6508 2.1).

use super::field::{invert_all, Fe};
use super::limbs::{mask, OCTETS};
use super::parameters::GENERATOR;
use zeroize::DefaultIsZeroes;

/// Octets of an encoded point (RFC 6508 4).
pub const POINT_OCTETS: usize = 1 + 2 * OCTETS;

/// A point other than infinity.
#[derive(Clone, Copy, Default)]
pub struct Affine {
    pub x: Fe,
    pub y: Fe,
}

impl DefaultIsZeroes for Affine {}

impl Affine {
    pub fn generator() -> Self {
        let [x, y] = GENERATOR.map(|coordinate| Fe::from_number(&coordinate));
        Self { x, y }
    }

    /// Reads 04 || x || y; `None` unless that is a point of the curve.
    pub fn from_octets(octets: &[u8; POINT_OCTETS]) -> Option<Self> {
        let ([4], coordinates) = octets.split_first_chunk()? else {
            return None;
        };
        let (x, y) = coordinates.split_first_chunk()?;
        let (x, y) = (Fe::from_octets(x)?, Fe::from_octets(y.first_chunk()?)?);
        let three = Fe::one().triple();
        (y.square())
            .equals(&((x.square() - three) * x))
            .then_some(Self { x, y })
    }

    pub fn to_octets(self) -> [u8; POINT_OCTETS] {
        let mut out = [4; POINT_OCTETS];
        out[1..=OCTETS].copy_from_slice(&self.x.to_octets());
        out[1 + OCTETS..].copy_from_slice(&self.y.to_octets());
        out
    }

    #[inline(always)]
    pub fn equals(&self, other: &Self) -> bool {
        self.x.equals(&other.x) & self.y.equals(&other.y)
    }

    #[inline(always)]
    pub fn select(self, other: Self, mask: u64) -> Self {
        Self {
            x: self.x.select(other.x, mask),
            y: self.y.select(other.y, mask),
        }
    }

    #[inline(always)]
    pub fn negate_if(self, mask: u64) -> Self {
        Self {
            y: self.y.negate_if(mask),
            ..self
        }
    }
}

impl core::ops::Neg for Affine {
    type Output = Self;
    fn neg(self) -> Self {
        Self { y: -self.y, ..self }
    }
}

/// The point (X / Z^2, Y / Z^3), infinity if Z is zero.
#[derive(Clone, Copy, Default)]
pub struct Jacobian {
    pub x: Fe,
    pub y: Fe,
    pub z: Fe,
}

impl DefaultIsZeroes for Jacobian {}

impl From<Affine> for Jacobian {
    fn from(point: Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Fe::one(),
        }
    }
}

impl Jacobian {
    pub fn infinity() -> Self {
        Self {
            x: Fe::one(),
            y: Fe::one(),
            z: Fe::ZERO,
        }
    }

    /// Twice the point; of infinity and of a point with y = 0, infinity.
    ///
    /// With a = -3: alpha = 3 x^2 - 3 z^4 = 3 (x - z^2) (x + z^2).
    pub fn double(self) -> Self {
        let delta = self.z.square();
        let gamma = self.y.square();
        let beta = self.x * gamma;
        let alpha = ((self.x - delta) * (self.x + delta)).triple();
        let beta4 = beta.double().double();
        let x = alpha.square() - beta4.double();
        let gamma8 = gamma.square().double().double().double();
        Self {
            x,
            y: alpha * (beta4 - x) - gamma8,
            z: (self.y + self.z).square() - gamma - delta,
        }
    }

    /// The sum, not for infinity nor for points with the same x: then z is zero in the sum.
    pub fn add(self, other: Affine) -> Self {
        let square = self.z.square();
        let h = other.x * square - self.x;
        let r = other.y * self.z * square - self.y;
        let h2 = h.square();
        let h3 = h * h2;
        let v = self.x * h2;
        let x = r.square() - h3 - v.double();
        Self {
            x,
            y: r * (v - x) - self.y * h3,
            z: self.z * h,
        }
    }

    /// The sum of any two points: what is needed in the special cases is computed always.
    pub fn add_any(self, other: Affine) -> Self {
        let square = self.z.square();
        let infinite = mask(self.z.is_zero());
        let same_x = (other.x * square).equals(&self.x);
        let same_y = (other.y * self.z * square).equals(&self.y);
        // Where the points are opposite, z = 0 comes out of the addition.
        self.add(other)
            .select(self.double(), mask(same_x & same_y))
            .select(other.into(), infinite)
    }

    #[inline(always)]
    pub fn select(self, other: Self, mask: u64) -> Self {
        Self {
            x: self.x.select(other.x, mask),
            y: self.y.select(other.y, mask),
            z: self.z.select(other.z, mask),
        }
    }

    #[inline(always)]
    pub fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    /// The point; (0, 0) for infinity.
    pub fn to_affine(self) -> Affine {
        self.scale(self.z.invert())
    }

    fn scale(self, inverse: Fe) -> Affine {
        let square = inverse.square();
        Affine {
            x: self.x * square,
            y: self.y * square * inverse,
        }
    }

    /// The points with one inversion; all (0, 0) if one is infinity.
    pub fn all_to_affine(points: &[Self]) -> Vec<Affine> {
        let mut inverses: Vec<Fe> = points.iter().map(|point| point.z).collect();
        invert_all(&mut inverses);
        let pairs = points.iter().zip(inverses);
        pairs.map(|(point, inverse)| point.scale(inverse)).collect()
    }
}
