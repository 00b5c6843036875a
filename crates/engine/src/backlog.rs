//! What is known of messages that are not in memory: reads of them that are under way, and what became of some since the
//! store was last written.
//!
//! A read sees the store as it is at some position, which is behind that of the state and not known in advance: a
//! checkpoint may have ended without the engine having heard of it. So whatever the state takes out is remembered here until
//! every read that is still to come sees it gone; and only messages that no such read can show as they were before a change
//! may leave memory. That position is [`Backlog::readable`]. Where memory is far from full nothing is remembered; before
//! anything may leave it, the store must have followed to where remembering began.
//!
//! What always holds: a queue has at most one read of each kind under way. This is derived knowledge, outside events and
//! digest. It refuses to decide what a command needs: [`millpond_core::needs`] does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use millpond_core::command::Command;
use millpond_core::message::{GroupKey, MessageRef, QueueId, Sequence};
use millpond_core::queue::Edge;
use millpond_core::time::Timestamp;
use millpond_log::Position;
#[cfg(feature = "simulation")]
use millpond_log::planted::{Bug, is_planted};

use crate::step::{FetchId, RequestId, Wait};

/// What was taken out is forgotten in pieces of this size, so that no step takes long.
const FORGOTTEN_AT_ONCE: usize = 2_000;

/// A command that waits for messages.
#[derive(Debug)]
pub(crate) struct Parked {
    /// Who asks; `None` when nobody does.
    pub(crate) request: Option<RequestId>,
    pub(crate) command: Command,
    pub(crate) wait: Wait,
}

/// Why messages are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To go on with the window, which ended there.
    Window(Edge),
    /// To go on with a group that the window passed over, from a number on.
    Group(GroupKey, Sequence),
    /// For commands that name them.
    Named,
    /// To drop what was sent until then.
    Expiry(Timestamp),
    /// For a move task that goes on with this number.
    Move(Sequence),
    /// For sends that may repeat the remembered ones of these numbers.
    Sends(Vec<Sequence>),
}

/// A read that is under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) queue: QueueId,
    pub(crate) purpose: Purpose,
    pub(crate) parked: Vec<Parked>,
    /// What the store reflected when it was asked for: it sees no less.
    asked_at: Position,
}

/// See the [module's page](self).
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    fetches: BTreeMap<FetchId, Fetch>,
    next_fetch: u64,
    reflected: Position,
    /// What is taken out by later batches is remembered, and some of this one.
    remembers_since: Option<Position>,
    gone: BTreeSet<MessageRef>,
    /// In the order they went.
    gone_at: VecDeque<(Position, MessageRef)>,
    /// Of queues that were emptied: the first number that was not taken out, and when.
    emptied: BTreeMap<QueueId, (Sequence, Position)>,
}

impl Backlog {
    /// The store reflects so much.
    pub(crate) fn checkpointed(&mut self, reflected: Position) {
        self.reflected = self.reflected.max(reflected);
    }

    /// What the store reflects at least.
    pub(crate) const fn reflected(&self) -> Position {
        self.reflected
    }

    /// Every read that is under way or still to come sees at least this.
    pub(crate) fn readable(&self) -> Position {
        // Names of fetches grow, and so does what they see.
        self.fetches.first_key_value().map_or(self.reflected, |(_, fetch)| fetch.asked_at)
    }

    /// From now on it is remembered what is taken out; all batches before `position` are complete.
    pub(crate) fn remember(&mut self, position: Position) {
        self.remembers_since.get_or_insert(position);
    }

    /// Nothing rests any more, and nothing is being read.
    pub(crate) fn forget_all(&mut self) {
        if self.fetches.is_empty() {
            self.remembers_since = None;
            self.gone.clear();
            self.gone_at.clear();
        }
    }

    /// Up to where changes must have been made for messages to leave memory, if any may.
    pub(crate) fn releasable(&self) -> Option<Position> {
        let readable = self.readable();
        self.remembers_since.is_some_and(|since| since <= readable).then_some(readable)
    }

    /// How much is remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.gone.len()
    }

    /// The batch at `position` took a message out.
    pub(crate) fn note_gone(&mut self, message: MessageRef, position: Position) {
        #[cfg(feature = "simulation")]
        if is_planted(Bug::GoneNotRemembered) {
            return;
        }
        if self.remembers_since.is_some() && self.gone.insert(message) {
            self.gone_at.push_back((position, message));
        }
    }

    /// The batch at `position` took out all messages of a queue below a number.
    pub(crate) fn note_emptied(&mut self, queue: QueueId, below: Sequence, position: Position) {
        self.emptied.insert(queue, (below, position));
    }

    /// Whether the state has taken a message out that a read may still show.
    pub(crate) fn is_gone(&self, message: MessageRef) -> bool {
        let emptied = self.emptied.get(&message.queue);
        emptied.is_some_and(|(below, _)| message.sequence < *below) || self.gone.contains(&message)
    }

    /// Lets go of what no read can show any more.
    pub(crate) fn forget(&mut self) {
        let readable = self.readable();
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some((_, message)) = self.gone_at.front().filter(|(position, _)| *position <= readable)
            else {
                break;
            };
            self.gone.remove(message);
            self.gone_at.pop_front();
        }
        if !self.emptied.is_empty() {
            self.emptied.retain(|_, (_, position)| *position > readable);
        }
    }

    /// Begins a read.
    pub(crate) fn begin(&mut self, queue: QueueId, purpose: Purpose) -> FetchId {
        let id = FetchId(self.next_fetch);
        self.next_fetch += 1;
        self.fetches.insert(id, Fetch { queue, purpose, parked: Vec::new(), asked_at: self.reflected });
        id
    }

    /// Lets a command wait for a read.
    pub(crate) fn park(&mut self, fetch: FetchId, parked: Parked) {
        if let Some(fetch) = self.fetches.get_mut(&fetch) {
            fetch.parked.push(parked);
        }
    }

    /// The read that goes on with the window of a queue.
    pub(crate) fn window_fetch(&self, queue: QueueId) -> Option<FetchId> {
        self.under_way(queue, |purpose| matches!(purpose, Purpose::Window(_)))
    }

    /// Whether a receive waits for more of a queue, or may soon.
    pub(crate) fn is_reaching(&self, queue: QueueId) -> bool {
        let reaches = |purpose: &Purpose| matches!(purpose, Purpose::Window(_) | Purpose::Group(..));
        self.under_way(queue, reaches).is_some()
    }

    /// The read that goes on with a group of a queue.
    pub(crate) fn group_fetch(&self, queue: QueueId, group: GroupKey) -> Option<FetchId> {
        self.under_way(queue, |purpose| matches!(purpose, Purpose::Group(key, _) if *key == group))
    }

    /// Whether what has expired in a queue is being read.
    pub(crate) fn is_expiring(&self, queue: QueueId) -> bool {
        self.under_way(queue, |purpose| matches!(purpose, Purpose::Expiry(_))).is_some()
    }

    /// Whether the next messages for a move task of a queue are being read.
    pub(crate) fn is_moving(&self, queue: QueueId) -> bool {
        self.under_way(queue, |purpose| matches!(purpose, Purpose::Move(_))).is_some()
    }

    /// Ends a read.
    pub(crate) fn end(&mut self, fetch: FetchId) -> Option<Fetch> {
        self.fetches.remove(&fetch)
    }

    /// A caller has gone away: its command waits no longer.
    pub(crate) fn close(&mut self, request: RequestId) {
        self.fetches
            .values_mut()
            .for_each(|fetch| fetch.parked.retain(|parked| parked.request != Some(request)));
    }

    /// How many commands wait.
    pub(crate) fn parked(&self) -> usize {
        self.fetches.values().map(|fetch| fetch.parked.len()).sum()
    }

    fn under_way(&self, queue: QueueId, is_it: impl Fn(&Purpose) -> bool) -> Option<FetchId> {
        let found = self.fetches.iter().find(|(_, fetch)| fetch.queue == queue && is_it(&fetch.purpose));
        found.map(|(id, _)| *id)
    }
}
