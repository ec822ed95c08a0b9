//! What a KMS does (RFC 6507 4.2 and 5.1.1).

use super::{
    check_identifier, finish_hs, generator, hash_of_kpak, parse_secret, reduce, Error, INTEGER,
    POINT,
};
use p256::elliptic_curve::Field;
use zeroize::Zeroizing;

/// KPAK = [KSAK]G.
pub fn public_key(master: &[u8]) -> Result<[u8; POINT], Error> {
    let ksak = Zeroizing::new(parse_secret(master, Error::Secret)?);
    Ok(generator().multiply(&ksak).to_affine().to_octets())
}

/// SSK and PVT for an identifier; `nonce` is the RFC's v.
///
/// `Error::Nonce` if v is 0 or not below q, or HS or SSK would be 0: draw another.
pub fn make_pair(
    master: &[u8],
    identifier: &[u8],
    nonce: &[u8],
) -> Result<(Zeroizing<[u8; INTEGER]>, [u8; POINT]), Error> {
    check_identifier(identifier)?;
    let ksak = Zeroizing::new(parse_secret(master, Error::Secret)?);
    let v = Zeroizing::new(parse_secret(nonce, Error::Nonce)?);
    let kpak = generator().multiply(&ksak).to_affine().to_octets();
    let pvt = generator().multiply(&v).to_affine().to_octets();
    let hs = reduce(&finish_hs(hash_of_kpak(&kpak), identifier, &pvt));
    let ssk = Zeroizing::new(*ksak + hs * *v);
    if bool::from(hs.is_zero() | ssk.is_zero()) {
        return Err(Error::Nonce);
    }
    Ok((Zeroizing::new(ssk.to_bytes().into()), pvt))
}
