//! One connection's loop: take the next operation, carry it out, record, again, until the window closes.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Shared;
use super::link::Link;
use super::operation::{Done, Failed, Operation};
use crate::config::Work;

/// Pause after a failed connection, so that a server that is gone is not hammered with attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// An operation that is to begin.
struct Begun {
    /// When it was to begin, from which it is measured.
    at: Instant,
    measured: bool,
}

/// Works until the window has closed. The tally is complete up to the operation under way whenever this is dropped.
pub(super) async fn drive(shared: &Shared) {
    let mut link = Link::default();
    loop {
        let connected = link.connect(&shared.addresses).await;
        let Some(Begun { at, measured }) = next(shared).await else { return };
        let number = shared.begun.fetch_add(1, Relaxed);
        let queue = usize::try_from(number).unwrap_or_default() % shared.calls.queues();
        let ended = match connected {
            Ok(()) => Operation { shared, link: &mut link, queue, at, measured }.run().await,
            Err(error) => Err(Failed::Broken(error)),
        };
        let broken = matches!(ended, Err(Failed::Broken(_)));
        record(shared, at, measured, ended);
        if broken {
            sleep(RECONNECT_PAUSE).await;
        }
    }
}

/// The next operation when its time has come; `None` when the window has closed.
async fn next(shared: &Shared) -> Option<Begun> {
    let (at, late) = match &shared.schedule {
        None => (Instant::now(), None),
        Some(schedule) => {
            let arrival = schedule.take().await?;
            (arrival.at, Some(arrival.late))
        }
    };
    if at >= shared.closes || shared.drained.load(Relaxed) {
        return None;
    }
    let measured = at >= shared.opens;
    if measured {
        shared.tally().begin(late);
    }
    Some(Begun { at, measured })
}

fn record(shared: &Shared, at: Instant, measured: bool, ended: Result<Done, Failed>) {
    let latency = at.elapsed();
    if ended.is_err() {
        shared.failed.fetch_add(1, Relaxed);
    }
    if matches!((&ended, shared.work), (Ok(Done::Empty), Work::Receive { .. })) {
        shared.drain();
    }
    if !measured {
        return;
    }
    let since_opening = at - shared.opens;
    let mut tally = shared.tally();
    match ended {
        Ok(Done::Messages(messages)) => tally.accept(since_opening, latency, messages),
        Ok(Done::Empty) => tally.end_empty(),
        Err(Failed::Refused(text)) => tally.fail(since_opening, &text),
        Err(Failed::Broken(error)) => tally.fail(since_opening, &error.to_string()),
    }
}
