//! Gives a backup out while the service runs.
//!
//! What always holds: it is the state at a position that is durable when the call came, so nothing that was acknowledged
//! before is missing; no request waits for it: a thread of its own reads the log and a snapshot of the store, at the pace
//! of whoever takes the bytes.
//!
//! It refuses to wait for ever for one who takes nothing: the log is kept, and space of the store, for as long as it lasts. And it
//! refuses more than a few at once, since each reads all that is there.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use millpond_engine::EngineHandle;
use millpond_engine::driver::HeldLog;
use millpond_keep::backup::{self, NotTaken, Origin, Snapshot};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use crate::body::ReplyBody;
use crate::respond::{self, Reply};

/// Pieces that wait for the connection.
const PIECES_WAITING: usize = 4;
/// How long a piece waits until it is given up.
const STALLED: Duration = Duration::from_secs(60);
/// Backups at once: one that is forgotten does not keep the next from being taken.
const AT_ONCE: usize = 2;
/// When who came too many may ask again.
const RETRY_AFTER_SECS: &str = "30";

/// The backups that are being taken.
#[derive(Debug)]
pub(crate) struct Backups {
    room: Arc<Semaphore>,
}

impl Default for Backups {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

fn too_many() -> Reply {
    let why = format!("{AT_ONCE} backups are being taken already; ask again when one of them has ended");
    let mut reply = respond::own_error(503, &why);
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECS));
    reply
}

/// Begins a backup.
pub(crate) async fn answer(engine: &EngineHandle, backups: &Backups) -> Reply {
    let Ok(permit) = backups.room.clone().try_acquire_owned() else { return too_many() };
    let held = match engine.hold_log().await {
        Ok(held) => held,
        Err(error) => return respond::own_error(503, &error.to_string()),
    };
    let store = held.store.clone();
    let snapshot = match tokio::task::spawn_blocking(move || store.snapshot()).await {
        Ok(Ok(snapshot)) => snapshot,
        Ok(Err(error)) => return respond::own_error(503, &error.to_string()),
        Err(error) => return respond::own_error(503, &error.to_string()),
    };
    let (sender, pieces) = mpsc::channel(PIECES_WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut sink = |piece: Bytes| {
            let sent = runtime.block_on(sender.send_timeout(piece, STALLED));
            sent.map_err(|_| io::Error::other("whoever asked for it took no more"))
        };
        if let Err(error) = write(held, &*snapshot, &mut sink) {
            tracing::warn!(%error, "a backup was not finished");
        }
        drop(permit);
    });
    let mut reply = Response::new(ReplyBody::streamed(pieces));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    reply
}

fn write(held: HeldLog, snapshot: &dyn Snapshot, sink: backup::Sink<'_>) -> Result<(), NotTaken> {
    let (log, through) = (held.log.clone(), held.through);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let taken_at_millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let origin = Origin { taken_at_millis, program: env!("CARGO_PKG_VERSION").to_owned() };
    backup::write(origin, snapshot, &*log, through, move || drop(held), sink).map(drop)
}
