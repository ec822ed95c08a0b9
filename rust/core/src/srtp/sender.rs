//! The sending context of one SSRC.

use super::error::Misuse;
use super::index::{Indices, SRTCP_INDEX_BITS};
use super::keyring::Keyring;
use super::layout::{rtcp_ssrc, RtpHeader, INDEX_WORD};
use super::master::MasterKey;
use super::profile::Profile;
use super::session::{Place, Protocol};
use super::window::Refusal;
use super::Lifetime;

/// Sequence numbers this far back may still be sent (out of order, each once).
const WINDOW: u32 = 128;
const EXHAUSTED: Misuse =
    Misuse("no master key is left for this packet: install a new one (RFC 3711 9.2)");
const TOO_LONG: Misuse = Misuse("the packet is longer than 2^20 octets (RFC 3711 4.1.1)");

/// Protects the RTP and RTCP packets of one SSRC.
pub struct Sender {
    profile: Profile,
    keys: Keyring,
    lifetime: Lifetime,
    ssrc: u32,
    rtp: Indices,
    rtcp: Indices,
    packets: u64,
}

impl Sender {
    /// A context that starts at `roc` and, for SRTCP, at `rtcp_index`.
    pub fn new(
        profile: Profile,
        keys: Vec<MasterKey>,
        ssrc: u32,
        roc: u32,
        rtcp_index: u32,
        lifetime: Lifetime,
    ) -> Result<Self, Misuse> {
        if rtcp_index >> SRTCP_INDEX_BITS != 0 {
            return Err(Misuse("an SRTCP index has 31 bits"));
        }
        lifetime.check()?;
        Ok(Self {
            profile,
            keys: Keyring::new(keys)?,
            lifetime,
            ssrc,
            rtp: Indices::rtp(roc, 0, WINDOW),
            rtcp: Indices::rtcp(rtcp_index, WINDOW),
            packets: 0,
        })
    }

    /// The SSRC of all packets.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The rollover counter of the highest packet so far.
    pub fn roc(&self) -> u32 {
        Indices::roc(self.rtp.current())
    }

    /// The index of the next SRTCP packet.
    pub fn rtcp_index(&self) -> u32 {
        self.rtcp.on_wire(self.rtcp.next()) as u32
    }

    /// SRTP packets protected.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The lengths that the packets of this context have, and its keys are checked against.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// SRTP and SRTCP packets that can still be protected without a new master key.
    pub fn packets_left(&self) -> (u64, u64) {
        self.keys.left(&self.rtp, &self.rtcp, self.lifetime)
    }

    /// Octets that SRTP adds to a packet.
    pub fn rtp_overhead(&self) -> usize {
        self.keys.mki_length() + self.profile.rtp_tag_length()
    }

    /// Octets that SRTCP adds to a packet.
    pub fn rtcp_overhead(&self) -> usize {
        INDEX_WORD + self.keys.mki_length() + self.profile.rtcp_tag_length()
    }

    /// Use new master keys from the next packet on; indices and ROC go on (RFC 3711 3.3.1).
    pub fn install(&mut self, keys: Vec<MasterKey>) -> Result<(), Misuse> {
        self.keys.install(keys, false)
    }

    /// Write the SRTP packet to `out`, `rtp_overhead` octets longer than `rtp`.
    pub fn protect(&mut self, rtp: &[u8], out: &mut [u8]) -> Result<(), Misuse> {
        let header = RtpHeader::parse(rtp).map_err(Misuse)?;
        if header.ssrc != self.ssrc {
            return Err(Misuse("the packet has another SSRC than this context"));
        }
        let index = self.rtp.estimate(header.seq.into());
        self.rtp
            .window
            .check(index)
            .map_err(|refusal| match refusal {
                Refusal::Seen => Misuse("this sequence number was sent before (a two-time pad)"),
                Refusal::TooOld => Misuse("this sequence number is too old to be sent"),
            })?;
        let wire_index = self.rtp.on_wire(index);
        let position = self
            .keys
            .for_sending(
                Protocol::Rtp,
                wire_index,
                index,
                &self.rtp,
                self.lifetime.rtp,
            )
            .ok_or(EXHAUSTED)?;
        let place = Place {
            ssrc: self.ssrc,
            index: wire_index,
        };
        let key = self.keys.key(position);
        let (session, mki) = key.session(&self.profile, Protocol::Rtp, wire_index);
        out[..rtp.len()].copy_from_slice(rtp);
        if !session.seal_rtp(out, header.length, rtp.len(), place, mki) {
            return Err(TOO_LONG);
        }
        key.usage_mut(Protocol::Rtp).note(index);
        self.rtp.window.mark(index);
        self.packets += 1;
        Ok(())
    }

    /// Write the SRTCP packet to `out`, `rtcp_overhead` octets longer than `rtcp`.
    pub fn protect_rtcp(&mut self, rtcp: &[u8], out: &mut [u8]) -> Result<(), Misuse> {
        if rtcp_ssrc(rtcp).map_err(Misuse)? != self.ssrc {
            return Err(Misuse("the packet has another SSRC than this context"));
        }
        let index = self.rtcp.next();
        let rtp_index = self.rtp.on_wire(self.rtp.current());
        let position = self
            .keys
            .for_sending(
                Protocol::Rtcp,
                rtp_index,
                index,
                &self.rtcp,
                self.lifetime.rtcp,
            )
            .ok_or(EXHAUSTED)?;
        let place = Place {
            ssrc: self.ssrc,
            index: self.rtcp.on_wire(index),
        };
        let encrypt = self.profile.encrypts_rtcp();
        let key = self.keys.key(position);
        let (session, mki) = key.session(&self.profile, Protocol::Rtcp, place.index);
        out[..rtcp.len()].copy_from_slice(rtcp);
        if !session.seal_rtcp(out, rtcp.len(), place, encrypt, mki) {
            return Err(TOO_LONG);
        }
        key.usage_mut(Protocol::Rtcp).note(index);
        self.rtcp.window.mark(index);
        Ok(())
    }

    /// Octets of memory, those on the heap included.
    pub fn memory(&self) -> usize {
        let windows = self.rtp.window.heap_size() + self.rtcp.window.heap_size();
        size_of::<Self>() + windows + self.keys.heap_size()
    }
}
