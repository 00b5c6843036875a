//! Reads payloads from log and store, away from the engine's thread.
//!
//! A payload that is not in the log any more is in the store: the store is written before the log is trimmed. Each
//! payload is verified by its own checksum before it is handed on.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;

use millpond_core::message::MessageRef;
use millpond_core::payload;
use millpond_log::{LogReader, ReadError};
use millpond_store::StoreReader;

use super::Message;
use super::watch::Watch;
use crate::step::{Body, BodyPlace, ReadId};

/// The thread's name.
const THREAD: &str = "body-reader";

type Job = (ReadId, Vec<(MessageRef, BodyPlace)>);

/// A thread that reads payloads.
pub(super) struct BodyReader {
    jobs: Sender<Job>,
}

impl BodyReader {
    pub(super) fn start(
        log: Arc<dyn LogReader>,
        store: Arc<dyn StoreReader>,
        engine: Sender<Message>,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new().name(THREAD.into()).spawn(move || {
            let engine = Watch::new(THREAD, engine);
            for (read, bodies) in queue {
                let bodies = bodies
                    .into_iter()
                    .map(|(message, place)| read_body(log.as_ref(), store.as_ref(), message, place))
                    .collect();
                if engine.send(Message::Bodies { read, bodies }).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs })
    }

    pub(super) fn read(&self, read: ReadId, bodies: Vec<(MessageRef, BodyPlace)>) {
        // The reader ends only after the engine, which is the caller, or by a panic, which it tells.
        let _ = self.jobs.send((read, bodies));
    }
}

/// Reads one payload and verifies it. What the log has trimmed is in the store.
pub fn read_body(
    log: &dyn LogReader,
    store: &dyn StoreReader,
    message: MessageRef,
    place: BodyPlace,
) -> Body {
    if let BodyPlace::Moved { earlier, first } = place {
        return read_moved(log, store, message, &earlier, *first);
    }
    if let BodyPlace::Log { position, offset_bytes, length_bytes } = place {
        match log.read_range(position, offset_bytes..offset_bytes.saturating_add(length_bytes)) {
            Ok(bytes) => return verified(bytes),
            Err(ReadError::Trimmed { .. }) => {}
            Err(error) => return unreadable(&error),
        }
    }
    match store.payload(message) {
        Ok(Some(bytes)) => verified(bytes),
        Ok(None) => Body::Gone,
        Err(error) => unreadable(&error),
    }
}

/// Reads the payload of a message that was moved. The store knows it by a later name once it has followed the log so
/// far, which may happen between two looks. It never goes back, so a look at each name from the latest to the first and
/// back again finds it.
fn read_moved(
    log: &dyn LogReader,
    store: &dyn StoreReader,
    message: MessageRef,
    earlier: &[MessageRef],
    first: BodyPlace,
) -> Body {
    let in_store = |name: &MessageRef| found(read_body(log, store, *name, BodyPlace::Store));
    let names = || std::iter::once(&message).chain(earlier);
    let in_first = || earlier.last().and_then(|name| found(read_body(log, store, *name, first)));
    let down = names().find_map(in_store).or_else(in_first);
    let body = down.or_else(|| earlier.iter().rev().find_map(in_store)).or_else(|| in_store(&message));
    body.unwrap_or(Body::Gone)
}

fn found(body: Body) -> Option<Body> {
    (body != Body::Gone).then_some(body)
}

/// A read that failed says nothing about the bytes: the message stays, and comes again when its lease has ended. The receive is
/// counted, so that one that can never be read ends as a dead letter and does not hold up its group for ever.
fn unreadable(error: &dyn std::error::Error) -> Body {
    tracing::error!(%error, "a message can't be read; it will be delivered again after its visibility timeout");
    Body::Gone
}

fn verified(bytes: bytes::Bytes) -> Body {
    #[cfg(feature = "simulation")]
    if millpond_log::planted::is_planted(millpond_log::planted::Bug::BodyNotVerified) {
        return Body::Intact(bytes);
    }
    if payload::verify(&bytes).is_ok() { Body::Intact(bytes) } else { Body::Damaged }
}
