//! The pairing with one argument fixed (RFC 6508 3.2), from a table of line functions.
//!
//! <K, R> = <R, K>, so that Miller's loop can run over the multiples of a receiver's key K, which
//! are always the same; all that depends on K goes into a table. A step takes two bits of q - 1,
//! a digit d of -1 to 2: T becomes 4 T + d K, and f becomes f^4 F, where F has the divisor
//! 4 (T) + d (K) - (4 T + d K) - 3 (0) for d >= 0, up to vertical lines. Vertical lines, and all
//! other factors in F_p, may be dropped, because PF_p is F_p^2 without them: the value of a
//! vertical line at [i]R = (-x, i y) is in F_p.
//!
//! With l1, l2 the tangents at T and 2 T and v(Q) the vertical line at Q:
//! F = l1^2 l2 / v(2 T)^2, which has the divisor 4 (T) + (-4 T) - 5 (0), and for each K to be
//! added the line through the point so far, S, and K (or -K) as a factor, with v(S) divided out.
//! Such a function is A(x) + y B(x) on the curve; a function with n zeros has a pole of order n
//! at 0, where x has one of order 2 and y of 3. So with n = 5, 6, 7 for |d| = 0, 1, 2:
//!
//! - n = 5: A has degree 2, B = x + b0,
//! - n = 6: A has degree 3, B degree 1,
//! - n = 7: A has degree 3, B = x^2 + b1 x + b0.
//!
//! The function of n = 6 is divided by the leading coefficient of B, so that B = x + b0 there too.
//! At [i]R the value is A(-x) + i y B(-x), and divided by y: A(-x) / y + i B(-x).
//! Each step thus costs three or four products and one reduction for A, for |d| = 2 one of each
//! for B; two squarings of f and one product.

use super::curve::{Affine, Jacobian};
use super::field::{invert_all, Fe, Product};
use super::fp2::Fp2;
use super::lanes;
use super::parameters::Q;
use crate::simd::batch::{Ifma, LANES};
use zeroize::{Zeroize, Zeroizing};

/// Digits of q - 1 after the highest: q has 1022 bits.
const STEPS: usize = 510;
/// The digits of q - 1 to base 4, the highest first; the one above all of them is 2.
const DIGITS: [i8; STEPS] = digits();
/// Elements of a table: those of 2 K, and 4, 5 or 6 of a step.
const ELEMENTS: usize = elements();
/// Octets of a table.
pub const OCTETS: usize = ELEMENTS * size_of::<Fe>();

const fn digits() -> [i8; STEPS] {
    let (mut out, mut carry, mut i) = ([0; STEPS], 0, STEPS);
    // q - 1 has the bits of the odd number q, without the lowest.
    while i > 0 {
        let bit = 2 * (STEPS - i);
        let window = Q.m[bit / 64] >> (bit % 64) & if bit == 0 { 2 } else { 3 };
        let digit = window as i8 + carry;
        i -= 1;
        carry = if digit > 2 { 1 } else { 0 };
        out[i] = digit - 4 * carry;
    }
    // The highest digit begins the loop: T = 2 K. The last one is not -1, before which 4 T = 0.
    assert!(Q.m[1020 / 64] >> (1020 % 64) == 2 && carry == 0 && out[STEPS - 1] == 2);
    out
}

const fn elements() -> usize {
    let (mut sum, mut i) = (2, 0);
    while i < STEPS {
        sum += 4 + DIGITS[i].unsigned_abs() as usize;
        i += 1;
    }
    sum
}

/// The lines of a point, from which its pairing with any point follows.
pub struct Lines {
    /// Coefficients of A(-x) and B(-x), the lowest first, without a leading one of B.
    table: Vec<Fe>,
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.table.zeroize();
    }
}

/// A multiple of K on the way, and the slope of the line that led there.
#[derive(Clone, Copy, Default)]
struct Multiple {
    point: Affine,
    slope: Fe,
}

impl zeroize::DefaultIsZeroes for Multiple {}

impl Multiple {
    /// c, where y - slope x + c is the line through a point that leads here.
    fn constant(&self, from: &Affine) -> Fe {
        self.slope * from.x - from.y
    }
}

impl Lines {
    /// The table of a point; `None` unless the point has order q.
    ///
    /// The time does not depend on a point of order q.
    pub fn new(k: &Affine) -> Option<Self> {
        let multiples = multiples(k)?;
        let mut table = Zeroizing::new(Vec::with_capacity(ELEMENTS));
        let (first, mut rest) = multiples.split_first()?;
        // The tangent at K, at -x: slope x + c.
        table.extend([first.constant(k), first.slope]);
        // Where a function is still to be divided, and by what.
        let mut scaled = Vec::with_capacity(STEPS);
        let mut leading = Zeroizing::new(Vec::with_capacity(STEPS));
        let mut t = first.point;
        for digit in DIGITS {
            let (used, left) = rest.split_at(2 + usize::from(digit.unsigned_abs()));
            rest = left;
            let [two, four, added @ ..] = used else {
                unreachable!("each step begins with two doublings")
            };
            let five = Five::of_doublings(&t, two, four);
            // At -x, where the odd coefficients are negated.
            t = match added {
                [] => {
                    let ([a0, a1, a2], b0) = (five.a, five.b0);
                    table.extend([a0, -a1, a2, b0]);
                    four.point
                }
                [last] => {
                    let six = five.add(&four.point, last);
                    let ([a0, a1, a2], [b0, b1]) = (six.a, six.b);
                    scaled.push(table.len());
                    leading.push(b1);
                    table.extend([a0, -a1, a2, -Fe::ONE, b0]);
                    last.point
                }
                [one, last, ..] => {
                    let seven = five.add(&four.point, one).add(&one.point, last);
                    let ([a0, a1, a2, a3], [b0, b1]) = (seven.a, seven.b);
                    table.extend([a0, -a1, a2, -a3, b0, -b1]);
                    last.point
                }
            };
        }
        invert_all(&mut leading);
        for (start, inverse) in scaled.into_iter().zip(leading.iter()) {
            for element in &mut table[start..start + 5] {
                *element = *element * *inverse;
            }
        }
        let table = core::mem::take(&mut *table);
        Some(Self { table })
    }

    /// The coefficients of A(-x) and B(-x), of each step.
    fn steps(&self) -> impl Iterator<Item = (&[Fe], &[Fe])> {
        DIGITS.iter().scan(&self.table[2..], |rest, digit| {
            let added = usize::from(digit.unsigned_abs());
            let (step, left) = rest.split_at(4 + added);
            *rest = left;
            Some(step.split_at(if added == 0 { 3 } else { 4 }))
        })
    }

    /// A(-x) / y of the first line and of each step, from the powers of x divided by y.
    fn values(&self, powers: &[Fe; 4], ifma: Option<Ifma>) -> Zeroizing<Vec<Fe>> {
        let first = core::iter::once(&self.table[..2]);
        let lines = first.chain(self.steps().map(|(a, _)| a));
        Zeroizing::new(match ifma {
            Some(ifma) => {
                let powers = powers.map(|power| power.0);
                let values = ifma.evaluate(&lines.collect::<Vec<_>>(), &powers);
                values.into_iter().map(Fe).collect()
            }
            None => lines.map(|a| Product::sum(a, powers).reduce()).collect(),
        })
    }

    /// The pairing with R, for a point of order q; R may be any point but is not secret. Eight
    /// lines are evaluated at a time where the processor is given for it.
    pub fn pairing(&self, r: &Affine, ifma: Option<Ifma>) -> Fe {
        // Powers of x and the same divided by y; 0 if y is.
        let x2 = r.x.square();
        let y0 = r.y.invert();
        let y1 = y0 * r.x;
        let y2 = y1 * r.x;
        let y3 = y2 * r.x;
        let values = self.values(&[y0, y1, y2, y3], ifma);
        let mut f = Fp2 {
            a: values[0],
            b: Fe::ONE,
        };
        for (a, (_, b)) in values.iter().skip(1).zip(self.steps()) {
            f = f.square().square();
            let b = match b {
                [b0, b1] => *b0 + *b1 * r.x + x2,
                [b0, ..] => *b0 - r.x,
                [] => unreachable!("B has one or two coefficients"),
            };
            f = f * Fp2 { a: *a, b };
        }
        // (p + 1) / q = 4
        f.square().square().representative()
    }

    /// The same for eight points, none of which has y = 0.
    pub fn pairing_lanes(&self, ifma: Ifma, points: &[Affine; LANES]) -> Zeroizing<[Fe; LANES]> {
        let mut inverses = points.map(|point| point.y);
        invert_all(&mut inverses);
        let points = [
            points.map(|point| point.x.0),
            inverses.map(|inverse| inverse.0),
        ];
        let values = Zeroizing::new(ifma.pairing(&self.table, &DIGITS, &points));
        let values = Zeroizing::new(lanes::fp2(&values));
        let mut inverses = Zeroizing::new(values.map(|value| value.a));
        lanes::invert(&mut *inverses);
        Zeroizing::new(core::array::from_fn(|lane| values[lane].b * inverses[lane]))
    }
}

/// The points that the loop goes through: 2 K; then for each digit 2 T, 4 T, and what is reached
/// by each addition. `None` unless K has order q.
///
/// For a point of order q no special case comes up: before an addition S is a multiple of K by
/// a number from 2 to q - 2, and never K or -K. Otherwise, where one comes up z becomes zero and
/// stays zero.
fn multiples(k: &Affine) -> Option<Zeroizing<Vec<Multiple>>> {
    let count = 1 + 2 * STEPS + (ELEMENTS - 2 - 4 * STEPS);
    let mut path = Zeroizing::new(Vec::with_capacity(count));
    let mut inverses = Zeroizing::new(Vec::with_capacity(count));
    let mut point = Jacobian::from(*k);
    let mut push = |(point, slope): (Jacobian, Fe)| {
        path.push((point, slope));
        inverses.push(point.z);
        point
    };
    point = push(point.double_with_slope());
    for digit in DIGITS {
        point = push(point.double_with_slope());
        point = push(point.double_with_slope());
        let addend = if digit < 0 { -*k } else { *k };
        for _ in 0..digit.unsigned_abs() {
            point = push(point.add_with_slope(&addend));
        }
    }
    invert_all(&mut inverses);
    let multiples = path.iter().zip(inverses.iter());
    let multiples = multiples.map(|((point, slope), inverse)| Multiple {
        point: point.to_affine(*inverse),
        slope: *slope * *inverse,
    });
    let multiples = Zeroizing::new(multiples.collect::<Vec<_>>());
    // [q - 1]K = -K; all are (0, 0) if one was infinity.
    let last = multiples.last()?.point;
    (last.equals(&-*k) & !k.y.is_zero()).then_some(multiples)
}

/// The function of n = 5: a2 x^2 + a1 x + a0 + y (x + b0).
struct Five {
    a: [Fe; 3],
    b0: Fe,
}

/// The function of n = 6: x^3 + a2 x^2 + a1 x + a0 + y (b1 x + b0).
struct Six {
    a: [Fe; 3],
    b: [Fe; 2],
}

/// The function of n = 7: a3 x^3 + ... + a0 + y (x^2 + b1 x + b0).
struct Seven {
    a: [Fe; 4],
    b: [Fe; 2],
}

impl Five {
    /// l1^2 l2 / v(2 T)^2, where l1 leads from T to `two` and l2 from there to `four`.
    ///
    /// With l1 = y - s1 x + c1, l2 = y - s2 x + c2 and y^2 = x^3 - 3 x, the part of l1^2 l2 with y
    /// is x^3 + (s1^2 + 2 s1 s2) x^2 + ..., the part without is -(s2 + 2 s1) x^4 + (c2 + 2 c1 -
    /// s1^2 s2) x^3 + ...; both are divided by v(2 T)^2 = x^2 - 2 x1 x + .... The lowest
    /// coefficient follows from the zero at T = (x0, y0). And x1 = s1^2 - 2 x0.
    fn of_doublings(t: &Affine, two: &Multiple, four: &Multiple) -> Self {
        let x1 = two.point.x;
        let c1 = two.constant(t);
        let c2 = four.constant(&two.point);
        let both = two.slope * four.slope;
        let b0 = x1.triple() + t.x.double() + both.double();
        let a2 = -(four.slope + two.slope.double());
        let a1 = c2 + c1.double() - two.slope * both + (x1 * a2).double();
        let a0 = -(t.x * (a2 * t.x + a1) + t.y * (t.x + b0));
        let a = [a0, a1, a2];
        Self { a, b0 }
    }

    /// The product with the line y - s x + c from S on, divided by v(S) = x - x_S.
    ///
    /// A (c - s x) + B (x^3 - 3 x) and A + B (c - s x), divided from the highest coefficient down.
    fn add(&self, from: &Affine, to: &Multiple) -> Six {
        let (s, c, x) = (to.slope, to.constant(from), from.x);
        let ([a0, a1, a2], b0) = (self.a, self.b0);
        let q2 = b0 - s * a2 + x;
        let q1 = c * a2 - s * a1 - Fe::ONE.triple() + x * q2;
        let q0 = c * a1 - s * a0 - b0.triple() + x * q1;
        let r1 = a2 - s;
        let r0 = a1 + c - s * b0 + x * r1;
        Six {
            a: [q0, q1, q2],
            b: [r0, r1],
        }
    }
}

impl Six {
    /// As for `Five`.
    fn add(&self, from: &Affine, to: &Multiple) -> Seven {
        let (s, c, x) = (to.slope, to.constant(from), from.x);
        let ([a0, a1, a2], [b0, b1]) = (self.a, self.b);
        let q3 = b1 - s;
        let q2 = c - s * a2 + b0 + x * q3;
        let q1 = c * a2 - s * a1 - b1.triple() + x * q2;
        let q0 = c * a1 - s * a0 - b0.triple() + x * q1;
        let r1 = a2 - s * b1 + x;
        let r0 = a1 + c * b1 - s * b0 + x * r1;
        Seven {
            a: [q0, q1, q2, q3],
            b: [r0, r1],
        }
    }
}
