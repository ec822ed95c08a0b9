//! The receiving context of one SSRC.

use super::error::{Misuse, Rejection};
use super::index::Indices;
use super::keyring::Keyring;
use super::layout::{rtcp_ssrc, RtpHeader, E_FLAG, INDEX_WORD};
use super::master::MasterKey;
use super::profile::Profile;
use super::session::{Place, Protocol, Session};
use super::window::{self, Refusal, Window};
use super::Lifetime;

/// Checks and decrypts the SRTP and SRTCP packets of one SSRC.
///
/// Indices, replay lists, the bound SSRC and the use of keys change only once a packet has proven
/// authentic.
pub struct Receiver {
    profile: Profile,
    keys: Keyring,
    lifetime: Lifetime,
    ssrc: Option<u32>,
    rtp: Indices,
    rtcp: Indices,
    verified: u64,
    rejected: u64,
}

impl Receiver {
    /// A context for `ssrc`, or without one for that of the first authentic packet. `window` is
    /// the number of indices in which late packets are still accepted.
    pub fn new(
        profile: Profile,
        keys: Vec<MasterKey>,
        ssrc: Option<u32>,
        (roc, seq): (u32, u16),
        window: u32,
        lifetime: Lifetime,
    ) -> Result<Self, Misuse> {
        if !(window::MIN_SIZE..=window::MAX_SIZE).contains(&window) {
            return Err(Misuse(
                "a replay window has 64 to 2^15 packets (RFC 3711 3.3.2)",
            ));
        }
        lifetime.check()?;
        Ok(Self {
            profile,
            keys: Keyring::new(keys)?,
            lifetime,
            ssrc,
            rtp: Indices::rtp(roc, seq, window),
            rtcp: Indices::rtcp(0, window),
            verified: 0,
            rejected: 0,
        })
    }

    /// The SSRC, once known.
    pub fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// The rollover counter of the highest packet so far.
    pub fn roc(&self) -> u32 {
        Indices::roc(self.rtp.current())
    }

    /// Packets that were accepted, SRTP and SRTCP.
    pub fn verified(&self) -> u64 {
        self.verified
    }

    /// Packets that were refused, SRTP and SRTCP.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The lengths that the packets of this context have, and its keys are checked against.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Accept packets under new master keys; indices and ROC go on (RFC 3711 3.3.1). Keys with
    /// an MKI stay usable, of those without one the last, for packets from before the first one
    /// under a new key.
    pub fn install(&mut self, keys: Vec<MasterKey>) -> Result<(), Misuse> {
        self.keys.install(keys, true)
    }

    /// Octets of the RTP packet in an SRTP packet, None if it is too short for one.
    pub fn rtp_length(&self, srtp: usize) -> Option<usize> {
        srtp.checked_sub(self.keys.mki_length() + self.profile.rtp_tag_length())
    }

    /// Octets of the RTCP packet in an SRTCP packet, None if it is too short for one.
    pub fn rtcp_length(&self, srtcp: usize) -> Option<usize> {
        srtcp.checked_sub(INDEX_WORD + self.keys.mki_length() + self.profile.rtcp_tag_length())
    }

    /// Write the RTP packet to `rtp`, which has the length that [`Receiver::rtp_length`] says.
    pub fn unprotect(&mut self, srtp: &[u8], rtp: &mut [u8]) -> Result<(), Rejection> {
        let result = self.open_rtp(srtp, rtp);
        self.count(result)
    }

    /// Write the RTCP packet to `rtcp`, which has the length that [`Receiver::rtcp_length`] says.
    pub fn unprotect_rtcp(&mut self, srtcp: &[u8], rtcp: &mut [u8]) -> Result<(), Rejection> {
        let result = self.open_rtcp(srtcp, rtcp);
        self.count(result)
    }

    /// Count a packet that was refused before it came here.
    pub fn reject(&mut self, rejection: Rejection) -> Rejection {
        self.rejected += 1;
        rejection
    }

    /// Octets of memory, those on the heap included.
    pub fn memory(&self) -> usize {
        let windows = self.rtp.window.heap_size() + self.rtcp.window.heap_size();
        size_of::<Self>() + windows + self.keys.heap_size()
    }

    fn open_rtp(&mut self, srtp: &[u8], rtp: &mut [u8]) -> Result<(), Rejection> {
        let end = rtp.len();
        let header = RtpHeader::parse(&srtp[..end]).map_err(Rejection::Malformed)?;
        self.check_ssrc(header.ssrc)?;
        let index = self.rtp.estimate(header.seq.into());
        let authenticated = self.profile.rtp_tag_length() != 0;
        if authenticated {
            // Replay protection is only possible with integrity protection (RFC 3711 3.3.2).
            check_replay(&self.rtp.window, index)?;
        }
        let mki_length = self.keys.mki_length();
        let mki_start = if self.profile.is_aead() {
            srtp.len() - mki_length
        } else {
            end
        };
        let wire_index = self.rtp.on_wire(index);
        let place = Place {
            ssrc: header.ssrc,
            index: wire_index,
        };
        let packet = Packet {
            protocol: Protocol::Rtp,
            mki: &srtp[mki_start..][..mki_length],
            rtp_index: wire_index,
            index,
        };
        self.try_keys(packet, |session| {
            session.open_rtp(srtp, header.length, place, mki_length, rtp)
        })?;
        self.ssrc = Some(header.ssrc);
        self.rtp.window.mark(index);
        self.keys.erase_ended(&self.rtp.window, &self.rtcp.window);
        Ok(())
    }

    fn open_rtcp(&mut self, srtcp: &[u8], rtcp: &mut [u8]) -> Result<(), Rejection> {
        let end = rtcp.len();
        let ssrc = rtcp_ssrc(&srtcp[..end]).map_err(Rejection::Malformed)?;
        self.check_ssrc(ssrc)?;
        let (word_start, mki_start) = if self.profile.is_aead() {
            let mki_start = srtcp.len() - self.keys.mki_length();
            (mki_start - INDEX_WORD, mki_start)
        } else {
            (end, end + INDEX_WORD)
        };
        let mut word = [0; INDEX_WORD];
        word.copy_from_slice(&srtcp[word_start..][..INDEX_WORD]);
        let word = u32::from_be_bytes(word);
        let encrypted = word & E_FLAG != 0;
        let index = self.rtcp.estimate(word & !E_FLAG);
        check_replay(&self.rtcp.window, index)?;
        let mki_length = self.keys.mki_length();
        let place = Place {
            ssrc,
            index: self.rtcp.on_wire(index),
        };
        let packet = Packet {
            protocol: Protocol::Rtcp,
            mki: &srtcp[mki_start..][..mki_length],
            rtp_index: self.rtp.on_wire(self.rtp.current()),
            index,
        };
        self.try_keys(packet, |session| {
            session.open_rtcp(srtcp, place, encrypted, mki_length, rtcp)
        })?;
        self.ssrc = Some(ssrc);
        self.rtcp.window.mark(index);
        self.keys.erase_ended(&self.rtp.window, &self.rtcp.window);
        Ok(())
    }

    /// Open the packet under the key that it names, or under the first that fits.
    fn try_keys(
        &mut self,
        packet: Packet<'_>,
        mut open: impl FnMut(&Session) -> bool,
    ) -> Result<(), Rejection> {
        let Packet {
            protocol,
            mki,
            rtp_index,
            index,
        } = packet;
        let (indices, lifetime, wire_index) = match protocol {
            Protocol::Rtp => (&self.rtp, self.lifetime.rtp, self.rtp.on_wire(index)),
            Protocol::Rtcp => (&self.rtcp, self.lifetime.rtcp, self.rtcp.on_wire(index)),
        };
        let mut reason = Rejection::NoKey(if mki.is_empty() {
            "no master key is valid for the packet's index"
        } else {
            "the packet's MKI is unknown"
        });
        let candidates = self.keys.for_receiving(protocol, mki, rtp_index, index);
        for position in candidates.into_iter().flatten() {
            let key = self.keys.key(position);
            let ended = key.usage(protocol).ended();
            if ended.is_some_and(|ended| ended <= index) {
                if !mki.is_empty() {
                    reason = Rejection::NoKey("the master key was replaced before this packet");
                }
                continue;
            }
            if !key.usage(protocol).admits(index, indices, lifetime) {
                reason = Rejection::Overrun;
                continue;
            }
            let (session, _) = key.session(&self.profile, protocol, wire_index);
            if open(session) {
                let authentic = protocol == Protocol::Rtcp || self.profile.rtp_tag_length() != 0;
                self.keys.note(position, protocol, index, authentic);
                return Ok(());
            }
            reason = Rejection::Authentication;
        }
        Err(reason)
    }

    /// A packet of another stream costs no cryptography.
    fn check_ssrc(&self, found: u32) -> Result<(), Rejection> {
        match self.ssrc {
            Some(bound) if bound != found => Err(Rejection::Ssrc { bound, found }),
            _ => Ok(()),
        }
    }

    fn count(&mut self, result: Result<(), Rejection>) -> Result<(), Rejection> {
        match result {
            Ok(()) => {
                self.verified += 1;
                Ok(())
            }
            Err(rejection) => Err(self.reject(rejection)),
        }
    }
}

/// What selects the key of a received packet.
struct Packet<'a> {
    protocol: Protocol,
    mki: &'a [u8],
    /// The 48-bit SRTP index: of this packet, or for SRTCP of the last SRTP packet.
    rtp_index: u64,
    /// The packet's own index, counted on beyond the wire.
    index: u64,
}

fn check_replay(window: &Window, index: u64) -> Result<(), Rejection> {
    window.check(index).map_err(|refusal| {
        Rejection::Replay(match refusal {
            Refusal::Seen => "packet was received before (replay)",
            Refusal::TooOld => "packet is older than the replay window",
        })
    })
}

#[cfg(test)]
mod tests;
