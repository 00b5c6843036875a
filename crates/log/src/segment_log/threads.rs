//! The shell with threads: one writes, one keeps spares ready. The owner's side never waits for the disk.
//!
//! Always: the waker is called after every change that a poll or a submit would see. Dropping the shell carries out
//! trims and ends both threads; batches that were queued and not written by then have an unknown outcome, as after
//! a crash.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::contract::Failure;

use super::pool::{SegmentPool, Turn};
use super::segment_writer::SegmentWriter;
use super::shared::{Shared, State};

/// Called, from any thread, when progress can be polled or a submit that was refused may succeed.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A full disk is asked again for room after this time.
const DISK_FULL_PAUSE: Duration = Duration::from_millis(500);

/// Both threads.
pub(super) struct Threads {
    shared: Arc<Shared>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(
        shared: &Arc<Shared>,
        writer: SegmentWriter,
        pool: SegmentPool,
        waker: &Waker,
    ) -> std::io::Result<Self> {
        let mut threads = Self { shared: Arc::clone(shared), handles: Vec::new() };
        let (at_writer, at_pool) = (Watch::new(shared, waker), Watch::new(shared, waker));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work)
        };
        threads.handles.push(spawn("log-writer", Box::new(move || write_loop(&at_writer, writer)))?);
        threads.handles.push(spawn("log-pool", Box::new(move || pool_loop(&at_pool, pool)))?);
        Ok(threads)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.write_work.notify_all();
        self.shared.pool_work.notify_all();
        for handle in self.handles.drain(..) {
            // A thread that panicked has said so through the failure.
            let _ = handle.join();
        }
    }
}

/// A thread's way to the shared state; turns a panic of the thread into a failure of the log.
struct Watch {
    shared: Arc<Shared>,
    waker: Waker,
}

impl Watch {
    fn new(shared: &Arc<Shared>, waker: &Waker) -> Self {
        Self { shared: Arc::clone(shared), waker: Arc::clone(waker) }
    }

    fn fail(&self, failure: Failure) {
        self.shared.lock().fail(failure);
        (self.waker)();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail(Failure {
                operation: "work",
                file: "the log's thread".to_owned(),
                error: "it panicked".to_owned(),
            });
        }
    }
}

fn write_loop(watch: &Watch, mut writer: SegmentWriter) {
    let shared = &watch.shared;
    let mut group = VecDeque::new();
    loop {
        let nothing_to_do = |state: &mut State| state.queue.is_empty() && !state.stopping;
        let mut state = shared
            .write_work
            .wait_while(shared.lock(), nothing_to_do)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopping || state.failure.is_some() {
            return;
        }
        std::mem::swap(&mut group, &mut state.queue);
        let group_bytes = std::mem::take(&mut state.queued_bytes);
        drop(state);
        if let Err(failure) = writer.write_group(&mut group) {
            return watch.fail(failure);
        }
        let mut state = shared.lock();
        state.durable = writer.durable;
        state.in_flight_bytes -= group_bytes;
        drop(state);
        (watch.waker)();
    }
}

fn pool_loop(watch: &Watch, mut pool: SegmentPool) {
    let shared = &watch.shared;
    loop {
        match pool.turn() {
            Ok(Turn::Worked) => (watch.waker)(),
            Ok(Turn::Idle) => {
                let nothing_to_do =
                    |state: &mut State| state.retired.is_empty() && !state.spare_wanted && !state.stopping;
                let state = shared.pool_work.wait_while(shared.lock(), nothing_to_do);
                if state.unwrap_or_else(PoisonError::into_inner).pool_has_ended() {
                    return;
                }
            }
            Ok(Turn::DiskFull) => {
                let nothing_to_do = |state: &mut State| state.retired.is_empty() && !state.stopping;
                let waited =
                    shared.pool_work.wait_timeout_while(shared.lock(), DISK_FULL_PAUSE, nothing_to_do);
                let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.pool_has_ended() {
                    return;
                }
                state.spare_wanted = true;
            }
            Err(failure) => return watch.fail(failure),
        }
    }
}
