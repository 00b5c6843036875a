//! How much is held: messages and bytes, by queue and by account, exact at every moment.
//!
//! What always holds: the sums follow from the entries alone and are brought in line where an entry comes or goes, so
//! nothing is ever counted again. They are derived, like every index, and no part of the digest. An account is known
//! here for as long as it has a queue.

use std::collections::BTreeMap;

use crate::message::Entry;
use crate::name::AccountId;

/// Messages, and the bytes of their encoded payloads: what they take in log and store, apart from the rows around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages, whatever their state.
    pub messages: u64,
    /// Bytes of their encoded payloads.
    pub bytes: u64,
}

impl Usage {
    /// What one message takes.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self { messages: 1, bytes: u64::from(entry.payload_bytes) }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { messages: self.messages + other.messages, bytes: self.bytes + other.bytes }
    }

    /// This without what was a part of it.
    #[must_use]
    pub const fn minus(self, part: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(part.messages),
            bytes: self.bytes.saturating_sub(part.bytes),
        }
    }
}

/// What the queues of each account hold together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts(BTreeMap<AccountId, Account>);

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    queues: u64,
    usage: Usage,
}

impl Accounts {
    /// What the queues of an account hold.
    pub(crate) fn usage(&self, account: AccountId) -> Usage {
        self.0.get(&account).map(|account| account.usage).unwrap_or_default()
    }

    /// The account has one more queue.
    pub(crate) fn queue_added(&mut self, account: AccountId) {
        self.0.entry(account).or_default().queues += 1;
    }

    /// The account has one queue less, which held so much.
    pub(crate) fn queue_removed(&mut self, account: AccountId, held: Usage) {
        self.remove(account, held);
        if let Some(left) = self.0.get_mut(&account) {
            left.queues = left.queues.saturating_sub(1);
            if left.queues == 0 {
                self.0.remove(&account);
            }
        }
    }

    /// A queue of the account holds so much more.
    pub(crate) fn add(&mut self, account: AccountId, more: Usage) {
        if let Some(account) = self.0.get_mut(&account) {
            account.usage = account.usage.plus(more);
        }
    }

    /// A queue of the account holds so much less.
    pub(crate) fn remove(&mut self, account: AccountId, less: Usage) {
        if let Some(account) = self.0.get_mut(&account) {
            account.usage = account.usage.minus(less);
        }
    }
}
