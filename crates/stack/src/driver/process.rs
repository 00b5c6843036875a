//! Workloads as local processes (Linux): started apart from their supervisor, found again after it was killed, watched
//! and signalled by pidfd.
//!
//! At most one process of a workload is alive: each holds an exclusive lock on its own lock file, which is its (empty)
//! standard input, so the kernel frees it at its very end and a second start is refused before. Every start has a
//! random token, recorded before the process exists and present in its environment; so a process is found even when
//! its supervisor died between starting it and noting its id. Configuration goes through a private file, never through
//! arguments.

use super::identity::{self, TokenCheck};
use super::log;
use super::run_files::{RecordedProcess, RunFiles, RunRecord, failed};
use super::{
    ADDRESS_VARIABLE, CONDITION_VARIABLE, CONFIGURATION_VARIABLE, Condition, Driver, DriverError, ExitKind,
    Launch, LaunchDigest, Process, Session, StopSignal, TOKEN_VARIABLE,
};
use crate::workload::WorkloadName;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// How long a process that was not yet seen with its token may take to show it.
const APPEARANCE_WAIT: Duration = Duration::from_secs(5);
/// Enough for a thread that only waits.
const WATCH_STACK_BYTES: usize = 64 * 1024;
const APPEARANCE_POLL: Duration = Duration::from_millis(10);

/// Runs workloads as processes of this machine, with their files below a data directory.
#[derive(Debug)]
pub struct ProcessDriver {
    files: RunFiles,
    log_bytes_max: u64,
    alive: BTreeMap<WorkloadName, Arc<OwnedFd>>,
    exits: mpsc::UnboundedReceiver<(WorkloadName, ExitKind)>,
    exit_sender: mpsc::UnboundedSender<(WorkloadName, ExitKind)>,
}

impl ProcessDriver {
    /// A driver for `data_dir`, in which `run/` and `logs/` are made when missing. At most one driver may use a data
    /// directory at a time. The log of each workload is kept to about twice `log_bytes_max`.
    ///
    /// # Errors
    /// [`DriverError::Io`] when the directories can't be made.
    pub fn open(data_dir: &Path, log_bytes_max: u64) -> Result<ProcessDriver, DriverError> {
        let files = RunFiles::open(data_dir)?;
        let (exit_sender, exits) = mpsc::unbounded_channel();
        Ok(ProcessDriver { files, log_bytes_max, alive: BTreeMap::new(), exits, exit_sender })
    }

    /// The process that a record stands for, if it is alive.
    async fn find_recorded(
        &self,
        name: &WorkloadName,
        record: RunRecord,
    ) -> Result<Option<Found>, DriverError> {
        let proc_failed = |source| failed(name.as_str(), "read", Path::new("/proc"), source);
        if record.boot_id != identity::boot_id().map_err(proc_failed)? {
            return Ok(None);
        }
        match record.process {
            // Once its id was noted only this process counts: a child that outlived it has its token too.
            Some(process) => Ok(find_noted(process, &record.token).await),
            None => self.find_unnoted(name, record).await,
        }
    }

    /// The process whose starter died before it noted its id. Someone holds the lock from before the start on, but
    /// shows the token only once the program runs.
    async fn find_unnoted(
        &self,
        name: &WorkloadName,
        record: RunRecord,
    ) -> Result<Option<Found>, DriverError> {
        let proc_failed = |source| failed(name.as_str(), "read", Path::new("/proc"), source);
        let started = tokio::time::Instant::now();
        while self.files.try_lock(name)?.is_none() && started.elapsed() < APPEARANCE_WAIT {
            let by_token = identity::find_by_token(&record.token).map_err(proc_failed)?;
            let process = by_token.map(|(pid, start_time_ticks)| RecordedProcess { pid, start_time_ticks });
            if let Some(process) = process
                && let Some(found) = find_noted(process, &record.token).await
            {
                self.files.write_record(name, &RunRecord { process: Some(process), ..record })?;
                return Ok(Some(found));
            }
            tokio::time::sleep(APPEARANCE_POLL).await;
        }
        Ok(None)
    }

    fn command(
        &self,
        name: &WorkloadName,
        launch: &Launch,
        token: &str,
        lock: File,
    ) -> Result<Command, DriverError> {
        let log_path = self.files.log(name);
        let log_failed = |source| failed(name.as_str(), "open the log", &log_path, source);
        log::bound(&log_path, self.log_bytes_max).map_err(log_failed)?;
        let output = log::open(&log_path).map_err(log_failed)?;
        let errors = output.try_clone().map_err(log_failed)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.args)
            .envs(&launch.environment)
            .env(TOKEN_VARIABLE, token)
            .env(CONFIGURATION_VARIABLE, self.files.configuration(name))
            .env(ADDRESS_VARIABLE, self.files.address(name))
            .env(CONDITION_VARIABLE, self.files.condition(name))
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(errors));
        if launch.session == Session::ProcessGroup {
            command.process_group(0);
        }
        Ok(command)
    }

    /// Tells the end of a process to `next_exit`. A thread per process waits in the system: workloads are few, and
    /// the asynchronous ways to wait for a foreign process need unsafe code.
    fn watch(
        &mut self,
        name: &WorkloadName,
        pidfd: OwnedFd,
        child: Option<Child>,
    ) -> Result<(), DriverError> {
        let pidfd = Arc::new(pidfd);
        let (sender, ended_name, ended) = (self.exit_sender.clone(), name.clone(), Arc::clone(&pidfd));
        let wait = move || {
            let kind = child.map_or_else(|| wait_for_end(&ended), exit_kind);
            // An error here means that the driver is gone, and with it everyone who would listen.
            let _ = sender.send((ended_name, kind));
        };
        let thread = std::thread::Builder::new().name(format!("watch {name}")).stack_size(WATCH_STACK_BYTES);
        match thread.spawn(wait) {
            Ok(_) => drop(self.alive.insert(name.clone(), pidfd)),
            Err(source) => {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
                return Err(failed(name.as_str(), "watch", Path::new("the process"), source));
            }
        }
        Ok(())
    }
}

/// Waits for the end of a process that is not a child.
fn wait_for_end(pidfd: &OwnedFd) -> ExitKind {
    let mut events = [PollFd::new(pidfd, PollFlags::IN)];
    while poll(&mut events, None) == Err(Errno::INTR) {}
    ExitKind::Unknown
}

/// Opens a child that was just started. A child that can't be opened is ended at once.
fn open_child(name: &WorkloadName, child: &mut Child) -> Result<OwnedFd, DriverError> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let opened = pid.ok_or(Errno::SRCH).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
    opened.map_err(|error| {
        let _ = child.kill();
        let _ = child.wait();
        failed(name.as_str(), "watch", Path::new("the process"), error.into())
    })
}

/// A process that is alive and surely the one meant.
struct Found {
    process: RecordedProcess,
    pidfd: OwnedFd,
}

/// The process whose id was noted. While it replaces its program it can't show its token, so it may take its time.
async fn find_noted(process: RecordedProcess, token: &str) -> Option<Found> {
    let pid = Pid::from_raw(i32::try_from(process.pid).ok()?)?;
    let started = tokio::time::Instant::now();
    loop {
        // Opened first and checked after: what was checked is then what is held.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        if identity::start_time_ticks(process.pid) != Some(process.start_time_ticks) {
            return None;
        }
        match identity::check_token(process.pid, token) {
            TokenCheck::Held => return Some(Found { process, pidfd }),
            TokenCheck::Unreadable if started.elapsed() < APPEARANCE_WAIT => {
                tokio::time::sleep(APPEARANCE_POLL).await;
            }
            TokenCheck::Unreadable | TokenCheck::NotHeld => return None,
        }
    }
}

/// Collects a child that has ended.
fn exit_kind(mut child: Child) -> ExitKind {
    match child.wait() {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => ExitKind::Code(code),
            (None, Some(signal)) => ExitKind::Signal(signal),
            (None, None) => ExitKind::Unknown,
        },
        Err(_) => ExitKind::Unknown,
    }
}

fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn new_token(name: &WorkloadName) -> Result<String, DriverError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        let source = std::io::Error::other(error.to_string());
        failed(name.as_str(), "get randomness from", Path::new("the system"), source)
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Driver for ProcessDriver {
    async fn find(&mut self) -> Result<Vec<(WorkloadName, Process)>, DriverError> {
        let mut processes = Vec::new();
        for (name, record) in self.files.records()? {
            let details = record.as_ref().map(|record| (record.since_unix_ms, record.launch_digest.clone()));
            let found = match record {
                Some(record) => self.find_recorded(&name, record).await?,
                None => None,
            };
            match (found, details) {
                (Some(Found { process, pidfd }), Some((since_unix_ms, digest))) => {
                    self.alive.insert(name.clone(), Arc::new(pidfd));
                    let digest = LaunchDigest::from_stored(digest);
                    processes.push((name, Process { pid: process.pid, since_unix_ms, digest }));
                }
                // The record stays while someone holds the lock: its token is the only way to find out who.
                _ if self.files.try_lock(&name)?.is_some() => self.files.remove(&name)?,
                _ => {
                    let lock = self.files.lock(&name);
                    tracing::warn!(workload = %name, lock = %lock.display(), "an unknown process holds the lock");
                }
            }
        }
        Ok(processes)
    }

    fn adopt(&mut self, name: &WorkloadName) -> Result<(), DriverError> {
        let pidfd = self.alive.remove(name).and_then(Arc::into_inner);
        self.watch(name, pidfd.ok_or_else(|| DriverError::NoProcess(name.clone()))?, None)
    }

    fn spawn(&mut self, name: &WorkloadName, launch: &Launch) -> Result<Process, DriverError> {
        let Some(lock) = self.files.try_lock(name)? else {
            return Err(DriverError::StillRunning { name: name.clone(), lock: self.files.lock(name) });
        };
        let proc_failed = |source| failed(name.as_str(), "read", Path::new("/proc"), source);
        self.files.remove(name)?;
        self.files.remove_condition(name)?;
        let digest = launch.digest();
        let record = RunRecord {
            token: new_token(name)?,
            launch_digest: digest.as_str().to_owned(),
            boot_id: identity::boot_id().map_err(proc_failed)?,
            since_unix_ms: now_unix_ms(),
            process: None,
        };
        self.files.write(name, &self.files.configuration(name), &launch.configuration)?;
        self.files.write_record(name, &record)?;
        let mut command = self.command(name, launch, &record.token, lock)?;
        let spawned = command.spawn();
        // The command holds a copy of the lock; only the process shall.
        drop(command);
        let mut child = spawned.map_err(|source| failed(name.as_str(), "start", &launch.program, source))?;
        let pidfd = open_child(name, &mut child)?;
        let pid = child.id();
        let process =
            identity::start_time_ticks(pid).map(|start_time_ticks| RecordedProcess { pid, start_time_ticks });
        self.watch(name, pidfd, Some(child))?;
        let since_unix_ms = record.since_unix_ms;
        if let Err(error) = self.files.write_record(name, &RunRecord { process, ..record }) {
            // It runs, and the record written before has its token: it can still be found.
            tracing::warn!(workload = %name, %error, "the process id could not be recorded");
        }
        Ok(Process { pid, since_unix_ms, digest })
    }

    fn signal(&mut self, name: &WorkloadName, signal: StopSignal) -> Result<(), DriverError> {
        let pidfd = self.alive.get(name).ok_or_else(|| DriverError::NoProcess(name.clone()))?;
        let signal = match signal {
            StopSignal::Terminate => Signal::TERM,
            StopSignal::Kill => Signal::KILL,
        };
        pidfd_send_signal(pidfd, signal).map_err(|_| DriverError::NoProcess(name.clone()))
    }

    async fn next_exit(&mut self) -> (WorkloadName, ExitKind) {
        match self.exits.recv().await {
            Some((name, kind)) => {
                self.alive.remove(&name);
                if let Err(error) = self.files.remove(&name) {
                    tracing::warn!(workload = %name, %error, "files of an ended process stay behind");
                }
                (name, kind)
            }
            // The driver itself holds a sender, so the channel never ends.
            None => std::future::pending().await,
        }
    }

    fn bound_log(&mut self, name: &WorkloadName) -> Result<(), DriverError> {
        let path = self.files.log(name);
        log::bound(&path, self.log_bytes_max)
            .map_err(|source| failed(name.as_str(), "shorten", &path, source))
    }

    fn address(&self, name: &WorkloadName) -> Option<String> {
        let address = fs::read_to_string(self.files.address(name)).ok()?;
        Some(address.trim().to_owned()).filter(|address| !address.is_empty())
    }

    fn condition(&self, name: &WorkloadName) -> Option<Condition> {
        serde_json::from_slice(&fs::read(self.files.condition(name)).ok()?).ok()
    }

    fn log_path(&self, name: &WorkloadName) -> PathBuf {
        self.files.log(name)
    }
}
