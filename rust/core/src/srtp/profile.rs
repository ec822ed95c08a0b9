//! The transforms of a context, fixed for its life (RFC 3711 3.2.1 and 3.2.2).

use super::auth;
use super::cipher::GCM_TAG_LENGTH;
use super::error::Misuse;

/// The encryption transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// No encryption (RFC 3711 4.1.3).
    Null,
    /// AES in counter mode with 128, 192 or 256 bits (RFC 3711 4.1.1, RFC 6188).
    AesCm,
    /// AES in f8-mode with 128 bits (RFC 3711 4.1.2).
    AesF8,
    /// AES-GCM with 128 or 256 bits (RFC 7714).
    AesGcm,
}

/// The largest key derivation rate (RFC 3711 4.3.1).
const MAX_RATE: u32 = 1 << 24;
/// SRTCP is never authenticated with less (RFC 3711 5.2).
const MIN_TAG_LENGTH: usize = 4;

/// A checked set of transforms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    cipher: Cipher,
    key_length: usize,
    rtp_tag_length: usize,
    rtcp_tag_length: usize,
    rate: u32,
    encrypts_rtp: bool,
    encrypts_rtcp: bool,
}

impl Profile {
    /// Check that the parts fit together.
    ///
    /// Lengths are octets; a tag of 0 octets for SRTP means that it is not authenticated, which
    /// SRTCP always is. With AES-GCM both are 16, and SRTP is always encrypted (RFC 7714 8.2).
    pub fn new(
        cipher: Cipher,
        key_length: usize,
        tag_lengths: (usize, usize),
        rate: u32,
        encrypts: (bool, bool),
    ) -> Result<Self, Misuse> {
        let key_lengths: &[usize] = match cipher {
            Cipher::Null | Cipher::AesCm => &[16, 24, 32],
            Cipher::AesF8 => &[16],
            Cipher::AesGcm => &[16, 32],
        };
        if !key_lengths.contains(&key_length) {
            return Err(Misuse("the cipher takes no key of this length"));
        }
        if rate > MAX_RATE || (rate != 0 && !rate.is_power_of_two()) {
            return Err(Misuse(
                "the key derivation rate is neither 0 nor a power of two up to 2^24",
            ));
        }
        let (rtp_tag_length, rtcp_tag_length) = tag_lengths;
        if cipher == Cipher::AesGcm {
            if tag_lengths != (GCM_TAG_LENGTH, GCM_TAG_LENGTH) {
                return Err(Misuse("the tag of AES-GCM has 16 octets (RFC 7714 13.2)"));
            }
            if !encrypts.0 {
                return Err(Misuse("AES-GCM always encrypts SRTP (RFC 7714 8.2)"));
            }
        } else {
            let rtp_tags = MIN_TAG_LENGTH..=auth::MAX_TAG_LENGTH;
            if rtp_tag_length != 0 && !rtp_tags.contains(&rtp_tag_length) {
                return Err(Misuse("an SRTP tag has 4 to 20 octets"));
            }
            // RFC 3711 5.2 asks for 10; some peers have less, and the caller says so.
            if !(MIN_TAG_LENGTH..=auth::MAX_TAG_LENGTH).contains(&rtcp_tag_length) {
                return Err(Misuse("an SRTCP tag has 4 to 20 octets"));
            }
        }
        let encrypting = cipher != Cipher::Null;
        Ok(Self {
            cipher,
            key_length,
            rtp_tag_length,
            rtcp_tag_length,
            rate,
            encrypts_rtp: encrypting && encrypts.0,
            encrypts_rtcp: encrypting && encrypts.1,
        })
    }

    pub(super) fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Octets of master key and session key.
    pub fn key_length(&self) -> usize {
        self.key_length
    }

    /// Octets of the master salt: 12 for AES-GCM (RFC 7714 12), else 14.
    pub fn salt_length(&self) -> usize {
        if self.is_aead() {
            12
        } else {
            14
        }
    }

    pub(super) fn is_aead(&self) -> bool {
        self.cipher == Cipher::AesGcm
    }

    pub(super) fn rtp_tag_length(&self) -> usize {
        self.rtp_tag_length
    }

    pub(super) fn rtcp_tag_length(&self) -> usize {
        self.rtcp_tag_length
    }

    pub(super) fn encrypts_rtp(&self) -> bool {
        self.encrypts_rtp
    }

    pub(super) fn encrypts_rtcp(&self) -> bool {
        self.encrypts_rtcp
    }

    /// r = index DIV key_derivation_rate, 0 where the rate is 0 (RFC 3711 4.3.1).
    pub(super) fn derivation(&self, index: u64) -> u64 {
        index.checked_div(u64::from(self.rate)).unwrap_or(0)
    }
}
