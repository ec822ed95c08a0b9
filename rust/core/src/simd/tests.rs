//! The assembly, the portable code and another library's integers agree.

use super::*;
use crypto_bigint::{NonZero, U1024, U2048};

/// Numbers without a pattern (xorshift64*); the same in each run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn limb(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn limbs<const N: usize>(&mut self) -> [u64; N] {
        std::array::from_fn(|_| self.limb())
    }

    /// A number below p.
    pub(super) fn residue(&mut self) -> Limbs {
        let mut number = self.limbs();
        number[15] %= PRIME[15];
        number
    }
}

/// Numbers whose carries run far: 0, 1, all ones, ones in one part, one bit, the neighbours of p.
pub(super) fn edges() -> Vec<Limbs> {
    let mut numbers = vec![[0; 16], [u64::MAX; 16], PRIME, [1; 16], [1 << 63; 16]];
    for limb in 0..16 {
        numbers.push(std::array::from_fn(|i| u64::from(i == limb)));
        numbers.push(std::array::from_fn(|i| if i < limb { 0 } else { u64::MAX }));
        numbers.push(std::array::from_fn(|i| if i > limb { 0 } else { u64::MAX }));
        numbers.push(std::array::from_fn(|i| PRIME[i] ^ u64::from(i == limb)));
    }
    numbers
}

fn pairs() -> Vec<(Limbs, Limbs)> {
    let mut pairs = Vec::new();
    for a in edges() {
        pairs.extend(edges().into_iter().map(|b| (a, b)));
    }
    let mut numbers = Numbers(1);
    pairs.extend((0..5000).map(|_| (numbers.limbs(), numbers.limbs())));
    pairs
}

fn square(sqr: impl Fn(&mut Wide, &Limbs), a: &Limbs) -> Wide {
    let mut out = [u64::MAX; 32];
    sqr(&mut out, a);
    out
}

fn product(mul: impl Fn(&mut Wide, &Limbs, &Limbs), a: &Limbs, b: &Limbs) -> Wide {
    let mut out = [u64::MAX; 32];
    mul(&mut out, a, b);
    out
}

fn reduced(redc: impl Fn(&mut Limbs, &Wide), wide: &Wide) -> Limbs {
    let mut out = [u64::MAX; 16];
    redc(&mut out, wide);
    out
}

fn below_prime(a: &Limbs) -> bool {
    a.iter().rev().lt(PRIME.iter().rev())
}

#[test]
fn products_agree() {
    for (a, b) in pairs() {
        let (low, high) = U1024::from_words(a).widening_mul(&U1024::from_words(b));
        let expected: Vec<u64> = [low.to_words(), high.to_words()].concat();
        assert_eq!(product(mul_wide, &a, &b)[..], expected, "{a:x?} {b:x?}");
        assert_eq!(product(portable::mul_wide, &a, &b)[..], expected);
        assert_eq!(square(sqr_wide, &a), product(mul_wide, &a, &a), "{a:x?}");
        assert_eq!(square(portable::sqr_wide, &a), product(mul_wide, &a, &a));
    }
}

#[test]
fn reductions_agree() {
    let prime = NonZero::new(U1024::from_words(PRIME).resize::<32>()).unwrap();
    // The highest limb of nearly the most that is allowed.
    let mut most = [u64::MAX; 16];
    most[15] = PRIME[15] / 16 * 13 - 1;
    let most = edges().into_iter().map(|low| (low, most));
    for (low, mut high) in pairs().into_iter().chain(most) {
        // Below 13/16 p.
        high[15] %= PRIME[15] / 16 * 13;
        let wide: Wide = [low, high].concat().try_into().unwrap();
        let out = reduced(redc, &wide);
        assert_eq!(out, reduced(portable::redc, &wide), "{wide:x?}");
        assert!(below_prime(&out), "{wide:x?}");
        // out * 2^1024 = wide modulo p.
        let back: Wide = [[0; 16], out].concat().try_into().unwrap();
        let difference = U2048::from_words(back).rem(&prime) == U2048::from_words(wide).rem(&prime);
        assert!(difference, "{wide:x?}");
    }
}

#[test]
fn the_inverse_is_one() {
    assert_eq!(PRIME[0].wrapping_mul(NEGATIVE_INVERSE), u64::MAX);
}

#[test]
fn montgomery_products_agree() {
    let mut numbers = Numbers(2);
    for _ in 0..1000 {
        let (a, b) = (numbers.residue(), numbers.residue());
        let (mut product_of, mut square_of) = ([0; 16], [0; 16]);
        mont_mul(&mut product_of, &a, &b);
        assert_eq!(
            product_of,
            reduced(portable::redc, &product(portable::mul_wide, &a, &b))
        );
        mont_sqr(&mut square_of, &a);
        assert_eq!(
            square_of,
            reduced(portable::redc, &square(portable::sqr_wide, &a))
        );
        assert!(below_prime(&product_of) && below_prime(&square_of));
    }
}

/// Run by hand in a release build: `cargo test --release -p mikey-core simd -- --ignored --nocapture`.
#[test]
#[ignore = "prints times, asserts nothing"]
fn speed() {
    let mut numbers = Numbers(3);
    let (mut a, b, mut wide) = (numbers.residue(), numbers.residue(), numbers.limbs());
    wide[31] %= PRIME[15];
    let time = |name: &str, run: &mut dyn FnMut()| {
        let mut best = f64::MAX;
        for _ in 0..200 {
            let begin = std::time::Instant::now();
            (0..1000).for_each(|_| run());
            best = best.min(begin.elapsed().as_secs_f64());
        }
        println!("{name:20} {:7.1} ns", best * 1e6);
    };
    let mut out = [0; 16];
    time("mul_wide", &mut || {
        mul_wide(&mut wide, &a, &b);
        std::hint::black_box(&mut wide);
    });
    time("sqr_wide", &mut || {
        sqr_wide(&mut wide, &a);
        std::hint::black_box(&mut wide);
    });
    time("redc", &mut || {
        redc(&mut out, &wide);
        std::hint::black_box(&mut out);
    });
    time("mont_mul chain", &mut || {
        let x = a;
        mont_mul(&mut a, &x, &b);
    });
    time("mont_sqr chain", &mut || {
        let x = a;
        mont_sqr(&mut a, &x);
    });
    time("portable mul_wide", &mut || {
        portable::mul_wide(&mut wide, &a, &b)
    });
    time("portable sqr_wide", &mut || {
        portable::sqr_wide(&mut wide, &a)
    });
    time("portable redc", &mut || portable::redc(&mut out, &wide));
}
