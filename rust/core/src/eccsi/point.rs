//! Points of P-256 by complete formulas: no case apart, so no branch and no leak.
//!
//! The formulas are algorithms 4 to 6 of Renes, Costello and Batina (eprint 2015/1060) for a = -3:
//! 12, 11 and 11 products and two by b, right for all points of a curve of odd order.

use super::field::Field;
use super::POINT;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::AffinePoint;

/// x : y : z; infinity has z = 0.
#[derive(Clone, Copy, Default)]
pub(super) struct Point {
    x: Field,
    y: Field,
    z: Field,
}

/// A point that is not infinity.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Affine {
    x: Field,
    y: Field,
}

impl zeroize::DefaultIsZeroes for Point {}
impl zeroize::DefaultIsZeroes for Affine {}

/// b of the curve, in Montgomery form.
const B: Field = Field::of([
    0xd89c_df62_29c4_bddf,
    0xacf0_05cd_7884_3090,
    0xe5a2_20ab_f721_2ed6,
    0xdc30_061d_0487_4834,
]);

impl Affine {
    /// A point that `p256` has found to be on the curve.
    pub(super) fn from_p256(point: &AffinePoint) -> Self {
        Self {
            x: Field::from_octets_modulo(&point.x().into()),
            y: Field::from_octets_modulo(&point.y().into()),
        }
    }

    pub(super) fn to_octets(self) -> [u8; POINT] {
        let mut octets = [4; POINT];
        octets[1..33].copy_from_slice(&self.x.to_octets());
        octets[33..].copy_from_slice(&self.y.to_octets());
        octets
    }

    pub(super) fn x(&self) -> &Field {
        &self.x
    }

    pub(super) const fn negate(&self) -> Self {
        Self {
            x: self.x,
            y: self.y.negate(),
        }
    }

    /// `other` where the mask is all ones, `self` where it is 0.
    #[inline(always)]
    pub(super) const fn select(&self, other: &Self, mask: u64) -> Self {
        Self {
            x: self.x.select(&other.x, mask),
            y: self.y.select(&other.y, mask),
        }
    }
}

impl From<Affine> for Point {
    fn from(point: Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Field::ONE,
        }
    }
}

impl Point {
    pub(super) const INFINITY: Self = Self {
        x: Field::ZERO,
        y: Field::ONE,
        z: Field::ZERO,
    };

    pub(super) fn add(&self, other: &Self) -> Self {
        let xx = self.x.multiply(&other.x);
        let yy = self.y.multiply(&other.y);
        let zz = self.z.multiply(&other.z);
        let xy = cross(&self.x, &self.y, &other.x, &other.y, &xx, &yy);
        let yz = cross(&self.y, &self.z, &other.y, &other.z, &yy, &zz);
        let xz = cross(&self.x, &self.z, &other.x, &other.z, &xx, &zz);
        finish(&xx, &yy, &zz, &xy, &yz, &xz)
    }

    pub(super) fn add_affine(&self, other: &Affine) -> Self {
        let xx = self.x.multiply(&other.x);
        let yy = self.y.multiply(&other.y);
        let xy = cross(&self.x, &self.y, &other.x, &other.y, &xx, &yy);
        let yz = other.y.multiply(&self.z).add(&self.y);
        let xz = other.x.multiply(&self.z).add(&self.x);
        finish(&xx, &yy, &self.z, &xy, &yz, &xz)
    }

    pub(super) fn double(&self) -> Self {
        let xx = self.x.square();
        let yy = self.y.square();
        let zz = self.z.square();
        let xy2 = self.x.multiply(&self.y).double();
        let xz2 = self.x.multiply(&self.z).double();
        let yz2 = self.y.multiply(&self.z).double();
        let bzz3 = B.multiply(&zz).subtract(&xz2).triple();
        let minus = yy.subtract(&bzz3);
        let plus = yy.add(&bzz3);
        let zz3 = zz.triple();
        let bxz3 = B.multiply(&xz2).subtract(&zz3).subtract(&xx).triple();
        let xx3 = xx.triple().subtract(&zz3);
        Self {
            x: minus.multiply(&xy2).subtract(&bxz3.multiply(&yz2)),
            y: plus.multiply(&minus).add(&xx3.multiply(&bxz3)),
            z: yz2.multiply(&yy).double().double(),
        }
    }

    /// 2^count times the point. Takes infinity apart, so it is for public points.
    ///
    /// Jacobian coordinates (X/Z^2, Y/Z^3) double with eight products (dbl-2001-b), which pays
    /// for the way there, X Z : Y Z^2 : Z, and back, X Z : Y : Z^3. No y is 0 where the order is
    /// odd, so that doubling has no other special case.
    pub(super) fn vartime_double_times(&self, count: usize) -> Self {
        if self.z.is_zero() {
            return Self::INFINITY;
        }
        let mut x = self.x.multiply(&self.z);
        let mut y = self.y.multiply(&self.z.square());
        let mut z = self.z;
        for _ in 0..count {
            let delta = z.square();
            let gamma = y.square();
            let beta4 = x.multiply(&gamma).double().double();
            let alpha = x.subtract(&delta).multiply(&x.add(&delta)).triple();
            z = y.multiply(&z).double();
            x = alpha.square().subtract(&beta4.double());
            let gamma2 = gamma.double();
            y = alpha
                .multiply(&beta4.subtract(&x))
                .subtract(&gamma2.square().double());
        }
        Self {
            x: x.multiply(&z),
            y,
            z: z.multiply(&z.square()),
        }
    }

    pub(super) const fn negate(&self) -> Self {
        Self {
            x: self.x,
            y: self.y.negate(),
            z: self.z,
        }
    }

    /// `other` where the mask is all ones, `self` where it is 0.
    #[inline(always)]
    pub(super) const fn select(&self, other: &Self, mask: u64) -> Self {
        Self {
            x: self.x.select(&other.x, mask),
            y: self.y.select(&other.y, mask),
            z: self.z.select(&other.z, mask),
        }
    }

    /// Whether it is infinity; that is public wherever we ask.
    pub(super) fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    /// The point in affine coordinates; 0, 0 for infinity.
    pub(super) fn to_affine(self) -> Affine {
        let inverse = self.z.invert();
        Affine {
            x: self.x.multiply(&inverse),
            y: self.y.multiply(&inverse),
        }
    }

    /// All in affine coordinates for one inversion; none may be infinity.
    pub(super) fn batch_to_affine(points: &[Self]) -> Vec<Affine> {
        let mut product = Field::ONE;
        let before: Vec<Field> = points
            .iter()
            .map(|point| {
                let so_far = product;
                product = product.multiply(&point.z);
                so_far
            })
            .collect();
        let mut inverse = product.invert();
        let mut affine = vec![Affine::default(); points.len()];
        for (index, point) in points.iter().enumerate().rev() {
            let of_z = inverse.multiply(&before[index]);
            inverse = inverse.multiply(&point.z);
            affine[index] = Affine {
                x: point.x.multiply(&of_z),
                y: point.y.multiply(&of_z),
            };
        }
        affine
    }

    /// Whether the x coordinate is this one, without an inversion; never of infinity.
    pub(super) fn vartime_has_x(&self, x: &Field) -> bool {
        !self.z.is_zero() && x.multiply(&self.z) == self.x
    }
}

/// a1 b2 + a2 b1, from the products of each with itself.
#[inline(always)]
fn cross(a1: &Field, b1: &Field, a2: &Field, b2: &Field, aa: &Field, bb: &Field) -> Field {
    a1.add(b1).multiply(&a2.add(b2)).subtract(aa).subtract(bb)
}

/// What the two additions have in common: the sum, from the products of coordinates in pairs.
#[inline(always)]
fn finish(xx: &Field, yy: &Field, zz: &Field, xy: &Field, yz: &Field, xz: &Field) -> Point {
    let bzz3 = xz.subtract(&B.multiply(zz)).triple();
    let minus = yy.subtract(&bzz3);
    let plus = yy.add(&bzz3);
    let zz3 = zz.triple();
    let bxz3 = B.multiply(xz).subtract(&zz3).subtract(xx).triple();
    let xx3 = xx.triple().subtract(&zz3);
    Point {
        x: plus.multiply(xy).subtract(&yz.multiply(&bxz3)),
        y: plus.multiply(&minus).add(&xx3.multiply(&bxz3)),
        z: minus.multiply(yz).add(&xy.multiply(&xx3)),
    }
}
