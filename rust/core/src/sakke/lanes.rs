//! Between the scalar code and that for eight messages, or sums, at once.

use super::curve::{Affine, Jacobian};
use super::field::{invert_all, Fe};
use super::fp2::Fp2;
use super::limbs::Limbs;
use super::scalar::Scalar;
use crate::simd::batch::{Digits, LANES};
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// The digits of a number for each lane.
pub(super) fn digits<const BITS: usize>(
    numbers: &[Scalar; LANES],
    count: usize,
) -> Zeroizing<Vec<Digits>> {
    let mut digits = Zeroizing::new(vec![Digits::default(); count]);
    for (lane, number) in numbers.iter().enumerate() {
        for (digits, digit) in digits.iter_mut().zip(number.odd_digits::<BITS>(count)) {
            digits.index[lane] = digit.index;
            digits.negative[lane] = digit.negative;
        }
    }
    digits
}

/// Replaces elements by their inverses, with one inversion; 0 stays 0.
pub(super) fn invert(elements: &mut [Fe]) {
    let zeros: Vec<u64> = elements.iter().map(Fe::is_zero_mask).collect();
    for (element, zero) in elements.iter_mut().zip(&zeros) {
        *element = element.select(Fe::ONE, *zero);
    }
    invert_all(elements);
    for (element, zero) in elements.iter_mut().zip(zeros) {
        *element = element.select(Fe::ZERO, zero);
    }
}

/// The same for numbers in Montgomery form.
pub(super) fn invert_limbs(numbers: &mut [Limbs; LANES]) {
    let mut elements = Zeroizing::new(numbers.map(Fe));
    invert(&mut *elements);
    *numbers = elements.map(|element| element.0);
}

pub(super) fn affine([x, y]: &[[Limbs; LANES]; 2]) -> [Affine; LANES] {
    core::array::from_fn(|lane| Affine {
        x: Fe(x[lane]),
        y: Fe(y[lane]),
    })
}

pub(super) fn jacobian([x, y, z]: &[[Limbs; LANES]; 3]) -> [Jacobian; LANES] {
    core::array::from_fn(|lane| Jacobian {
        x: Fe(x[lane]),
        y: Fe(y[lane]),
        z: Fe(z[lane]),
    })
}

pub(super) fn fp2([a, b]: &[[Limbs; LANES]; 2]) -> [Fp2; LANES] {
    core::array::from_fn(|lane| Fp2 {
        a: Fe(a[lane]),
        b: Fe(b[lane]),
    })
}
