//! Backlogs: messages come into memory when they are needed, and leave it when there are too many.
//!
//! A command that needs messages from the store waits for them while others go on. A window that has become short is
//! filled ahead of need. Nothing here is an event: where a message lies changes nothing of what happens to it.

use millpond_core::command::Command;
use millpond_core::message::{GroupKey, MessageRef, QueueId, Sequence};
use millpond_core::needs::{Need, need};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{Edge, Missing, QueueMessages};
use millpond_core::state::Queue;
use millpond_core::time::Timestamp;
use millpond_store::{Found, Wanted};

use super::{Engine, FetchId, Output, RequestId, Wait};
use crate::admission::{self, Load};
use crate::backlog::{Fetch, Parked, Purpose};

/// Messages that one step looks at to let them rest.
const RELEASED_AT_ONCE: usize = 2_000;
/// The fuller memory is, the more it looks at, up to so many times as many.
const FASTEST_RELEASE: usize = 8;
/// A store may lag behind by so many messages, however few memory should hold.
const MESSAGES_BEYOND_MEMORY: usize = 1_000;
/// So many messages that were taken out are worth a checkpoint, after which they can be forgotten.
const REMEMBERED: usize = 100_000;
/// Expired messages read at once, as many as one event drops.
const EXPIRED_AT_ONCE: usize = millpond_core::limits::SETTLE_MESSAGES;
/// Messages read at once for a move task.
const MOVED_AT_ONCE: usize = 2 * millpond_core::limits::MOVE_STEP_MESSAGES;

impl Engine {
    /// Gives the command back if it can be decided; else it waits for what it needs.
    pub(super) fn unless_it_needs_more(
        &mut self,
        now: Timestamp,
        request: Option<RequestId>,
        command: Command,
        wait: Wait,
        out: &mut Vec<Output>,
    ) -> Option<(Command, Wait)> {
        if !self.rests {
            return Some((command, wait));
        }
        if let Some(queue) = self.queue_of(&command) {
            self.refresh(now, queue);
        }
        let Some((queue, need)) = need(&self.state, now, &command) else { return Some((command, wait)) };
        let fetch = match need {
            Need::Window => self.fetch_window(queue, out),
            Need::Group(group, from) => self.fetch_group(queue, group, from, out),
            Need::Messages(sequences) => {
                let limit = sequences.len();
                self.fetch(queue, Purpose::Named, Wanted::Messages(sequences), limit, out)
            }
            Need::Sends(sequences) => self.fetch_sends(queue, sequences, out),
            // No caller expires or moves messages.
            Need::SentUntil(_) | Need::From(_) => return Some((command, wait)),
        };
        self.backlog.park(fetch, Parked { request, command, wait });
        None
    }

    /// Fills the window of a queue when it has become short, ahead of need.
    pub(super) fn look_ahead(&mut self, now: Timestamp, queue: QueueId, out: &mut Vec<Output>) {
        if !self.rests {
            return;
        }
        let Some(messages) = self.state.queue(queue).map(|queue| &queue.messages) else { return };
        let is_short = messages.ahead() * 2 < self.config.window_messages || !messages.has_available();
        match messages.missing(now).filter(|_| is_short) {
            Some(Missing::Window) => drop(self.fetch_window(queue, out)),
            Some(Missing::Group(group, from)) => drop(self.fetch_group(queue, group, from, out)),
            None => {}
        }
    }

    fn fetch_window(&mut self, queue: QueueId, out: &mut Vec<Output>) -> FetchId {
        if let Some(under_way) = self.backlog.window_fetch(queue) {
            return under_way;
        }
        let messages = self.state.queue(queue).map(|queue| &queue.messages);
        let edge =
            messages.and_then(|messages| messages.resting()).map_or(Edge::END, |resting| resting.edge());
        let in_order = messages.is_some_and(|messages| messages.fifo().is_some());
        let wanted = if in_order { Wanted::From(edge.line.next()) } else { Wanted::Behind(edge) };
        let limit = self.config.window_messages.max(1);
        self.fetch(queue, Purpose::Window(edge), wanted, limit, out)
    }

    fn fetch_group(
        &mut self,
        queue: QueueId,
        group: GroupKey,
        from: Sequence,
        out: &mut Vec<Output>,
    ) -> FetchId {
        if let Some(under_way) = self.backlog.group_fetch(queue, group) {
            return under_way;
        }
        let limit = self.config.window_messages.max(1);
        self.fetch(queue, Purpose::Group(group, from), Wanted::OfGroup(group, from), limit, out)
    }

    fn fetch(
        &mut self,
        queue: QueueId,
        purpose: Purpose,
        wanted: Wanted,
        limit: usize,
        out: &mut Vec<Output>,
    ) -> FetchId {
        let fetch = self.backlog.begin(queue, purpose);
        out.push(Output::Fetch { fetch, queue, wanted, limit });
        fetch
    }

    /// Whether a reply depends on how much a queue holds, of which some may rest.
    pub(super) fn shows_what_is_held(&self, outcome: &Outcome) -> bool {
        let is_over = |result: &Result<_, Refusal>| matches!(result, Err(Refusal::QuotaExceeded { .. }));
        self.rests
            && match outcome {
                Outcome::Description(_) => true,
                Outcome::Sent(results) => results.iter().any(is_over),
                _ => false,
            }
    }

    /// What has expired among the messages of a queue that rest is read, to be dropped.
    pub(super) fn expire_resting(&mut self, now: Timestamp, queue: QueueId, out: &mut Vec<Output>) {
        if !self.rests {
            return;
        }
        let needed = need(&self.state, now, &Command::Expire { queue });
        let Some((_, Need::SentUntil(until))) = needed.filter(|_| !self.backlog.is_expiring(queue)) else {
            return;
        };
        self.fetch_expired(queue, until, Edge::START, out);
    }

    fn fetch_expired(&mut self, queue: QueueId, until: Timestamp, edge: Edge, out: &mut Vec<Output>) {
        let wanted = Wanted::SentUntil(until, edge);
        self.fetch(queue, Purpose::Expiry(until), wanted, EXPIRED_AT_ONCE, out);
    }

    /// Whether a move task has to wait for messages, which are then read.
    pub(super) fn move_waits(&mut self, now: Timestamp, queue: QueueId, out: &mut Vec<Output>) -> bool {
        if !self.rests {
            return false;
        }
        let Some((_, Need::From(first))) = need(&self.state, now, &Command::StepMoveTask { queue }) else {
            return false;
        };
        if !self.backlog.is_moving(queue) {
            self.fetch(queue, Purpose::Move(first), Wanted::From(first), MOVED_AT_ONCE, out);
        }
        true
    }

    /// Messages were read.
    pub(super) fn fetched(&mut self, now: Timestamp, fetch: FetchId, found: &Found, out: &mut Vec<Output>) {
        let Some(mut fetch) = self.backlog.end(fetch) else { return };
        if let Purpose::Sends(asked) = &mut fetch.purpose {
            let asked = std::mem::take(asked);
            return self.sends_fetched(now, fetch, &asked, found, out);
        }
        let queue = fetch.queue;
        let fits = self.still_fits(&fetch);
        let most = match fetch.purpose {
            Purpose::Window(_) => Some(self.config.window_messages.max(1)),
            _ => None,
        };
        let admitted = if fits { self.admit(queue, found, most) } else { 0 };
        if let Some(messages) = self.state.messages(queue).filter(|_| fits) {
            note_read(messages, &fetch.purpose, found);
        }
        if let Purpose::Expiry(until) = fetch.purpose {
            self.expire_read(now, queue, until, found, admitted, out);
        }
        if let Purpose::Move(_) = fetch.purpose {
            self.moves_wait_until = Timestamp::EPOCH;
        }
        // What was named and not found is not there.
        let named = fetch.purpose == Purpose::Named;
        self.go_on(now, fetch.parked, named, out);
        self.serve(now, queue, out);
    }

    /// Commands that waited for a read go on: at once if that `is_all` that they need, else they are asked anew.
    pub(super) fn go_on(&mut self, now: Timestamp, parked: Vec<Parked>, is_all: bool, out: &mut Vec<Output>) {
        for Parked { request, command, wait } in parked {
            let ready = if is_all {
                Some((command, wait))
            } else {
                self.unless_it_needs_more(now, request, command, wait, out)
            };
            match (ready, request) {
                (Some((command, wait)), Some(request)) => self.run(now, request, command, wait, out),
                (Some((command, _)), None) => drop(self.execute(now, command)),
                (None, _) => {}
            }
        }
    }

    /// A window that was drawn anew meanwhile ends elsewhere, and so may what is known of a group; what was read then says
    /// nothing of it.
    fn still_fits(&self, fetch: &Fetch) -> bool {
        let Some(messages) = self.state.queue(fetch.queue).map(|queue| &queue.messages) else { return false };
        let Some(resting) = messages.resting() else { return false };
        match fetch.purpose {
            Purpose::Window(edge) => resting.edge() == edge,
            Purpose::Group(group, from) => {
                messages.fifo().is_some_and(|messages| messages.passed_over_at(group) == Some(from))
            }
            Purpose::Named | Purpose::Expiry(_) | Purpose::Move(_) | Purpose::Sends(_) => true,
        }
    }

    fn admit(&mut self, queue: QueueId, found: &Found, most: Option<usize>) -> usize {
        let mut admitted = 0;
        for (sequence, entry) in &found.messages {
            let message = MessageRef { queue, sequence: *sequence };
            if !self.backlog.is_gone(message) {
                admitted += usize::from(match most {
                    Some(most) => self.state.admit_ahead(message, *entry, most),
                    None => self.state.admit(message, *entry),
                });
            }
        }
        admitted
    }

    fn expire_read(
        &mut self,
        now: Timestamp,
        queue: QueueId,
        until: Timestamp,
        found: &Found,
        admitted: usize,
        out: &mut Vec<Output>,
    ) {
        if admitted > 0 {
            self.execute(now, Command::Expire { queue });
        }
        let load = Load { pending_bytes: self.pending_bytes(), held_replies: 0, ..self.load };
        if admission::admit(&self.config.limits, &load, &Command::Expire { queue }).is_err() {
            return;
        }
        match found.end {
            // All of these are in memory or gone.
            Some(end) if admitted == 0 => self.fetch_expired(queue, until, end, out),
            _ => self.expire_resting(now, queue, out),
        }
    }

    /// Lets messages of one queue rest when memory holds too many.
    pub(super) fn release_some(&mut self) {
        self.backlog.forget();
        if self.state.held().saturating_mul(2) > self.config.messages_in_memory {
            self.backlog.remember(self.evolved());
        }
        let Some(through) = self.backlog.releasable().filter(|_| self.has_more_to_release()) else { return };
        let next = self.state.queue_after(self.release_cursor);
        let Some(queue) = next else {
            // A round without a message that may go: nothing changes until the store has followed.
            self.released_through = (!self.released_any).then_some(through);
            self.released_any = false;
            self.release_cursor = None;
            return;
        };
        let released = if self.backlog.is_reaching(queue) {
            0
        } else {
            let times_full = self.state.held() / self.config.messages_in_memory.max(1);
            let limit = RELEASED_AT_ONCE * times_full.clamp(1, FASTEST_RELEASE);
            self.state.release(queue, self.config.window_messages, limit, through.0)
        };
        if released == 0 {
            self.release_cursor = Some(queue);
        }
        self.released_any |= released > 0;
        self.rests |= released > 0;
    }

    /// Whether the next turn may let more messages rest.
    #[must_use]
    pub fn has_more_to_release(&self) -> bool {
        let releasable = self.backlog.releasable();
        self.is_crowded() && releasable.is_some() && self.released_through != releasable
    }

    /// Whether the store had better follow soon: memory holds more messages or remembered sends than it should, or much is remembered of what
    /// the store still shows.
    #[must_use]
    pub fn wants_checkpoint(&self) -> bool {
        self.is_crowded() || self.backlog.remembered() > REMEMBERED || self.remembers_too_many()
    }

    /// Once no message rests and memory is far from full, nothing need be remembered.
    pub(super) fn forget_backlog(&mut self) {
        let far_from_full = self.state.held().saturating_mul(4) < self.config.messages_in_memory;
        let rests = |queue: &Queue| queue.messages.resting().is_some_and(|resting| resting.messages() > 0);
        if far_from_full && !self.state.queues().any(rests) {
            self.backlog.forget_all();
        }
    }

    fn is_crowded(&self) -> bool {
        self.state.held() > self.config.messages_in_memory
    }

    /// Whether memory fills faster than the store takes messages off it.
    pub(super) fn store_is_behind(&self) -> bool {
        let many = self.config.messages_in_memory.saturating_add(MESSAGES_BEYOND_MEMORY).saturating_mul(3);
        self.state.held() > many && self.bodies.sent_behind_store() > many / 2
    }
}

/// Tells a queue how much of it is in memory now.
fn note_read(messages: &mut QueueMessages, purpose: &Purpose, found: &Found) {
    let next = found.end.map(|end| end.line.next());
    match *purpose {
        Purpose::Window(_) if messages.fifo().is_some() => {
            // In the order of the numbers, none was sent before the one before it.
            let last = found.messages.last().filter(|_| found.end.is_some());
            let oldest_sent_at = last.map_or(Timestamp::MAX, |(_, entry)| entry.sent_at);
            messages.reach(found.end.unwrap_or(Edge::END), oldest_sent_at);
        }
        Purpose::Window(_) => messages.reach(found.end.unwrap_or(Edge::END), found.oldest_sent_at),
        Purpose::Group(group, from) => {
            if let Some(messages) = messages.fifo_mut() {
                messages.reach_of_group(group, from, next);
            }
        }
        Purpose::Expiry(_) => messages.know_oldest(found.oldest_sent_at),
        Purpose::Move(_) => messages.know_first(next.unwrap_or(Sequence(u64::MAX))),
        Purpose::Named | Purpose::Sends(_) => {}
    }
}
