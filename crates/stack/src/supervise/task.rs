//! The task behind a supervisor: one loop that takes commands and ends of processes, asks `decide` about each
//! workload, and does what it says.
//!
//! Decides nothing itself. Every change of an entry is followed by a new decision, so entry and process never disagree
//! for longer than a step.

use super::decide::{Action, Observed, Policy, Restarts, Wanted, decide};
use super::supervisor::{Shutdown, SupervisorError, WorkloadState, WorkloadStatus};
use crate::driver::{Driver, ExitKind, Launch, Process, StopSignal};
use crate::workload::{Desired, WorkloadName, WorkloadRecord};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How often logs are held against their bound.
const LOG_CHECK_INTERVAL: Duration = Duration::from_secs(5);

type Reply<T> = oneshot::Sender<T>;

#[derive(Debug)]
pub(super) enum Command {
    Put { record: Box<WorkloadRecord>, reply: Reply<()> },
    Remove { name: WorkloadName, reply: Reply<()> },
    Start { name: WorkloadName, reply: Reply<Result<(), SupervisorError>> },
    Stop { name: WorkloadName, reply: Reply<Result<(), SupervisorError>> },
    Status { reply: Reply<Vec<WorkloadStatus>> },
    Shutdown { shutdown: Shutdown, reply: Reply<()> },
}

pub(super) struct Task<D, L> {
    driver: D,
    launch: L,
    policy: Policy,
    origin: Instant,
    entries: BTreeMap<WorkloadName, Entry>,
    /// Set once all workloads shall stop and the task shall end.
    stopping_all: Option<Reply<()>>,
}

struct Entry {
    /// `None` for a process without a workload: it must end.
    workload: Option<(WorkloadRecord, Launch)>,
    observed: Observed,
    process: Option<Process>,
    last_exit: ExitKind,
    last_error: Option<String>,
    /// Who waits for the process to have ended.
    stopped: Vec<Stopped>,
}

enum Stopped {
    Workload(Reply<Result<(), SupervisorError>>),
    Removed(Reply<()>),
}

impl Entry {
    fn absent(workload: Option<(WorkloadRecord, Launch)>) -> Entry {
        Entry {
            workload,
            observed: Observed::Absent(Restarts::default()),
            process: None,
            last_exit: ExitKind::NotStarted,
            last_error: None,
            stopped: Vec::new(),
        }
    }

    fn wanted(&self, stopping_all: bool) -> Wanted {
        match &self.workload {
            Some((record, launch)) if record.desired == Desired::Running && !stopping_all => {
                Wanted::Running(launch.digest())
            }
            _ => Wanted::Stopped,
        }
    }

    /// Tells everyone who waits for the process to have ended that it has.
    fn answer_stopped(&mut self) {
        for stopped in self.stopped.drain(..) {
            match stopped {
                Stopped::Workload(reply) => drop(reply.send(Ok(()))),
                Stopped::Removed(reply) => drop(reply.send(())),
            }
        }
    }

    fn is_absent(&self) -> bool {
        matches!(self.observed, Observed::Absent(_))
    }
}

impl<D, L> Task<D, L>
where
    D: Driver,
    L: Fn(&WorkloadRecord) -> Launch + Send + 'static,
{
    pub(super) fn new(driver: D, launch: L, policy: Policy) -> Task<D, L> {
        Task { driver, launch, policy, origin: Instant::now(), entries: BTreeMap::new(), stopping_all: None }
    }

    pub(super) fn begin(&mut self, records: Vec<WorkloadRecord>, found: Vec<(WorkloadName, Process)>) {
        for record in records {
            let launch = (self.launch)(&record);
            self.entries.insert(record.spec.name.clone(), Entry::absent(Some((record, launch))));
        }
        for (name, process) in found {
            let entry = self.entries.entry(name).or_insert_with(|| Entry::absent(None));
            entry.observed = Observed::Found { digest: process.digest.clone() };
            entry.process = Some(process);
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut log_check = tokio::time::interval(LOG_CHECK_INTERVAL);
        log_check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let wake_at = self.reconcile();
            if self.entries.values().all(Entry::is_absent)
                && let Some(reply) = self.stopping_all.take()
            {
                let _ = reply.send(());
                return;
            }
            let wake = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(self.origin + at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Shutdown { shutdown: Shutdown::LeaveRunning, reply }) => {
                        drop(self);
                        let _ = reply.send(());
                        return;
                    }
                    Some(command) => self.obey(command),
                    None => return,
                },
                (name, kind) = self.driver.next_exit() => self.ended(&name, kind),
                () = wake => {}
                _ = log_check.tick() => self.bound_logs(),
            }
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Does what `decide` says about every workload; answers with the earliest time something is due.
    fn reconcile(&mut self) -> Option<Duration> {
        let mut wake_at: Option<Duration> = None;
        let names: Vec<WorkloadName> = self.entries.keys().cloned().collect();
        for name in names {
            if let Some(at) = self.reconcile_one(&name) {
                wake_at = Some(wake_at.map_or(at, |before| before.min(at)));
            }
        }
        self.entries.retain(|_, entry| entry.workload.is_some() || !entry.is_absent());
        wake_at
    }

    fn reconcile_one(&mut self, name: &WorkloadName) -> Option<Duration> {
        let now = self.now();
        loop {
            let entry = self.entries.get_mut(name)?;
            if entry.is_absent() {
                entry.answer_stopped();
            }
            let wanted = entry.wanted(self.stopping_all.is_some());
            let actions = decide(&self.policy, &wanted, &entry.observed, now);
            let mut wake_at = None;
            let mut acted = false;
            for action in actions {
                match action {
                    Action::Wait(at) => wake_at = Some(at),
                    action => {
                        acted = true;
                        self.act(name, action, now);
                    }
                }
            }
            if !acted {
                return wake_at;
            }
        }
    }

    fn act(&mut self, name: &WorkloadName, action: Action, now: Duration) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        match action {
            Action::Spawn => spawn(&mut self.driver, &self.policy, name, entry, now),
            Action::Adopt => adopt(&mut self.driver, name, entry, now),
            Action::Terminate => stop(&mut self.driver, name, entry, StopSignal::Terminate, now),
            Action::Kill => stop(&mut self.driver, name, entry, StopSignal::Kill, now),
            Action::Wait(_) => {}
        }
    }

    fn obey(&mut self, command: Command) {
        if self.stopping_all.is_some() && !matches!(command, Command::Status { .. }) {
            // Dropping the reply answers that the supervisor is shutting down.
            return;
        }
        match command {
            Command::Put { record, reply } => {
                self.put(*record);
                self.reconcile();
                let _ = reply.send(());
            }
            Command::Remove { name, reply } => match self.entries.get_mut(&name) {
                Some(entry) => {
                    entry.workload = None;
                    entry.stopped.push(Stopped::Removed(reply));
                }
                None => drop(reply.send(())),
            },
            Command::Start { name, reply } => {
                let result = self.set_desired(&name, Desired::Running);
                self.reconcile();
                let _ = reply.send(result);
            }
            Command::Stop { name, reply } => match self.set_desired(&name, Desired::Stopped) {
                Ok(()) => {
                    if let Some(entry) = self.entries.get_mut(&name) {
                        entry.stopped.push(Stopped::Workload(reply));
                    }
                }
                error => drop(reply.send(error)),
            },
            Command::Status { reply } => drop(reply.send(self.statuses())),
            Command::Shutdown { reply, .. } => self.stopping_all = Some(reply),
        }
    }

    fn put(&mut self, record: WorkloadRecord) {
        let launch = (self.launch)(&record);
        let entry = self.entries.entry(record.spec.name.clone()).or_insert_with(|| Entry::absent(None));
        let changed = entry.workload.as_ref() != Some(&(record.clone(), launch.clone()));
        if let (true, Observed::Absent(restarts)) = (changed, &mut entry.observed) {
            *restarts = Restarts::default();
        }
        entry.workload = Some((record, launch));
    }

    fn set_desired(&mut self, name: &WorkloadName, desired: Desired) -> Result<(), SupervisorError> {
        let known: Vec<WorkloadName> = self.statuses().into_iter().map(|status| status.name).collect();
        let entry = self.entries.get_mut(name).map(|entry| (&mut entry.workload, &mut entry.observed));
        let Some((Some((record, _)), observed)) = entry else {
            return Err(SupervisorError::NoSuchWorkload { name: name.clone(), known });
        };
        record.desired = desired;
        if let Observed::Absent(restarts) = observed {
            *restarts = Restarts::default();
        }
        Ok(())
    }

    fn ended(&mut self, name: &WorkloadName, kind: ExitKind) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(name) else { return };
        let restarts = match &entry.observed {
            Observed::Running { since, restarts, terminated_at: None, .. } => {
                // One that keeps ending is told once; `ps` goes on showing it.
                if *restarts == 0 {
                    tracing::warn!(workload = %name, "a workload ended by itself ({kind}); `millpond ps` and `millpond logs` say why");
                } else {
                    tracing::info!(workload = %name, "a workload ended by itself again ({kind})");
                }
                Restarts::after_end(&self.policy, *restarts, now.saturating_sub(*since), now)
            }
            _ => Restarts::default(),
        };
        entry.observed = Observed::Absent(restarts);
        entry.process = None;
        entry.last_exit = kind;
        entry.last_error = None;
    }

    fn bound_logs(&mut self) {
        for name in self.entries.keys() {
            if let Err(error) = self.driver.bound_log(name) {
                tracing::warn!(workload = %name, %error, "a log could not be kept within its bounds");
            }
        }
    }

    fn statuses(&self) -> Vec<WorkloadStatus> {
        let now = self.now();
        let status = |(name, entry): (&WorkloadName, &Entry)| {
            let (record, _) = entry.workload.as_ref()?;
            Some(WorkloadStatus {
                name: name.clone(),
                kind: record.spec.kind.label(),
                desired: record.desired,
                state: state(entry, record.desired, now),
                url: entry.process.as_ref().and_then(|_| self.driver.address(name)),
                condition: self.driver.condition(name),
                log_path: self.driver.log_path(name),
            })
        };
        self.entries.iter().filter_map(status).collect()
    }
}

fn spawn<D: Driver>(driver: &mut D, policy: &Policy, name: &WorkloadName, entry: &mut Entry, now: Duration) {
    let (Some((_, launch)), Observed::Absent(restarts)) = (&entry.workload, &entry.observed) else { return };
    match driver.spawn(name, launch) {
        Ok(process) => {
            tracing::info!(workload = %name, pid = process.pid, "started");
            let digest = process.digest.clone();
            let restarts = restarts.count;
            entry.observed =
                Observed::Running { digest, since: now, restarts, terminated_at: None, killed: false };
            entry.process = Some(process);
        }
        Err(error) => {
            tracing::warn!(workload = %name, %error, "could not be started");
            entry.observed =
                Observed::Absent(Restarts::after_end(policy, restarts.count, Duration::ZERO, now));
            entry.last_exit = ExitKind::NotStarted;
            entry.last_error = Some(error.to_string());
        }
    }
}

fn adopt<D: Driver>(driver: &mut D, name: &WorkloadName, entry: &mut Entry, now: Duration) {
    let Observed::Found { digest } = &entry.observed else { return };
    match driver.adopt(name) {
        Ok(()) => {
            tracing::info!(workload = %name, "adopted");
            let digest = digest.clone();
            entry.observed =
                Observed::Running { digest, since: now, restarts: 0, terminated_at: None, killed: false };
        }
        Err(error) => {
            tracing::warn!(workload = %name, %error, "could not be adopted");
            entry.observed = Observed::Absent(Restarts::default());
            entry.process = None;
        }
    }
}

fn stop<D: Driver>(
    driver: &mut D,
    name: &WorkloadName,
    entry: &mut Entry,
    signal: StopSignal,
    now: Duration,
) {
    let Observed::Running { terminated_at, killed, .. } = &mut entry.observed else { return };
    match signal {
        StopSignal::Terminate => *terminated_at = Some(now),
        StopSignal::Kill => {
            tracing::warn!(workload = %name, "did not end in time and is killed");
            *killed = true;
        }
    }
    if let Err(error) = driver.signal(name, signal) {
        // It has just ended by itself: its end is told next.
        tracing::debug!(workload = %name, %error, "could not be signalled");
    }
}

fn state(entry: &Entry, desired: Desired, now: Duration) -> WorkloadState {
    let pid = entry.process.as_ref().map_or(0, |process| process.pid);
    let since_unix_ms = entry.process.as_ref().map_or(0, |process| process.since_unix_ms);
    match &entry.observed {
        Observed::Running { terminated_at: Some(_), .. } => WorkloadState::Stopping { pid },
        Observed::Running { restarts, .. } => {
            WorkloadState::Running { pid, since_unix_ms, restarts: *restarts }
        }
        Observed::Found { .. } => WorkloadState::Running { pid, since_unix_ms, restarts: 0 },
        Observed::Absent(restarts) if desired == Desired::Running => WorkloadState::Backoff {
            until_unix_ms: unix_ms_in(restarts.not_before.saturating_sub(now)),
            restarts: restarts.count,
            last_exit: entry.last_exit,
            last_error: entry.last_error.clone(),
        },
        Observed::Absent(_) => WorkloadState::Stopped,
    }
}

fn unix_ms_in(wait: Duration) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from((since + wait).as_millis()).unwrap_or(u64::MAX)
}
