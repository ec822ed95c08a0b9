//! The operations in the field that all costs are made of, repeated: for benchmarks.

use super::field::{Fe, Product};
use super::parameters::GENERATOR;
use core::hint::black_box;

/// An operation in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A product of 2048 bits.
    Product,
    /// A square of 2048 bits.
    Square,
    /// The reduction of a product.
    Reduction,
    /// An inversion.
    Inversion,
}

/// Does an operation several times.
pub fn repeat(operation: Operation, times: u32) {
    let [x, y] = GENERATOR.map(|number| Fe::from_number(&number));
    let wide = Product::of(&x, &y);
    for _ in 0..times {
        match operation {
            Operation::Product => _ = black_box(Product::of(black_box(&x), &y)),
            Operation::Square => _ = black_box(Product::of_square(black_box(&x))),
            Operation::Reduction => _ = black_box(black_box(&wide).reduce()),
            Operation::Inversion => _ = black_box(black_box(x).invert()),
        }
    }
}
