//! Signing keys that were derived before.
//!
//! What always holds: a key is given only for the secret it was derived from, so a changed secret needs no notice; the
//! number of keys is bounded; what one access key asks for can drive out others, but costs them only a derivation.
//!
//! It keeps no clock: the least recently used key of a small group makes room.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::{Scope, SigningKey};
use crate::secret::Secret;

/// How many keys one lock guards.
const KEYS_PER_GROUP: usize = 8;

/// Signing keys by access key, day, region and service. Shared by all threads.
pub struct KeyCache {
    groups: Box<[Mutex<Group>]>,
}

#[derive(Default)]
struct Group {
    uses: u64,
    entries: Vec<Entry>,
}

struct Entry {
    last_use: u64,
    hash: u64,
    /// The access key, day, region and service, with slashes between them.
    name: Box<str>,
    secret: Secret,
    key: SigningKey,
}

impl std::fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyCache").field("most_keys", &self.most_keys()).finish_non_exhaustive()
    }
}

impl KeyCache {
    /// Room for at least so many keys.
    #[must_use]
    pub fn new(most_keys: usize) -> Self {
        let groups = most_keys.div_ceil(KEYS_PER_GROUP).max(1).next_power_of_two();
        Self { groups: (0..groups).map(|_| Mutex::default()).collect() }
    }

    /// How many keys it may hold.
    #[must_use]
    pub fn most_keys(&self) -> usize {
        self.groups.len() * KEYS_PER_GROUP
    }

    /// How many keys it holds.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.groups.iter().map(|group| lock(group).entries.len()).sum()
    }

    /// The key for this secret and scope: kept, or derived and kept. The derivation holds no lock.
    #[must_use]
    pub fn key(&self, access_key_id: &str, secret: &Secret, scope: &Scope<'_>) -> SigningKey {
        let hash = hash_of(access_key_id, scope);
        let place = usize::try_from(hash).unwrap_or_default() & (self.groups.len() - 1);
        let group = &self.groups[place];
        if let Some(key) = lock(group).find(hash, access_key_id, secret, scope) {
            return key;
        }
        let key = SigningKey::derive(secret.expose(), scope);
        let name = [access_key_id, scope.date, scope.region, scope.service].join("/").into_boxed_str();
        lock(group).keep(Entry { last_use: 0, hash, name, secret: secret.clone(), key: key.clone() });
        key
    }
}

fn lock(group: &Mutex<Group>) -> std::sync::MutexGuard<'_, Group> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash_of(access_key_id: &str, scope: &Scope<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (access_key_id, scope.date, scope.region, scope.service).hash(&mut hasher);
    hasher.finish()
}

impl Group {
    fn find(
        &mut self,
        hash: u64,
        access_key_id: &str,
        secret: &Secret,
        scope: &Scope<'_>,
    ) -> Option<SigningKey> {
        self.uses += 1;
        let of_it = |entry: &&mut Entry| entry.hash == hash && entry.is_named(access_key_id, scope);
        let entry = self.entries.iter_mut().find(of_it)?;
        if entry.secret != *secret {
            return None;
        }
        entry.last_use = self.uses;
        Some(entry.key.clone())
    }

    fn keep(&mut self, mut entry: Entry) {
        entry.last_use = self.uses;
        let same = self.entries.iter_mut().position(|kept| kept.name == entry.name);
        let oldest = || {
            let numbered = self.entries.iter().enumerate();
            numbered.min_by_key(|(_, kept)| kept.last_use).map(|(index, _)| index)
        };
        let full = self.entries.len() == KEYS_PER_GROUP;
        match same.or_else(|| full.then(oldest).flatten()) {
            Some(place) => self.entries[place] = entry,
            None => self.entries.push(entry),
        }
    }
}

impl Entry {
    fn is_named(&self, access_key_id: &str, scope: &Scope<'_>) -> bool {
        let pieces = [access_key_id, scope.date, scope.region, scope.service];
        self.name.split('/').eq(pieces)
    }
}

#[cfg(test)]
mod tests;
