//! The master keys of a context, and which of them a packet takes (RFC 3711 3.2.1, 8.1).
//!
//! Keys are ordered, the newest first. With MKIs, the packet names its key. Without, the SRTP
//! index does (<From, To>); where several keys hold the index, the newest is meant, and the one
//! before it is tried second: peers never switch at the same packet.

use super::error::Misuse;
use super::index::Indices;
use super::master::MasterKey;
use super::session::Protocol;
use super::Lifetime;

/// Keys a context holds; the oldest fall out.
const MAX_KEYS: usize = 16;
/// Keys tried for a packet that does not name one: the newest and its predecessor.
const MAX_CANDIDATES: usize = 2;

pub struct Keyring {
    keys: Vec<MasterKey>,
    mki_length: usize,
}

/// Positions in the ring, in the order to try them.
pub type Candidates = [Option<usize>; MAX_CANDIDATES];

impl Keyring {
    pub fn new(keys: Vec<MasterKey>) -> Result<Self, Misuse> {
        let first = keys.first().ok_or(Misuse("there is no master key"))?;
        let mki_length = first.mki().len();
        check(&keys, mki_length)?;
        Ok(Self { keys, mki_length })
    }

    pub fn mki_length(&self) -> usize {
        self.mki_length
    }

    /// Put new keys before the old ones; those that are here already stay as they are. A sender
    /// drops what the new ones cover (no key is used again after its successor); a receiver
    /// keeps what an MKI can still name, or else one predecessor.
    pub fn install(
        &mut self,
        mut new: Vec<MasterKey>,
        keep_predecessors: bool,
    ) -> Result<(), Misuse> {
        if new.is_empty() {
            return Err(Misuse("there is no master key"));
        }
        new.retain(|key| {
            let held = |old: &MasterKey| old.is_same_key(key) && old.mki() == key.mki();
            !self.keys.iter().any(held)
        });
        if new.is_empty() {
            return Ok(());
        }
        check(&new, self.mki_length)?;
        if new
            .iter()
            .any(|key| self.keys.iter().any(|old| old.is_same_key(key)))
        {
            return Err(Misuse(
                "this master key is in use under another MKI, and keys are never used again",
            ));
        }
        let allowed = match (keep_predecessors, self.mki_length) {
            (false, _) => 1,
            (true, 0) => MAX_CANDIDATES,
            (true, _) => MAX_KEYS,
        };
        let mut kept = new;
        for old in self.keys.drain(..) {
            let covering = kept
                .iter()
                .filter(|newer| newer.covers_all_of(&old))
                .count();
            let replaced = self.mki_length > 0 && kept.iter().any(|newer| newer.mki() == old.mki());
            if covering < allowed && !replaced && kept.len() < MAX_KEYS {
                kept.push(old);
            }
        }
        self.keys = kept;
        Ok(())
    }

    pub fn key(&mut self, position: usize) -> &mut MasterKey {
        &mut self.keys[position]
    }

    /// The key to send with: the newest that holds the SRTP index and is not used up.
    pub fn for_sending(
        &self,
        protocol: Protocol,
        rtp_index: u64,
        index: u64,
        indices: &Indices,
        lifetime: u64,
    ) -> Option<usize> {
        let usable = |key: &MasterKey| key.usage(protocol).admits(index, indices, lifetime);
        let fits = |key: &MasterKey| key.covers(rtp_index) && usable(key);
        let found = self.keys.iter().position(fits);
        match protocol {
            Protocol::Rtp => found,
            // Before the first SRTP packet its index is in no range yet.
            Protocol::Rtcp => found.or_else(|| self.keys.iter().position(usable)),
        }
    }

    /// How many packets the key that lasts longest can still protect.
    pub fn left(&self, rtp: &Indices, rtcp: &Indices, lifetime: Lifetime) -> (u64, u64) {
        let next = rtp.on_wire(rtp.next());
        let rtp_left = |key: &MasterKey| {
            let usage = key.usage(Protocol::Rtp);
            let left = usage.left(rtp.next(), rtp, lifetime.rtp);
            left.min(key.range_left(next))
        };
        let rtcp_left = |key: &MasterKey| {
            let usage = key.usage(Protocol::Rtcp);
            usage.left(rtcp.next(), rtcp, lifetime.rtcp)
        };
        (
            self.keys.iter().map(rtp_left).max().unwrap_or(0),
            self.keys.iter().map(rtcp_left).max().unwrap_or(0),
        )
    }

    /// The keys that a received packet may be under. `rtp_index` is the 48-bit SRTP index of the
    /// packet, or for SRTCP that of the last SRTP packet (RFC 3711 8.1.1).
    pub fn for_receiving(
        &self,
        protocol: Protocol,
        mki: &[u8],
        rtp_index: u64,
        index: u64,
    ) -> Candidates {
        let mut candidates = [None; MAX_CANDIDATES];
        if self.mki_length > 0 {
            candidates[0] = self.keys.iter().position(|key| {
                key.mki() == mki && (protocol == Protocol::Rtcp || key.covers(rtp_index))
            });
            return candidates;
        }
        let mut superseded = false;
        let covering = |(_, key): &(usize, &MasterKey)| key.covers(rtp_index);
        let others =
            |(_, key): &(usize, &MasterKey)| protocol == Protocol::Rtcp && !key.covers(rtp_index);
        let keys = || self.keys.iter().enumerate();
        let ordered = keys().filter(covering).chain(keys().filter(others));
        let mut places = candidates.iter_mut();
        for (position, key) in ordered {
            if superseded {
                break;
            }
            let Some(place) = places.next() else { break };
            *place = Some(position);
            // Once a key was seen at an index, its predecessor has no business beyond it.
            let first = key.usage(protocol).first();
            superseded = protocol == Protocol::Rtp && first.is_some_and(|first| first <= index);
        }
        candidates
    }

    pub fn heap_size(&self) -> usize {
        let held = self.keys.capacity() * size_of::<MasterKey>();
        held + self.keys.iter().map(MasterKey::heap_size).sum::<usize>()
    }
}

/// The MKI length is fixed for the life of a context (RFC 3711 3.2.1), and keys can be told apart.
fn check(keys: &[MasterKey], mki_length: usize) -> Result<(), Misuse> {
    if keys.len() > MAX_KEYS {
        return Err(Misuse("a context holds at most 16 master keys"));
    }
    for (position, key) in keys.iter().enumerate() {
        if key.mki().len() != mki_length {
            return Err(Misuse(
                "all master keys of a context have MKIs of one length",
            ));
        }
        let earlier = &keys[..position];
        if mki_length > 0 && earlier.iter().any(|other| other.mki() == key.mki()) {
            return Err(Misuse("two master keys have the same MKI"));
        }
        if mki_length == 0 && earlier.iter().any(|other| other.covers_all_of(key)) {
            return Err(Misuse(
                "several master keys need an MKI each, or index ranges of their own",
            ));
        }
    }
    Ok(())
}
