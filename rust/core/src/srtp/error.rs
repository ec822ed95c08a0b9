//! What can go wrong: at home ([`Misuse`]) and in a packet from outside ([`Rejection`]).

use core::fmt;

/// The caller asks for what cannot be done; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(pub &'static str);

/// A received packet is refused; the context is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The octets are no SRTP or SRTCP packet.
    Malformed(&'static str),
    /// The tag does not fit (RFC 3711 4.2, RFC 7714 8).
    Authentication,
    /// The index was received before, or lies before the replay window (RFC 3711 3.3.2).
    Replay(&'static str),
    /// Another SSRC than the one the context is bound to.
    Ssrc {
        /// The SSRC of the context.
        bound: u32,
        /// The SSRC of the packet.
        found: u32,
    },
    /// No master key answers to the packet's MKI or index.
    NoKey(&'static str),
    /// The master key has protected all the packets it may (RFC 3711 9.2).
    Overrun,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) | Self::Replay(reason) | Self::NoKey(reason) => {
                f.write_str(reason)
            }
            Self::Authentication => f.write_str("authentication failed"),
            Self::Ssrc { bound, found } => write!(
                f,
                "packet of SSRC {found:#010x}, and this context is bound to {bound:#010x}"
            ),
            Self::Overrun => f.write_str("the master key is beyond its lifetime (RFC 3711 9.2)"),
        }
    }
}

impl std::error::Error for Misuse {}
impl std::error::Error for Rejection {}
