//! What to do about one workload, given what is wanted and what is. Pure: no process, no clock.
//!
//! Times are durations since the supervisor began. A process that ends is started again after a wait that doubles each
//! time, up to a bound, and begins small again once a process has lived long enough. A process that must end is asked
//! first and killed only after a grace period. A process started another way than it should be is replaced.

use crate::driver::LaunchDigest;
use std::time::Duration;

/// How patient a supervisor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Wait before the first restart.
    pub backoff_min: Duration,
    /// Longest wait between restarts.
    pub backoff_max: Duration,
    /// A process that lived this long was healthy: the next wait is the first again.
    pub healthy_after: Duration,
    /// How long a process may take to end after it was asked to.
    pub stop_grace: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            healthy_after: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
        }
    }
}

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A process, started this way.
    Running(LaunchDigest),
    /// No process.
    Stopped,
}

/// What is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// No process.
    Absent(Restarts),
    /// A process that an earlier supervisor left, not watched yet.
    Found {
        /// How it was started.
        digest: LaunchDigest,
    },
    /// A process that is watched.
    Running {
        /// How it was started.
        digest: LaunchDigest,
        /// Since when it is watched.
        since: Duration,
        /// How often its predecessors ended before it.
        restarts: u32,
        /// When it was asked to end.
        terminated_at: Option<Duration>,
        /// Whether it was killed.
        killed: bool,
    },
}

/// How often in a row a workload ended by itself, and when it may start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restarts {
    /// Ends in a row without a healthy life between them.
    pub count: u32,
    /// Not to be started before this.
    pub not_before: Duration,
}

impl Restarts {
    /// After the process that followed `earlier` ends lived for `lived` and ended by itself, or could not be started.
    pub fn after_end(policy: &Policy, earlier: u32, lived: Duration, now: Duration) -> Restarts {
        let earlier = if lived >= policy.healthy_after { 0 } else { earlier };
        let factor = 2_u32.saturating_pow(earlier.min(31));
        let wait = policy.backoff_min.saturating_mul(factor).min(policy.backoff_max);
        Restarts { count: earlier.saturating_add(1), not_before: now.saturating_add(wait) }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start it.
    Spawn,
    /// Watch the process that was found.
    Adopt,
    /// Ask the process to end (`SIGTERM`).
    Terminate,
    /// End the process (`SIGKILL`).
    Kill,
    /// Nothing before this time, unless something happens.
    Wait(Duration),
}

/// What to do about one workload at `now`, in order. Empty when all is as it should be until something happens.
pub fn decide(policy: &Policy, wanted: &Wanted, observed: &Observed, now: Duration) -> Vec<Action> {
    match observed {
        Observed::Absent(_) if *wanted == Wanted::Stopped => vec![],
        Observed::Absent(restarts) if restarts.not_before <= now => vec![Action::Spawn],
        Observed::Absent(restarts) => vec![Action::Wait(restarts.not_before)],
        Observed::Found { digest } if is_wanted(wanted, digest) => vec![Action::Adopt],
        Observed::Found { .. } => {
            vec![Action::Adopt, Action::Terminate, Action::Wait(now + policy.stop_grace)]
        }
        Observed::Running { digest, terminated_at, killed, .. } => match terminated_at {
            None if is_wanted(wanted, digest) => vec![],
            None => vec![Action::Terminate, Action::Wait(now + policy.stop_grace)],
            Some(_) if *killed => vec![],
            Some(at) if now < *at + policy.stop_grace => vec![Action::Wait(*at + policy.stop_grace)],
            Some(_) => vec![Action::Kill],
        },
    }
}

fn is_wanted(wanted: &Wanted, digest: &LaunchDigest) -> bool {
    matches!(wanted, Wanted::Running(wanted) if wanted == digest)
}
