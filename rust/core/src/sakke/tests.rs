use super::comb::Comb;
use super::curve::{Affine, Jacobian};
use super::field::{count, invert_all, Fe, Product};
use super::limbs::{self, Limbs};
use super::lines::Lines;
use super::parameters::{PAIRING_OF_GENERATOR, Q};
use super::power::Powers;
use super::scalar::Scalar;
use super::*;
use crate::vectors::{array, load, octets};
use serde_json::Value;

mod keys;

fn rfc() -> Value {
    load(&["sakke-rfc6508"], "sakke").remove(0)
}

const FIELDS: [&str; 5] = ["master", "identifier", "public_key", "receiver_key", "data"];

fn ssv_of(vector: &Value) -> [u8; SSV_OCTETS] {
    array(&vector["ssv"])
}

/// The ways of this processor.
fn ways() -> [Option<Ifma>; 2] {
    [None, Ifma::detect()]
}

/// Makes both keys, encapsulates and decapsulates as the vector says.
fn check_scheme(v: &Value) {
    let [master, id, z, key, data] = FIELDS.map(|name| octets(&v[name]));
    let sender = PublicKey::new(&z).unwrap();
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    for ifma in ways() {
        assert_eq!(public_key(&master, ifma).unwrap().as_slice(), z);
        let made = receiver_key(&master, &id, ifma).unwrap();
        assert_eq!(made.as_slice(), key);
        let made = sender.encapsulate(&id, &ssv_of(v), ifma).unwrap();
        assert_eq!(made.as_slice(), data);
        assert_eq!(*receiver.decapsulate(&data, ifma).unwrap(), ssv_of(v));
    }
}

#[test]
fn appendix_a_by_the_scheme() {
    check_scheme(&rfc());
}

#[test]
fn appendix_a_step_by_step() {
    let v = rfc();
    let r = hash::to_scalar(&[&ssv_of(&v), &octets(&v["identifier"])]);
    assert_eq!(limbs::to_octets(&r.0).as_slice(), octets(&v["r"]));
    let g = Fe::from_number(&PAIRING_OF_GENERATOR);
    let power = reference::power(&r, g).to_octets();
    assert_eq!(power.as_slice(), octets(&v["g_to_r"]));
    assert_eq!(hash::to_mask(&power).as_slice(), octets(&v["mask"]));
    let data: [u8; DATA_OCTETS] = array(&v["data"]);
    let point = Affine::from_octets(data.first_chunk().unwrap()).unwrap();
    let key = Affine::from_octets(&array(&v["receiver_key"])).unwrap();
    for w in [
        reference::pairing(point, key),
        reference::pairing(key, point),
    ] {
        assert_eq!(w.to_octets().as_slice(), octets(&v["w"]));
    }
}

#[test]
fn parameters_fit_together() {
    let (q2, carry) = limbs::add(&Q.m, &Q.m);
    let (mut q4, carry4) = limbs::add(&q2, &q2);
    assert!(!carry & !carry4);
    q4[0] -= 1;
    assert_eq!(q4, parameters::P.m);
    let p = Affine::generator();
    assert!(Affine::from_octets(&p.to_octets()).unwrap().equals(&p));
    assert!(reference::multiply(&Scalar(Q.m), p).is_infinity());
    let g = Fe::from_number(&PAIRING_OF_GENERATOR);
    assert!(reference::pairing(p, p).equals(&g));
}

/// Numbers without a pattern, the same at each run.
fn numbers(seed: &str) -> impl Iterator<Item = Limbs> + '_ {
    (0u32..).map(move |i| hash::to_scalar(&[seed.as_bytes(), &i.to_be_bytes()]).0)
}

fn scalars(seed: &str) -> impl Iterator<Item = Scalar> + '_ {
    numbers(seed).map(|number| Scalar::reduce(&number))
}

fn scalar_of(number: u64) -> Scalar {
    let mut limbs = [0; limbs::LIMBS];
    limbs[0] = number;
    Scalar(limbs)
}

fn minus(number: u64) -> Scalar {
    Scalar(limbs::sub(&Q.m, &scalar_of(number).0).0)
}

/// Numbers whose digits are all alike, or all but one, and some without a pattern.
fn edges() -> Vec<Scalar> {
    let mut all: Vec<Scalar> = [1, 2, 3, 31, 32, 127, 128, 129].map(scalar_of).into();
    all.extend([1, 2, 127].map(minus));
    for bit in [63, 64, 512, 1020] {
        let mut limbs = [0; limbs::LIMBS];
        limbs[bit / 64] = 1 << (bit % 64);
        all.push(Scalar(limbs));
        all.push(Scalar(limbs::sub(&limbs, &scalar_of(1).0).0));
    }
    all.extend(scalars("edges").take(8));
    all
}

fn same(one: &Jacobian, other: &Affine) -> bool {
    reference::affine(one).equals(other) & !one.is_infinity()
}

fn multiple(k: &Scalar) -> Affine {
    reference::affine(&reference::multiply(k, Affine::generator()))
}

#[test]
fn inverses() {
    let mut all: Vec<Fe> = numbers("inverses")
        .take(100)
        .map(|n| Fe::from_number(&n))
        .collect();
    all.extend([Fe::ONE, -Fe::ONE, Fe::ONE.double()]);
    for bit in 0..64 * limbs::LIMBS {
        let mut limbs = [0; limbs::LIMBS];
        limbs[bit / 64] = 1 << (bit % 64);
        all.push(Fe(limbs));
        let below = limbs::sub(&parameters::P.m, &limbs).0;
        if limbs::less(&below, &parameters::P.m) {
            all.push(Fe(below));
        }
    }
    for x in &all {
        assert!((*x * x.invert()).equals(&Fe::ONE), "{:x?}", x.0);
    }
    assert!(Fe::ZERO.invert().is_zero());
    let mut inverses = all.clone();
    invert_all(&mut inverses);
    assert!(all
        .iter()
        .zip(&inverses)
        .all(|(x, y)| (*x * *y).equals(&Fe::ONE)));
    // The blinds are random numbers.
    let [one, other] = [(); 2].map(|()| Q.random());
    assert!(limbs::less(&one, &Q.m) && *one != *other);
    for k in edges() {
        let one = k.mul(&k.invert().unwrap());
        assert_eq!(one.0, scalar_of(1).0);
    }
    assert!(Scalar(scalar_of(0).0).invert().is_none());
}

#[test]
fn sums_and_products_near_the_prime() {
    let mut all: Vec<Fe> = numbers("field")
        .take(4)
        .map(|n| Fe::from_number(&n))
        .collect();
    all.extend([
        Fe::ZERO,
        Fe::ONE,
        -Fe::ONE,
        Fe(scalar_of(1).0),
        -Fe(scalar_of(1).0),
    ]);
    let top = -Fe(scalar_of(1).0);
    for x in &all {
        assert!((*x - *x).is_zero() && (*x + -*x).is_zero());
        assert!(x.square().equals(&(*x * *x)));
        for y in &all {
            assert!((*x + *y - *y).equals(x));
            assert!((*x * *y).equals(&(*y * *x)));
            for z in &all {
                assert!(((*x + *y) * *z).equals(&(*x * *z + *y * *z)));
                let mut lazy = Product::of(x, z);
                lazy -= &Product::of(y, z);
                assert!(lazy.reduce().equals(&((*x - *y) * *z)));
                let lazy = Product::sum(&[*x, *y, *z, top], &[*z, *x, *y, top]);
                let plain = *x * *z + *y * *x + *z * *y + top * top;
                assert!(lazy.reduce().equals(&plain));
            }
        }
    }
    assert_eq!(parameters::P.m, crate::simd::PRIME);
}

#[test]
fn hashes_are_reduced_modulo_q() {
    let mut all = [0; limbs::LIMBS];
    assert_eq!(Scalar::reduce(&all).0, all);
    assert_eq!(Scalar::reduce(&Q.m).0, all);
    all = [u64::MAX; limbs::LIMBS];
    // 2^1024 - 1 is 6 q and something: q is above 2^1021 and below 2^1022.
    let mut rest = all;
    while !limbs::less(&rest, &Q.m) {
        rest = limbs::sub(&rest, &Q.m).0;
    }
    assert_eq!(Scalar::reduce(&all).0, rest);
}

#[test]
fn digits_sum_up_to_the_number() {
    fn check<const BITS: usize>(k: &Scalar) {
        let count = 1023usize.div_ceil(BITS);
        let mut sum = Scalar(scalar_of(0).0);
        for digit in k.odd_digits::<BITS>(count).collect::<Vec<_>>().iter().rev() {
            for _ in 0..BITS {
                sum = sum.add(&sum);
            }
            assert!(digit.index < 1 << (BITS - 1));
            let size = 2 * digit.index + 1;
            let digit = if digit.negative == 0 {
                scalar_of(size)
            } else {
                minus(size)
            };
            sum = sum.add(&digit);
        }
        assert_eq!(sum.0, k.0);
    }
    for k in edges() {
        check::<5>(&k);
        check::<6>(&k);
        check::<7>(&k);
    }
}

#[test]
fn group_laws() {
    let points: Vec<Affine> = scalars("laws").take(3).map(|k| multiple(&k)).collect();
    let [a, b, c] = points[..] else { panic!() };
    let sum = |one: &Affine, other: &Affine| Jacobian::from(*one).add(other);
    assert!(same(&sum(&a, &b), &reference::affine(&sum(&b, &a))));
    let ab = sum(&a, &b);
    assert!(same(&ab.add(&c), &reference::affine(&sum(&b, &c).add(&a))));
    assert!(same(
        &ab.double(),
        &reference::affine(&ab.add(&reference::affine(&ab)))
    ));
    assert!(ab.add(&-reference::affine(&ab)).is_infinity());
    assert!(same(&Jacobian::infinity().add(&a), &a));
    assert!(Jacobian::infinity().double().is_infinity());
    for k in edges() {
        let next = multiple(&k.add(&scalar_of(1)));
        let sum = sum(&multiple(&k), &Affine::generator());
        assert!(same(&sum, &next) | (sum.is_infinity() & (k.0 == minus(1).0)));
    }
}

#[test]
fn tables_agree_with_the_plain_way() {
    let other = multiple(&scalars("tables").next().unwrap());
    let p = Comb::<8, 4>::new(&Affine::generator());
    let q = Comb::<8, 4>::new(&other);
    let narrow = Comb::<6, 8>::new(&other);
    let powers = Powers::of_g();
    for (k, ifma) in edges().iter().flat_map(|k| ways().map(|ifma| (k, ifma))) {
        assert!(same(&Comb::multiply(&[(&p, k)], ifma), &multiple(k)));
        let expected = reference::affine(&reference::multiply(k, other));
        assert!(same(&Comb::multiply(&[(&narrow, k)], ifma), &expected));
        let both = Jacobian::from(multiple(k)).add(&expected);
        let sum = Comb::multiply(&[(&p, k), (&q, k)], ifma);
        assert!(same(&sum, &reference::affine(&both)));
        // What would be a doubling, and what is infinity.
        let twice = Comb::multiply(&[(&q, k), (&q, k)], ifma);
        let double = Jacobian::from(expected).double();
        assert!(same(&twice, &reference::affine(&double)));
        let opposite = minus(0).add(&Scalar(limbs::sub(&Q.m, &k.0).0));
        assert!(Comb::multiply(&[(&q, k), (&q, &opposite)], ifma).is_infinity());
        let power = powers.power(k, ifma).representative();
        let g = Fe::from_number(&PAIRING_OF_GENERATOR);
        assert!(power.equals(&reference::power(k, g)));
    }
    assert!(Comb::multiply(&[(&narrow, &Scalar(Q.m))], None).is_infinity());
}

#[test]
fn pairings_of_the_table_are_those_of_the_plain_way() {
    let ks: Vec<Scalar> = scalars("pairings").take(4).collect();
    let g = Fe::from_number(&PAIRING_OF_GENERATOR);
    for (a, b) in ks.iter().zip(ks.iter().skip(1)) {
        let (one, other) = (multiple(a), multiple(b));
        let w = Lines::new(&one).unwrap().pairing(&other, None);
        assert!(w.equals(&reference::pairing(one, other)));
        assert!(w.equals(&reference::pairing(other, one)));
        for ifma in ways() {
            let same = Lines::new(&other).unwrap().pairing(&one, ifma);
            assert!(w.equals(&same));
        }
        // <[a]P, [b]P> = g^(a b)
        assert!(w.equals(&reference::power(&a.mul(b), g)));
    }
}

#[test]
fn numbers_of_others() {
    let file = ["sakke-numbers"];
    let powers = Powers::of_g();
    for v in load(&file, "multiple") {
        let k = Scalar::from_octets(&array(&v["k"])).unwrap();
        assert_eq!(
            public_key(&octets(&v["k"]), Ifma::detect())
                .unwrap()
                .as_slice(),
            octets(&v["point"])
        );
        let power = powers.power(&k, Ifma::detect()).representative();
        assert_eq!(power.to_octets().as_slice(), octets(&v["power"]));
    }
    for v in load(&file, "pairing") {
        let [one, other] = ["one", "other"].map(|n| Affine::from_octets(&array(&v[n])).unwrap());
        for w in [
            Lines::new(&one).unwrap().pairing(&other, None),
            Lines::new(&other).unwrap().pairing(&one, Ifma::detect()),
            reference::pairing(one, other),
        ] {
            assert_eq!(w.to_octets().as_slice(), octets(&v["pairing"]));
        }
    }
    for v in load(&file, "sakke") {
        check_scheme(&v);
    }
}
