//! Signing (RFC 6507 5.1.2 and 5.2.1).

use super::table::vartime_multiply;
use super::{
    check_identifier, finish_hs, generator, hash_message, hash_of_kpak, parse_point, parse_secret,
    reduce, Error, INTEGER, POINT, SIGNATURE,
};
use p256::elliptic_curve::Field;
use p256::Scalar;
use zeroize::{Zeroize, Zeroizing};

/// An SSK that was found valid, with its PVT and its HS.
pub struct SigningKey {
    ssk: Scalar,
    hs: [u8; INTEGER],
    pvt: [u8; POINT],
}

impl SigningKey {
    /// Takes a pair only if KPAK = [SSK]G - [HS]PVT (R6507-5.1.2-1).
    pub fn new(kpak: &[u8], identifier: &[u8], ssk: &[u8], pvt: &[u8]) -> Result<Self, Error> {
        check_identifier(identifier)?;
        let public = parse_point(kpak)?;
        let token = parse_point(pvt)?;
        let key = Self {
            ssk: parse_secret(ssk, Error::Secret)?,
            hs: {
                let state = hash_of_kpak(kpak.try_into().map_err(|_| Error::Point)?);
                finish_hs(state, identifier, pvt.try_into().map_err(|_| Error::Point)?)
            },
            pvt: pvt.try_into().map_err(|_| Error::Point)?,
        };
        // HS and PVT are public, as is what the difference must be.
        let hashed = vartime_multiply(&reduce(&key.hs), &token);
        let difference = generator().multiply(&key.ssk).add(&hashed.negate());
        if difference.is_infinity() || difference.to_affine() != public {
            return Err(Error::Pair);
        }
        Ok(key)
    }

    /// The signature r || s || PVT; `nonce` is the RFC's j.
    ///
    /// `Error::Nonce` if j is 0 or not below q, or HE + r SSK would be 0: draw another.
    pub fn sign(&self, message: &[u8], nonce: &[u8]) -> Result<[u8; SIGNATURE], Error> {
        let j = Zeroizing::new(parse_secret(nonce, Error::Nonce)?);
        let r: [u8; INTEGER] = generator().multiply(&j).to_affine().x().to_octets();
        let he = reduce(&hash_message(&self.hs, &r, message));
        let sum = Zeroizing::new(he + reduce(&r) * self.ssk);
        let inverse: Option<Scalar> = sum.invert().into();
        let inverse = Zeroizing::new(inverse.ok_or(Error::Nonce)?);
        let s = *inverse * *j;
        // A verifier refuses Jx = 0.
        if bool::from(reduce(&r).is_zero()) {
            return Err(Error::Nonce);
        }
        let mut signature = [0; SIGNATURE];
        signature[..INTEGER].copy_from_slice(&r);
        // s' is below q, which has N octets: it fits, and q - s' is never needed.
        signature[INTEGER..2 * INTEGER].copy_from_slice(&s.to_bytes());
        signature[2 * INTEGER..].copy_from_slice(&self.pvt);
        Ok(signature)
    }

    /// The public validation token, the end of every signature.
    pub fn pvt(&self) -> &[u8; POINT] {
        &self.pvt
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.ssk.zeroize();
    }
}
