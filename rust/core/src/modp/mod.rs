//! Exponentiation in the Diffie-Hellman groups of MIKEY (RFC 3830 6.4), in constant time.
//!
//! The time of `power` depends on the group and on the exponent's length, that of `generate` on
//! the group. Numbers are big-endian octets of the modulus' length. Intermediate values are wiped.

pub(crate) mod montgomery;
mod power;
mod primes;
#[cfg(test)]
mod tests;

pub use power::EXPONENT_LENGTH;

use power::Group;
use std::sync::LazyLock;

// Limbs, and the rows of a product walked at a time: what is fastest here.
static OAKLEY_1: LazyLock<Group<12, 6>> = LazyLock::new(|| Group::new(primes::OAKLEY_1));
static OAKLEY_2: LazyLock<Group<16, 8>> = LazyLock::new(|| Group::new(primes::OAKLEY_2));
static OAKLEY_5: LazyLock<Group<24, 8>> = LazyLock::new(|| Group::new(primes::OAKLEY_5));

/// A group of RFC 2412 with generator 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oakley {
    /// 768 bits; DH-Group 1.
    One,
    /// 1024 bits; DH-Group 2.
    Two,
    /// 1536 bits; DH-Group 0.
    Five,
}

/// An argument has not the length of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLength;

impl Oakley {
    /// The group of a DH-Group number (RFC 3830 6.4), which is not the number of its name.
    pub fn from_wire(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Five),
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Octets of the modulus.
    pub fn length(self) -> usize {
        8 * self.limbs().len()
    }

    /// The modulus.
    pub fn modulus(self) -> Vec<u8> {
        let limbs = self.limbs().iter().rev();
        limbs.flat_map(|limb| limb.to_be_bytes()).collect()
    }

    fn limbs(self) -> &'static [u64] {
        match self {
            Self::One => &primes::OAKLEY_1,
            Self::Two => &primes::OAKLEY_2,
            Self::Five => &primes::OAKLEY_5,
        }
    }

    /// Writes 2^exponent modulo the group's prime to `out`, by a table made at the first call.
    pub fn generate(
        self,
        exponent: &[u8; EXPONENT_LENGTH],
        out: &mut [u8],
    ) -> Result<(), WrongLength> {
        if out.len() != self.length() {
            return Err(WrongLength);
        }
        match self {
            Self::One => OAKLEY_1.generate(exponent, out),
            Self::Two => OAKLEY_2.generate(exponent, out),
            Self::Five => OAKLEY_5.generate(exponent, out),
        }
        Ok(())
    }

    /// Writes base^exponent modulo the group's prime to `out`. The base may be any number of the
    /// modulus' length, the exponent has any length.
    pub fn power(self, base: &[u8], exponent: &[u8], out: &mut [u8]) -> Result<(), WrongLength> {
        if base.len() != self.length() || out.len() != self.length() {
            return Err(WrongLength);
        }
        match self {
            Self::One => OAKLEY_1.power(base, exponent, out),
            Self::Two => OAKLEY_2.power(base, exponent, out),
            Self::Five => OAKLEY_5.power(base, exponent, out),
        }
        Ok(())
    }
}
