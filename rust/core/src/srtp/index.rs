//! Packet indices: the 48 bits of SRTP, of which a packet carries 16, and the 31 of SRTCP.

use super::window::Window;

/// Bits of an SRTP index, ROC || SEQ.
pub const SRTP_INDEX_BITS: u32 = 48;
/// Bits of an SRTCP index.
pub const SRTCP_INDEX_BITS: u32 = 31;

/// The indices of one stream, and the replay list over them.
///
/// An index is counted on beyond its width on the wire (a rekeyed stream may go round), so that
/// indices compare as integers; [`Indices::on_wire`] cuts it.
pub struct Indices {
    /// Bits that a packet shows: 16 of an SRTP index, all 31 of an SRTCP index.
    shown_bits: u32,
    /// Bits of an index on the wire.
    width: u32,
    /// What a first packet is counted from: the ROC of key management (RFC 3711 3.3.1), and the
    /// sequence number that stands with it, if there is one (RFC 6043 6.1.1).
    start: u64,
    pub window: Window,
}

impl Indices {
    pub fn rtp(roc: u32, seq: u16, window: u32) -> Self {
        Self {
            shown_bits: 16,
            width: SRTP_INDEX_BITS,
            start: u64::from(roc) << 16 | u64::from(seq),
            window: Window::new(window),
        }
    }

    pub fn rtcp(start: u32, window: u32) -> Self {
        Self {
            shown_bits: SRTCP_INDEX_BITS,
            width: SRTCP_INDEX_BITS,
            start: u64::from(start),
            window: Window::new(window),
        }
    }

    /// The highest index so far, or what the stream starts from.
    pub fn current(&self) -> u64 {
        self.window.highest().unwrap_or(self.start)
    }

    /// The index that follows the highest one.
    pub fn next(&self) -> u64 {
        self.window
            .highest()
            .map_or(self.start, |highest| highest + 1)
    }

    /// RFC 3711 3.3.1 and Appendix A: the index nearest to the highest one that ends in `shown`.
    ///
    /// The RFC computes ROC - 1 modulo 2^32; before the very first ROC there is none, hence no
    /// index either, and the only candidate is the one ahead. A first packet has the ROC that was
    /// told, or the next one if the sequence number has gone round since.
    pub fn estimate(&self, shown: u32) -> u64 {
        let span = 1u64 << self.shown_bits;
        let reference = self.current();
        let candidate = reference & !(span - 1) | u64::from(shown);
        let began = self.window.highest().is_some();
        if candidate + span / 2 < reference {
            candidate + span
        } else if began && candidate > reference + span / 2 && candidate >= span {
            candidate - span
        } else {
            candidate
        }
    }

    /// The index as it is transmitted, or would be.
    pub fn on_wire(&self, index: u64) -> u64 {
        index & ((1 << self.width) - 1)
    }

    /// The rollover counter that belongs to an SRTP index.
    pub fn roc(index: u64) -> u32 {
        (index >> 16) as u32
    }

    /// How many indices there are from `index` until it goes round.
    pub fn until_wrap(&self, index: u64) -> u64 {
        (1 << self.width) - self.on_wire(index)
    }

    /// How often the index went round its width.
    pub fn round(&self, index: u64) -> u64 {
        index >> self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(highest: u64) -> Indices {
        let mut indices = Indices::rtp(0, 0, 64);
        indices.window.mark(highest);
        indices
    }

    #[test]
    fn follows_appendix_a() {
        for s_l in [0u64, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
            for seq in [0u64, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let roc = 7u64;
                let v = if s_l < 32_768 {
                    if seq as i64 - s_l as i64 > 32_768 {
                        roc - 1
                    } else {
                        roc
                    }
                } else if s_l - 32_768 > seq {
                    roc + 1
                } else {
                    roc
                };
                let estimate = after(roc << 16 | s_l).estimate(seq as u32);
                assert_eq!(estimate, v << 16 | seq, "s_l {s_l}, SEQ {seq}");
            }
        }
    }

    #[test]
    fn knows_no_roc_before_zero() {
        assert_eq!(after(10).estimate(0xfffa), 0xfffa);
    }

    #[test]
    fn takes_the_roc_of_key_management_for_the_first_packet() {
        assert_eq!(Indices::rtp(5, 0, 64).estimate(0xffff), 0x5_ffff);
    }

    #[test]
    fn takes_the_next_roc_for_a_first_packet_behind_the_sequence_number_that_was_told() {
        let told = Indices::rtp(5, 0xfff0, 64);
        assert_eq!(told.estimate(0xfff0), 0x5_fff0);
        assert_eq!(told.estimate(0x7ff0), 0x5_7ff0);
        assert_eq!(told.estimate(0x7fef), 0x6_7fef);
        assert_eq!(told.estimate(3), 0x6_0003);
        // Never the one before: nobody may have told a sequence number.
        assert_eq!(Indices::rtp(5, 3, 64).estimate(0xffff), 0x5_ffff);
    }

    #[test]
    fn counts_on_beyond_the_wire() {
        let top = (1 << SRTP_INDEX_BITS) - 1;
        let indices = after(top);
        let next = indices.estimate(0);
        assert_eq!(next, top + 1);
        assert_eq!((indices.on_wire(next), indices.round(next)), (0, 1));
    }
}
