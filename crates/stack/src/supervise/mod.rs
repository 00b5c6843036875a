//! Keeps workloads as they are wanted: the pure decision, and the task that follows it through a driver.

mod decide;
mod supervisor;
mod task;

pub use decide::{Action, Observed, Policy, Restarts, Wanted, decide};
pub use supervisor::{Shutdown, Supervisor, SupervisorError, WorkloadState, WorkloadStatus};
