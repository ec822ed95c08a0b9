//! Eight messages at once give what they give one after the other.

use super::super::*;
use super::*;
use crate::vectors::{array, load, octets};
use serde_json::Value;

fn rfc() -> Value {
    load(&["sakke-rfc6508"], "sakke").remove(0)
}

fn batch() -> Option<Ifma> {
    let batch = Ifma::detect();
    if batch.is_none() {
        println!(
            "this processor lacks {}: only the scalar path is tested",
            Ifma::NAME
        );
    }
    batch
}

/// Identifiers, with that of the RFC's example first.
fn identifiers(count: u8) -> Vec<Vec<u8>> {
    let mut all = vec![octets(&rfc()["identifier"])];
    all.extend((1..count).map(|i| vec![i + 1; usize::from(i) % 127 + 1]));
    all
}

#[test]
fn encapsulations_agree() {
    let v = rfc();
    let sender = PublicKey::new(&octets(&v["public_key"])).unwrap();
    let all = identifiers(21);
    for ssv in [array(&v["ssv"]), [0; SSV_OCTETS], [255; SSV_OCTETS]] {
        let made = sender.encapsulate_many(&all, &ssv, batch()).unwrap();
        assert_eq!(made, sender.encapsulate_many(&all, &ssv, None).unwrap());
        let one = |identifier: &Vec<u8>| sender.encapsulate(identifier, &ssv, batch()).unwrap();
        assert_eq!(made, all.iter().map(one).collect::<Vec<_>>());
        if ssv == array(&v["ssv"]) {
            assert_eq!(made[0].as_slice(), octets(&v["data"]));
        }
    }
}

#[test]
fn decapsulations_agree() {
    let v = rfc();
    let [z, id, key] = ["public_key", "identifier", "receiver_key"].map(|name| octets(&v[name]));
    let sender = PublicKey::new(&z).unwrap();
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    let made = |i: u8| {
        sender
            .encapsulate(&id, &[i; SSV_OCTETS], None)
            .unwrap()
            .to_vec()
    };
    // One that is valid, and others that fail each in its own way, beside each other.
    let mut data: Vec<_> = (0..8).map(made).collect();
    data.push(octets(&v["data"]));
    let mut flipped = made(9);
    flipped[DATA_OCTETS - 1] ^= 1;
    data.push(flipped);
    let mut off_the_curve = made(10);
    off_the_curve[100] ^= 1;
    data.push(off_the_curve);
    // (0, 0) has order 2.
    let mut order_2 = made(11);
    order_2[1..POINT_OCTETS].fill(0);
    data.push(order_2);
    data.push(made(12)[1..].to_vec());
    data.push(Vec::new());
    data.push(
        sender
            .encapsulate(&[7], &[1; SSV_OCTETS], None)
            .unwrap()
            .to_vec(),
    );
    data.push(made(13));
    data.extend((14..19).map(made));
    let opened = receiver.decapsulate_many(&data, batch());
    assert_eq!(opened, receiver.decapsulate_many(&data, None));
    let valid: Vec<bool> = opened.iter().map(Option::is_some).collect();
    let expected = [[true; 9].as_slice(), &[false; 6], &[true; 6]].concat();
    assert_eq!(valid, expected);
    assert_eq!(**opened[8].as_ref().unwrap(), array(&v["ssv"]));
    assert_eq!(**opened[20].as_ref().unwrap(), [18; SSV_OCTETS]);
}

/// Numbers of which the digits, or what is left at the end, are special.
#[test]
fn sums_of_special_numbers_agree() {
    use crate::simd::batch::LANES;
    let Some(ifma) = batch() else { return };
    let table = comb::Comb::<5, 5>::new(&curve::Affine::generator());
    let mut numbers: [_; LANES] = core::array::from_fn(|i| {
        let mut limbs = [0; 16];
        limbs[0] = i as u64;
        limbs
    });
    numbers[4] = parameters::Q.m;
    numbers[4][0] -= 1;
    numbers[5] = parameters::Q.m;
    numbers[5][0] -= 2;
    numbers[6][15] = 1 << 60;
    let numbers = numbers.map(|limbs| Scalar::reduce(&limbs));
    let sums = comb::Comb::multiply_lanes(ifma, &[(&table, &numbers)]);
    for (sum, number) in sums.iter().zip(&numbers) {
        let one = comb::Comb::multiply(&[(&table, number)], None);
        // z is zero too where the batch leaves the work to the scalar path.
        if !sum.is_infinity() {
            let [sum, one] = [sum, &one].map(|point| point.to_affine(point.z.invert()));
            assert!(sum.equals(&one));
        }
    }
    assert!(sums[0].is_infinity() && !sums[6].is_infinity());
}

#[test]
#[ignore = "prints times, asserts nothing"]
fn speed() {
    let v = rfc();
    let [z, id, key] = ["public_key", "identifier", "receiver_key"].map(|name| octets(&v[name]));
    let sender = PublicKey::new(&z).unwrap();
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    let all = identifiers(16);
    let data = vec![octets(&v["data"]); 16];
    for batch in [None, Ifma::detect()] {
        let mut best = [f64::MAX; 2];
        for _ in 0..40 {
            let begin = std::time::Instant::now();
            sender.encapsulate_many(&all, &[1; 16], batch).unwrap();
            best[0] = best[0].min(begin.elapsed().as_secs_f64());
            let begin = std::time::Instant::now();
            receiver.decapsulate_many(&data, batch);
            best[1] = best[1].min(begin.elapsed().as_secs_f64());
        }
        let name = batch.map_or("scalar", |_| Ifma::NAME);
        println!(
            "{name}: encapsulate, decapsulate {:.3?} ms each",
            best.map(|t| t * 1e3 / 16.0)
        );
    }
}
