//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714): one-way contexts.
//!
//! A [`Sender`] protects the packets of one SSRC, a [`Receiver`] checks and decrypts them. Both
//! hold a [`Profile`] (the transforms, fixed for life), a key ring (master keys, their MKIs or
//! index intervals, session keys derived when first needed) and two index counters, one for SRTP
//! and one for SRTCP, which no rekeying resets.
//!
//! Where things stand in a packet (`|` is the order on the wire):
//!
//! ```text
//! SRTP   HMAC   RTP header | payload, encrypted | MKI | tag over all before the MKI, and the ROC
//! SRTP   AEAD   RTP header | payload, encrypted | AEAD tag | MKI
//! SRTCP  HMAC   8 octets | the rest, encrypted | E, index | MKI | tag over all before the MKI
//! SRTCP  AEAD   8 octets | the rest, encrypted | AEAD tag | E, index | MKI
//! ```

mod auth;
pub(crate) mod cipher;
mod error;
mod index;
mod kdf;
mod keyring;
mod layout;
mod master;
mod profile;
mod receiver;
mod sender;
mod session;
mod window;

pub use error::{Misuse, Rejection};
pub use index::{SRTCP_INDEX_BITS, SRTP_INDEX_BITS};
pub use master::{MasterKey, MAX_MKI_LENGTH};
pub use profile::{Cipher, Profile};
pub use receiver::Receiver;
pub use sender::Sender;

/// How many packets one master key may protect, and when to ask for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// SRTP packets per master key, at most 2^48 (RFC 3711 9.2).
    pub rtp: u64,
    /// SRTCP packets per master key, at most 2^31.
    pub rtcp: u64,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            rtp: 1 << SRTP_INDEX_BITS,
            rtcp: 1 << SRTCP_INDEX_BITS,
        }
    }
}

impl Lifetime {
    fn check(self) -> Result<(), Misuse> {
        let most = Self::default();
        if (1..=most.rtp).contains(&self.rtp) && (1..=most.rtcp).contains(&self.rtcp) {
            Ok(())
        } else {
            Err(Misuse(
                "a master key lasts for 1 to 2^48 SRTP and 1 to 2^31 SRTCP packets",
            ))
        }
    }
}
