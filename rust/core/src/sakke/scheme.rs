//! Keys, encapsulation and decapsulation (RFC 6508 6).

use super::curve::{Affine, POINT_OCTETS};
use super::field::Fe;
use super::limbs::OCTETS;
use super::parameters::PAIRING_OF_GENERATOR;
use super::scalar::Scalar;
use super::{hash, reference};
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

/// Z = [z]P (RFC 6508 6.1).
pub fn public_key(master: &[u8]) -> Result<[u8; POINT_OCTETS], Invalid> {
    let z = master_of(master)?;
    let point = reference::multiply(&z, Affine::generator());
    Ok(point.to_affine().to_octets())
}

/// The Receiver Secret Key [1/(a + z)]P (RFC 6508 6.1.1).
pub fn receiver_key(
    master: &[u8],
    identifier: &[u8],
) -> Result<Zeroizing<[u8; POINT_OCTETS]>, Invalid> {
    let sum = identifier_of(identifier)?.add(&master_of(master)?);
    let k = sum.invert().ok_or(NO_KEY)?;
    let point = reference::multiply(&k, Affine::generator());
    Ok(Zeroizing::new(point.to_affine().to_octets()))
}

/// The public key Z of a KMS, on the sender's side.
pub struct PublicKey {
    z: Affine,
}

impl PublicKey {
    /// Takes 04 || x || y of a point of order q.
    pub fn new(octets: &[u8]) -> Result<Self, Invalid> {
        let z = point_of(octets).ok_or(PUBLIC_KEY)?;
        if !reference::multiply(&Scalar(super::parameters::Q.m), z).is_infinity() {
            return Err(PUBLIC_KEY);
        }
        Ok(Self { z })
    }

    /// [b]P + Z.
    fn point(&self, identifier: &Scalar) -> Result<Affine, Invalid> {
        let sum = reference::multiply(identifier, Affine::generator()).add_any(self.z);
        if sum.is_infinity() {
            return Err(NO_KEY);
        }
        Ok(sum.to_affine())
    }

    /// The Encapsulated Data of an SSV for a receiver (RFC 6508 6.2.1).
    pub fn encapsulate(
        &self,
        identifier: &[u8],
        ssv: &[u8; SSV_OCTETS],
    ) -> Result<[u8; DATA_OCTETS], Invalid> {
        let point = self.point(&identifier_of(identifier)?)?;
        let r = hash::to_scalar(&[ssv, identifier]);
        let g = Fe::from_number(&PAIRING_OF_GENERATOR);
        let mask = hash::to_mask(&reference::power(&r, g).to_octets());
        let mut out = [0; DATA_OCTETS];
        let (r_point, h) = out.split_at_mut(POINT_OCTETS);
        r_point.copy_from_slice(&reference::multiply(&r, point).to_affine().to_octets());
        for ((h, ssv), mask) in h.iter_mut().zip(ssv).zip(&*mask) {
            *h = ssv ^ mask;
        }
        Ok(out)
    }

    /// The Encapsulated Data of one SSV for several receivers (RFC 6508 6.3).
    pub fn encapsulate_many(
        &self,
        identifiers: &[Vec<u8>],
        ssv: &[u8; SSV_OCTETS],
    ) -> Result<Vec<[u8; DATA_OCTETS]>, Invalid> {
        identifiers
            .iter()
            .map(|identifier| self.encapsulate(identifier, ssv))
            .collect()
    }
}

/// A Receiver Secret Key that has been validated.
pub struct ReceiverKey {
    identifier: Vec<u8>,
    point: Affine,
    key: Zeroizing<Affine>,
}

impl ReceiverKey {
    /// Takes a key if <[a]P + Z, K> is g (RFC 6508 6.1.2).
    pub fn new(z: &[u8], identifier: &[u8], key: &[u8]) -> Result<Self, Invalid> {
        let a = identifier_of(identifier)?;
        let point = PublicKey::new(z)?.point(&a)?;
        let key = Zeroizing::new(point_of(key).ok_or(RECEIVER_KEY)?);
        let order = reference::multiply(&Scalar(super::parameters::Q.m), *key);
        let g = Fe::from_number(&PAIRING_OF_GENERATOR);
        if !order.is_infinity() || !reference::pairing(*key, point).equals(&g) {
            return Err(RECEIVER_KEY);
        }
        Ok(Self {
            identifier: identifier.to_vec(),
            point,
            key,
        })
    }

    /// The SSV (RFC 6508 6.2.2); all failures are the same one.
    pub fn decapsulate(&self, data: &[u8]) -> Result<Zeroizing<[u8; SSV_OCTETS]>, Invalid> {
        let data: &[u8; DATA_OCTETS] = data.try_into().map_err(|_| DATA)?;
        let (r_octets, h) = data.split_at(POINT_OCTETS);
        let r_point = point_of(r_octets).ok_or(DATA)?;
        let w = reference::pairing(*self.key, r_point);
        let mut ssv = hash::to_mask(&w.to_octets());
        for (octet, h) in ssv.iter_mut().zip(h) {
            *octet ^= h;
        }
        let r = hash::to_scalar(&[&*ssv, &self.identifier]);
        let test = reference::multiply(&r, self.point).to_affine();
        if !test.equals(&r_point) {
            return Err(DATA);
        }
        Ok(ssv)
    }

    /// The SSVs of several Encapsulated Data; `None` where there is none.
    pub fn decapsulate_many(&self, data: &[Vec<u8>]) -> Vec<Option<Zeroizing<[u8; SSV_OCTETS]>>> {
        data.iter()
            .map(|data| self.decapsulate(data).ok())
            .collect()
    }
}

const _: () = assert!(POINT_OCTETS == 1 + 2 * OCTETS);
