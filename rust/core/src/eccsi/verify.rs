//! Verification (RFC 6507 5.2.2).

use super::field::Field;
use super::point::{Affine, Point};
use super::signers::Recent;
use super::table::{vartime_multiply, Table};
use super::{
    check_identifier, finish_hs, generator, hash_message, hash_of_kpak, parse_point, reduce, Error,
    INTEGER, POINT, SIGNATURE,
};
use sha2::Sha256;
use std::sync::{Arc, Mutex, PoisonError};

/// Tables of frequent signers: 52 KiB each, 3.3 MiB at most. One takes two verifications' time.
const FREQUENT: usize = 64;
/// Signers seen once, by their HS.
const SEEN: usize = 1024;

type SignerTable = Table<5>;

/// A KMS's KPAK with its table, and what is known of those who signed under it.
pub struct PublicKey {
    octets: [u8; POINT],
    point: Affine,
    table: Table<6>,
    hash: Sha256,
    signers: Mutex<Signers>,
}

struct Signers {
    seen: Recent<()>,
    frequent: Recent<Arc<SignerTable>>,
}

impl PublicKey {
    /// Takes a KPAK that lies on the curve (R6507-4.2-1).
    pub fn new(kpak: &[u8]) -> Result<Self, Error> {
        let point = parse_point(kpak)?;
        let octets: [u8; POINT] = kpak.try_into().map_err(|_| Error::Point)?;
        Ok(Self {
            octets,
            point,
            table: Table::new(&point.into()),
            hash: hash_of_kpak(&octets),
            signers: Mutex::new(Signers {
                seen: Recent::new(SEEN),
                frequent: Recent::new(FREQUENT),
            }),
        })
    }

    /// The KPAK.
    pub fn octets(&self) -> &[u8; POINT] {
        &self.octets
    }

    /// `Ok` if the signature over the message is the identifier's; variable time, all is public.
    ///
    /// s is taken modulo q, and r is compared modulo p, as the RFC writes: both may be above.
    pub fn vartime_verify(
        &self,
        identifier: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        check_identifier(identifier)?;
        let signature: &[u8; SIGNATURE] = signature.try_into().map_err(|_| Error::Signature)?;
        let (r, rest) = signature.split_first_chunk().ok_or(Error::Signature)?;
        let (s, pvt) = rest.split_first_chunk().ok_or(Error::Signature)?;
        let pvt: &[u8; POINT] = pvt.try_into().map_err(|_| Error::Signature)?;
        let token = parse_point(pvt).map_err(|_| Error::Signature)?;
        let hs = finish_hs(self.hash.clone(), identifier, pvt);
        let he = reduce(&hash_message(&hs, r, message));
        let s = reduce(s);
        // J = [s HE]G + [s r]Y with Y = [HS]PVT + KPAK; s = 0 gives infinity, refused below.
        let of_y = s * reduce(r);
        let generated = generator().vartime_multiply_add(&(s * he), Point::INFINITY);
        let known = self.lock().frequent.get(&hs);
        let j = match &known {
            Some(table) => table.vartime_multiply_add(&of_y, generated),
            None => {
                let sum = self.table.vartime_multiply_add(&of_y, generated);
                sum.add(&vartime_multiply(&(of_y * reduce(&hs)), &token))
            }
        };
        if !vartime_has_x_modulo_p(&j, r) {
            return Err(Error::Signature);
        }
        if known.is_none() {
            self.vartime_remember(hs, &token);
        }
        Ok(())
    }

    /// Builds a table for who signed twice. Only good signatures come here, so strangers cannot
    /// make us build any.
    fn vartime_remember(&self, hs: [u8; INTEGER], token: &Affine) {
        {
            let mut signers = self.lock();
            if signers.seen.get(&hs).is_none() {
                signers.seen.insert(hs, ());
                return;
            }
        }
        let y = vartime_multiply(&reduce(&hs), token).add_affine(&self.point);
        if y.is_infinity() {
            return;
        }
        let table = Arc::new(SignerTable::new(&y));
        let mut signers = self.lock();
        signers.seen.remove(&hs);
        signers.frequent.insert(hs, table);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Signers> {
        // What is kept is whole at every moment, so a panic elsewhere does not spoil it.
        self.signers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        let signers = self.lock();
        (signers.seen.len(), signers.frequent.len())
    }
}

/// Whether r modulo p is the x of the point, and not 0. r has N octets, so it is below 2p.
pub(super) fn vartime_has_x_modulo_p(point: &Point, r: &[u8; INTEGER]) -> bool {
    let r = Field::from_octets_modulo(r);
    !r.is_zero() && point.vartime_has_x(&r)
}
