//! Opens a data directory: log, store, and the state that they hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_core::time::Timestamp;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::{RecoveryError, recover_within};
use millpond_engine::step::EngineConfig;
use millpond_log::{
    Disk, Log, LogConfig, LogId, MemoryConfig, MemoryLog, MemoryStorage, RealDisk, SegmentLog,
};
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store};

use crate::error::{StartError, with_causes};

/// Bytes of requests under way at once, and as much again of replies that are not taken yet.
const UNDER_WAY_LIMIT_BYTES: usize = 64 << 20;

/// The file of a log that is always there.
const FIRST_FILE: &str = "log.superblock";

const ADVICE: &str = "\n  Choose another with --data DIR";

/// What to do about a directory whose log and store do not fit each other, or can't be read.
const DAMAGED: &str = ".\n  Nothing was changed. Keep the directory as it is; millpond check DIR tells all that is damaged. Then restore a \
                       backup (millpond restore), or save what can be read with millpond repair DIR NEWDIR";

/// What was found when a data directory was opened.
#[derive(Clone, Debug)]
pub struct Found {
    /// The directory; `None` when everything is in memory.
    pub path: Option<PathBuf>,
    /// The directory was there, with data.
    pub existed: bool,
    /// Queues.
    pub queues: usize,
    /// Messages in all of them.
    pub messages: usize,
    /// Whether the end of the log was cut because its last write had been interrupted.
    pub torn: Option<String>,
    /// What was done about others who could read the directory, in words.
    pub others: Option<String>,
}

impl Found {
    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let Some(path) = &self.path else { return "in memory; nothing survives a stop".to_owned() };
        let plural =
            |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let content = if !self.existed {
            "new".to_owned()
        } else {
            format!("found {} with {}", plural(self.queues, "queue"), plural(self.messages, "message"))
        };
        format!("{} ({content})", path.display())
    }
}

/// Opens a directory without a server, creating it if need be, and starts the engine on it. [`millpond_engine::EngineHandle::stop`] and
/// [`Running::join`] end it in order.
///
/// # Errors
/// [`StartError`]: the directory can't be used.
///
/// # Panics
/// Outside of a Tokio runtime.
pub fn open_without_server(path: &Path) -> Result<Running, StartError> {
    Ok(open(path, EngineConfig::default())?.0)
}

/// Opens a directory, creating it if need be, and starts the engine on it.
pub(crate) fn open(path: &Path, config: EngineConfig) -> Result<(Running, Found), StartError> {
    let failed = |error: &dyn std::error::Error| StartError::Data {
        path: path.display().to_string(),
        reason: with_causes(error),
        advice: ADVICE,
    };
    if path.exists() && !path.is_dir() {
        let reason = "it is a file, and a directory is needed".to_owned();
        return Err(StartError::Data { path: path.display().to_string(), reason, advice: ADVICE });
    }
    let disk = RealDisk::open(path).map_err(|error| failed(&error))?;
    let path = disk.path().to_owned();
    let others = closed_to_others(&disk);
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let inbox = Inbox::default();
    let new_log_id = LogId(random()?);
    let (log, report) =
        SegmentLog::open_threaded(disk.clone(), LogConfig::default(), new_log_id, &inbox.waker())
            .map_err(|error| failed(&error))?;
    let store = RedbStore::open(disk, RedbConfig::default()).map_err(|error| failed(&error))?;
    let torn = report
        .torn
        .as_ref()
        .map(|end| format!("{} from byte {} on, batch {}", end.file, end.offset_bytes, end.position));
    let started = start(config, Box::new(log), Box::new(store), inbox, Some(path.clone()), torn);
    let (running, found) = started.map_err(|error| match error {
        NotStarted::Recovery(error) => StartError::Data {
            path: path.display().to_string(),
            reason: error.to_string(),
            advice: if is_told(&error) { "" } else { DAMAGED },
        },
        NotStarted::System(error) => {
            StartError::Data { path: path.display().to_string(), reason: error.to_string(), advice: "" }
        }
    })?;
    Ok((running, Found { others, ..found }))
}

/// What lies in the directory is for its user alone. A directory that holds other things is not data's to close.
fn closed_to_others(disk: &RealDisk) -> Option<String> {
    let names = disk.list().unwrap_or_default();
    let is_data = names.is_empty() || names.iter().any(|name| name == FIRST_FILE);
    let told = |result: std::io::Result<bool>| match result {
        Ok(true) => Some("other users could read the data; now only its own user can".to_owned()),
        Ok(false) => None,
        Err(error) => Some(format!("other users can read the data, and that can't be changed: {error}")),
    };
    is_data.then(|| told(disk.close_to_others())).flatten()
}

/// Starts an engine whose data is gone when it stops.
pub(crate) fn open_in_memory(config: EngineConfig) -> Result<(Running, Found), StartError> {
    let inbox = Inbox::default();
    // Its store is memory, too.
    let config = EngineConfig { messages_in_memory: usize::MAX, sends_in_memory: usize::MAX, ..config };
    let log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    let started = start(config, Box::new(log), Box::new(MemoryStore::new()), inbox, None, None);
    started.map_err(|error| match error {
        NotStarted::Recovery(error) => system(&error),
        NotStarted::System(error) => error,
    })
}

/// Why an engine does not start on log and store that are open.
enum NotStarted {
    /// They do not bring a state back.
    Recovery(RecoveryError),
    /// The system does not give what it takes.
    System(StartError),
}

impl From<StartError> for NotStarted {
    fn from(error: StartError) -> Self {
        Self::System(error)
    }
}

/// Whether the error itself says what to do.
fn is_told(error: &RecoveryError) -> bool {
    matches!(error, RecoveryError::Store(_))
}

fn start(
    config: EngineConfig,
    mut log: Box<dyn Log>,
    store: Box<dyn Store>,
    inbox: Inbox,
    path: Option<PathBuf>,
    torn: Option<String>,
) -> Result<(Running, Found), NotStarted> {
    let limit = config.messages_in_memory as u64 / 2;
    let recovered = recover_within(log.as_mut(), store.as_ref(), limit).map_err(NotStarted::Recovery)?;
    let not_before: Timestamp = recovered.state.clock();
    let found = Found {
        path,
        existed: recovered.state.instance().receipt_key.is_some(),
        queues: recovered.state.queues().count(),
        messages: recovered.state.queues().map(|queue| queue.messages.len()).sum(),
        torn,
        others: None,
    };
    let noted = recovered.state.instance().noted_reading;
    let clock = Arc::new(SystemClock::starting(not_before, noted.as_ref(), random()?));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: UNDER_WAY_LIMIT_BYTES };
    let running = driver::start(config, parts, inbox, random()?).map_err(|error| system(&error))?;
    Ok((running, found))
}

/// Random bytes of the operating system.
fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| {
        StartError::System(format!("the operating system gives no random numbers: {error}"))
    })?;
    Ok(bytes)
}

fn system(error: &dyn std::error::Error) -> StartError {
    StartError::System(with_causes(error))
}

#[cfg(test)]
mod tests;
