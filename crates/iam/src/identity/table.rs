//! One kind of named thing of all accounts: found by unique id, and by account and name.
//!
//! What always holds: each entry is in both maps; in one account no two names differ in case only. Cloning shares both
//! maps; a change copies them only when they are shared.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use millpond_core::name::AccountId;

use super::record::Named;

/// What has a unique id and a name.
pub(super) trait Entry {
    fn named(&self) -> &Named;
}

type NameKey = (AccountId, String);

#[derive(Debug)]
pub(super) struct Table<T> {
    by_id: Arc<BTreeMap<String, Arc<T>>>,
    /// The key has the name in lower case.
    by_name: Arc<BTreeMap<NameKey, Arc<T>>>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { by_id: Arc::clone(&self.by_id), by_name: Arc::clone(&self.by_name) }
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: Arc::default(), by_name: Arc::default() }
    }
}

fn key(named: &Named) -> NameKey {
    (named.account, named.name.to_lowercase())
}

impl<T: Entry> Table<T> {
    pub(super) fn by_id(&self, id: &str) -> Option<&Arc<T>> {
        self.by_id.get(id)
    }

    /// What has exactly that name.
    pub(super) fn by_name(&self, account: AccountId, name: &str) -> Option<&Arc<T>> {
        self.like(account, name).filter(|entry| entry.named().name == name)
    }

    /// What has that name in any case: no other may have it.
    pub(super) fn like(&self, account: AccountId, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(&(account, name.to_lowercase()))
    }

    /// All of an account, by name, from the first whose name in lower case comes after `after`.
    pub(super) fn of(&self, account: AccountId, after: Option<&str>) -> impl Iterator<Item = &Arc<T>> {
        let start = match after {
            Some(name) => Bound::Excluded((account, name.to_lowercase())),
            None => Bound::Included((account, String::new())),
        };
        self.by_name
            .range((start, Bound::Unbounded))
            .take_while(move |((of, _), _)| *of == account)
            .map(|(_, entry)| entry)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_id.values()
    }

    pub(super) fn put(&mut self, entry: Arc<T>) {
        self.remove(&entry.named().id);
        Arc::make_mut(&mut self.by_name).insert(key(entry.named()), Arc::clone(&entry));
        Arc::make_mut(&mut self.by_id).insert(entry.named().id.clone(), entry);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        if !self.by_id.contains_key(id) {
            return None;
        }
        let removed = Arc::make_mut(&mut self.by_id).remove(id)?;
        Arc::make_mut(&mut self.by_name).remove(&key(removed.named()));
        Some(removed)
    }
}
