//! The master keys of a context, and which of them a packet takes (RFC 3711 3.2.1, 8.1).
//!
//! Keys are ordered, the newest first. With MKIs, the packet names its key. Without, the SRTP
//! index does (<From, To>); where several keys hold the index, the newest is meant, and the one
//! before it is tried second: peers never switch at the same packet.
//!
//! A receiver's keys end. Keys that came together are equals, among which the sender chooses. Once
//! a packet is authentic under a key that was installed later, those before it take only packets
//! with a lower index, for SRTP and for SRTCP each: what was sent before the sender switched, and
//! overtaken on its way. When one of the two replay windows has gone past that index they are
//! erased, because a sender switches both at once. A key whose range goes on beyond that of the
//! later one is used again there, and does not end; neither does one whose range begins earlier by
//! a report, which may come before the SRTP packets of that range (RFC 3711 8.1.1).

use super::error::Misuse;
use super::index::Indices;
use super::master::{Fingerprint, MasterKey};
use super::session::Protocol;
use super::window::Window;
use super::Lifetime;

/// Keys a context holds; the oldest fall out.
const MAX_KEYS: usize = 16;
/// Keys tried for a packet that does not name one: the newest and its predecessor.
const MAX_CANDIDATES: usize = 2;

pub struct Keyring {
    keys: Vec<MasterKey>,
    mki_length: usize,
    /// How often keys were added; each key has the number of its time.
    generation: u64,
    /// Whether a key has ended, and waits for being erased.
    ending: bool,
    /// The last keys that were erased, which are not taken again.
    erased: Vec<Fingerprint>,
}

/// Positions in the ring, in the order to try them.
pub type Candidates = [Option<usize>; MAX_CANDIDATES];

impl Keyring {
    pub fn new(keys: Vec<MasterKey>) -> Result<Self, Misuse> {
        let first = keys.first().ok_or(Misuse("there is no master key"))?;
        let mki_length = first.mki().len();
        check(&keys, mki_length)?;
        Ok(Self {
            keys,
            mki_length,
            generation: 0,
            ending: false,
            erased: Vec::new(),
        })
    }

    pub fn mki_length(&self) -> usize {
        self.mki_length
    }

    /// Put new keys before the old ones; those that are here already stay as they are, and those
    /// that were erased stay away. A sender drops what the new ones cover (no key is used again
    /// after its successor); a receiver keeps what an MKI can still name, or else one predecessor.
    pub fn install(
        &mut self,
        mut new: Vec<MasterKey>,
        keep_predecessors: bool,
    ) -> Result<(), Misuse> {
        if new.is_empty() {
            return Err(Misuse("there is no master key"));
        }
        let listed = new.len();
        new.retain(|key| {
            let held = |old: &MasterKey| old.is_same_key(key) && old.mki() == key.mki();
            !self.keys.iter().any(held)
        });
        let some_held = new.len() < listed;
        new.retain(|key| !self.erased.contains(&key.fingerprint()));
        if new.is_empty() && some_held {
            return Ok(());
        }
        if new.is_empty() {
            return Err(Misuse(
                "this master key was replaced, and keys are never used again",
            ));
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
        self.generation += 1;
        for key in &mut new {
            key.generation = self.generation;
        }
        let mut kept = new;
        let mut erased = Vec::new();
        for old in self.keys.drain(..) {
            let covering = kept
                .iter()
                .filter(|newer| newer.covers_all_of(&old))
                .count();
            let replaced = self.mki_length > 0 && kept.iter().any(|newer| newer.mki() == old.mki());
            if covering < allowed && !replaced && kept.len() < MAX_KEYS {
                kept.push(old);
            } else {
                erased.push(old);
            }
        }
        self.keys = kept;
        self.erase(erased);
        Ok(())
    }

    /// Note that a packet came under a key. If it is `authentic`, and the first or an earlier one
    /// than the first, the keys that were installed before end at its index.
    pub fn note(&mut self, position: usize, protocol: Protocol, index: u64, authentic: bool) {
        let key = &mut self.keys[position];
        let usage = key.usage_mut(protocol);
        let known = usage.first().is_some_and(|first| first <= index);
        usage.note(index);
        if known || !authentic {
            return;
        }
        let (generation, range) = (key.generation, key.range());
        for older in &mut self.keys {
            let valid = older.range();
            let is_over = match protocol {
                Protocol::Rtp => valid.end() <= range.end(),
                // A report shows no SRTP index: the sender may not have come to the range yet.
                Protocol::Rtcp => range.contains(valid.start()) && range.contains(valid.end()),
            };
            if older.generation < generation && is_over {
                older.usage_mut(protocol).end(index);
                self.ending = true;
            }
        }
    }

    /// Erase the keys that ended where a replay window no longer reaches.
    pub fn erase_ended(&mut self, rtp: &Window, rtcp: &Window) {
        if !self.ending {
            return;
        }
        let is_over = |key: &MasterKey| {
            let over = |protocol, window: &Window| {
                let ended = key.usage(protocol).ended();
                ended.is_some_and(|index| window.is_past(index))
            };
            over(Protocol::Rtp, rtp) || over(Protocol::Rtcp, rtcp)
        };
        if !self.keys.iter().any(is_over) {
            return;
        }
        let (over, kept) = self.keys.drain(..).partition(is_over);
        self.keys = kept;
        self.erase(over);
        let ends = |key: &MasterKey| {
            let usages = [key.usage(Protocol::Rtp), key.usage(Protocol::Rtcp)];
            usages.iter().any(|usage| usage.ended().is_some())
        };
        self.ending = self.keys.iter().any(ends);
    }

    /// Drop keys, and remember which they were: as many as a context holds, for a caller gives no
    /// more at once.
    fn erase(&mut self, keys: Vec<MasterKey>) {
        self.erased.extend(keys.iter().map(MasterKey::fingerprint));
        let excess = self.erased.len().saturating_sub(MAX_KEYS);
        self.erased.drain(..excess);
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    pub fn key(&mut self, position: usize) -> &mut MasterKey {
        &mut self.keys[position]
    }

    /// The key to send with: of those that came with the newest that holds the SRTP index, one that
    /// does and is not used up. Those before it are not gone back to.
    pub fn for_sending(
        &self,
        protocol: Protocol,
        rtp_index: u64,
        index: u64,
        indices: &Indices,
        lifetime: u64,
    ) -> Option<usize> {
        let since = self.in_charge_since(rtp_index);
        let usable = |key: &MasterKey| {
            key.generation >= since && key.usage(protocol).admits(index, indices, lifetime)
        };
        let fits = |key: &MasterKey| key.covers(rtp_index) && usable(key);
        let found = self.keys.iter().position(fits);
        match protocol {
            Protocol::Rtp => found,
            // Before the first SRTP packet its index is in no range yet.
            Protocol::Rtcp => found.or_else(|| self.keys.iter().position(usable)),
        }
    }

    /// When the newest key that holds an SRTP index came.
    fn in_charge_since(&self, rtp_index: u64) -> u64 {
        let newest = self.keys.iter().find(|key| key.covers(rtp_index));
        newest.map_or(0, |key| key.generation)
    }

    /// How many packets the key that lasts longest can still protect.
    pub fn left(&self, rtp: &Indices, rtcp: &Indices, lifetime: Lifetime) -> (u64, u64) {
        let next = rtp.on_wire(rtp.next());
        let later = |index: u64| {
            let since = self.in_charge_since(index);
            self.keys.iter().filter(move |key| key.generation >= since)
        };
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
            later(next).map(rtp_left).max().unwrap_or(0),
            later(rtp.on_wire(rtp.current()))
                .map(rtcp_left)
                .max()
                .unwrap_or(0),
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
        let erased = self.erased.capacity() * size_of::<Fingerprint>();
        held + erased + self.keys.iter().map(MasterKey::heap_size).sum::<usize>()
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
