//! What eight lanes give is what the scalar code gives.

use super::super::batch::LANES;
use super::super::tests::{edges, Numbers};
use super::super::{mont_mul, mont_sqr, Limbs, PRIME};
use super::lanes::*;

fn has_ifma() -> bool {
    let has = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512ifma");
    if !has {
        println!("this processor lacks AVX-512 IFMA");
    }
    has
}

fn residues(count: usize) -> Vec<Limbs> {
    let mut numbers = Numbers(11);
    let mut all: Vec<Limbs> = edges()
        .into_iter()
        .filter(|a| a.iter().rev().lt(PRIME.iter().rev()))
        .collect();
    all.extend((0..count).map(|_| numbers.residue()));
    all.truncate(all.len() / LANES * LANES);
    all
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn products(a: &[Limbs; LANES], b: &[Limbs; LANES]) -> [[Limbs; LANES]; 3] {
    let (a, b) = (Lanes::gather(a), Lanes::gather(b));
    let small = a.mul(&Lanes::one());
    [a.mul(&b).leave(), small.square().leave(), small.leave()]
}

#[test]
fn products_agree() {
    if !has_ifma() {
        return;
    }
    let all = residues(800);
    for (a, b) in all.as_chunks().0.iter().zip(all.as_chunks().0.iter().rev()) {
        // SAFETY: the processor has AVX-512 IFMA.
        let [products, squares, same] = unsafe { products(a, b) };
        assert_eq!(&same, a);
        for i in 0..LANES {
            let (mut product, mut square) = ([0; 16], [0; 16]);
            mont_mul(&mut product, &a[i], &b[i]);
            mont_sqr(&mut square, &a[i]);
            assert_eq!(products[i], product);
            assert_eq!(squares[i], square);
        }
    }
}

/// Polynomials of one to four coefficients, edge values among them.
#[test]
fn values_of_polynomials_agree() {
    if !has_ifma() {
        return;
    }
    struct Number(Limbs);
    impl AsRef<Limbs> for Number {
        fn as_ref(&self) -> &Limbs {
            &self.0
        }
    }
    let all: Vec<Number> = residues(400).into_iter().map(Number).collect();
    let mut largest = PRIME;
    largest[0] -= 1;
    for powers in [[largest; 4], core::array::from_fn(|i| all[300 + i].0)] {
        let (mut polynomials, mut rest) = (vec![], all.as_slice());
        for size in (1..=4).cycle() {
            let Some((polynomial, left)) = rest.split_at_checked(size) else {
                break;
            };
            polynomials.push(polynomial);
            rest = left;
        }
        let most = [largest, largest, largest, largest].map(Number);
        polynomials.push(&most);
        // SAFETY: the processor has AVX-512 IFMA.
        let values = unsafe { super::evaluate(&polynomials, &powers) };
        assert_eq!(values.len(), polynomials.len());
        for (value, polynomial) in values.iter().zip(polynomials) {
            let mut expected = [0; 16];
            for (coefficient, power) in polynomial.iter().zip(&powers) {
                let mut product = [0; 16];
                mont_mul(&mut product, &coefficient.0, power);
                expected = add(&expected, &product);
            }
            assert_eq!(*value, expected);
        }
    }
}

/// The sum modulo p.
fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let prime = crypto_bigint::U1024::from_words(PRIME);
    let modulus = crypto_bigint::NonZero::new(prime).unwrap();
    let [a, b] = [a, b].map(|number| crypto_bigint::U1024::from_words(*number));
    a.add_mod(&b, &modulus).to_words()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn time_products(a: &[Limbs; LANES]) {
    let b = Lanes::gather(a).mul(&Lanes::one());
    let mut x = b;
    let mut t = Columns::of(&b, &b);
    let mut times = [f64::MAX; 4];
    for _ in 0..100 {
        let begin = std::time::Instant::now();
        for _ in 0..100 {
            x = x.mul(&b);
        }
        times[0] = times[0].min(begin.elapsed().as_secs_f64());
        let begin = std::time::Instant::now();
        for _ in 0..100 {
            t = std::hint::black_box(Columns::of(&x, &b));
        }
        times[1] = times[1].min(begin.elapsed().as_secs_f64());
        let begin = std::time::Instant::now();
        for _ in 0..100 {
            x = std::hint::black_box(t.reduce::<0>());
        }
        times[2] = times[2].min(begin.elapsed().as_secs_f64());
        let begin = std::time::Instant::now();
        for _ in 0..100 {
            t = std::hint::black_box(Columns::of_square(&x));
        }
        times[3] = times[3].min(begin.elapsed().as_secs_f64());
    }
    println!(
        "mul, product, reduction, square of 8: {:.1?} ns",
        times.map(|t| t * 1e7)
    );
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn speed() {
    if has_ifma() {
        // SAFETY: the processor has AVX-512 IFMA.
        unsafe { time_products(residues(8)[..8].try_into().unwrap()) };
    }
}
