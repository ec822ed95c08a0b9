//! What works on eight messages at once, or on eight parts of one, where the processor can.

#[cfg(target_arch = "x86_64")]
use super::ifma;
use super::{Limbs, Wide};

// Elements of the field are in Montgomery form with radix 2^1024, below p, everywhere here.

/// How many messages are worked on at once.
pub const LANES: usize = 8;

/// A digit for each lane.
#[derive(Clone, Copy, Default)]
pub struct Digits {
    /// Which entry of the row.
    pub index: [u64; LANES],
    /// All ones where the entry is to be negated, else zero.
    pub negative: [u64; LANES],
}

impl zeroize::DefaultIsZeroes for Digits {}

/// Numbers written as digits: the one of weight 2^(bits (levels row + level)) takes its entry
/// from this row of a table.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Bits of a digit.
    pub bits: usize,
    /// Digits that share a row.
    pub levels: usize,
    /// Rows of a table.
    pub rows: usize,
}

#[cfg(target_arch = "x86_64")]
type Proof = ();
#[cfg(not(target_arch = "x86_64"))]
type Proof = core::convert::Infallible;

/// A processor with AVX-512 IFMA.
#[derive(Clone, Copy)]
pub struct Ifma(Proof);

impl Ifma {
    /// What it is called.
    pub const NAME: &str = "AVX-512 IFMA";

    /// The processor, if it is one.
    pub fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512ifma")
        {
            return Some(Self(()));
        }
        None
    }

    /// The sums of multiples of one point or more, in Jacobian coordinates x, y and z. Of each
    /// point a table of x and y, row after row, and the digits of its numbers, level after level of row
    /// after row.
    ///
    /// `invert` replaces eight numbers by their inverses. z is zero, and the rest has no meaning,
    /// where the sum is infinity, or where equal or opposite points met outside of a level.
    pub fn multiply(
        self,
        shape: Shape,
        multiples: &[(&[Wide], &[Digits])],
        invert: &dyn Fn(&mut [Limbs; LANES]),
    ) -> [[Limbs; LANES]; 3] {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has AVX-512 IFMA: nothing else makes an `Ifma`.
        return unsafe { ifma::multiply(shape, multiples, invert) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }

    /// The sums of eight columns of points, which follow each other, as x and y: of as many points
    /// each, so that no two partial sums of a column that meet have the same x.
    ///
    /// `invert` replaces eight numbers by their inverses.
    pub fn sum_columns(
        self,
        points: &[[Limbs; 2]],
        invert: &dyn Fn(&mut [Limbs; LANES]),
    ) -> [[Limbs; LANES]; 2] {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        return unsafe { ifma::sum_columns(points, invert) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }

    /// Powers in PF_p, as a and b of a + i b, of an element 1 + i t, by the table of its t.
    pub fn power(self, shape: Shape, table: &[Limbs], digits: &[Digits]) -> [[Limbs; LANES]; 2] {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        return unsafe { ifma::power(shape, table, digits) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }

    /// The products in PF_p of the elements 1 + i t in eight columns, which follow each other, as a
    /// and b of a + i b.
    pub fn multiply_columns(self, units: &[Limbs]) -> [[Limbs; LANES]; 2] {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        return unsafe { ifma::multiply_columns(units) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }

    /// The values of polynomials, each the sum of the products of its coefficients, up to four,
    /// with `powers`.
    pub fn evaluate<T: AsRef<Limbs>>(
        self,
        polynomials: &[&[T]],
        powers: &[Limbs; 4],
    ) -> Vec<Limbs> {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        return unsafe { ifma::evaluate(polynomials, powers) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }

    /// The pairings, as a and b of a + i b, of points with the one of a table of lines, by the
    /// digits of its loop; of each point x and 1 / y.
    pub fn pairing<T: AsRef<Limbs>>(
        self,
        table: &[T],
        digits: &[i8],
        points: &[[Limbs; LANES]; 2],
    ) -> [[Limbs; LANES]; 2] {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        return unsafe { ifma::pairing(table, digits, points) };
        #[cfg(not(target_arch = "x86_64"))]
        match self.0 {}
    }
}
