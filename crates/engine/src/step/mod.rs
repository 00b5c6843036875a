//! The engine as a pure machine: inputs in, outputs out.
//!
//! What always holds: every state change is an event in the open batch; a reply carries the last position that had
//! been evolved when it was decided, and is put out only when that position is durable; the time of all events of a
//! batch is one. The same inputs at the same times give the same outputs.
//!
//! It refuses to do IO, to read a clock, and to roll back: there is no way to take an event out of a batch.

mod backlog;
mod batch;
mod controls;
mod input;
mod moves;
mod receive;
mod remembered;
mod stats;
mod timers;

pub use input::{Body, BodyPlace, FetchId, Input, Output, ReadId, Reply, RequestId, Wait};
pub use stats::EngineStats;

use std::collections::{BTreeSet, VecDeque};

use millpond_core::command::Command;
use millpond_core::decide::{decide, decide_within, has_expired};
use millpond_core::format::batch::BatchBuilder;
use millpond_core::limits;
use millpond_core::message::QueueId;
use millpond_core::name::QueueKey;
use millpond_core::outage::BootReading;
use millpond_core::outcome::Outcome;
use millpond_core::quota::Quotas;
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use millpond_log::Position;

use crate::admission::{self, Limits, Load};
use crate::backlog::Backlog;
use crate::bodies::Bodies;
use crate::counters::{Counters, QueueCounters};
use crate::held::HeldReplies;
use crate::recovery::Recovered;
use crate::waiters::Waiters;

/// How an engine is set up.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// Bytes of message payloads kept in memory, beyond those that are not durable yet.
    pub cache_bytes: usize,
    /// A batch is handed to the log when it reaches this size, even while another is being synced.
    pub batch_bytes: usize,
    /// What may be under way at once.
    pub limits: Limits,
    /// How much queues and accounts may hold.
    pub quotas: Quotas,
    /// When more messages than these are in memory, some are left to the store; `usize::MAX` for never.
    pub messages_in_memory: usize,
    /// Messages of a queue with a large backlog that are kept at hand for the next receives.
    pub window_messages: usize,
    /// When more sends than these are remembered in memory, the older ones are left to the store; `usize::MAX` for never.
    pub sends_in_memory: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            batch_bytes: 1 << 20,
            limits: Limits::default(),
            quotas: Quotas::NONE,
            messages_in_memory: 100_000,
            window_messages: 2_000,
            sends_in_memory: 20_000,
        }
    }
}

/// The state machine with all that waits around it.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    state: State,
    batch: Option<BatchBuilder>,
    /// What the next batch will take, judging by the last ones.
    usual_batch_bytes: usize,
    submitted: Position,
    durable: Position,
    in_flight: VecDeque<(Position, usize)>,
    idle_noted: bool,
    load: Load,
    bodies: Bodies,
    held: HeldReplies,
    waiters: Waiters,
    next_read: u64,
    expiry_cursor: Option<QueueId>,
    /// Queues that messages of other queues came to in this step.
    moved_to: BTreeSet<QueueId>,
    /// Move tasks wait until then for the log to have room.
    moves_wait_until: Timestamp,
    stopping: bool,
    backlog: Backlog,
    /// Some messages may not be in memory; never taken back.
    rests: bool,
    /// The queue that was last asked to let messages rest in this round.
    release_cursor: Option<QueueId>,
    released_any: bool,
    /// Up to here the store has followed, and there is nothing that may rest.
    released_through: Option<Position>,
    sends_round: remembered::Round,
    stats: EngineStats,
    counters: Counters,
}

impl Engine {
    /// An engine that goes on where recovery ended.
    #[must_use]
    pub fn new(config: EngineConfig, recovered: Recovered) -> Self {
        let mut bodies = Bodies::new(config.cache_bytes);
        for (message, position, offset_bytes) in recovered.in_log {
            bodies.locate(message, position, offset_bytes);
        }
        for (before, after, position) in recovered.moved {
            bodies.rename(before, after, position);
        }
        let mut backlog = Backlog::default();
        backlog.checkpointed(recovered.reflected);
        let rests = recovered.state.queues().any(|queue| queue.messages.resting().is_some());
        if rests {
            backlog.remember(recovered.reflected);
        }
        recovered.gone.into_iter().for_each(|(message, position)| backlog.note_gone(message, position));
        for (queue, below, position) in recovered.emptied {
            backlog.note_emptied(queue, below, position);
        }
        Self {
            config,
            backlog,
            rests: rests || recovered.state.remembered_sends().at_rest > 0,
            release_cursor: None,
            released_any: false,
            released_through: None,
            sends_round: remembered::Round::default(),
            state: recovered.state,
            batch: None,
            usual_batch_bytes: 0,
            submitted: recovered.through,
            durable: recovered.through,
            in_flight: VecDeque::new(),
            idle_noted: false,
            load: Load { budget_bytes: 0, free_bytes: u64::MAX, ..Load::default() },
            bodies,
            held: HeldReplies::default(),
            waiters: Waiters::default(),
            next_read: 0,
            expiry_cursor: None,
            moved_to: BTreeSet::new(),
            moves_wait_until: Timestamp::EPOCH,
            stopping: false,
            stats: EngineStats::default(),
            counters: Counters::default(),
        }
    }

    /// The state, for reading.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The last position that is known to be durable.
    #[must_use]
    pub fn durable(&self) -> Position {
        self.durable
    }

    /// Whether everything that was decided is durable and answered.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let decided = self.batch.is_none() && self.durable == self.submitted && self.held.len() == 0;
        decided && self.backlog.parked() == 0
    }

    /// The counters of the next `limit` queues.
    #[must_use]
    pub fn queue_counters(&self, after: Option<QueueId>, limit: usize) -> Vec<(QueueId, QueueCounters)> {
        let queues = std::iter::successors(self.state.queue_after(after), |queue| {
            self.state.queue_after(Some(*queue))
        });
        queues.take(limit).map(|queue| (queue, self.counters.of(queue))).collect()
    }

    /// When a [`Input::Tick`] is needed next, apart from the steady one that looks for expired messages.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiters.next_due()
    }

    /// Notes that the service begins to run: a new directory gets its receipt key, and messages whose retention ended
    /// while no one could receive them get their grace.
    pub fn begin(&mut self, now: Timestamp, receipt_key: [u8; 16], reading: BootReading) {
        self.execute(now, Command::Begin { receipt_key, reading });
    }

    /// Takes one input at a time that never goes back, and appends what follows from it to `out`.
    pub fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        if let Input::Advanced { .. } = input {
            // The open batch keeps its time; what comes now is of another.
            self.append(out);
        }
        let now = self.time(now);
        match input {
            Input::Request { request, command, wait } => self.request(now, request, command, wait, out),
            Input::Closed { request } => {
                self.waiters.remove(request);
                self.backlog.close(request);
            }
            Input::Fetched { fetch, found } => self.fetched(now, fetch, &found, out),
            Input::Undelivered { receipts } => self.give_back(now, receipts, out),
            Input::Bodies { read, bodies } => self.bodies_read(now, read, bodies, out),
            Input::Durable(position) => self.durable_through(position, out),
            Input::Checkpointed { reflected } => {
                self.bodies.checkpointed(reflected);
                self.backlog.checkpointed(reflected);
                self.forget_backlog();
            }
            Input::Space(load) => self.load = load,
            Input::Advanced { request, reading } => self.advanced(now, request, reading, out),
            Input::Tick(reading) => self.tick(now, reading, out),
            Input::Stopping(reading) => self.stop(now, reading, out),
            Input::TurnEnded => {
                self.step_move_task(now, out);
                self.hand_over(out);
                self.release_some();
                self.rest_some_sends();
            }
        }
        self.serve_moved(now, out);
        // One input can add as much as the largest request; no batch grows further than that beyond its limit.
        if self.batch_is_large() {
            self.append(out);
        }
    }

    /// Hands out what came to other queues. A message goes on only after it was handed out, so this ends.
    fn serve_moved(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(queue) = self.moved_to.pop_first() {
            self.serve(now, queue, out);
        }
    }

    /// All events of a batch share the time at which it was opened.
    fn time(&self, now: Timestamp) -> Timestamp {
        self.batch.as_ref().map_or(now.max(self.state.clock()), BatchBuilder::at)
    }

    fn request(
        &mut self,
        now: Timestamp,
        request: RequestId,
        command: Command,
        wait: Wait,
        out: &mut Vec<Output>,
    ) {
        let load = self.present_load();
        if let Err(denied) = admission::admit(&self.config.limits, &load, &command) {
            out.push(Output::Reply { request, reply: Reply::Denied(denied) });
            return;
        }
        if let Some((command, wait)) = self.unless_it_needs_more(now, Some(request), command, wait, out) {
            self.run(now, request, command, wait, out);
        }
    }

    /// Decides a caller's command, for which all is at hand.
    fn run(
        &mut self,
        now: Timestamp,
        request: RequestId,
        command: Command,
        wait: Wait,
        out: &mut Vec<Output>,
    ) {
        if let Command::Receive { key, limit, visibility_timeout_secs, attempt } = command {
            self.receive(now, request, key, limit, visibility_timeout_secs, attempt, wait, out);
            return;
        }
        if let Command::Reset = command {
            self.reset(now, request, out);
            return;
        }
        let queue = self.queue_of(&command);
        let outcome = self.execute(now, command);
        let shows_what_is_held = self.shows_what_is_held(&outcome);
        self.reply(request, Reply::Done { outcome, payloads: Vec::new() }, out);
        if let Some(queue) = queue {
            if shows_what_is_held {
                // Who sees what has expired and rests asks again; by then it is gone.
                self.expire_resting(now, queue, out);
            }
            self.serve(now, queue, out);
        }
    }

    /// Bytes of events that are not durable yet.
    fn pending_bytes(&self) -> usize {
        let in_flight: usize = self.in_flight.iter().map(|(_, bytes)| bytes).sum();
        in_flight + self.batch.as_ref().map_or(0, BatchBuilder::len)
    }

    /// Decides a command and makes its events part of the open batch.
    fn execute(&mut self, now: Timestamp, command: Command) -> Outcome {
        let queue = self.queue_of(&command);
        if let Some(queue) = queue {
            self.refresh(now, queue);
        } else if let Command::DescribeQueues { after, limit } = command {
            self.refresh_after(now, after, limit);
        }
        self.counters.begin(&command);
        let (events, outcome) = decide_within(&self.config.quotas, &self.state, now, command);
        if let Some(queue) = queue {
            self.counters.decided(queue, &events, &outcome);
        }
        self.record(now, &events);
        outcome
    }

    /// Brings a queue up to the time: due messages become visible, expired ones go.
    fn refresh(&mut self, now: Timestamp, queue: QueueId) {
        self.state.settle(queue, now, limits::SETTLE_MESSAGES);
        let expired = self.state.queue(queue).is_some_and(|held| has_expired(&self.state, held, now));
        if expired {
            let (events, _) = decide(&self.state, now, Command::Expire { queue });
            self.record(now, &events);
        }
    }

    /// Brings the next `limit` queues up to the time.
    fn refresh_after(&mut self, now: Timestamp, after: Option<QueueId>, limit: usize) {
        let mut last = after;
        for _ in 0..limit {
            let Some(queue) = self.state.queue_after(last) else { return };
            self.refresh(now, queue);
            last = Some(queue);
        }
    }

    /// The last position evolved: what a reply decided now reveals at most.
    fn evolved(&self) -> Position {
        if self.batch.is_some() { self.submitted.next() } else { self.submitted }
    }

    fn reply(&mut self, request: RequestId, reply: Reply, out: &mut Vec<Output>) {
        let position = self.evolved();
        #[cfg(feature = "simulation")]
        let position = crate::held::planted_position(&reply, position);
        if position <= self.durable {
            out.push(Output::Reply { request, reply });
        } else {
            self.held.hold(position, request, reply);
        }
    }

    fn durable_through(&mut self, position: Position, out: &mut Vec<Output>) {
        self.durable = self.durable.max(position);
        while self.in_flight.front().is_some_and(|(position, _)| *position <= self.durable) {
            self.in_flight.pop_front();
        }
        while let Some((request, reply)) = self.held.release(self.durable) {
            out.push(Output::Reply { request, reply });
        }
        self.bodies.evict(self.durable);
    }

    fn queue_named(&self, key: &QueueKey) -> Option<QueueId> {
        self.state.queue_named(key).map(|queue| queue.record.id)
    }

    fn queue_of(&self, command: &Command) -> Option<QueueId> {
        match command {
            Command::Paced(command) => self.queue_of(command),
            Command::DeleteQueue { key }
            | Command::DescribeQueue { key }
            | Command::SetQueueAttributes { key, .. }
            | Command::AddPermission { key, .. }
            | Command::RemovePermission { key, .. }
            | Command::TagQueue { key, .. }
            | Command::UntagQueue { key, .. }
            | Command::PurgeQueue { key }
            | Command::Send { key, .. }
            | Command::Receive { key, .. }
            | Command::Delete { key, .. }
            | Command::ChangeVisibility { key, .. }
            | Command::StartMoveTask { key, .. } => self.queue_named(key),
            Command::Quarantine { queue, .. }
            | Command::Expire { queue }
            | Command::StepMoveTask { queue } => Some(*queue),
            Command::Begin { .. }
            | Command::NoteClock { .. }
            | Command::NoteJump { .. }
            | Command::ConfirmClock
            | Command::Reset
            | Command::CreateQueue { .. }
            | Command::FindQueue { .. }
            | Command::ListQueues { .. }
            | Command::ListQueueTags { .. }
            | Command::ListDeadLetterSources { .. }
            | Command::ListOrigins { .. }
            | Command::CancelMoveTask { .. }
            | Command::ListMoveTasks { .. }
            | Command::DescribeQueues { .. }
            | Command::ReturnLeases { .. }
            | Command::PutDocument { .. }
            | Command::RemoveDocument { .. }
            | Command::WriteDocuments { .. }
            | Command::GetDocument { .. }
            | Command::ListDocuments { .. } => None,
        }
    }
}
