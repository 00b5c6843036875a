//! What points to what: derived from the records, never written down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From what is pointed to, to the unique ids of those that point.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<BTreeMap<String, BTreeSet<String>>>);

impl Links {
    pub(super) fn add<'a>(&mut self, from: &str, to: impl IntoIterator<Item = &'a String>) {
        for to in to {
            let links = Arc::make_mut(&mut self.0);
            links.entry(to.clone()).or_default().insert(from.to_owned());
        }
    }

    pub(super) fn remove<'a>(&mut self, from: &str, to: impl IntoIterator<Item = &'a String>) {
        for to in to {
            let links = Arc::make_mut(&mut self.0);
            if let Some(ids) = links.get_mut(to) {
                ids.remove(from);
                if ids.is_empty() {
                    links.remove(to);
                }
            }
        }
    }

    /// Unique ids of those that point to it, in order.
    pub(super) fn to(&self, to: &str) -> impl Iterator<Item = &str> {
        self.0.get(to).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn count(&self, to: &str) -> usize {
        self.0.get(to).map_or(0, BTreeSet::len)
    }

    pub(super) fn all(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.0
    }
}
