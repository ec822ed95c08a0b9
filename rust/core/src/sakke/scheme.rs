//! Keys, encapsulation and decapsulation (RFC 6508 6).

use super::comb::Comb;
use super::curve::{Affine, Jacobian, POINT_OCTETS};
use super::field::{invert_all, Fe};
use super::hash;
use super::lanes;
use super::lines::{self, Lines};
use super::parameters::{PAIRING_OF_GENERATOR, Q};
use super::power::Powers;
use super::scalar::Scalar;
use crate::simd::batch::{Ifma, LANES};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// Octets of a Shared Secret Value: n is 128 (RFC 6509 Appendix A).
pub const SSV_OCTETS: usize = 16;
/// Octets of Encapsulated Data (RFC 6508 4): a point, and the SSV masked.
pub const DATA_OCTETS: usize = POINT_OCTETS + SSV_OCTETS;

/// An octet string that is not what it has to be, or a key that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(pub &'static str);

const MASTER: Invalid = Invalid("a master secret is 128 octets, a number from 1 to q - 1");
const IDENTIFIER: Invalid = Invalid("an identifier is 1 to 127 octets, a number of at least 2");
const PUBLIC_KEY: Invalid = Invalid("not a KMS public key: 257 octets, a point of order q");
const RECEIVER_KEY: Invalid = Invalid("not the receiver secret key of this identifier and KMS");
const NO_KEY: Invalid = Invalid("this identifier has no key with this KMS");
const DATA: Invalid = Invalid("the Encapsulated Data do not decapsulate");

fn master_of(octets: &[u8]) -> Result<Scalar, Invalid> {
    octets
        .try_into()
        .ok()
        .and_then(Scalar::from_octets)
        .ok_or(MASTER)
}

fn identifier_of(octets: &[u8]) -> Result<Scalar, Invalid> {
    Scalar::from_identifier(octets).ok_or(IDENTIFIER)
}

fn point_of(octets: &[u8]) -> Option<Affine> {
    Affine::from_octets(octets.try_into().ok()?)
}

/// Tables of P and of the public key of a KMS: what a sender has in its caches.
type Wide = Comb<8, 4>;
/// Tables of a receiver's own point, beside the lines of its key.
type Narrow = Comb<6, 8>;
const _: () = assert!(lines::OCTETS + Narrow::OCTETS <= 512 << 10);

/// From how many messages on a batch of eight is faster than one after the other.
const WORTH_A_BATCH: usize = 4;

/// The table of P, made at the first use.
static GENERATOR: LazyLock<Wide> = LazyLock::new(|| Comb::new(&Affine::generator()));
/// The table of g, made at the first use.
static G: LazyLock<Powers> = LazyLock::new(Powers::of_g);

/// [k]P, which is not infinity.
fn multiply_generator(k: &Scalar, ifma: Option<Ifma>) -> Zeroizing<Affine> {
    let point = Wide::multiply(&[(&GENERATOR, k)], ifma);
    Zeroizing::new(point.to_affine(point.z.invert()))
}

/// Z = [z]P (RFC 6508 6.1).
pub fn public_key(master: &[u8], ifma: Option<Ifma>) -> Result<[u8; POINT_OCTETS], Invalid> {
    Ok(multiply_generator(&master_of(master)?, ifma).to_octets())
}

/// The Receiver Secret Key [1/(a + z)]P (RFC 6508 6.1.1).
pub fn receiver_key(
    master: &[u8],
    identifier: &[u8],
    ifma: Option<Ifma>,
) -> Result<Zeroizing<[u8; POINT_OCTETS]>, Invalid> {
    let sum = identifier_of(identifier)?.add(&master_of(master)?);
    let k = sum.invert().ok_or(NO_KEY)?;
    Ok(Zeroizing::new(multiply_generator(&k, ifma).to_octets()))
}

/// [b]P + Z for public b and Z.
fn vartime_point(b: &Scalar, z: &Affine) -> Option<Affine> {
    let generator = Affine::generator();
    let mut sum = Jacobian::infinity();
    for bit in b.vartime_bits() {
        sum = sum.double();
        if bit {
            sum = sum.add(&generator);
        }
    }
    sum = sum.add(z);
    (!sum.is_infinity()).then(|| sum.to_affine(sum.z.invert()))
}

/// The public key Z of a KMS, on the sender's side.
pub struct PublicKey {
    table: Wide,
}

impl PublicKey {
    /// Takes 04 || x || y of a point of order q.
    pub fn new(octets: &[u8]) -> Result<Self, Invalid> {
        let z = point_of(octets).ok_or(PUBLIC_KEY)?;
        // The curve has 4 q points. Those of order 2 or 4 have y = 0, or their double has.
        if z.y.is_zero() || Jacobian::from(z).double().y.is_zero() {
            return Err(PUBLIC_KEY);
        }
        let table = Wide::new(&z);
        if !Wide::multiply(&[(&table, &Scalar(Q.m))], None).is_infinity() {
            return Err(PUBLIC_KEY);
        }
        Ok(Self { table })
    }

    /// The Encapsulated Data of an SSV for a receiver (RFC 6508 6.2.1).
    pub fn encapsulate(
        &self,
        identifier: &[u8],
        ssv: &[u8; SSV_OCTETS],
        ifma: Option<Ifma>,
    ) -> Result<[u8; DATA_OCTETS], Invalid> {
        let b = identifier_of(identifier)?;
        let r = hash::to_scalar(&[ssv, identifier]);
        // [r]([b]P + Z) = [r b]P + [r]Z
        let point = Wide::multiply(&[(&GENERATOR, &r.mul(&b)), (&self.table, &r)], ifma);
        if point.is_infinity() {
            return Err(NO_KEY);
        }
        let power = Zeroizing::new(G.power(&r, ifma));
        let mut inverses = Zeroizing::new([point.z, power.a]);
        invert_all(&mut *inverses);
        let w = Zeroizing::new(power.b * inverses[1]);
        Ok(encode(&point.to_affine(inverses[0]), &w, ssv))
    }

    /// The Encapsulated Data of one SSV for several receivers (RFC 6508 6.3), eight at a time
    /// where the processor is given for it.
    pub fn encapsulate_many(
        &self,
        identifiers: &[Vec<u8>],
        ssv: &[u8; SSV_OCTETS],
        ifma: Option<Ifma>,
    ) -> Result<Vec<[u8; DATA_OCTETS]>, Invalid> {
        let mut all = Vec::with_capacity(identifiers.len());
        for group in identifiers.chunks(LANES) {
            match ifma.filter(|_| group.len() >= WORTH_A_BATCH) {
                Some(ifma) => self.encapsulate_lanes(group, ssv, ifma, &mut all)?,
                None => {
                    for identifier in group {
                        all.push(self.encapsulate(identifier, ssv, ifma)?);
                    }
                }
            }
        }
        Ok(all)
    }

    /// For up to eight receivers; the first one's work fills the lanes that are left.
    fn encapsulate_lanes(
        &self,
        identifiers: &[Vec<u8>],
        ssv: &[u8; SSV_OCTETS],
        ifma: Ifma,
        all: &mut Vec<[u8; DATA_OCTETS]>,
    ) -> Result<(), Invalid> {
        let numbers: Vec<_> = identifiers
            .iter()
            .map(|identifier| identifier_of(identifier))
            .collect::<Result<_, _>>()?;
        let lane = |i: usize| if i < identifiers.len() { i } else { 0 };
        let r: [Scalar; LANES] =
            core::array::from_fn(|i| hash::to_scalar(&[ssv, &identifiers[lane(i)]]));
        let r_b: [Scalar; LANES] = core::array::from_fn(|i| r[i].mul(&numbers[lane(i)]));
        let points = Wide::multiply_lanes(ifma, &[(&GENERATOR, &r_b), (&self.table, &r)]);
        let powers = G.power_lanes(ifma, &r);
        let mut inverses = Zeroizing::new([Fe::ZERO; 2 * LANES]);
        for (i, (point, power)) in points.iter().zip(powers.iter()).enumerate() {
            (inverses[i], inverses[LANES + i]) = (point.z, power.a);
        }
        lanes::invert(&mut *inverses);
        for (i, identifier) in identifiers.iter().enumerate() {
            // Infinity, or what the batch cannot add: practically never.
            if points[i].is_infinity() {
                all.push(self.encapsulate(identifier, ssv, None)?);
                continue;
            }
            let w = Zeroizing::new(powers[i].b * inverses[LANES + i]);
            all.push(encode(&points[i].to_affine(inverses[i]), &w, ssv));
        }
        Ok(())
    }
}

/// The Encapsulated Data of an SSV: the point R, and the SSV masked by w = g^r.
fn encode(point: &Affine, w: &Fe, ssv: &[u8; SSV_OCTETS]) -> [u8; DATA_OCTETS] {
    let mask = hash::to_mask(&*Zeroizing::new(w.to_octets()));
    let mut out = [0; DATA_OCTETS];
    let (r_point, h) = out.split_at_mut(POINT_OCTETS);
    r_point.copy_from_slice(&point.to_octets());
    for ((h, ssv), mask) in h.iter_mut().zip(ssv).zip(&*mask) {
        *h = ssv ^ mask;
    }
    out
}

/// A Receiver Secret Key that has been validated, as its table of lines.
pub struct ReceiverKey {
    identifier: Vec<u8>,
    lines: Lines,
    /// [a]P + Z, and its table.
    point: Affine,
    table: Narrow,
}

impl ReceiverKey {
    /// Takes a key if <[a]P + Z, K> is g (RFC 6508 6.1.2) and all have order q.
    pub fn new(z: &[u8], identifier: &[u8], key: &[u8]) -> Result<Self, Invalid> {
        let a = identifier_of(identifier)?;
        let z = point_of(z).ok_or(PUBLIC_KEY)?;
        let point = vartime_point(&a, &z).ok_or(RECEIVER_KEY)?;
        let key = Zeroizing::new(point_of(key).ok_or(RECEIVER_KEY)?);
        let receiver = Self {
            identifier: identifier.to_vec(),
            lines: Lines::new(&key).ok_or(RECEIVER_KEY)?,
            table: Narrow::new(&point),
            point,
        };
        // The pairing tells nothing of a part of [a]P + Z whose order is not q.
        let order = Narrow::multiply(&[(&receiver.table, &Scalar(Q.m))], None);
        (receiver.check() & order.is_infinity())
            .then_some(receiver)
            .ok_or(RECEIVER_KEY)
    }

    /// Whether <[a]P + Z, K> is g.
    pub fn check(&self) -> bool {
        let g = Fe::from_number(&PAIRING_OF_GENERATOR);
        self.lines.pairing(&self.point, None).equals(&g)
    }

    /// The SSV (RFC 6508 6.2.2); all failures are the same one.
    pub fn decapsulate(
        &self,
        data: &[u8],
        ifma: Option<Ifma>,
    ) -> Result<Zeroizing<[u8; SSV_OCTETS]>, Invalid> {
        let (point, h) = decode(data)?;
        let ssv = unmask(&self.lines.pairing(&point, ifma), h);
        let r = hash::to_scalar(&[&*ssv, &self.identifier]);
        let test = Narrow::multiply(&[(&self.table, &r)], ifma);
        if !core::hint::black_box(is_same(&point, &test)) {
            return Err(DATA);
        }
        Ok(ssv)
    }

    /// The SSVs of several Encapsulated Data; `None` where there is none. Eight at a time where
    /// the processor is given for it.
    pub fn decapsulate_many(
        &self,
        data: &[Vec<u8>],
        ifma: Option<Ifma>,
    ) -> Vec<Option<Zeroizing<[u8; SSV_OCTETS]>>> {
        let mut all = Vec::with_capacity(data.len());
        for group in data.chunks(LANES) {
            match ifma.filter(|_| group.len() >= WORTH_A_BATCH) {
                Some(ifma) => self.decapsulate_lanes(group, ifma, &mut all),
                None => all.extend(group.iter().map(|data| self.decapsulate(data, ifma).ok())),
            }
        }
        all
    }

    /// For up to eight; in lanes that are left, or whose data hold no point, P is worked on.
    fn decapsulate_lanes(
        &self,
        data: &[Vec<u8>],
        ifma: Ifma,
        all: &mut Vec<Option<Zeroizing<[u8; SSV_OCTETS]>>>,
    ) {
        // A point with y = 0 has order 2 and is no [r]I.
        let decoded: [Option<_>; LANES] = core::array::from_fn(|i| {
            let decoded = decode(data.get(i)?).ok()?;
            (!decoded.0.y.is_zero()).then_some(decoded)
        });
        let generator = Affine::generator();
        let points = decoded.map(|decoded| decoded.map_or(generator, |(point, _)| point));
        let w = self.lines.pairing_lanes(ifma, &points);
        let ssvs: [_; LANES] = core::array::from_fn(|i| {
            unmask(&w[i], decoded[i].map_or(&[0; SSV_OCTETS], |(_, h)| h))
        });
        let r: [Scalar; LANES] =
            core::array::from_fn(|i| hash::to_scalar(&[&*ssvs[i], &self.identifier]));
        let tests = Narrow::multiply_lanes(ifma, &[(&self.table, &r)]);
        let lanes = decoded.into_iter().zip(ssvs).zip(tests.iter());
        all.extend(lanes.zip(data).map(|(((decoded, ssv), test), data)| {
            // Infinity, or what the batch cannot add: practically never.
            if test.is_infinity() {
                return self.decapsulate(data, None).ok();
            }
            let same = is_same(&decoded?.0, test);
            core::hint::black_box(same).then_some(ssv)
        }));
    }
}

/// The point R and the masked SSV.
fn decode(data: &[u8]) -> Result<(Affine, &[u8; SSV_OCTETS]), Invalid> {
    let (point, h) = data
        .split_first_chunk()
        .filter(|(_, h)| h.len() == SSV_OCTETS)
        .ok_or(DATA)?;
    let point = Affine::from_octets(point).ok_or(DATA)?;
    Ok((point, h.first_chunk().ok_or(DATA)?))
}

/// The SSV, from what masks it: <R, K> = g^r, and H.
fn unmask(w: &Fe, h: &[u8; SSV_OCTETS]) -> Zeroizing<[u8; SSV_OCTETS]> {
    let mut ssv = hash::to_mask(&*Zeroizing::new(w.to_octets()));
    for (octet, h) in ssv.iter_mut().zip(h) {
        *octet ^= h;
    }
    ssv
}

/// Whether R is the point, compared without an inversion: x z^2 and y z^3.
fn is_same(r: &Affine, test: &Jacobian) -> bool {
    let square = test.z.square();
    (r.x * square).equals(&test.x) & (r.y * (square * test.z)).equals(&test.y) & !test.is_infinity()
}
