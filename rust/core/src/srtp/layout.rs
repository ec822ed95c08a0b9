//! Where the parts of RTP and RTCP packets lie (RFC 3550 5.1, 5.3.1 and 6.4.1).

/// Octets before the payload of the smallest RTP packet.
const RTP_FIXED: usize = 12;
/// Octets of a compound RTCP packet that stay in clear: the first header and its SSRC.
pub const RTCP_CLEAR: usize = 8;
/// Octets of the E flag and the SRTCP index.
pub const INDEX_WORD: usize = 4;
/// The E flag (RFC 3711 3.4).
pub const E_FLAG: u32 = 1 << 31;

/// What SRTP reads of an RTP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// Octets up to the payload: fixed header, CSRCs and header extension, none encrypted.
    pub length: usize,
    pub seq: u16,
    pub ssrc: u32,
}

impl RtpHeader {
    /// Read the header of an RTP packet without SRTP's own fields.
    pub fn parse(packet: &[u8]) -> Result<Self, &'static str> {
        let fixed: &[u8; RTP_FIXED] = packet
            .first_chunk()
            .ok_or("an RTP packet has at least 12 octets")?;
        check_version(fixed[0])?;
        let mut length = RTP_FIXED + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let words = packet
                .get(length + 2..length + 4)
                .ok_or("the RTP header extension is cut short")?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        if length > packet.len() {
            return Err("the RTP header is cut short");
        }
        Ok(Self {
            length,
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        })
    }
}

/// Read the SSRC of a compound RTCP packet's first header.
pub fn rtcp_ssrc(packet: &[u8]) -> Result<u32, &'static str> {
    let clear: &[u8; RTCP_CLEAR] = packet
        .first_chunk()
        .ok_or("an RTCP packet has at least 8 octets")?;
    check_version(clear[0])?;
    Ok(u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]))
}

fn check_version(first: u8) -> Result<(), &'static str> {
    if first >> 6 == 2 {
        Ok(())
    } else {
        Err("the version of RTP is not 2")
    }
}
