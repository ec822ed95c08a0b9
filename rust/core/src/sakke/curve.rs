//! The curve y^2 = x^3 - 3 x over F_p, of p + 1 = 4 q points (RFC 6508 2.1).

use super::field::Fe;
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
        let three = Fe::ONE.triple();
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
            z: Fe::ONE,
        }
    }
}

impl Jacobian {
    pub fn infinity() -> Self {
        Self {
            x: Fe::ONE,
            y: Fe::ONE,
            z: Fe::ZERO,
        }
    }

    /// Twice the point; of infinity and of a point with y = 0, infinity.
    #[inline(always)]
    pub fn double(self) -> Self {
        self.double_with_slope().0
    }

    /// Twice the point, and the slope of the tangent times z of the result.
    ///
    /// With a = -3: alpha = 3 x^2 - 3 z^4 = 3 (x - z^2) (x + z^2), and the slope is
    /// 3 (x^2 / z^4 - 1) / (2 y / z^3) = alpha / (2 y z).
    pub fn double_with_slope(self) -> (Self, Fe) {
        let delta = self.z.square();
        let gamma = self.y.square();
        let beta = self.x * gamma;
        let alpha = ((self.x - delta) * (self.x + delta)).triple();
        let beta4 = beta.double().double();
        let x = alpha.square() - beta4.double();
        let gamma8 = gamma.square().double().double().double();
        let point = Self {
            x,
            y: alpha * (beta4 - x) - gamma8,
            z: (self.y + self.z).square() - gamma - delta,
        };
        (point, alpha)
    }

    /// How far the points are apart: h and r, the differences of their x times z^2, and of their
    /// y times z^3.
    #[inline(always)]
    fn differences(&self, other: &Affine) -> (Fe, Fe) {
        let square = self.z.square();
        (
            other.x * square - self.x,
            other.y * (self.z * square) - self.y,
        )
    }

    /// The sum from the differences; z of the result is zero if h is.
    #[inline(always)]
    fn add_by(self, h: Fe, r: Fe) -> Self {
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

    /// The sum, and the slope of the line times z of the result, which is r / (z h). Not for
    /// infinity nor for points with the same x: then z of the result is zero.
    pub fn add_with_slope(self, other: &Affine) -> (Self, Fe) {
        let (h, r) = self.differences(other);
        (self.add_by(h, r), r)
    }

    /// The sum of any two points: what is needed in the special cases is computed always.
    pub fn add(self, other: &Affine) -> Self {
        let (h, r) = self.differences(other);
        let infinite = mask(self.is_infinity());
        let same = mask(h.is_zero() & r.is_zero());
        // Where the points are opposite, h = 0 makes the sum infinity.
        self.add_by(h, r)
            .select(self.double(), same)
            .select((*other).into(), infinite)
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

    /// The point, from the inverse of z; (0, 0) for infinity, with the inverse 0.
    #[inline(always)]
    pub fn to_affine(self, inverse: Fe) -> Affine {
        let square = inverse.square();
        Affine {
            x: self.x * square,
            y: self.y * (square * inverse),
        }
    }
}
