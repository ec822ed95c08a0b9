use super::*;
use sha2::{Digest, Sha256};

const GROUPS: [Oakley; 3] = [Oakley::One, Oakley::Two, Oakley::Five];

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn number(group: Oakley, value: u64) -> Vec<u8> {
    let mut octets = vec![0; group.length() - 8];
    octets.extend(value.to_be_bytes());
    octets
}

/// The modulus with `less` taken from it; its last eight octets are all ones.
fn below_modulus(group: Oakley, less: u8) -> Vec<u8> {
    let mut octets = group.modulus();
    octets[group.length() - 1] -= less;
    octets
}

fn power(group: Oakley, base: &[u8], exponent: &[u8]) -> Vec<u8> {
    let mut out = vec![0; group.length()];
    group.power(base, exponent, &mut out).unwrap();
    out
}

fn generate(group: Oakley, exponent: &[u8; EXPONENT_LENGTH]) -> Vec<u8> {
    let mut out = vec![0; group.length()];
    group.generate(exponent, &mut out).unwrap();
    out
}

/// Octets without a pattern, the same at each run.
fn octets<const N: usize>(seed: &str) -> [u8; N] {
    let mut out = [0; N];
    for (piece, i) in out.chunks_mut(32).zip(0u8..) {
        let digest = Sha256::new()
            .chain_update(seed)
            .chain_update([i])
            .finalize();
        piece.copy_from_slice(&digest[..piece.len()]);
    }
    out
}

#[test]
fn moduli_have_the_published_hashes() {
    let hashes = GROUPS.map(|group| hex(&Sha256::digest(group.modulus())));
    assert_eq!(
        hashes,
        [
            "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
            "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
            "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
        ]
    );
}

#[test]
fn numbers_on_the_wire_are_not_those_of_the_names() {
    let groups = [0, 1, 2, 3, 255].map(Oakley::from_wire);
    assert_eq!(
        groups,
        [
            Some(Oakley::Five),
            Some(Oakley::One),
            Some(Oakley::Two),
            None,
            None
        ]
    );
    assert_eq!(GROUPS.map(Oakley::length), [96, 128, 192]);
}

#[test]
fn powers_of_edges() {
    for group in GROUPS {
        let [zero, one] = [0, 1].map(|value| number(group, value));
        let minus_one = below_modulus(group, 1);
        assert_eq!(power(group, &zero, &[5]), zero);
        assert_eq!(power(group, &group.modulus(), &[5]), zero);
        assert_eq!(power(group, &one, &[0xFF; 32]), one);
        assert_eq!(power(group, &minus_one, &[0xFE; 32]), one);
        assert_eq!(power(group, &minus_one, &[0xFF; 32]), minus_one);
        assert_eq!(power(group, &number(group, 3), &[0, 5]), number(group, 243));
        assert_eq!(power(group, &number(group, 3), &[]), one);
        assert_eq!(power(group, &minus_one, &[1]), minus_one);
    }
}

/// Fermat: a to the p - 1 is 1, to the p is a.
#[test]
fn powers_of_the_modulus() {
    for group in GROUPS {
        let mut base = octets::<192>("base")[..group.length()].to_vec();
        base[0] &= 0x7F;
        let one = number(group, 1);
        assert_eq!(power(group, &base, &below_modulus(group, 1)), one);
        assert_eq!(power(group, &base, &group.modulus()), base);
        // A base above the modulus: all ones are R - 1 = R - 1 - p modulo p.
        let ones = vec![0xFF; group.length()];
        assert_eq!(power(group, &ones, &below_modulus(group, 1)), one);
    }
}

#[test]
fn the_table_gives_powers_of_two() {
    for group in GROUPS {
        let two = number(group, 2);
        let mut exponents = vec![[0; 32], [0xFF; 32], octets("a"), octets("b")];
        for bit in 0..256 {
            let mut exponent = [0; 32];
            exponent[31 - bit / 8] = 1 << (bit % 8);
            exponents.push(exponent);
        }
        for exponent in exponents {
            let expected = power(group, &two, &exponent);
            assert_eq!(generate(group, &exponent), expected, "{exponent:x?}");
        }
    }
}

#[test]
fn both_sides_agree() {
    for group in GROUPS {
        let (a, b) = (octets::<32>("alice"), octets::<32>("bob"));
        let (alice, bob) = (generate(group, &a), generate(group, &b));
        assert_eq!(power(group, &bob, &a), power(group, &alice, &b));
    }
}

#[test]
fn other_lengths_are_refused() {
    for group in GROUPS {
        let right = number(group, 2);
        for length in [0, group.length() - 1, group.length() + 1] {
            let mut wrong = vec![2; length];
            let mut out = right.clone();
            assert_eq!(group.power(&wrong, &[1; 32], &mut out), Err(WrongLength));
            assert_eq!(group.power(&right, &[1; 32], &mut wrong), Err(WrongLength));
            assert_eq!(group.generate(&[1; 32], &mut wrong), Err(WrongLength));
        }
    }
}
