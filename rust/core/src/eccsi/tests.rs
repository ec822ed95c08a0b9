//! RFC 6507 Appendix A, and what a verifier must refuse.

use super::field::Field;
use super::point::{Affine, Point};
use super::table::{vartime_multiply, Table};
use super::*;
use p256::elliptic_curve::ops::Double;
use p256::ProjectivePoint;

/// The octets of a hexadecimal text.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn integer(value: u32) -> [u8; INTEGER] {
    let mut octets = [0; INTEGER];
    octets[INTEGER - 4..].copy_from_slice(&value.to_be_bytes());
    octets
}

const KSAK: u32 = 0x12345;
const V: u32 = 0x23456;
const J: u32 = 0x34567;
const ID: &[u8] = b"2011-02\0tel:+447700900123\0";
const MESSAGE: &[u8] = b"message\0";
const KPAK: &str = "04
    50D4670BDE75244F28D2838A0D25558A7A72686D4522D4C8273FB6442AEBFA93
    DBDD37551AFD263B5DFD617F3960C65A8C298850FF99F20366DCE7D4367217F4";
const PVT: &str = "04
    758A142779BE89E829E71984CB40EF758CC4AD775FC5B9A3E1C8ED52F6FA36D9
    A79D247692F4EDA3A6BDAB77D6AA6474A464AE4934663C5265BA7018BA091F79";
const HS: &str = "490F3FEBBC1C902F6289723D7F8CBF79DB88930849D19F38F0295B5C276C14D1";
const SSK: &str = "23F374AE1F4033F3E9DBDDAAEF20F4CF0B86BBD5A138A5AE9E7E006B34489A0D";
const R: &str = "269D4C8FDEB66A74E4EF8C0D5DCC597DDFE6029C2AFFC4936008CD2CC1045D81";
const HE: &str = "111F90EAE8271C96DF9B3D6726768D9EE9B18145D7EC152CFA9C23D1C4F02285";
const S: &str = "E09B528D0EF8D6DF1AA3ECBF80110CFCEC9FC68252CEBB679F4134846940CCFD";
const Q: &str = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

fn signing_key() -> SigningKey {
    SigningKey::new(&hex(KPAK), ID, &hex(SSK), &hex(PVT)).unwrap()
}

fn signature() -> Vec<u8> {
    [hex(R), hex(S), hex(PVT)].concat()
}

#[test]
fn the_kms_of_rfc_6507() {
    assert_eq!(public_key(&integer(KSAK)).unwrap().to_vec(), hex(KPAK));
    let (ssk, pvt) = make_pair(&integer(KSAK), ID, &integer(V)).unwrap();
    assert_eq!((ssk.to_vec(), pvt.to_vec()), (hex(SSK), hex(PVT)));
}

#[test]
fn the_hashes_of_rfc_6507() {
    let kpak = hex(KPAK).try_into().unwrap();
    let hs = finish_hs(hash_of_kpak(&kpak), ID, &hex(PVT).try_into().unwrap());
    assert_eq!(hs.to_vec(), hex(HS));
    let he = hash_message(&hs, &hex(R).try_into().unwrap(), MESSAGE);
    assert_eq!(he.to_vec(), hex(HE));
}

#[test]
fn the_signature_of_rfc_6507() {
    let made = signing_key().sign(MESSAGE, &integer(J)).unwrap();
    assert_eq!(made.to_vec(), signature());
    let key = PublicKey::new(&hex(KPAK)).unwrap();
    assert_eq!(key.vartime_verify(ID, MESSAGE, &made), Ok(()));
}

#[test]
fn every_path_of_a_verifier_agrees() {
    let key = PublicKey::new(&hex(KPAK)).unwrap();
    let signing = signing_key();
    for round in 1..20 {
        let message = [round as u8; 40];
        let signature = signing.sign(&message, &integer(round * 7919)).unwrap();
        let mut wrong = signature;
        wrong[40] ^= 1;
        // The first time in general, the second with a table being built, then with the table.
        assert_eq!(
            key.vartime_verify(ID, &message, &wrong),
            Err(Error::Signature)
        );
        assert_eq!(key.vartime_verify(ID, &message, &signature), Ok(()));
        assert_eq!(
            key.vartime_verify(ID, MESSAGE, &signature),
            Err(Error::Signature)
        );
        assert_eq!(key.remembered(), if round == 1 { (1, 0) } else { (0, 1) });
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let key = PublicKey::new(&hex(KPAK)).unwrap();
    for known in [false, true] {
        for bit in (0..8 * SIGNATURE).step_by(3) {
            let mut wrong = signature();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let refused = key.vartime_verify(ID, MESSAGE, &wrong);
            assert_eq!(refused, Err(Error::Signature), "bit {bit}, known {known}");
        }
        for _ in 0..2 {
            key.vartime_verify(ID, MESSAGE, &signature()).unwrap();
        }
    }
    assert_eq!(
        key.vartime_verify(b"2011-02\0tel:+447700900124\0", MESSAGE, &signature()),
        Err(Error::Signature)
    );
}

#[test]
fn the_mirrored_s_holds_and_zero_does_not() {
    let key = PublicKey::new(&hex(KPAK)).unwrap();
    let s = reduce(&hex(S).try_into().unwrap());
    let mirrored = [hex(R), (-s).to_bytes().to_vec(), hex(PVT)].concat();
    assert_eq!(key.vartime_verify(ID, MESSAGE, &mirrored), Ok(()));
    for zero in [vec![0; INTEGER], hex(Q)] {
        let refused = [hex(R), zero, hex(PVT)].concat();
        let refused = key.vartime_verify(ID, MESSAGE, &refused);
        assert_eq!(refused, Err(Error::Signature));
    }
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(public_key(&[0; INTEGER]), Err(Error::Secret));
    assert_eq!(public_key(&hex(Q)), Err(Error::Secret));
    assert_eq!(public_key(&[1; INTEGER - 1]), Err(Error::Secret));
    let q = hex(Q);
    for v in [&[0; INTEGER][..], &q, &[1; 31], &[]] {
        let refused = make_pair(&integer(KSAK), ID, v).map(|_| ());
        assert_eq!(refused, Err(Error::Nonce));
        assert_eq!(signing_key().sign(MESSAGE, v), Err(Error::Nonce));
    }
    let new = |kpak: &[u8], id: &[u8], ssk: &[u8], pvt: &[u8]| {
        SigningKey::new(kpak, id, ssk, pvt).map(|_| ()).unwrap_err()
    };
    let (kpak, ssk, pvt) = (hex(KPAK), hex(SSK), hex(PVT));
    assert_eq!(new(&kpak, b"", &ssk, &pvt), Error::Identifier);
    assert_eq!(new(&kpak, &[1; 0x10000], &ssk, &pvt), Error::Identifier);
    assert_eq!(new(&kpak, b"other", &ssk, &pvt), Error::Pair);
    assert_eq!(new(&pvt, ID, &ssk, &pvt), Error::Pair);
    assert_eq!(new(&kpak, ID, &integer(1), &pvt), Error::Pair);
    assert_eq!(new(&kpak, ID, &ssk, &kpak), Error::Pair);
    assert_eq!(new(&kpak, ID, &[0; INTEGER], &pvt), Error::Secret);
    assert_eq!(new(&kpak[..64], ID, &ssk, &pvt), Error::Point);
    assert_eq!(new(&kpak, ID, &ssk, &pvt[1..]), Error::Point);
}

#[test]
fn what_is_no_point_is_refused() {
    let good = hex(KPAK);
    let p = hex("FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF");
    let mut off_curve = good.clone();
    off_curve[64] ^= 1;
    let mut hybrid = good.clone();
    hybrid[0] = 6;
    let zero = vec![0; 32];
    let bad = [
        off_curve,
        hybrid,
        good[..64].to_vec(),
        [good.clone(), vec![0]].concat(),
        vec![0],
        vec![],
        [vec![2], good[1..33].to_vec()].concat(),
        [vec![4], p.clone(), good[33..].to_vec()].concat(),
        [vec![4], good[1..33].to_vec(), p].concat(),
        [vec![4], zero.clone(), zero].concat(),
    ];
    for octets in &bad {
        assert_eq!(
            PublicKey::new(octets).map(|_| ()).unwrap_err(),
            Error::Point
        );
    }
}

/// Scalars at the ends, pseudo-random ones, and digits on each side of half a row, for every row.
fn scalars() -> Vec<Scalar> {
    let minus_one = -Scalar::ONE;
    let mut scalar = Scalar::from(0x0123_4567_89ab_cdefu64);
    let mut scalars = vec![Scalar::ZERO, Scalar::ONE, minus_one, scalar];
    for _ in 0..60 {
        scalar = scalar.square() + minus_one;
        scalars.push(scalar);
    }
    for bit in 0..256 {
        let power = Scalar::from(2u64).pow_vartime(&p256::U256::from_u32(bit));
        scalars.extend([power, power - Scalar::ONE, -power]);
    }
    scalars
}

fn same(point: &Point, expected: &ProjectivePoint) -> bool {
    if point.is_infinity() {
        return *expected == ProjectivePoint::IDENTITY;
    }
    point.to_affine() == Affine::from_p256(&expected.to_affine())
}

#[test]
fn products_agree_with_p256() {
    let theirs = ProjectivePoint::GENERATOR * Scalar::from(987_654_321u64);
    let ours = Affine::from_p256(&theirs.to_affine());
    let (five, six) = (Table::<5>::new(&ours.into()), Table::<6>::new(&ours.into()));
    let eight = Table::<8>::new(&ours.into());
    for scalar in &scalars() {
        let product = theirs * *scalar;
        assert!(same(&five.multiply(scalar), &product));
        assert!(same(&six.multiply(scalar), &product));
        assert!(same(&eight.multiply(scalar), &product));
        assert!(same(&vartime_multiply(scalar, &ours), &product));
        let start = Affine::from_p256(&AffinePoint::GENERATOR).into();
        let sum = product + ProjectivePoint::GENERATOR;
        assert!(same(&five.vartime_multiply_add(scalar, start), &sum));
        assert!(same(&six.vartime_multiply_add(scalar, start), &sum));
    }
}

#[test]
fn sums_agree_with_p256_in_every_case() {
    let of = |k: u64| ProjectivePoint::GENERATOR * Scalar::from(k);
    let points = [
        of(1),
        of(2),
        of(3),
        -of(1),
        -of(2),
        ProjectivePoint::IDENTITY,
    ];
    for a in &points {
        let ours = |point: &ProjectivePoint| match point == &ProjectivePoint::IDENTITY {
            true => Point::INFINITY,
            // Another representative than 1, by a detour that adds 0.
            false => Point::from(Affine::from_p256(&point.to_affine())).add(&Point::INFINITY),
        };
        assert!(same(&ours(a).double(), &a.double()));
        assert!(same(&ours(a).vartime_double_times(0), a));
        assert!(same(&ours(a).vartime_double_times(2), &a.double().double()));
        assert!(same(&ours(a).negate(), &-*a));
        for b in &points {
            assert!(same(&ours(a).add(&ours(b)), &(*a + b)));
            if *b != ProjectivePoint::IDENTITY {
                let affine = Affine::from_p256(&b.to_affine());
                assert!(same(&ours(a).add_affine(&affine), &(*a + b)));
                assert!(same(&Point::from(affine).add_affine(&affine), &b.double()));
            }
        }
    }
}

#[test]
fn the_field_holds_at_its_ends() {
    let octets = |text: &str| -> [u8; 32] { hex(text).try_into().unwrap() };
    let p = "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF";
    let minus_one = Field::ONE.negate();
    let ends = [
        ("ones", Field::from_octets_modulo(&[0xff; 32])),
        ("p - 1", minus_one),
        ("1", Field::ONE),
        ("0", Field::ZERO),
        (
            "2^255",
            Field::from_octets_modulo(&octets(&format!("80{:062}", 0))),
        ),
        (
            "low limbs",
            Field::from_octets_modulo(&octets(&format!("{:032}{}", 0, "F".repeat(32)))),
        ),
    ];
    assert!(Field::from_octets_modulo(&octets(p)).is_zero());
    assert_eq!(minus_one.to_octets().to_vec(), {
        let mut number = hex(p);
        number[31] -= 1;
        number
    });
    for (name, a) in &ends {
        assert_eq!(&Field::from_octets_modulo(&a.to_octets()), a, "{name}");
        assert_eq!(a.add(&a.negate()), Field::ZERO, "{name}");
        assert_eq!(a.subtract(&Field::ONE).add(&Field::ONE), *a, "{name}");
        assert_eq!(a.multiply(&minus_one), a.negate(), "{name}");
        assert_eq!(a.triple(), a.double().add(a), "{name}");
        let unit = if a.is_zero() { Field::ZERO } else { Field::ONE };
        assert_eq!(a.multiply(&a.invert()), unit, "{name}");
        for (_, b) in &ends {
            // (a + b)^2 = a^2 + 2ab + b^2
            let square = a.square().add(&a.multiply(b).double()).add(&b.square());
            assert_eq!(a.add(b).square(), square, "{name}");
            assert_eq!(a.subtract(b), b.subtract(a).negate(), "{name}");
        }
    }
}

#[test]
fn the_memory_of_signers_is_bounded() {
    let mut recent = signers::Recent::new(3);
    for name in 0..3u8 {
        recent.insert([name; INTEGER], name);
    }
    assert_eq!(recent.get(&[0; INTEGER]), Some(0));
    recent.insert([3; INTEGER], 3);
    assert_eq!(recent.len(), 3);
    // 1 was used longest ago, 0 was used since.
    assert_eq!(recent.get(&[1; INTEGER]), None);
    assert_eq!(recent.get(&[0; INTEGER]), Some(0));
    recent.insert([3; INTEGER], 4);
    assert_eq!((recent.len(), recent.get(&[3; INTEGER])), (3, Some(4)));
    recent.remove(&[3; INTEGER]);
    assert_eq!((recent.len(), recent.get(&[3; INTEGER])), (2, None));
}

#[test]
fn r_is_compared_modulo_p_and_never_zero() {
    // The points with x = 5 and x = 0, and p + 5, which is below 2^256.
    let decompress = |x: u32| {
        let octets = [vec![2], integer(x).to_vec()].concat();
        let encoded = Sec1Point::from_bytes(octets).unwrap();
        let point: AffinePoint = AffinePoint::from_sec1_point(&encoded).unwrap();
        // Twice its opposite and three times itself: z is not 1.
        let point = Point::from(Affine::from_p256(&point));
        point.double().negate().add(&point.double().add(&point))
    };
    let p = "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF";
    let above = "FFFFFFFF00000001000000000000000000000001000000000000000000000004";
    let equal = |x: u32, r: &str| {
        verify::vartime_has_x_modulo_p(&decompress(x), &hex(r).try_into().unwrap())
    };
    assert!(equal(5, &format!("{:064x}", 5)));
    assert!(equal(5, above));
    assert!(!equal(5, &format!("{:064x}", 6)));
    assert!(!equal(5, p));
    assert!(!equal(0, &format!("{:064x}", 0)));
    assert!(!equal(0, p));
}
