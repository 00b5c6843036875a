//! `/metrics`: the figures of the service and its queues for Prometheus.
//!
//! The engine's thread counts with plain integers that it owns and is asked for copies, some hundred queues at a time, so
//! a scrape never holds it up for long. Counters are asked for before the counts of the same queues, whose answer waits
//! for durability: nothing is told here that a power cut could take back.
//!
//! What always holds: one scrape tells of at most [`QUEUES_SHOWN`] queues one by one, the first created, and says how many
//! it left out; sums are over all.
//!
//! Suggested reading order: this file, `text`, `queues`, `service`, `requests`, `process`.

mod process;
mod queues;
mod refusals;
mod requests;
mod service;
mod text;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::QueueId;
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_engine::EngineHandle;
use millpond_engine::counters::QueueCounters;
use millpond_engine::driver::Status;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;

use crate::audit::Counts;
use crate::body::ReplyBody;
use crate::guessing::Guessing;
use crate::respond::{self, Reply};
use queues::{QueueFigures, QueueText};
pub(crate) use requests::Requests;
use text::Text;

/// Queues told one by one in a scrape: of each there are up to sixteen lines.
const QUEUES_SHOWN: usize = 10_000;
/// Queues that the engine's thread is asked for at a time.
const QUEUES_PER_CALL: usize = 200;

/// What the server itself counts.
#[derive(Debug)]
pub(crate) struct Traffic {
    started: SystemTime,
    accepted: AtomicU64,
    ended: AtomicU64,
    foreign: AtomicU64,
    handshakes_failed: AtomicU64,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            started: SystemTime::now(),
            accepted: zero(),
            ended: zero(),
            foreign: zero(),
            handshakes_failed: zero(),
        }
    }

    /// A connection was accepted. It ends with what is returned.
    pub(crate) fn connected(&self) -> impl Drop + '_ {
        self.accepted.fetch_add(1, Relaxed);
        Connected(&self.ended)
    }

    /// A connection to a port with TLS came to none.
    pub(crate) fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Relaxed);
    }

    /// A request was refused for where it came from.
    pub(crate) fn refused_foreign(&self) {
        self.foreign.fetch_add(1, Relaxed);
    }
}

/// What is counted beside the engine.
pub(crate) struct Counted<'a> {
    pub(crate) requests: &'a Requests,
    pub(crate) traffic: &'a Traffic,
    pub(crate) audit: Option<&'a Counts>,
    pub(crate) guessing: &'a Guessing,
}

struct Connected<'a>(&'a AtomicU64);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// All figures of a moment.
struct Figures {
    status: Status,
    under_way_bytes: usize,
    totals: Totals,
    queues: Vec<QueueFigures>,
    left_out: u64,
}

/// Sums over all queues.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    queues: u64,
    visible: u64,
    in_flight: u64,
    delayed: u64,
    bytes: u64,
    expired: u64,
}

impl Totals {
    fn add(&mut self, queue: &QueueDescription) {
        self.queues += 1;
        self.visible += queue.counts.visible as u64;
        self.in_flight += queue.counts.in_flight as u64;
        self.delayed += queue.counts.delayed as u64;
        self.bytes += queue.usage.bytes;
        self.expired += queue.expired;
    }
}

/// Answers a scrape. `query` may hold `queue_prefix=P`: then only queues whose name begins so are told one by one.
pub(crate) async fn page(engine: &EngineHandle, counted: &Counted<'_>, query: &str) -> Reply {
    let prefix = query.split('&').find_map(|parameter| parameter.strip_prefix("queue_prefix="));
    let figures = match gather(engine, prefix.unwrap_or_default()).await {
        Ok(figures) => figures,
        Err(error) => return respond::text(503, &error.to_string()),
    };
    let mut text = Text::default();
    service::write(&mut text, &figures, counted);
    counted.requests.write(&mut text);
    process::write(&mut text);
    let pieces = std::iter::once(Bytes::from(text.take())).chain(QueueText::new(figures.queues));
    let mut reply = respond::with_body(200, text::CONTENT_TYPE, Vec::new());
    *reply.body_mut() = ReplyBody::in_pieces(pieces);
    reply
}

async fn gather(engine: &EngineHandle, prefix: &str) -> Result<Figures, CallError> {
    let status = engine.status().await?;
    let under_way_bytes = engine.under_way_bytes();
    let mut figures =
        Figures { status, under_way_bytes, totals: Totals::default(), queues: Vec::new(), left_out: 0 };
    let mut after: Option<QueueId> = None;
    loop {
        let counters = engine.queue_counters(after, QUEUES_PER_CALL).await?;
        let command = Command::DescribeQueues { after, limit: QUEUES_PER_CALL };
        let answer = engine.call(command, Wait::Secs(0), 0).await?;
        let Outcome::Descriptions { queues, more_after } = answer.outcome else { return Ok(figures) };
        for queue in queues {
            figures.totals.add(&queue);
            let shown = queue.key.name.as_str().starts_with(prefix) && figures.queues.len() < QUEUES_SHOWN;
            if shown {
                let now = figures.status.now;
                figures.queues.push(QueueFigures::new(&queue, counters_of(&counters, queue.id), now));
            } else {
                figures.left_out += 1;
            }
        }
        match more_after {
            Some(last) => after = Some(last),
            None => return Ok(figures),
        }
    }
}

/// A queue that came between the two questions has not counted anything yet.
fn counters_of(counters: &[(QueueId, QueueCounters)], queue: QueueId) -> QueueCounters {
    let found = counters.binary_search_by_key(&queue, |(queue, _)| *queue).ok();
    found.map(|index| counters[index].1).unwrap_or_default()
}
