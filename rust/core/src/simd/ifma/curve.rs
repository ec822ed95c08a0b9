//! Multiples of fixed points, a number for each lane, as the scalar code has them: the points of
//! a level are summed up as a tree of affine additions with one inversion for each generation,
//! here one for all lanes. Or the points of one number, a part of them for each lane.
//!
//! Affine coordinates are below 6 p from a table and below 3 p else, Jacobian ones below 11 p. A
//! product of such numbers is below 1.02 p.

use super::super::batch::{Digits, Shape, LANES};
use super::super::{Limbs, Wide};
use super::lanes::{Columns, Lanes};
use super::{look_up, negative};
use core::arch::x86_64::{__m512i, _mm512_setzero_si512};
use zeroize::Zeroizing;

/// x and y.
type Affine = [Lanes; 2];

/// The points (x / z^2, y / z^3).
#[derive(Clone, Copy)]
struct Jacobian {
    x: Lanes,
    y: Lanes,
    z: Lanes,
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn multiply(
    shape: Shape,
    multiples: &[(&[Wide], &[Digits])],
    invert: &dyn Fn(&mut [Limbs; LANES]),
) -> [[Limbs; LANES]; 3] {
    // Row after row, so that what is read of a table for one level is near for the next.
    let groups = multiples.len() * shape.levels;
    let mut points = Zeroizing::new(Vec::with_capacity(shape.rows * groups));
    let mut found = vec![[_mm512_setzero_si512(); 32]; shape.levels];
    for row in 0..shape.rows {
        for (table, digits) in multiples {
            let entries = table.len() / shape.rows;
            let entries = &table[row * entries..][..entries];
            let digits = &digits[row * shape.levels..][..shape.levels];
            look_up(entries, digits, &mut found);
            points.extend(
                found
                    .iter()
                    .zip(digits)
                    .map(|(found, digits)| point(found, digits)),
            );
        }
    }
    sum_up(&mut points, groups, invert);
    let mut result: Option<Jacobian> = None;
    for level in (0..shape.levels).rev() {
        for sum in points[..groups].iter().skip(level).step_by(shape.levels) {
            result = Some(match result {
                Some(result) => add(&result, sum),
                None => Jacobian {
                    x: sum[0],
                    y: sum[1],
                    z: Lanes::one(),
                },
            });
        }
        if let (Some(point), 1..) = (&mut result, level) {
            for _ in 0..shape.bits {
                *point = double(point);
            }
        }
    }
    match result {
        Some(Jacobian { x, y, z }) => [x.leave(), y.leave(), z.leave()],
        None => [[[0; 16]; LANES]; 3],
    }
}

/// The sums of eight columns of points, as x and y; those of a column follow each other.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in super::super) fn sum_columns(
    points: &[[Limbs; 2]],
    invert: &dyn Fn(&mut [Limbs; LANES]),
) -> [[Limbs; LANES]; 2] {
    let size = points.len() / LANES;
    let mut rows = Zeroizing::new(Vec::with_capacity(size));
    for row in 0..size {
        let columns = core::array::from_fn(|lane| &points[lane * size + row]);
        rows.push([0, 1].map(|coordinate| {
            let numbers = Zeroizing::new(columns.map(|point: &[Limbs; 2]| point[coordinate]));
            Lanes::gather(&numbers).settle().carry::<0>()
        }));
    }
    sum_up(&mut rows, 1, invert);
    [rows[0][0].leave(), rows[0][1].leave()]
}

/// The points of entries, negated where the digits are.
#[target_feature(enable = "avx512f,avx512ifma")]
fn point(found: &[__m512i; 32], digits: &Digits) -> Affine {
    let [x, y] = [0, 16].map(|start| Lanes::enter(&core::array::from_fn(|i| found[start + i])));
    let y = y.settle().negate_if(negative(digits));
    [x.settle().carry::<0>(), y.carry::<3>()]
}

/// Sums up the points that stand at the same place of each row of `size` points: the sums are
/// then the first row.
///
/// In each generation rows are added in pairs, in place, and a last one without another moves up.
#[target_feature(enable = "avx512f,avx512ifma")]
fn sum_up(points: &mut [Affine], size: usize, invert: &dyn Fn(&mut [Limbs; LANES])) {
    let mut left = points.len() / size;
    let mut before = Zeroizing::new(Vec::with_capacity(left / 2 * size));
    while left > 1 {
        add_rows(points, left / 2 * size, size, &mut before, invert);
        if left % 2 == 1 {
            points.copy_within((left - 1) * size..left * size, left / 2 * size);
        }
        left = left.div_ceil(2);
    }
}

/// Makes the first `count` points the sums of the points of rows 0 and 1, of rows 2 and 3 and so
/// on. The two points of each sum have different x; there is one inversion for all.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_rows(
    points: &mut [Affine],
    count: usize,
    size: usize,
    before: &mut Vec<Lanes>,
    invert: &dyn Fn(&mut [Limbs; LANES]),
) {
    // A sum is written where no later one reads.
    let places = |i: usize| [i + i / size * size, i + (i / size + 1) * size];
    before.clear();
    let mut product = Lanes::one();
    for i in (0..count).rev() {
        before.push(product);
        product = product.mul(&difference(places(i).map(|place| &points[place])));
    }
    let mut numbers = Zeroizing::new(product.leave());
    invert(&mut numbers);
    let mut inverse = Lanes::gather(&numbers);
    for (i, before) in before.iter().rev().enumerate() {
        let pair = places(i).map(|place| &points[place]);
        let [[x1, y1], [x2, y2]] = pair;
        let slope = y2.raw().minus(y1).carry::<6>().mul(&inverse.mul(before));
        inverse = inverse.mul(&difference(pair));
        let x = slope.square().raw().minus(x1).minus(x2).carry::<6>();
        let x = x.settle().carry::<0>();
        let y = slope.mul(&x1.raw().minus(&x).carry::<3>());
        let y = y.raw().minus(y1).carry::<6>().settle().carry::<0>();
        points[i] = [x, y];
    }
}

/// x2 - x1, below 6 p.
#[target_feature(enable = "avx512f,avx512ifma")]
#[inline]
fn difference([[x1, _], [x2, _]]: [&Affine; 2]) -> Lanes {
    x2.raw().minus(x1).carry::<3>()
}

/// The sum; z becomes zero where the points are equal or opposite, and stays zero.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add(point: &Jacobian, [x2, y2]: &Affine) -> Jacobian {
    let Jacobian { x, y, z } = point;
    let zz = z.square();
    let h = x2.mul(&zz).raw().minus(x).carry::<18>();
    let r = y2.mul(&z.mul(&zz)).raw().minus(y).carry::<18>();
    let hh = h.square();
    let hhh = h.mul(&hh);
    let v = x.mul(&hh);
    let x3 = r
        .square()
        .raw()
        .minus(&hhh)
        .minus(&v)
        .minus(&v)
        .carry::<4>();
    let step = v.raw().minus(&x3).carry::<6>();
    let y3 = Columns::of(&r, &step)
        .minus(&Columns::of(y, &hhh))
        .reduce::<1>();
    Jacobian {
        x: x3,
        y: y3,
        z: z.mul(&h),
    }
}

/// Twice the point.
#[target_feature(enable = "avx512f,avx512ifma")]
fn double(point: &Jacobian) -> Jacobian {
    let Jacobian { x, y, z } = point;
    let delta = z.square();
    let gamma = y.square();
    let beta4 = x.mul(&gamma).raw().times::<2>().carry::<0>();
    let sum = x.raw().plus(&delta);
    let sum = sum.plus(x).plus(x).plus(&delta).plus(&delta).carry::<0>();
    let alpha = x.raw().minus(&delta).carry::<2>().mul(&sum);
    let x3 = alpha
        .square()
        .raw()
        .minus(&beta4)
        .minus(&beta4)
        .carry::<9>();
    let step = beta4.raw().minus(&x3).carry::<11>();
    let gamma8 = gamma.raw().times::<3>().carry::<0>();
    let y3 = Columns::of(&alpha, &step)
        .minus(&Columns::of(&gamma8, &gamma))
        .reduce::<1>();
    Jacobian {
        x: x3,
        y: y3,
        z: y.raw().plus(y).carry::<0>().mul(z),
    }
}
