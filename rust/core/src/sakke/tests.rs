use super::curve::Affine;
use super::field::Fe;
use super::limbs;
use super::parameters::{PAIRING_OF_GENERATOR, Q};
use super::scalar::Scalar;
use super::*;
use crate::vectors::{array, load, octets};
use serde_json::Value;

fn rfc() -> Value {
    load(&["sakke-rfc6508"], "sakke").remove(0)
}

fn ssv_of(vector: &Value) -> [u8; SSV_OCTETS] {
    array(&vector["ssv"])
}

#[test]
fn appendix_a_by_the_scheme() {
    let v = rfc();
    let [master, id, z, key, data] =
        ["master", "identifier", "public_key", "receiver_key", "data"].map(|name| octets(&v[name]));
    assert_eq!(public_key(&master).unwrap().as_slice(), z);
    assert_eq!(receiver_key(&master, &id).unwrap().as_slice(), key);
    let sender = PublicKey::new(&z).unwrap();
    let made = sender.encapsulate(&id, &ssv_of(&v)).unwrap();
    assert_eq!(made.as_slice(), data);
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    assert_eq!(*receiver.decapsulate(&data).unwrap(), ssv_of(&v));
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

#[test]
fn inverses() {
    let mut x = Fe::from_number(&PAIRING_OF_GENERATOR);
    for _ in 0..200 {
        assert!((x * x.invert()).equals(&Fe::ONE));
        x = x.square() + Fe::ONE;
    }
    assert!(Fe::ZERO.invert().is_zero());
    for x in [Fe::ONE, -Fe::ONE, Fe::ONE.double()] {
        assert!((x * x.invert()).equals(&Fe::ONE));
    }
}
