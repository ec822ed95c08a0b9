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
