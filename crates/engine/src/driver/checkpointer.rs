//! Takes checkpoints on a thread of its own, one at a time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use millpond_log::{LogReader, Position};
use millpond_store::Store;

use super::Message;
use super::watch::Watch;
use crate::checkpoint;

/// Rows that bulk removals left behind are given back in pieces of this size, between checkpoints.
const RECLAIM_ROWS: usize = 10_000;

/// A thread that owns the store. Dropped, it ends the checkpoint that is under way and lets go of the store.
pub(super) struct Checkpointer {
    jobs: Option<Sender<Position>>,
    thread: Option<JoinHandle<()>>,
    busy: bool,
}

/// The thread's name.
const THREAD: &str = "checkpoint";

impl Checkpointer {
    pub(super) fn start(
        log: Arc<dyn LogReader>,
        mut store: Box<dyn Store>,
        engine: Sender<Message>,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Position>();
        let thread = thread::Builder::new().name(THREAD.into()).spawn(move || {
            let engine = Watch::new(THREAD, engine);
            for through in queue {
                let mut result = checkpoint::advance(store.as_mut(), log.as_ref(), through);
                if result.is_ok()
                    && let Err(error) = store.reclaim(RECLAIM_ROWS)
                {
                    result = Err(error.into());
                }
                if engine.send(Message::Checkpointed(result)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), busy: false })
    }

    /// Begins a checkpoint, unless one is under way. Answers whether it did.
    pub(super) fn advance(&mut self, through: Position) -> bool {
        if self.busy {
            return false;
        }
        // The thread ends only after the engine, which is the caller, or by a panic, which it tells.
        self.busy = self.jobs.as_ref().is_some_and(|jobs| jobs.send(through).is_ok());
        self.busy
    }

    /// The checkpoint that was under way has ended.
    pub(super) fn ended(&mut self) {
        self.busy = false;
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told the engine.
            let _ = thread.join();
        }
    }
}
