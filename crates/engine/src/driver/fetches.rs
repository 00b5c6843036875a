//! Finds messages that rest in the store, away from the engine's thread.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use millpond_core::message::QueueId;
use millpond_store::{StoreReader, Wanted};

use super::Message;
use super::watch::Watch;
use crate::step::FetchId;

/// The thread's name.
const THREAD: &str = "backlog-reader";

type Job = (FetchId, QueueId, Wanted, usize);

/// A thread that reads backlogs.
pub(super) struct BacklogReader {
    jobs: Sender<Job>,
}

impl BacklogReader {
    pub(super) fn start(store: Arc<dyn StoreReader>, engine: Sender<Message>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new().name(THREAD.into()).spawn(move || {
            let engine = Watch::new(THREAD, engine);
            for (fetch, queue, wanted, limit) in queue {
                let found = store.find(queue, &wanted, limit);
                if engine.send(Message::Fetched { fetch, found }).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs })
    }

    pub(super) fn find(&self, fetch: FetchId, queue: QueueId, wanted: Wanted, limit: usize) {
        // The reader ends only after the engine, which is the caller, or by a panic, which it tells.
        let _ = self.jobs.send((fetch, queue, wanted, limit));
    }
}
