//! The thin shell: one thread that owns engine and log and carries out what the engine puts out.
//!
//! It takes what has come in, lets the engine decide it, and hands the batch that was collected to the log while the
//! next one fills. Payloads are read and checkpoints are taken on threads of their own. It decides nothing.
//!
//! What always holds: when the log fails, the engine dies at once and no reply leaves any more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use millpond_core::message::Receipt;
use millpond_core::time::Timestamp;
use millpond_log::{Log, LogReader, Position, Progress, SubmitError, TrimError};
use millpond_store::StoreReader;
use tokio::sync::oneshot;

use crate::admission::{Load, Room};
use crate::checkpoint::{self, CheckpointError};
use crate::clock::Clock;
use crate::handle::{EngineHandle, receipts};
use crate::step::{Engine, EngineConfig, Input, Output, Reply, RequestId, Wait};

mod checkpointer;
mod fetches;
mod full_disk;
mod reads;
mod replies;
mod running;
mod watch;

use checkpointer::Checkpointer;
use fetches::BacklogReader;
use full_disk::FullDisk;
use reads::BodyReader;
pub use reads::read_body;
use replies::ReplySender;
pub use running::{Fatal, HeldLog, Inbox, Message, Parts, Running, Status};

/// Expired messages and an idle log are looked for this often.
const TICK_MILLIS: u64 = 1_000;
/// The space left in the log is looked at this often while there is work.
const SPACE_MILLIS: u64 = 20;
/// A checkpoint that found no space is tried again after this time.
const CHECKPOINT_RETRY_MILLIS: u64 = 1_000;
/// Memory is relieved by a checkpoint after so many events.
const EVENTS_WORTH_A_CHECKPOINT: u64 = 50_000;
/// Inputs taken before the log is looked after again.
const INPUTS_PER_TURN: usize = 1_024;
/// Rounds in which callers may add to a batch before it is handed to the log.
const YIELDS_PER_TURN: usize = 4;

/// Starts the engine on a thread of its own. `receipt_key` is random and is used only for a new directory.
///
/// # Panics
/// Outside of a Tokio runtime: replies are handed to their callers by a task.
///
/// # Errors
/// The system's error when a thread can't be started.
pub fn start(
    config: EngineConfig,
    parts: Parts,
    inbox: Inbox,
    receipt_key: [u8; 16],
) -> std::io::Result<Running> {
    let Parts { log, store, recovered, clock, under_way_limit_bytes } = parts;
    let Inbox { sender, receiver } = inbox;
    let mut engine = Engine::new(config, recovered);
    engine.begin(clock.now(), receipt_key, clock.reading());
    let receipt_key = engine.state().instance().receipt_key.unwrap_or(receipt_key);
    let log_reader = log.reader();
    let reader = BodyReader::start(log_reader.clone(), store.reader(), sender.clone())?;
    let backlogs = BacklogReader::start(store.reader(), sender.clone())?;
    let (reflected, store_reader) = (store.reflected(), store.reader());
    let checkpointer = Checkpointer::start(log_reader.clone(), store, sender.clone())?;
    let replies = ReplySender::start(sender.clone());
    let handle = EngineHandle::new(sender, under_way_limit_bytes);
    let driver = Driver {
        receiver,
        callers: HashMap::new(),
        engine,
        unsent: VecDeque::new(),
        reader,
        backlogs,
        checkpointer,
        replies,
        log,
        log_reader,
        store_reader,
        holds: Arc::new(()),
        clock,
        reflected,
        next_tick: Timestamp::EPOCH,
        next_look: Timestamp::EPOCH,
        next_checkpoint: Timestamp::EPOCH,
        events_at_checkpoint: 0,
        checkpoint_segments: 1,
        full_disk: FullDisk::default(),
        draining: false,
        stopping: false,
    };
    let thread = thread::Builder::new().name("engine".into()).spawn(move || driver.run())?;
    Ok(Running { handle, receipt_key, thread })
}

fn reply_receipts(reply: &Reply) -> Vec<Receipt> {
    match reply {
        Reply::Done { outcome, .. } => receipts(outcome),
        Reply::Denied(_) => Vec::new(),
    }
}

/// The order of the fields is the order in which they are dropped: callers learn at once that there is no engine any
/// more, and the log, which holds the directory's lock, goes only after the thread that writes the store.
struct Driver {
    receiver: Receiver<Message>,
    callers: HashMap<RequestId, oneshot::Sender<Reply>>,
    engine: Engine,
    /// Batches that the log had no room for yet.
    unsent: VecDeque<(Position, Bytes)>,
    reader: BodyReader,
    backlogs: BacklogReader,
    checkpointer: Checkpointer,
    replies: ReplySender,
    log: Box<dyn Log>,
    log_reader: Arc<dyn LogReader>,
    store_reader: Arc<dyn StoreReader>,
    /// Shared with everyone who reads all that is there.
    holds: Arc<()>,
    clock: Arc<dyn Clock>,
    reflected: Position,
    next_tick: Timestamp,
    next_look: Timestamp,
    next_checkpoint: Timestamp,
    events_at_checkpoint: u64,
    /// Segments that the next checkpoint folds together.
    checkpoint_segments: usize,
    full_disk: FullDisk,
    /// Nobody waits for messages any more.
    draining: bool,
    /// It ends when everything is durable and answered.
    stopping: bool,
}

impl Driver {
    fn run(mut self) -> Result<(), Fatal> {
        let mut out = Vec::new();
        loop {
            self.turn(&mut out)?;
            if self.stopping && self.is_done() {
                return Ok(());
            }
            match self.receiver.recv_timeout(self.time_to_next_due()) {
                Ok(message) => {
                    self.take(message, &mut out)?;
                    thread::yield_now();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Takes everything that waits, then looks after log and timers.
    fn turn(&mut self, out: &mut Vec<Output>) -> Result<(), Fatal> {
        // Callers that were just answered are about to ask again. Letting them run first, when they can, makes one
        // sync cover what would otherwise take several; on an idle machine it costs nothing.
        for _ in 0..YIELDS_PER_TURN {
            if self.take_waiting(out)? == 0 {
                break;
            }
            thread::yield_now();
        }
        self.poll_log(out)?;
        self.submit_unsent()?;
        let now = self.clock.now();
        if now >= self.next_look {
            self.next_look = now.plus_millis(SPACE_MILLIS);
            self.look_at_space(out)?;
        }
        let due = self.engine.next_due().is_some_and(|due| due <= now);
        if due || now >= self.next_tick {
            self.next_tick = now.plus_millis(TICK_MILLIS);
            self.step(Input::Tick(self.clock.reading()), out)?;
        }
        self.step(Input::TurnEnded, out)?;
        // A log without threads calls no waker: what it was handed is durable by now, and its replies must not wait.
        if !self.engine.is_settled() {
            self.poll_log(out)?;
        }
        self.replies.send();
        Ok(())
    }

    fn poll_log(&mut self, out: &mut Vec<Output>) -> Result<(), Fatal> {
        match self.log.poll() {
            Progress::Durable(position) => self.step(Input::Durable(position), out),
            Progress::Fenced => Err(Fatal::Fenced),
            Progress::Failed(failure) => Err(Fatal::Log(failure)),
        }
    }

    /// Takes what waits now, in bounded number. Answers how many inputs there were.
    fn take_waiting(&mut self, out: &mut Vec<Output>) -> Result<usize, Fatal> {
        for taken in 0..INPUTS_PER_TURN {
            let Ok(message) = self.receiver.try_recv() else { return Ok(taken) };
            self.take(message, out)?;
        }
        Ok(INPUTS_PER_TURN)
    }

    fn take(&mut self, message: Message, out: &mut Vec<Output>) -> Result<(), Fatal> {
        match message {
            Message::Request { request, command, wait, reply_to } => {
                self.callers.insert(request, reply_to);
                let wait = if self.draining { Wait::Secs(0) } else { wait };
                self.step(Input::Request { request, command, wait }, out)
            }
            Message::Advance { request, millis, reply_to } => {
                self.callers.insert(request, reply_to);
                self.clock.advance(millis);
                self.step(Input::Advanced { request, reading: self.clock.reading() }, out)
            }
            Message::Closed { request } => {
                self.callers.remove(&request);
                self.step(Input::Closed { request }, out)
            }
            Message::Undelivered { receipts } => self.step(Input::Undelivered { receipts }, out),
            Message::Bodies { read, bodies } => self.step(Input::Bodies { read, bodies }, out),
            Message::Fetched { fetch, found } => {
                let found = found.map_err(Fatal::Store)?;
                self.step(Input::Fetched { fetch, found }, out)
            }
            Message::Progress => Ok(()),
            Message::Panicked { thread } => Err(Fatal::Panicked(format!("its thread {thread} panicked"))),
            Message::Checkpointed(result) => self.checkpointed(result, out),
            Message::Status { reply_to } => {
                // Who asked may have gone; then no one wants to know.
                let _ = reply_to.send(self.status());
                Ok(())
            }
            Message::QueueCounters { after, limit, reply_to } => {
                // As above.
                let _ = reply_to.send(self.engine.queue_counters(after, limit));
                Ok(())
            }
            Message::HoldLog { reply_to } => {
                // As above.
                let _ = reply_to.send(self.held_log());
                Ok(())
            }
            Message::Drain | Message::Stop => {
                self.stopping |= matches!(message, Message::Stop);
                self.draining = true;
                self.step(Input::Stopping(self.clock.reading()), out)
            }
        }
    }

    fn step(&mut self, input: Input, out: &mut Vec<Output>) -> Result<(), Fatal> {
        self.engine.step(self.clock.now(), input, out);
        while !out.is_empty() {
            for output in std::mem::take(out) {
                self.carry_out(output, out)?;
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output, out: &mut Vec<Output>) -> Result<(), Fatal> {
        match output {
            Output::Append { position, payload } => {
                self.unsent.push_back((position, payload));
                self.submit_unsent()?;
            }
            Output::Reply { request, reply } => match self.callers.remove(&request) {
                Some(caller) => self.replies.push(caller, reply),
                None => self.undelivered(&reply, out),
            },
            Output::Fetch { fetch, queue, wanted, limit } => self.backlogs.find(fetch, queue, wanted, limit),
            Output::Read { read, bodies } => self.reader.read(read, bodies),
            Output::Quarantined { message } => tracing::error!(
                queue = message.queue.0,
                sequence = message.sequence.0,
                "a message's bytes are damaged on disk; it was taken out of its queue, the others are not affected"
            ),
        }
        Ok(())
    }

    /// The caller has gone: what its reply hands out goes back.
    fn undelivered(&mut self, reply: &Reply, out: &mut Vec<Output>) {
        let receipts = reply_receipts(reply);
        if !receipts.is_empty() {
            self.engine.step(self.clock.now(), Input::Undelivered { receipts }, out);
        }
    }

    fn submit_unsent(&mut self) -> Result<(), Fatal> {
        while let Some((position, payload)) = self.unsent.pop_front() {
            match self.log.submit(position, payload) {
                Ok(()) => {}
                Err(SubmitError::Full(payload) | SubmitError::OutOfSpace { payload, .. }) => {
                    self.unsent.push_front((position, payload));
                    return Ok(());
                }
                Err(SubmitError::Fenced) => return Err(Fatal::Fenced),
                Err(refused) => return Err(Fatal::Refused(refused)),
            }
        }
        Ok(())
    }

    fn look_at_space(&mut self, out: &mut Vec<Output>) -> Result<(), Fatal> {
        let usage = self.log_reader.usage();
        self.step(Input::Space(Load::of(&usage)), out)?;
        let due = checkpoint::due_reaching(&usage, self.engine.durable(), self.checkpoint_segments);
        if let Some(through) = due.or_else(|| self.relief())
            && self.clock.now() >= self.next_checkpoint
            && self.checkpointer.advance(through)
        {
            self.events_at_checkpoint = self.engine.stats().events;
        }
        Ok(())
    }

    /// Up to where the store is to follow so that messages may leave memory, once that is worth it.
    fn relief(&self) -> Option<Position> {
        let events = self.engine.stats().events - self.events_at_checkpoint;
        (self.engine.wants_checkpoint() && events >= EVENTS_WORTH_A_CHECKPOINT).then(|| self.engine.durable())
    }

    fn checkpointed(
        &mut self,
        result: Result<Position, CheckpointError>,
        out: &mut Vec<Output>,
    ) -> Result<(), Fatal> {
        self.checkpointer.ended();
        let reflected = match result {
            Ok(reflected) => reflected,
            Err(error) if error.is_out_of_space() => {
                let now = self.clock.now();
                self.full_disk.warn_no_space(now, &error);
                self.next_checkpoint = now.plus_millis(CHECKPOINT_RETRY_MILLIS);
                self.checkpoint_segments = self.checkpoint_segments.saturating_mul(2);
                return Ok(());
            }
            Err(error) => return Err(Fatal::Checkpoint(error)),
        };
        self.full_disk.warn_written(self.clock.now());
        self.reflected = reflected;
        self.checkpoint_segments = 1;
        self.step(Input::Checkpointed { reflected }, out)?;
        if self.is_log_held() {
            return Ok(());
        }
        match self.log.trim(reflected.next()) {
            Ok(()) => Ok(()),
            Err(TrimError::Fenced) => Err(Fatal::Fenced),
            Err(TrimError::Failed(failure)) => Err(Fatal::Log(failure)),
            Err(error @ TrimError::NotDurable { .. }) => Err(Fatal::NotTrimmed(error)),
        }
    }

    fn held_log(&self) -> HeldLog {
        HeldLog {
            log: self.log_reader.clone(),
            store: self.store_reader.clone(),
            through: self.engine.durable(),
            _hold: self.holds.clone(),
        }
    }

    /// Whether someone still reads what could be trimmed, and there is room to wait for that.
    fn is_log_held(&self) -> bool {
        Arc::strong_count(&self.holds) > 1 && Load::of(&self.log_reader.usage()).room() == Room::Sends
    }

    fn status(&self) -> Status {
        let now = self.clock.now();
        Status {
            engine: self.engine.stats(),
            log: self.log_reader.stats(),
            space: self.log_reader.usage(),
            durable: self.engine.durable(),
            reflected: self.reflected,
            now,
            expiry_hold: self.engine.state().instance().expiry_hold.filter(|hold| hold.until > now),
        }
    }

    fn is_done(&self) -> bool {
        self.unsent.is_empty() && self.engine.is_settled()
    }

    fn time_to_next_due(&self) -> Duration {
        let due = [self.engine.next_due(), self.engine.next_move_due()].into_iter().flatten().min();
        let due = due.map_or(self.next_tick, |due| due.min(self.next_tick));
        let more_may_rest = self.engine.has_more_to_release() || self.engine.has_more_sends_to_rest();
        let due = if more_may_rest { Timestamp::EPOCH } else { due };
        let now = self.clock.now();
        // A millisecond more than needed, so that the clock has surely reached it.
        let millis = if due > now { due.millis_since(now) + 1 } else { 1 };
        Duration::from_millis(if self.unsent.is_empty() { millis } else { millis.min(SPACE_MILLIS) })
    }
}
