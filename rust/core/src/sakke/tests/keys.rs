//! What is refused, what is unusual, and what it all costs.

use super::*;

#[test]
fn what_is_no_point_of_order_q_is_refused() {
    let v = rfc();
    let [id, z, key, data] =
        ["identifier", "public_key", "receiver_key", "data"].map(|name| octets(&v[name]));
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    for point in load(&["sakke-numbers"], "point") {
        let octets = octets(&point["point"]);
        assert!(PublicKey::new(&octets).is_err(), "{point}");
        assert!(ReceiverKey::new(&z, &id, &octets).is_err(), "{point}");
        assert!(ReceiverKey::new(&octets, &id, &key).is_err(), "{point}");
        let forged = [&octets, &data[POINT_OCTETS..]].concat();
        assert!(
            receiver.decapsulate(&forged, Ifma::detect()).is_err(),
            "{point}"
        );
    }
}

#[test]
fn keys_fit_one_identifier_and_one_kms() {
    let v = rfc();
    let [id, z, key] = ["identifier", "public_key", "receiver_key"].map(|name| octets(&v[name]));
    let other_kms = public_key(&limbs::to_octets(&scalar_of(77).0), Ifma::detect()).unwrap();
    let negated = -Affine::from_octets(&array(&v["receiver_key"])).unwrap();
    assert!(ReceiverKey::new(&z, &id, &key).is_ok());
    assert!(ReceiverKey::new(&z, &id[1..], &key).is_err());
    assert!(ReceiverKey::new(&other_kms, &id, &key).is_err());
    assert!(ReceiverKey::new(&z, &id, &negated.to_octets()).is_err());
    assert!(ReceiverKey::new(&z, &id, &z).is_err());
    // A Z beside the group, of which the pairing tells nothing: Z + (0, 0).
    let zero = Affine {
        x: Fe::ZERO,
        y: Fe::ZERO,
    };
    let point = Jacobian::from(Affine::from_octets(&array(&v["public_key"])).unwrap()).add(&zero);
    let beside = reference::affine(&point).to_octets();
    assert!(PublicKey::new(&beside).is_err());
    assert!(ReceiverKey::new(&beside, &id, &key).is_err());
}

#[test]
fn every_changed_bit_is_found() {
    let v = rfc();
    let [id, z, key, data] =
        ["identifier", "public_key", "receiver_key", "data"].map(|name| octets(&v[name]));
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    let refused = receiver
        .decapsulate(&data[1..], Ifma::detect())
        .unwrap_err();
    for bit in (0..8 * POINT_OCTETS)
        .step_by(37)
        .chain(8 * POINT_OCTETS..8 * DATA_OCTETS)
    {
        let mut forged = data.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            receiver.decapsulate(&forged, Ifma::detect()).unwrap_err(),
            refused,
            "{bit}"
        );
    }
    // -R has the inverse pairing; points of the group that are not [r]I.
    let point = Affine::from_octets(data.first_chunk().unwrap()).unwrap();
    for point in [-point, Affine::generator(), multiple(&scalar_of(2))] {
        let forged = [&point.to_octets(), &data[POINT_OCTETS..]].concat();
        assert_eq!(
            receiver.decapsulate(&forged, Ifma::detect()).unwrap_err(),
            refused
        );
    }
    for length in [0, 1, 257, 272, 274] {
        let forged: Vec<u8> = data.iter().copied().cycle().take(length).collect();
        assert_eq!(
            receiver.decapsulate(&forged, Ifma::detect()).unwrap_err(),
            refused
        );
    }
    let many = receiver.decapsulate_many(&[data.clone(), data[1..].to_vec(), data], None);
    let found: Vec<bool> = many.iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true]);
}

#[test]
fn masters_and_identifiers_have_their_ranges() {
    let octets = |k: &Limbs| limbs::to_octets(k).to_vec();
    for master in [
        vec![],
        vec![1; 127],
        vec![0; 128],
        octets(&Q.m),
        vec![0xff; 128],
    ] {
        assert!(public_key(&master, Ifma::detect()).is_err());
        assert!(receiver_key(&master, b"id", Ifma::detect()).is_err());
    }
    let master = octets(&scalar_of(5).0);
    let sender = PublicKey::new(&public_key(&master, Ifma::detect()).unwrap()).unwrap();
    for identifier in [
        vec![],
        vec![0],
        vec![1],
        vec![0, 0, 1],
        vec![1; 128],
        vec![0; 127],
    ] {
        assert!(receiver_key(&master, &identifier, Ifma::detect()).is_err());
        assert!(sender
            .encapsulate(&identifier, &[7; SSV_OCTETS], Ifma::detect())
            .is_err());
    }
    for identifier in [vec![2], vec![0, 2], vec![0xff; 127]] {
        assert!(receiver_key(&master, &identifier, Ifma::detect()).is_ok());
        assert!(sender
            .encapsulate(&identifier, &[7; SSV_OCTETS], Ifma::detect())
            .is_ok());
    }
    let many = sender
        .encapsulate_many(&[vec![2], vec![3]], &[7; SSV_OCTETS], None)
        .unwrap();
    assert_eq!(
        many[1],
        sender
            .encapsulate(&[3], &[7; SSV_OCTETS], Ifma::detect())
            .unwrap()
    );
    assert!(sender
        .encapsulate_many(&[vec![2], vec![1]], &[7; SSV_OCTETS], None)
        .is_err());
}

#[test]
fn unusual_masters() {
    // Z = P, 2 P, -P, [2^7]P: sums of both tables come close to each other.
    for master in [
        scalar_of(1),
        scalar_of(2),
        minus(1),
        scalar_of(128),
        minus(3),
    ] {
        let master = limbs::to_octets(&master.0);
        let z = public_key(&master, Ifma::detect()).unwrap();
        let sender = PublicKey::new(&z).unwrap();
        for identifier in [&[2][..], &[128], b"a user"] {
            for ifma in ways() {
                let key = receiver_key(&master, identifier, ifma).unwrap();
                let receiver = ReceiverKey::new(&z, identifier, &*key).unwrap();
                let data = sender.encapsulate(identifier, &[9; SSV_OCTETS], ifma);
                let ssv = receiver.decapsulate(&data.unwrap(), ifma).unwrap();
                assert_eq!(*ssv, [9; SSV_OCTETS]);
            }
        }
    }
    // a + z = 0: there is no key, and [a]P + Z is infinity.
    let master = limbs::to_octets(&minus(300).0);
    let z = public_key(&master, Ifma::detect()).unwrap();
    assert!(receiver_key(&master, &[1, 44], Ifma::detect()).is_err());
    let sender = PublicKey::new(&z).unwrap();
    assert!(sender
        .encapsulate(&[1, 44], &[9; SSV_OCTETS], Ifma::detect())
        .is_err());
    assert!(ReceiverKey::new(&z, &[1, 44], &z).is_err());
}

/// The operations in the field that the benchmarks take as lower bound are counted here; what
/// this prints when it fails belongs into that file.
#[test]
fn operations_are_as_many_as_the_benchmarks_say() {
    let v = rfc();
    let [master, id, z, key, data] = FIELDS.map(|name| octets(&v[name]));
    let sender = PublicKey::new(&z).unwrap();
    let receiver = ReceiverKey::new(&z, &id, &key).unwrap();
    let encapsulate = || sender.encapsulate(&id, &ssv_of(&v), None).unwrap();
    encapsulate();
    let counted = serde_json::json!({
        "encapsulate": count::of(encapsulate),
        "decapsulate": count::of(|| receiver.decapsulate(&data, None)),
        "make an RSK": count::of(|| receiver_key(&master, &id, None)),
        "receiver key, table": count::of(|| ReceiverKey::new(&z, &id, &key)),
        "receiver key, check": count::of(|| receiver.check()),
        "KMS key, table": count::of(|| PublicKey::new(&z)),
    });
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../benchmarks/sakke_counts.json"
    );
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["counts"], counted, "{counted}");
}
