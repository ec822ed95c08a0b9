//! A bounded memory of signers: what was used longest ago goes first.

use super::INTEGER;
use std::collections::HashMap;

/// Values by HS, which is a hash over KPAK, identifier and PVT: nobody has two signers with one HS.
pub(super) struct Recent<V> {
    values: HashMap<[u8; INTEGER], (u64, V)>,
    capacity: usize,
    uses: u64,
}

impl<V: Clone> Recent<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            values: HashMap::new(),
            capacity,
            uses: 0,
        }
    }

    pub(super) fn get(&mut self, hs: &[u8; INTEGER]) -> Option<V> {
        self.uses += 1;
        let (used, value) = self.values.get_mut(hs)?;
        *used = self.uses;
        Some(value.clone())
    }

    pub(super) fn insert(&mut self, hs: [u8; INTEGER], value: V) {
        self.uses += 1;
        if self.values.len() >= self.capacity && !self.values.contains_key(&hs) {
            let oldest = self.values.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(hs, _)| *hs) {
                self.values.remove(&oldest);
            }
        }
        self.values.insert(hs, (self.uses, value));
    }

    pub(super) fn remove(&mut self, hs: &[u8; INTEGER]) {
        self.values.remove(hs);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}
