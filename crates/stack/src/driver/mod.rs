//! How workloads are carried: the trait a supervisor drives, and local processes as its one implementation.
//!
//! A driver never decides: it starts, signals, finds and watches what it is told to. It guarantees that at most one
//! process of a workload is alive, also across supervisors that were killed.

mod identity;
pub mod log;
mod process;
mod run_files;
pub mod workload_side;

pub use process::ProcessDriver;

use crate::workload::WorkloadName;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;

/// Environment variable with the token that names one start of a workload.
pub const TOKEN_VARIABLE: &str = "MILLPOND_WORKLOAD_TOKEN";
/// Environment variable with the path of the workload's configuration, a private file.
pub const CONFIGURATION_VARIABLE: &str = "MILLPOND_WORKLOAD_CONFIGURATION";
/// Environment variable with the path at which a workload tells the address it listens on.
pub const ADDRESS_VARIABLE: &str = "MILLPOND_WORKLOAD_ADDRESS";
/// Environment variable with the path at which a workload tells its [`Condition`].
pub const CONDITION_VARIABLE: &str = "MILLPOND_WORKLOAD_CONDITION";

/// How to start a workload. `Debug` shows neither the configuration nor values of the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments. Everyone on the machine can read them: no secrets.
    pub args: Vec<String>,
    /// Variables added to the environment.
    pub environment: BTreeMap<String, String>,
    /// What the program reads from the file named by [`CONFIGURATION_VARIABLE`]; the place for secrets.
    pub configuration: Vec<u8>,
    /// Who sees to it that it outlives the terminal and its supervisor.
    pub session: Session,
}

/// How a workload gets away from the terminal of its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// The program calls [`workload_side::enter_own_session`] before anything else.
    EnteredByProgram,
    /// Any program: it is started in a process group of its own, which keeps Ctrl-C away from it.
    ProcessGroup,
}

/// Tells apart two ways to start a workload: equal when and only when all of [`Launch`] is equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchDigest(String);

impl Launch {
    /// The digest of all that is in it.
    pub fn digest(&self) -> LaunchDigest {
        let mut hasher = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        add(self.program.as_os_str().as_encoded_bytes());
        add(&(self.args.len() as u64).to_be_bytes());
        self.args.iter().for_each(|argument| add(argument.as_bytes()));
        for (name, value) in &self.environment {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        add(&self.configuration);
        add(&[u8::from(self.session == Session::ProcessGroup)]);
        LaunchDigest(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl LaunchDigest {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_stored(digest: String) -> LaunchDigest {
        LaunchDigest(digest)
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Launch")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("environment", &self.environment.keys().collect::<Vec<_>>())
            .field("configuration_bytes", &self.configuration.len())
            .field("session", &self.session)
            .finish()
    }
}

/// What a workload says of itself. A process alone says little: one that waits for its database runs as well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum Condition {
    /// It does what it is for.
    Ready,
    /// It does what it is for, except for something that others have to mend.
    ReadyExcept {
        /// For what and why, in words for people; without secrets.
        reason: String,
        /// When this is not true any more unless it is told again, in milliseconds since 1970.
        until_unix_ms: u64,
    },
    /// It runs, waits for something that may return by itself, and goes on then.
    Waiting {
        /// For what and why, in words for people; without secrets.
        reason: String,
    },
    /// It ends because of this; waiting in its process would not help.
    Failed {
        /// What is wrong and what to do, in words for people; without secrets.
        reason: String,
    },
}

/// A process of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// When it was started, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// How it was started.
    pub digest: LaunchDigest,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitKind {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It was started by an earlier supervisor, so nobody can ask how it ended.
    Unknown,
    /// It never ran: it could not be started.
    NotStarted,
}

impl fmt::Display for ExitKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExitKind::Code(code) => write!(formatter, "exit code {code}"),
            ExitKind::Signal(signal) => write!(formatter, "signal {signal}"),
            ExitKind::Unknown => formatter.write_str("unknown exit"),
            ExitKind::NotStarted => formatter.write_str("could not be started"),
        }
    }
}

/// What a supervisor asks of a process to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// Please end (`SIGTERM`).
    Terminate,
    /// End now (`SIGKILL`).
    Kill,
}

/// Why a driver could not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// A process of this workload is still alive, so another must not start.
    #[error("a process of workload {name} still runs and holds {lock}; it must end before another starts")]
    StillRunning {
        /// The workload.
        name: WorkloadName,
        /// The lock file it holds.
        lock: PathBuf,
    },
    /// The process is not there, or not known.
    #[error("workload {0} has no process")]
    NoProcess(WorkloadName),
    /// A file or the system refused.
    #[error("workload {name}: could not {action} {path}: {source}")]
    Io {
        /// The workload, or `-` when it concerns all.
        name: String,
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Starts, signals, finds and watches processes of workloads.
pub trait Driver: Send + 'static {
    /// The processes that earlier supervisors left running. They are watched only once [`Driver::adopt`]ed. Called
    /// once, before anything else.
    fn find(&mut self) -> impl Future<Output = Result<Vec<(WorkloadName, Process)>, DriverError>> + Send;

    /// Watches a found process, so that [`Driver::next_exit`] tells its end.
    fn adopt(&mut self, name: &WorkloadName) -> Result<(), DriverError>;

    /// Starts a workload; refuses when a process of it is alive.
    fn spawn(&mut self, name: &WorkloadName, launch: &Launch) -> Result<Process, DriverError>;

    /// Sends a signal to the process of a workload, and to no other process, even if its id was used again.
    fn signal(&mut self, name: &WorkloadName, signal: StopSignal) -> Result<(), DriverError>;

    /// Waits for the end of any spawned or adopted process. Cancelling it loses nothing.
    fn next_exit(&mut self) -> impl Future<Output = (WorkloadName, ExitKind)> + Send;

    /// Keeps the log of a workload within its bounds. Called every few seconds while it runs.
    fn bound_log(&mut self, name: &WorkloadName) -> Result<(), DriverError>;

    /// The address a running workload says it listens on.
    fn address(&self, name: &WorkloadName) -> Option<String>;

    /// What its process last told of itself; `None` before it did. What a process told stays until the next is started.
    fn condition(&self, name: &WorkloadName) -> Option<Condition>;

    /// Where its output goes.
    fn log_path(&self, name: &WorkloadName) -> PathBuf;
}
