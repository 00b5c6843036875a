//! The handle of a supervisor: what callers ask of it, and what they get to see.
//!
//! Statuses carry no configuration and no secret. What should run is stored by the caller; a supervisor only follows.

use super::decide::Policy;
use super::task::{Command, Task};
use crate::driver::{Condition, Driver, DriverError, ExitKind, Launch};
use crate::workload::{Desired, WorkloadName, WorkloadRecord};
use serde::Serialize;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// A running supervisor. Cheap to clone; when the last clone is dropped it ends and leaves workloads running.
#[derive(Debug, Clone)]
pub struct Supervisor {
    commands: mpsc::Sender<Command>,
}

/// What happens to workloads when their supervisor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// They keep running and are adopted by the next supervisor.
    LeaveRunning,
    /// They are stopped first; what should run is not changed by that.
    StopAll,
}

/// Why a supervisor did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupervisorError {
    /// There is no workload of this name.
    #[error("there is no workload {name}; {}", known_names(known))]
    NoSuchWorkload {
        /// The name asked for.
        name: WorkloadName,
        /// The names there are.
        known: Vec<WorkloadName>,
    },
    /// The supervisor has ended or is about to.
    #[error("the supervisor of workloads is shutting down")]
    ShuttingDown,
}

fn known_names(known: &[WorkloadName]) -> String {
    if known.is_empty() {
        return "there are none".to_owned();
    }
    format!("known: {}", known.iter().map(WorkloadName::as_str).collect::<Vec<_>>().join(", "))
}

/// A workload as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkloadStatus {
    /// Its name.
    pub name: WorkloadName,
    /// `form` or `sink`.
    pub kind: &'static str,
    /// Whether it should run.
    pub desired: Desired,
    /// What it does now.
    pub state: WorkloadState,
    /// The address it listens on, once it told.
    pub url: Option<String>,
    /// What its process told of itself last, or what the one told that ended.
    pub condition: Option<Condition>,
    /// Where its output goes.
    pub log_path: PathBuf,
}

/// What a workload does now. Times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkloadState {
    /// It runs.
    Running {
        /// Process id.
        pid: u32,
        /// When it was started.
        since_unix_ms: u64,
        /// How often it was started again in a row.
        restarts: u32,
    },
    /// It was asked to end and has not ended yet.
    Stopping {
        /// Process id.
        pid: u32,
    },
    /// It does not run, as it should.
    Stopped,
    /// It ended by itself, or could not be started, and waits to be started again.
    Backoff {
        /// When it is started again.
        until_unix_ms: u64,
        /// How often it ended in a row.
        restarts: u32,
        /// How it ended.
        last_exit: ExitKind,
        /// Why it could not be started.
        last_error: Option<String>,
    },
}

impl Supervisor {
    /// Finds what earlier supervisors left running, adopts what `records` want and ends the rest, starts what is
    /// missing, and from then on keeps workloads as wanted. `launch` says how to start a workload. Runs in the current
    /// Tokio runtime.
    ///
    /// # Errors
    /// [`DriverError`] when the driver can't tell what runs.
    pub async fn start<D, L>(
        mut driver: D,
        launch: L,
        records: Vec<WorkloadRecord>,
        policy: Policy,
    ) -> Result<Supervisor, DriverError>
    where
        D: Driver,
        L: Fn(&WorkloadRecord) -> Launch + Send + 'static,
    {
        let found = driver.find().await?;
        let (commands, receiver) = mpsc::channel(64);
        let mut task = Task::new(driver, launch, policy);
        task.begin(records, found);
        tokio::spawn(task.run(receiver));
        Ok(Supervisor { commands })
    }

    /// Makes a workload as the record says: new, changed (then it is restarted), or the same (then nothing happens).
    ///
    /// # Errors
    /// [`SupervisorError::ShuttingDown`].
    pub async fn put(&self, record: WorkloadRecord) -> Result<(), SupervisorError> {
        self.ask(|reply| Command::Put { record: Box::new(record), reply }).await
    }

    /// Stops a workload and forgets it; returns once it has ended. Well when there is none.
    ///
    /// # Errors
    /// [`SupervisorError::ShuttingDown`].
    pub async fn remove(&self, name: WorkloadName) -> Result<(), SupervisorError> {
        self.ask(|reply| Command::Remove { name, reply }).await
    }

    /// Starts a workload, at once if it was waiting to be started again. Well when it runs.
    ///
    /// # Errors
    /// [`SupervisorError::NoSuchWorkload`], [`SupervisorError::ShuttingDown`].
    pub async fn start_workload(&self, name: WorkloadName) -> Result<(), SupervisorError> {
        self.ask(|reply| Command::Start { name, reply }).await?
    }

    /// Stops a workload; returns once it has ended. Well when it does not run.
    ///
    /// # Errors
    /// [`SupervisorError::NoSuchWorkload`], [`SupervisorError::ShuttingDown`].
    pub async fn stop_workload(&self, name: WorkloadName) -> Result<(), SupervisorError> {
        self.ask(|reply| Command::Stop { name, reply }).await?
    }

    /// All workloads, by name.
    ///
    /// # Errors
    /// [`SupervisorError::ShuttingDown`].
    pub async fn status(&self) -> Result<Vec<WorkloadStatus>, SupervisorError> {
        self.ask(|reply| Command::Status { reply }).await
    }

    /// Ends the supervisor; returns once it has ended.
    pub async fn shutdown(&self, shutdown: Shutdown) {
        // An error means that it has ended already.
        let _ = self.ask(|reply| Command::Shutdown { shutdown, reply }).await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, SupervisorError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| SupervisorError::ShuttingDown)?;
        answer.await.map_err(|_| SupervisorError::ShuttingDown)
    }
}
