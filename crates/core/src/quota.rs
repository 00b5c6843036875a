//! How much queues and accounts may hold, so that one of them can't fill the disk for all.
//!
//! Only a send is ever refused for a quota: a message that is there stays, and goes to its dead-letter queue, whatever
//! the numbers say. What is asked is what the queue would hold, so a lower quota than before takes nothing away.
//!
//! It refuses to know where quotas come from: they are settings of the service, no part of the state.

use crate::name::AccountId;
use crate::outcome::Refusal;
use crate::state::{Queue, State};
use crate::usage::Usage;

/// Who shares a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// Each queue has it for itself.
    Queue,
    /// All queues of an account together, in all regions.
    Account,
}

impl QuotaScope {
    /// In a word, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Account => "account",
        }
    }
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaUnit {
    /// Messages, whatever their state.
    Messages,
    /// Bytes of encoded payloads.
    Bytes,
}

impl QuotaUnit {
    /// In a word, lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Bytes => "bytes",
        }
    }
}

/// The most that a scope may hold; nothing is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Messages, whatever their state.
    pub messages: Option<u64>,
    /// Bytes of encoded payloads.
    pub bytes: Option<u64>,
}

/// All quotas of a service. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of each queue.
    pub queue: Quota,
    /// Of all queues of each account together.
    pub account: Quota,
}

impl Quotas {
    /// No limit of any kind.
    pub const NONE: Self =
        Self { queue: Quota { messages: None, bytes: None }, account: Quota { messages: None, bytes: None } };

    /// The room that a queue has for more messages.
    pub(crate) fn room(&self, state: &State, queue: &Queue) -> Room {
        let account: AccountId = queue.record.key.account;
        Room { quotas: *self, queue: queue.usage, account: state.account_usage(account) }
    }
}

/// The room for the messages of one request: what it has taken already counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    quotas: Quotas,
    queue: Usage,
    account: Usage,
}

impl Room {
    /// Takes the room of one message whose encoded payload has so many bytes.
    pub(crate) fn take(&mut self, payload_bytes: usize) -> Result<(), Refusal> {
        let message = Usage { messages: 1, bytes: payload_bytes as u64 };
        let queue = self.queue.plus(message);
        let account = self.account.plus(message);
        within(self.quotas.queue, queue, QuotaScope::Queue)?;
        within(self.quotas.account, account, QuotaScope::Account)?;
        (self.queue, self.account) = (queue, account);
        Ok(())
    }
}

fn within(quota: Quota, held: Usage, scope: QuotaScope) -> Result<(), Refusal> {
    let over = |limit: Option<u64>, held: u64| limit.filter(|limit| held > *limit);
    let messages = over(quota.messages, held.messages).map(|limit| (QuotaUnit::Messages, limit));
    let exceeded = messages.or_else(|| over(quota.bytes, held.bytes).map(|limit| (QuotaUnit::Bytes, limit)));
    match exceeded {
        Some((unit, limit)) => Err(Refusal::QuotaExceeded { scope, unit, limit }),
        None => Ok(()),
    }
}
