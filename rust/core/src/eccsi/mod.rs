//! ECCSI signatures (RFC 6507) with the choices of RFC 6509: P-256, SHA-256, N = 32 octets.
//!
//! Numbers modulo q, and what is a point, are the `p256` crate's; products of points are ours, which
//! are three times as fast, and tested against the crate's. Work on SSK, KSAK and nonces is constant
//! time: the base point's table is scanned, inversions have a fixed schedule. What begins with
//! `vartime_` takes public data alone: a verifier knows no secret.
//!
//! Every integer is N octets, big-endian; a point is 04 || x || y (R6507-3.2-1).

mod field;
mod kms;
mod point;
mod sign;
mod signers;
mod table;
#[cfg(test)]
mod tests;
mod verify;

pub use kms::{make_pair, public_key};
pub use sign::SigningKey;
pub use verify::PublicKey;

use self::point::Affine;
use self::table::Table;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::sec1::FromSec1Point;
use p256::elliptic_curve::PrimeField;
use p256::{AffinePoint, FieldBytes, Scalar, Sec1Point};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::LazyLock;

/// N: octets of an integer.
pub const INTEGER: usize = 32;
/// Octets of a point.
pub const POINT: usize = 2 * INTEGER + 1;
/// Octets of a signature, r || s || PVT.
pub const SIGNATURE: usize = 2 * INTEGER + POINT;
/// The most octets of an identifier, what the length field of an ID payload can say.
pub const MAX_IDENTIFIER: usize = 0xffff;

/// Why a key, a pair or a nonce is refused. Nothing of its value is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A master secret or SSK is not in 1..q-1 or has not 32 octets.
    Secret,
    /// A point is not 04 || x || y with x and y below p, on the curve.
    Point,
    /// An identifier is empty or too long.
    Identifier,
    /// A nonce is not in 1..q-1, or leads to a value that must not be: draw another.
    Nonce,
    /// SSK, PVT, identifier and KPAK do not belong together.
    Pair,
    /// The signature does not hold, for whatever reason.
    Signature,
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Secret => "an ECCSI secret is 32 octets, an integer from 1 to q - 1",
            Self::Point => "no point of P-256 in uncompressed form",
            Self::Identifier => "an ECCSI identifier has 1 to 65535 octets",
            Self::Nonce => "the nonce cannot be used, draw another",
            Self::Pair => "SSK and PVT do not fit the identifier and the KPAK",
            Self::Signature => "the ECCSI signature does not hold",
        })
    }
}

impl std::error::Error for Error {}

/// A point from its 65 octets. Infinity has no such form.
fn parse_point(octets: &[u8]) -> Result<Affine, Error> {
    if octets.len() != POINT || octets[0] != 4 {
        return Err(Error::Point);
    }
    let encoded = Sec1Point::from_bytes(octets).map_err(|_| Error::Point)?;
    // Refuses coordinates that are not below p, and points off the curve.
    let point: Option<AffinePoint> = AffinePoint::from_sec1_point(&encoded).into();
    point
        .map(|point| Affine::from_p256(&point))
        .ok_or(Error::Point)
}

/// The table of G, 86 KiB, which everybody shares.
fn generator() -> &'static Table<6> {
    static TABLE: LazyLock<Table<6>> =
        LazyLock::new(|| Table::new(&Affine::from_p256(&AffinePoint::GENERATOR).into()));
    &TABLE
}

/// A secret integer from 1 to q - 1, without a branch on its value but for the refusal.
fn parse_secret(octets: &[u8], error: Error) -> Result<Scalar, Error> {
    let octets: [u8; INTEGER] = octets.try_into().map_err(|_| error)?;
    let scalar: Option<Scalar> = Scalar::from_repr(octets.into()).into();
    let scalar = scalar.ok_or(error)?;
    if bool::from(p256::elliptic_curve::Field::is_zero(&scalar)) {
        return Err(error);
    }
    Ok(scalar)
}

/// N octets as an integer modulo q: the group has order q, so nothing is lost in [integer]point.
fn reduce(octets: &[u8; INTEGER]) -> Scalar {
    Scalar::reduce(&FieldBytes::from(*octets))
}

fn check_identifier(identifier: &[u8]) -> Result<(), Error> {
    if identifier.is_empty() || identifier.len() > MAX_IDENTIFIER {
        return Err(Error::Identifier);
    }
    Ok(())
}

/// The state of HS = hash(G || KPAK || ID || PVT) after KPAK, which all signers share.
fn hash_of_kpak(kpak: &[u8; POINT]) -> Sha256 {
    let generator = Affine::from_p256(&AffinePoint::GENERATOR);
    Sha256::new()
        .chain_update(generator.to_octets())
        .chain_update(kpak)
}

fn finish_hs(state: Sha256, identifier: &[u8], pvt: &[u8; POINT]) -> [u8; INTEGER] {
    state
        .chain_update(identifier)
        .chain_update(pvt)
        .finalize()
        .into()
}

/// HE = hash(HS || r || M), with r as it is sent (R6507-5.2.2-3).
fn hash_message(hs: &[u8; INTEGER], r: &[u8; INTEGER], message: &[u8]) -> [u8; INTEGER] {
    Sha256::new()
        .chain_update(hs)
        .chain_update(r)
        .chain_update(message)
        .finalize()
        .into()
}
