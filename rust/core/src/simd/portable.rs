//! The product, the square and the reduction of 1024-bit numbers for every processor.

use super::{Limbs, Wide, NEGATIVE_INVERSE, PRIME};
use crate::modp::montgomery::{
    self, add_columns, last_columns, mac, subtract, subtract_if, Column,
};
use subtle::Choice;

/// How many rows of a product are walked at a time, column by column.
const ROWS: usize = 8;

pub(super) fn mul_wide(out: &mut Wide, a: &Limbs, b: &Limbs) {
    montgomery::mul_wide::<16, ROWS>(out, a, b);
}

pub(super) fn sqr_wide(out: &mut Wide, a: &Limbs) {
    montgomery::sqr_wide::<16, ROWS>(out, a);
}

pub(super) fn redc(out: &mut Limbs, wide: &Wide) {
    let mut sum = *wide;
    // What the rows so far carry into the limb above them: 0 or 1.
    let mut above = 0;
    for i in 0..16 / ROWS {
        let t = &mut sum[ROWS * i..][..16 + ROWS];
        let mut column = Column::default();
        // The multipliers of p, each known when the rest of its column is complete.
        let mut rows = [0; ROWS];
        for k in 0..ROWS {
            column.add(t[k]);
            column.add_products(&PRIME[1..=k], &rows);
            rows[k] = column.low.wrapping_mul(NEGATIVE_INVERSE);
            column.add_product(PRIME[0], rows[k]);
            column.next();
        }
        add_columns(&mut t[ROWS..16], &PRIME[1..], &rows, &mut column);
        let top = last_columns(&PRIME[17 - ROWS..], &rows, column);
        for (limb, top) in t[16..].iter_mut().zip(top) {
            *limb = mac(*limb, top, 1, &mut above);
        }
    }
    out.copy_from_slice(&sum[16..]);
    let mut less = false;
    for (limb, prime) in out.iter().zip(&PRIME) {
        subtract(*limb, *prime, &mut less);
    }
    subtract_if(out, &PRIME, Choice::from(above as u8 | u8::from(!less)));
}
