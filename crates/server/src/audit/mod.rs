//! The audit log: a line for each request, about who asked for what and what came of it.
//!
//! What always holds: no line holds a body, a signature, a token or a secret; lines are written by a thread of their own, so
//! that no request waits for a disk; a line that could not be kept is counted, and the log itself says how many are missing.
//!
//! What it refuses to do: hold up or refuse a request because its line can't be written.
//!
//! Suggested reading order: this file, `entry`, `trail`, `writer`, `file`.

mod entry;
mod file;
mod trail;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use entry::Entry;
use file::LogFile;
pub(crate) use trail::Trail;
use writer::{Sink, StandardOutput};

/// Lines that wait for the disk at most. What comes beyond is not kept.
const WAITING: usize = 8_192;
/// How long the last lines get when the service stops.
const STOP: Duration = Duration::from_secs(5);

/// The smallest size that a file may be limited to.
pub const LEAST_FILE_BYTES: u64 = 128 << 10;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To standard output.
    StandardOutput,
    /// To a file, which is appended to.
    File(PathBuf),
}

/// Which requests get a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recorded {
    /// All.
    #[default]
    All,
    /// Those that change queues, permissions, identities or the service, and those that are refused for who asks. Neither
    /// messages nor what only reads.
    Changes,
}

/// How the audit log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// Where lines go.
    pub target: Target,
    /// Which requests get one.
    pub recorded: Recorded,
    /// A file is closed before it grows beyond this many bytes; [`LEAST_FILE_BYTES`] at least.
    pub max_bytes: u64,
    /// Closed files that are kept, beside the one that is written.
    pub keep: u32,
}

impl AuditConfig {
    /// Everything, in files of 64 MiB of which eight are kept.
    #[must_use]
    pub fn to(target: Target) -> Self {
        Self { target, recorded: Recorded::default(), max_bytes: 64 << 20, keep: 8 }
    }
}

/// The file of the audit log can't be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the audit log {path}: {error}")]
pub struct AuditError {
    /// Which file.
    pub path: PathBuf,
    /// What the system answered.
    pub error: io::Error,
}

/// What is counted of the log.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) written: AtomicU64,
    pub(crate) lost: AtomicU64,
}

enum Message {
    Line(Box<Entry>),
    End,
}

/// The way of lines to the thread that writes them.
pub(crate) struct Audit {
    recorded: Recorded,
    sender: SyncSender<Message>,
    counts: Arc<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Audit {
    /// Opens the log.
    pub(crate) fn start(config: &AuditConfig) -> Result<Arc<Self>, AuditError> {
        let sink: Box<dyn Sink> = match &config.target {
            Target::StandardOutput => Box::new(StandardOutput),
            Target::File(path) => {
                let opened = LogFile::open(path, config.max_bytes.max(LEAST_FILE_BYTES), config.keep);
                Box::new(opened.map_err(|error| AuditError { path: path.clone(), error })?)
            }
        };
        let failed = |error| AuditError { path: PathBuf::from("-"), error };
        Self::writing_to(sink, config.recorded, WAITING).map_err(failed)
    }

    fn writing_to(sink: Box<dyn Sink>, recorded: Recorded, waiting: usize) -> io::Result<Arc<Self>> {
        let (sender, receiver) = sync_channel(waiting);
        let counts = Arc::new(Counts::default());
        let of_thread = counts.clone();
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer::run(&receiver, sink, &of_thread))?;
        Ok(Arc::new(Self { recorded, sender, counts, thread: Mutex::new(Some(thread)) }))
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    fn submit(&self, entry: Box<Entry>) {
        if self.recorded == Recorded::Changes && !entry.is_change_or_refusal() {
            return;
        }
        match self.sender.try_send(Message::Line(entry)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.counts.lost.fetch_add(1, Relaxed);
            }
        }
    }

    /// Writes what waits and ends. A disk that does not answer holds it up for some seconds only.
    pub(crate) async fn finish(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let sender = self.sender.clone();
        let (told, ended) = tokio::sync::oneshot::channel();
        // No task of the runtime: one that waits for a disk for ever would keep the process.
        std::thread::spawn(move || {
            // When it can't be sent the thread has ended already.
            let _ = sender.send(Message::End);
            let _ = thread.join();
            let _ = told.send(());
        });
        if tokio::time::timeout(STOP, ended).await.is_err() {
            tracing::warn!("the last lines of the audit log could not be written in time");
        }
    }
}

#[cfg(test)]
mod tests;
