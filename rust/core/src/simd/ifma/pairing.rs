//! Powers in PF_p and pairings with a fixed point, a number or a point for each lane.

use super::super::batch::{Digits, Shape, LANES};
use super::super::Limbs;
use super::lanes::{broadcast, Columns, Lanes};
use super::{look_up, negative};
use core::arch::x86_64::_mm512_setzero_si512;

/// a + i b.
struct Fp2 {
    a: Lanes,
    b: Lanes,
}

impl Fp2 {
    /// (a + b)(a - b) + 2 i a b: below 1.02 p, for parts below 5 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn square(&self) -> Self {
        let Self { a, b } = self;
        let (sum, difference) = (a.raw().plus(b).carry::<0>(), a.raw().minus(b).carry::<5>());
        Self {
            a: sum.mul(&difference),
            b: a.raw().plus(a).carry::<0>().mul(b),
        }
    }

    /// The product, for parts below 5 p: of the other one `b` may be up to 2^1040 - 10 p. Then
    /// its parts are below 5 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul(&self, other: &Self) -> Self {
        let (aa, bb) = (
            Columns::of(&self.a, &other.a),
            Columns::of(&self.b, &other.b),
        );
        let sum = self.a.raw().plus(&self.b).carry::<0>();
        let other_sum = other.a.raw().plus(&other.b).carry::<0>();
        let all = Columns::of(&sum, &other_sum);
        Self {
            a: aa.minus(&bb).reduce::<4>(),
            b: all.minus(&aa.plus(&bb)).reduce::<0>(),
        }
    }

    /// 1 + i t for an entered t, negated in the lanes of the mask.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn unit(t: &Lanes, minus: u8) -> Self {
        let t = t.settle().negate_if(minus).carry::<3>();
        Self {
            a: Lanes::one(),
            b: t.settle().carry::<0>(),
        }
    }

    /// The product with it, for parts below 3 p: a - b t and b + a t, of which the products are
    /// below 2.8 p.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mul_unit(&self, t: &Lanes, minus: u8) -> Self {
        let Self { a, b } = self;
        let (at, bt) = (a.mul(t), b.mul(t));
        let b_part = at.raw().negate_if(minus).plus(b).carry::<3>();
        let a_part = bt.raw().negate_if(!minus).plus(a).carry::<3>();
        Self {
            a: a_part.settle().carry::<0>(),
            b: b_part.settle().carry::<0>(),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn leave(&self) -> [[Limbs; LANES]; 2] {
        [self.a.leave(), self.b.leave()]
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn power(
    shape: Shape,
    table: &[Limbs],
    digits: &[Digits],
) -> [[Limbs; LANES]; 2] {
    let mut f: Option<Fp2> = None;
    for level in (0..shape.levels).rev() {
        if let Some(f) = &mut f {
            for _ in 0..shape.bits {
                *f = f.square();
            }
        }
        let rows = table.chunks(table.len() / shape.rows);
        let digits = digits.iter().skip(level).step_by(shape.levels);
        for (row, digits) in rows.zip(digits) {
            let mut found = [[_mm512_setzero_si512(); 16]];
            look_up(row, core::slice::from_ref(digits), &mut found);
            let t = Lanes::enter(&found[0]);
            let minus = negative(digits);
            f = Some(match f {
                None => Fp2::unit(&t, minus),
                Some(f) => f.mul_unit(&t, minus),
            });
        }
    }
    f.map_or([[[0; 16]; LANES]; 2], |f| f.leave())
}

/// The products of 1 + i t in eight columns; those of a column follow each other.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn multiply_columns(units: &[Limbs]) -> [[Limbs; LANES]; 2] {
    let size = units.len() / LANES;
    let mut f: Option<Fp2> = None;
    for row in 0..size {
        let mut numbers = [[0; 16]; LANES];
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number = units[lane * size + row];
        }
        let t = Lanes::gather(&numbers);
        f = Some(match f {
            None => Fp2::unit(&t, 0),
            Some(f) => f.mul_unit(&t, 0),
        });
    }
    f.map_or([[[0; 16]; LANES]; 2], |f| f.leave())
}

/// The sum of up to four products of coefficients and numbers below 3 p: below 3 p.
#[target_feature(enable = "avx512f,avx512ifma")]
fn sum<T: AsRef<Limbs>>(coefficients: &[T], powers: &[Lanes; 4]) -> Lanes {
    let entered = |coefficient: &T| broadcast(coefficient.as_ref(), 16);
    let mut sum = Columns::of_broadcast(&powers[0], &entered(&coefficients[0]));
    for (coefficient, power) in coefficients.iter().zip(powers).skip(1) {
        sum.add_broadcast(power, &entered(coefficient));
    }
    // Below 4 (0.6) 3 p + p.
    sum.reduce::<0>().settle().carry::<0>()
}

/// The values of polynomials of up to four coefficients, each the sum of its products with powers.
///
/// A coefficient is entered and a power is not, so that the reduction of their product gives the
/// scalar form. Four products and a multiple of p: below 4 (0.6 p) + p.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn evaluate<T: AsRef<Limbs>>(
    polynomials: &[&[T]],
    powers: &[Limbs; 4],
) -> Vec<Limbs> {
    let powers = powers.each_ref().map(|power| broadcast(power, 0));
    let mut values = Vec::with_capacity(polynomials.len().next_multiple_of(LANES));
    for polynomials in polynomials.chunks(LANES) {
        let coefficients = |i: usize| {
            Lanes::gather(&core::array::from_fn(|lane| {
                let coefficient = polynomials.get(lane).and_then(|all| all.get(i));
                coefficient.map_or([0; 16], |coefficient| *coefficient.as_ref())
            }))
        };
        let mut sum = Columns::of_broadcast(&coefficients(0), &powers[0]);
        for (i, power) in powers.iter().enumerate().skip(1) {
            sum.add_broadcast(&coefficients(i), power);
        }
        let sum = sum.reduce::<0>().less_if_not_below::<2>();
        values.extend(sum.less_if_not_below::<1>().scatter());
    }
    values.truncate(polynomials.len());
    values
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn pairing<T: AsRef<Limbs>>(
    table: &[T],
    digits: &[i8],
    [x, y0]: &[[Limbs; LANES]; 2],
) -> [[Limbs; LANES]; 2] {
    let x = Lanes::gather(x).settle().carry::<0>();
    let x2 = x.square();
    // x^i / y: below 3 p.
    let y0 = Lanes::gather(y0).settle().carry::<0>();
    let y1 = y0.mul(&x);
    let y2 = y1.mul(&x);
    let powers = [y0, y1, y2, y2.mul(&x)];
    let (first, mut steps) = table.split_at(2);
    let mut f = Fp2 {
        a: sum(first, &powers),
        b: Lanes::one(),
    };
    for digit in digits {
        let (step, rest) = steps.split_at(4 + usize::from(digit.unsigned_abs()));
        steps = rest;
        f = f.square().square();
        let entered = |i: usize| Lanes::splat(&broadcast(step[i].as_ref(), 16));
        // Without the leading coefficient of b, which is 1.
        let value = match digit.unsigned_abs() {
            0 => Fp2 {
                a: sum(&step[..3], &powers),
                b: entered(3).raw().minus(&x).carry::<3>(),
            },
            1 => Fp2 {
                a: sum(&step[..4], &powers),
                b: entered(4).raw().minus(&x).carry::<3>(),
            },
            _ => Fp2 {
                a: sum(&step[..4], &powers),
                b: x.mul(&entered(5))
                    .raw()
                    .plus(&entered(4))
                    .plus(&x2)
                    .carry::<0>(),
            },
        };
        f = f.mul(&value);
    }
    f.square().square().leave()
}
