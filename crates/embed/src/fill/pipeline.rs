//! Commands to the engine, so many at once, with progress.
//!
//! A command that is not let in, because log and store have to catch up, is tried again until it is.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use millpond_core::command::Command;
use millpond_core::message::Receipt;
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use tokio::task::JoinSet;

use super::messages::{Manner, Messages};
use super::{FillError, FillTick};

/// Commands under way at once.
const AT_ONCE: usize = 64;

/// Messages in a command, as many as one request of SQS has.
const BATCH: u64 = 10;

const TICK: Duration = Duration::from_secs(1);
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// Nothing at all happens for so long only when something is wrong.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// What all commands of a fill share.
pub(super) struct Shared {
    engine: EngineHandle,
    messages: Messages,
    pub(super) groups: u64,
    begun: AtomicU64,
    done: AtomicU64,
}

/// Carries out steps, one after the other.
pub(super) struct Pipeline<'a> {
    pub(super) shared: Arc<Shared>,
    progress: &'a mut dyn FnMut(&FillTick),
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(
        engine: EngineHandle,
        size_bytes: u32,
        groups: u64,
        progress: &'a mut dyn FnMut(&FillTick),
    ) -> Self {
        let messages = Messages::new(size_bytes);
        let (begun, done) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { engine, messages, groups, begun, done }), progress }
    }

    /// Has `work` done for all numbers below `count`, some batches of them at once.
    pub(super) async fn step<Work>(
        &mut self,
        name: &'static str,
        count: u64,
        work: impl Fn(Arc<Shared>, Range<u64>) -> Work + Clone + Send + 'static,
    ) -> Result<(), FillError>
    where
        Work: Future<Output = Result<(), FillError>> + Send,
    {
        self.shared.begun.store(0, Relaxed);
        self.shared.done.store(0, Relaxed);
        let mut workers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (shared, work) = (Arc::clone(&self.shared), work.clone());
            workers.spawn(async move {
                loop {
                    let first = shared.begun.fetch_add(BATCH, Relaxed);
                    if first >= count {
                        return Ok(());
                    }
                    let numbers = first..count.min(first + BATCH);
                    let length = numbers.end - numbers.start;
                    work(Arc::clone(&shared), numbers).await?;
                    shared.done.fetch_add(length, Relaxed);
                }
            });
        }
        self.watch(name, count, workers).await
    }

    async fn watch(
        &mut self,
        step: &'static str,
        count: u64,
        mut workers: JoinSet<Result<(), FillError>>,
    ) -> Result<(), FillError> {
        let mut ticks = tokio::time::interval(TICK);
        let (mut seen, mut seen_at) = (0, Instant::now());
        loop {
            let ended = tokio::select! {
                ended = workers.join_next() => ended,
                _ = ticks.tick() => {
                    let done = self.shared.done.load(Relaxed);
                    let per_sec = (done - seen) as f64 / seen_at.elapsed().as_secs_f64();
                    (self.progress)(&FillTick { step, done, count, per_sec });
                    (seen, seen_at) = (done, Instant::now());
                    continue;
                }
            };
            match ended {
                None => {
                    (self.progress)(&FillTick { step, done: count, count, per_sec: 0.0 });
                    return Ok(());
                }
                Some(Ok(worked)) => worked?,
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
    }
}

impl Shared {
    async fn call(&self, command: Command, size_bytes: usize) -> Result<Outcome, FillError> {
        let began = Instant::now();
        loop {
            match self.engine.call(command.clone(), Wait::Secs(0), size_bytes).await {
                Ok(answer) => {
                    answer.lease.delivered();
                    return match answer.outcome {
                        Outcome::Refused(refusal) => Err(FillError::Refused(refusal)),
                        outcome => Ok(outcome),
                    };
                }
                Err(CallError::Denied(_)) if began.elapsed() < STUCK_AFTER => {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(FillError::Stuck(error.to_string())),
            }
        }
    }

    /// Has a command carried out whose outcome is known when it succeeds.
    pub(super) async fn carry_out(&self, command: Command) -> Result<(), FillError> {
        self.call(command, 0).await.map(drop)
    }

    /// Sends the messages of these numbers.
    pub(super) async fn send(
        &self,
        key: &QueueKey,
        numbers: Range<u64>,
        manner: Manner,
    ) -> Result<(), FillError> {
        let messages: Vec<_> = numbers.map(|number| self.messages.message(number, manner)).collect();
        let size_bytes = messages.iter().map(|message| message.payload.len()).sum();
        match self.call(Command::Send { key: key.clone(), messages }, size_bytes).await? {
            Outcome::Sent(results) => {
                results.into_iter().try_for_each(|sent| sent.map(drop)).map_err(FillError::Refused)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Receives up to `limit` messages.
    async fn receive(
        &self,
        key: &QueueKey,
        limit: u64,
        visibility_timeout_secs: u32,
    ) -> Result<Vec<Receipt>, FillError> {
        let command = Command::Receive {
            key: key.clone(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            visibility_timeout_secs: Some(visibility_timeout_secs),
            attempt: None,
        };
        match self.call(command, 0).await? {
            Outcome::Received { queue, deliveries } => Ok(deliveries
                .iter()
                .map(|delivery| Receipt { queue, sequence: delivery.sequence, delivery: delivery.delivery })
                .collect()),
            other => Err(unexpected(&other)),
        }
    }

    /// Receives exactly so many messages, in as many receives as it takes, and hands each receive's to `then`.
    pub(super) async fn receive_exactly<Then>(
        &self,
        key: &QueueKey,
        count: u64,
        visibility_timeout_secs: u32,
        mut then: impl FnMut(Vec<Receipt>) -> Then,
    ) -> Result<(), FillError>
    where
        Then: Future<Output = Result<(), FillError>>,
    {
        let (mut missing, mut last_came) = (count, Instant::now());
        while missing > 0 {
            let received = self.receive(key, missing.min(BATCH), visibility_timeout_secs).await?;
            if received.is_empty() {
                // Others hold what there is, and will let it go.
                if last_came.elapsed() > STUCK_AFTER {
                    return Err(FillError::Stuck(format!("{key} gives no more messages")));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            missing -= received.len() as u64;
            last_came = Instant::now();
            then(received).await?;
        }
        Ok(())
    }

    /// Deletes what was received.
    pub(super) async fn delete(&self, key: &QueueKey, receipts: Vec<Receipt>) -> Result<(), FillError> {
        match self.call(Command::Delete { key: key.clone(), receipts }, 0).await? {
            Outcome::Deleted(results) => {
                results.into_iter().collect::<Result<(), _>>().map_err(FillError::Refused)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Ends the leases of what was received: it comes back at once.
    pub(super) async fn give_back(&self, key: &QueueKey, receipts: &[Receipt]) -> Result<(), FillError> {
        let changes = receipts.iter().map(|receipt| (*receipt, 0)).collect();
        match self.call(Command::ChangeVisibility { key: key.clone(), changes }, 0).await? {
            Outcome::VisibilityChanged(results) => {
                results.into_iter().collect::<Result<(), _>>().map_err(FillError::Refused)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Has dead letters taken out of a queue, until its dead-letter queue holds so many.
    pub(super) async fn bury(
        &self,
        key: &QueueKey,
        dead_letters: &QueueKey,
        count: u64,
    ) -> Result<(), FillError> {
        let (mut buried, mut last_came) = (0, Instant::now());
        while buried < count {
            self.receive(key, BATCH, 0).await?;
            let now = self.describe(dead_letters).await?.usage.messages;
            if now > buried {
                last_came = Instant::now();
            } else if last_came.elapsed() > STUCK_AFTER {
                return Err(FillError::Stuck(format!("{key} has no more dead letters")));
            }
            buried = now;
        }
        Ok(())
    }

    async fn describe(&self, key: &QueueKey) -> Result<QueueDescription, FillError> {
        match self.call(Command::DescribeQueue { key: key.clone() }, 0).await? {
            Outcome::Description(description) => Ok(*description),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(outcome: &Outcome) -> FillError {
    FillError::Stuck(format!("an outcome that can't be: {outcome:?}"))
}
