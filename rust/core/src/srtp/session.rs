//! The session keys of SRTP or of SRTCP at work on one packet.

use super::auth::{self, HmacSha1};
use super::cipher::{Aes, CounterMode, F8Mode, Gcm, GCM_TAG_LENGTH, MAX_OCTETS};
use super::index::Indices;
use super::kdf::{self, Label};
use super::layout::{E_FLAG, INDEX_WORD, RTCP_CLEAR};
use super::profile::{Cipher, Profile};
use zeroize::Zeroizing;

/// SRTP or SRTCP: two sets of keys, two counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Rtp,
    Rtcp,
}

impl Protocol {
    fn labels(self) -> [Label; 3] {
        match self {
            Self::Rtp => [
                Label::RtpEncryption,
                Label::RtpAuthentication,
                Label::RtpSalt,
            ],
            Self::Rtcp => [
                Label::RtcpEncryption,
                Label::RtcpAuthentication,
                Label::RtcpSalt,
            ],
        }
    }
}

enum Encryption {
    Null,
    Counter(CounterMode),
    F8(F8Mode),
    Gcm(Gcm),
}

/// Session keys, expanded for use.
pub struct Session {
    encryption: Encryption,
    /// None where an AEAD cipher authenticates, or nothing does.
    auth: Option<HmacSha1>,
}

/// The packet's place in its stream: what enters IVs and tags. `index` is as on the wire.
#[derive(Clone, Copy)]
pub struct Place {
    pub ssrc: u32,
    pub index: u64,
}

impl Session {
    /// Derive all keys of `protocol` for the derivation number `r`.
    pub fn derive(
        profile: &Profile,
        protocol: Protocol,
        master: &Aes,
        salt: &[u8; kdf::SALT_LENGTH],
        r: u64,
    ) -> Self {
        let [encryption_label, auth_label, salt_label] = protocol.labels();
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..profile.key_length()];
        kdf::derive(master, salt, encryption_label, r, key);
        let mut session_salt = Zeroizing::new([0; kdf::SALT_LENGTH]);
        kdf::derive(master, salt, salt_label, r, &mut *session_salt);
        // SRTCP packets say themselves whether they are encrypted (the E flag).
        let in_clear = protocol == Protocol::Rtp && !profile.encrypts_rtp();
        let encryption = match profile.cipher() {
            _ if in_clear => Encryption::Null,
            Cipher::Null => Encryption::Null,
            Cipher::AesCm => Encryption::Counter(CounterMode::new(Aes::new(key), *session_salt)),
            Cipher::AesF8 => Encryption::F8(F8Mode::new(key, &*session_salt)),
            Cipher::AesGcm => Encryption::Gcm(Gcm::new(key, &session_salt)),
        };
        let authenticated = protocol == Protocol::Rtcp || profile.rtp_tag_length() != 0;
        let auth = (authenticated && !profile.is_aead()).then(|| {
            let mut auth_key = Zeroizing::new([0; auth::KEY_LENGTH]);
            kdf::derive(master, salt, auth_label, r, &mut *auth_key);
            HmacSha1::new(&auth_key)
        });
        Self { encryption, auth }
    }

    /// Turn `packet` into SRTP. It holds the RTP packet up to `end`, its header up to `header`,
    /// and behind it room for the MKI and the tag.
    #[must_use]
    pub fn seal_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        end: usize,
        place: Place,
        mki: &[u8],
    ) -> bool {
        if end - header > MAX_OCTETS {
            return false;
        }
        let roc = Indices::roc(place.index);
        let (rtp, trailer) = packet.split_at_mut(end);
        let (head, payload) = rtp.split_at_mut(header);
        if let Encryption::Gcm(gcm) = &self.encryption {
            let (tag, mki_field) = trailer.split_at_mut(GCM_TAG_LENGTH);
            mki_field.copy_from_slice(mki);
            return gcm.seal(place.ssrc, place.index, head, payload, tag);
        }
        self.apply(payload, place, || F8Mode::rtp_iv(head, roc));
        let (mki_field, tag) = trailer.split_at_mut(mki.len());
        mki_field.copy_from_slice(mki);
        if let Some(auth) = &self.auth {
            auth.tag([rtp, &roc.to_be_bytes()], tag);
        }
        true
    }

    /// Check the SRTP `packet` and write the RTP packet to `rtp`, whose length is that up to the
    /// MKI or the AEAD tag. False if it is not authentic; `rtp` is worthless then.
    #[must_use]
    pub fn open_rtp(
        &self,
        packet: &[u8],
        header: usize,
        place: Place,
        mki_length: usize,
        rtp: &mut [u8],
    ) -> bool {
        let roc = Indices::roc(place.index);
        let (body, trailer) = packet.split_at(rtp.len());
        if body.len() - header > MAX_OCTETS {
            return false;
        }
        if let Encryption::Gcm(gcm) = &self.encryption {
            rtp.copy_from_slice(body);
            let tag = &trailer[..GCM_TAG_LENGTH];
            let payload = &mut rtp[header..];
            return gcm.open(place.ssrc, place.index, &body[..header], payload, tag);
        }
        if let Some(auth) = &self.auth {
            if !auth.verify([body, &roc.to_be_bytes()], &trailer[mki_length..]) {
                return false;
            }
        }
        rtp.copy_from_slice(body);
        self.apply(&mut rtp[header..], place, || F8Mode::rtp_iv(body, roc));
        true
    }

    /// Turn `packet` into SRTCP. It holds the RTCP packet up to `end`, and behind it room for
    /// index, MKI and tag.
    #[must_use]
    pub fn seal_rtcp(
        &self,
        packet: &mut [u8],
        end: usize,
        place: Place,
        encrypt: bool,
        mki: &[u8],
    ) -> bool {
        if end - RTCP_CLEAR > MAX_OCTETS {
            return false;
        }
        let word = index_word(place.index, encrypt);
        let (rtcp, trailer) = packet.split_at_mut(end);
        if let Encryption::Gcm(gcm) = &self.encryption {
            let (tag, rest) = trailer.split_at_mut(GCM_TAG_LENGTH);
            let (word_field, mki_field) = rest.split_at_mut(INDEX_WORD);
            word_field.copy_from_slice(&word);
            mki_field.copy_from_slice(mki);
            let clear = if encrypt { RTCP_CLEAR } else { end };
            let aad = joined(&rtcp[..clear], word);
            return gcm.seal(place.ssrc, place.index, &aad, &mut rtcp[clear..], tag);
        }
        if encrypt {
            let (head, body) = rtcp.split_at_mut(RTCP_CLEAR);
            self.apply(body, place, || F8Mode::rtcp_iv(head, word));
        }
        let (word_field, rest) = trailer.split_at_mut(INDEX_WORD);
        word_field.copy_from_slice(&word);
        let (mki_field, tag) = rest.split_at_mut(mki.len());
        mki_field.copy_from_slice(mki);
        if let Some(auth) = &self.auth {
            auth.tag([rtcp, &word], tag);
        }
        true
    }

    /// Check the SRTCP `packet` and write the RTCP packet to `rtcp`, as [`Session::open_rtp`].
    #[must_use]
    pub fn open_rtcp(
        &self,
        packet: &[u8],
        place: Place,
        encrypted: bool,
        mki_length: usize,
        rtcp: &mut [u8],
    ) -> bool {
        let word = index_word(place.index, encrypted);
        let (body, trailer) = packet.split_at(rtcp.len());
        if body.len() - RTCP_CLEAR > MAX_OCTETS {
            return false;
        }
        if let Encryption::Gcm(gcm) = &self.encryption {
            rtcp.copy_from_slice(body);
            let clear = if encrypted { RTCP_CLEAR } else { body.len() };
            let aad = joined(&body[..clear], word);
            let tag = &trailer[..GCM_TAG_LENGTH];
            return gcm.open(place.ssrc, place.index, &aad, &mut rtcp[clear..], tag);
        }
        if let Some(auth) = &self.auth {
            if !auth.verify([body, &word], &trailer[INDEX_WORD + mki_length..]) {
                return false;
            }
        }
        rtcp.copy_from_slice(body);
        if encrypted {
            let payload = &mut rtcp[RTCP_CLEAR..];
            self.apply(payload, place, || F8Mode::rtcp_iv(body, word));
        }
        true
    }

    /// XOR the keystream onto `data`, outside AEAD.
    fn apply(&self, data: &mut [u8], place: Place, f8_iv: impl FnOnce() -> [u8; 16]) {
        match &self.encryption {
            Encryption::Null | Encryption::Gcm(_) => {}
            Encryption::Counter(cipher) => cipher.apply(place.ssrc, place.index, data),
            Encryption::F8(cipher) => cipher.apply(f8_iv(), data),
        }
    }
}

/// E || SRTCP index.
fn index_word(index: u64, encrypted: bool) -> [u8; 4] {
    let flag = if encrypted { E_FLAG } else { 0 };
    (index as u32 & !E_FLAG | flag).to_be_bytes()
}

/// The AAD of SRTCP: what is in clear, then the index word (RFC 7714 9.2 and 9.3).
fn joined(clear: &[u8], word: [u8; 4]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(clear.len() + word.len());
    aad.extend_from_slice(clear);
    aad.extend_from_slice(&word);
    aad
}

#[cfg(test)]
mod tests;
