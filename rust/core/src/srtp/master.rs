//! One master key: its range, its use so far, its session keys.

use super::auth::{self, HmacSha1};
use super::cipher::Aes;
use super::error::Misuse;
use super::index::{Indices, SRTP_INDEX_BITS};
use super::kdf;
use super::profile::Profile;
use super::session::{Protocol, Session};
use core::ops::RangeInclusive;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Octets of the longest MKI: MIKEY carries its length in one octet (RFC 3830 6.14).
pub const MAX_MKI_LENGTH: usize = 255;

/// Tells whether a key is one that was here before, when the key itself is no longer.
pub(super) type Fingerprint = [u8; auth::MAX_TAG_LENGTH];

/// A master key with its salt, and what selects it: an MKI, or bounds on the SRTP index.
pub struct MasterKey {
    // Boxed, so that no copy stays behind where the ring moves its keys.
    key: Zeroizing<Box<[u8]>>,
    salt: Box<Zeroizing<[u8; kdf::SALT_LENGTH]>>,
    mki: Box<[u8]>,
    valid: RangeInclusive<u64>,
    /// Which keys came before and which together, in the keyring that holds it.
    pub(super) generation: u64,
    rtp: Usage,
    rtcp: Usage,
}

/// What one protocol did with a master key.
#[derive(Default)]
pub(super) struct Usage {
    /// Lowest and highest index protected.
    span: Option<(u64, u64)>,
    /// Lowest index that a later key was seen at: from there on it is in charge.
    ended: Option<u64>,
    /// The session keys in use and the derivation number they belong to.
    session: Option<Box<(u64, Session)>>,
}

impl MasterKey {
    /// Check the lengths against the profile. `valid_from` and `valid_to` are 48-bit SRTP
    /// indices, both included (RFC 3711 8.1.1).
    pub fn new(
        profile: &Profile,
        key: &[u8],
        salt: &[u8],
        mki: &[u8],
        valid_from: Option<u64>,
        valid_to: Option<u64>,
    ) -> Result<Self, Misuse> {
        if key.len() != profile.key_length() {
            return Err(Misuse("the master key has not the length of the policy"));
        }
        if salt.len() != profile.salt_length() {
            return Err(Misuse("the master salt has not the length of the policy"));
        }
        if mki.len() > MAX_MKI_LENGTH {
            return Err(Misuse("an MKI has at most 255 octets"));
        }
        let last = (1 << SRTP_INDEX_BITS) - 1;
        let valid = valid_from.unwrap_or(0)..=valid_to.unwrap_or(last);
        if valid.is_empty() || *valid.end() > last {
            return Err(Misuse(
                "valid_from and valid_to are 48-bit indices in this order",
            ));
        }
        // A salt of 96 bits is extended on the right by zeros (R7714-11-1).
        let mut padded = Box::new(Zeroizing::new([0; kdf::SALT_LENGTH]));
        padded[..salt.len()].copy_from_slice(salt);
        Ok(Self {
            key: Zeroizing::new(key.into()),
            salt: padded,
            mki: mki.into(),
            valid,
            generation: 0,
            rtp: Usage::default(),
            rtcp: Usage::default(),
        })
    }

    pub(super) fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// Whether the SRTP index (as on the wire) lies in the key's range.
    pub(super) fn covers(&self, index: u64) -> bool {
        self.valid.contains(&index)
    }

    /// Whether this key's range holds all of the other's.
    pub(super) fn covers_all_of(&self, other: &Self) -> bool {
        self.covers(*other.valid.start()) && self.covers(*other.valid.end())
    }

    /// Whether both are the same key under the same salt.
    pub(super) fn is_same_key(&self, other: &Self) -> bool {
        (self.key.ct_eq(&other.key) & self.salt.ct_eq(&**other.salt)).into()
    }

    /// One-way: HMAC-SHA1 of key and salt under a key of zeros.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut fingerprint = [0; auth::MAX_TAG_LENGTH];
        HmacSha1::new(&[0; auth::KEY_LENGTH]).tag([&self.key, &**self.salt], &mut fingerprint);
        fingerprint
    }

    /// The SRTP indices that the key is for.
    pub(super) fn range(&self) -> RangeInclusive<u64> {
        self.valid.clone()
    }

    /// How many packets from SRTP index `next` on the range still holds, waiting included.
    pub(super) fn range_left(&self, next: u64) -> u64 {
        let from = next.max(*self.valid.start());
        (*self.valid.end() + 1).saturating_sub(from)
    }

    pub(super) fn usage(&self, protocol: Protocol) -> &Usage {
        match protocol {
            Protocol::Rtp => &self.rtp,
            Protocol::Rtcp => &self.rtcp,
        }
    }

    pub(super) fn usage_mut(&mut self, protocol: Protocol) -> &mut Usage {
        match protocol {
            Protocol::Rtp => &mut self.rtp,
            Protocol::Rtcp => &mut self.rtcp,
        }
    }

    /// The session keys for an index (as on the wire), derived if they are not those at hand,
    /// and the MKI that goes with them.
    pub(super) fn session(
        &mut self,
        profile: &Profile,
        protocol: Protocol,
        index: u64,
    ) -> (&Session, &[u8]) {
        let r = profile.derivation(index);
        let usage = match protocol {
            Protocol::Rtp => &mut self.rtp,
            Protocol::Rtcp => &mut self.rtcp,
        };
        if usage.session.as_ref().is_some_and(|held| held.0 != r) {
            usage.session = None;
        }
        let held = usage.session.get_or_insert_with(|| {
            let master = Aes::new(&self.key);
            let session = Session::derive(profile, protocol, &master, &self.salt, r);
            Box::new((r, session))
        });
        (&held.1, &self.mki)
    }

    /// Octets on the heap.
    pub(super) fn heap_size(&self) -> usize {
        let sessions = [&self.rtp, &self.rtcp]
            .iter()
            .filter(|usage| usage.session.is_some())
            .count();
        let secrets = self.key.len() + size_of_val(&*self.salt);
        secrets + self.mki.len() + sessions * size_of::<(u64, Session)>()
    }
}

impl Usage {
    /// The lowest index protected.
    pub fn first(&self) -> Option<u64> {
        self.span.map(|(first, _)| first)
    }

    /// The index from which on a later key is in charge, once that is known.
    pub fn ended(&self) -> Option<u64> {
        self.ended
    }

    /// Note that a later key was seen at `index`.
    pub fn end(&mut self, index: u64) {
        self.ended = Some(self.ended.map_or(index, |ended| ended.min(index)));
    }

    /// Whether the key may protect one more packet, at `index`: no more than `lifetime` packets
    /// from the first one, and never the same index on the wire twice (RFC 7714 13.1).
    pub fn admits(&self, index: u64, indices: &Indices, lifetime: u64) -> bool {
        let Some((first, last)) = self.span else {
            return lifetime > 0;
        };
        let span = last.max(index) - first.min(index);
        span < lifetime && indices.round(index) == indices.round(first)
    }

    /// How many packets remain, the next one having index `next`.
    pub fn left(&self, next: u64, indices: &Indices, lifetime: u64) -> u64 {
        let first = self.first().unwrap_or(next);
        if indices.round(next) != indices.round(first) {
            return 0;
        }
        let used = next.saturating_sub(first);
        lifetime.saturating_sub(used).min(indices.until_wrap(next))
    }

    /// Note that `index` was protected.
    pub fn note(&mut self, index: u64) {
        let (first, last) = self.span.unwrap_or((index, index));
        self.span = Some((first.min(index), last.max(index)));
    }
}
