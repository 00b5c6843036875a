//! Workloads as the JSON API shows them, and the wish that one runs or stops.
//!
//! A process that runs says itself how it fares; its state is told by its own word, never by the process alone.

use std::collections::BTreeMap;
use std::time::Duration;

use millpond_stack::driver::{Condition, ExitKind};
use millpond_stack::supervise::{WorkloadState, WorkloadStatus};
use millpond_stack::{Desired, PhysicalId, StackState, WorkloadKind, WorkloadName, WorkloadRecord};
use serde_json::{Value, json};

use super::credentials::fresh_launch;
use super::{Answered, Refused, Stacks, example};
use crate::note::now_millis;

/// How long a workload that was started gets to say how it fares before the answer shows it as starting.
const TOLD: Duration = Duration::from_secs(5);
const TOLD_POLL: Duration = Duration::from_millis(20);

impl Stacks {
    pub(super) async fn workloads(&self) -> Answered {
        let statuses = self.supervisor.status().await?;
        let records = self.documents.all::<WorkloadRecord>("workload").await?;
        let records: BTreeMap<&str, &WorkloadRecord> =
            records.iter().map(|(name, record)| (name.as_str(), record)).collect();
        let owners = self.owners().await?;
        let shown = statuses.iter().map(|status| {
            let kind = records.get(status.name.as_str()).map(|record| &record.spec.kind);
            shown(status, kind, owners.get(&status.name), now_millis())
        });
        Ok(json!({ "workloads": shown.collect::<Vec<Value>>() }))
    }

    pub(super) async fn set_desired(&self, name: &str, desired: Desired) -> Answered {
        let name = WorkloadName::new(name).map_err(|error| Refused::new(404, error.to_string()))?;
        let record = {
            let _changing = self.changing.lock().await;
            let mut record = self.documents.get::<WorkloadRecord>("workload", name.as_str()).await?;
            if let Some(record) = &mut record {
                let is_started = record.desired == Desired::Stopped && desired == Desired::Running;
                record.desired = desired;
                if is_started {
                    record.launch =
                        fresh_launch().map_err(|failure| Refused::new(500, failure.to_string()))?;
                }
                self.documents.put("workload", name.as_str(), record).await?;
                if is_started {
                    self.supervisor.put(record.clone()).await?;
                }
            }
            match desired {
                Desired::Running => self.supervisor.start_workload(name.clone()).await?,
                Desired::Stopped => self.supervisor.stop_workload(name.clone()).await?,
            }
            record
        };
        let owners = self.owners().await?;
        let kind = record.as_ref().map(|record| &record.spec.kind);
        let status = self.settled(&name).await?;
        Ok(status.map_or(Value::Null, |status| shown(&status, kind, owners.get(&name), now_millis())))
    }

    /// The workload once it said how it fares, or as it is when it takes too long.
    async fn settled(&self, name: &WorkloadName) -> Result<Option<WorkloadStatus>, Refused> {
        let begun = tokio::time::Instant::now();
        loop {
            let statuses = self.supervisor.status().await?;
            let status = statuses.into_iter().find(|status| status.name == *name);
            let starting = status.as_ref().is_some_and(|status| word(status, 0).0 == "starting");
            if !starting || begun.elapsed() > TOLD {
                return Ok(status);
            }
            tokio::time::sleep(TOLD_POLL).await;
        }
    }

    /// Which stack each workload belongs to.
    async fn owners(&self) -> Result<BTreeMap<WorkloadName, String>, Refused> {
        let stacks = self.documents.all::<StackState>("stack").await?;
        let of_stack = |(stack, state): (String, StackState)| {
            state.resources.into_keys().filter_map(move |id| match id {
                PhysicalId::Workload(name) => Some((name, stack.clone())),
                _ => None,
            })
        };
        Ok(stacks.into_iter().flat_map(of_stack).collect())
    }
}

/// What a workload does in a word, and why when it is not as it should be.
fn word(status: &WorkloadStatus, now_unix_ms: u64) -> (&'static str, Option<String>) {
    match (&status.state, &status.condition) {
        (WorkloadState::Stopped, _) => ("stopped", None),
        (WorkloadState::Stopping { .. }, _) => ("stopping", None),
        (WorkloadState::Running { .. }, None) => ("starting", None),
        (WorkloadState::Running { .. }, Some(Condition::Ready)) => ("running", None),
        (WorkloadState::Running { .. }, Some(Condition::ReadyExcept { reason, until_unix_ms })) => {
            ("running", (now_unix_ms < *until_unix_ms).then(|| reason.clone()))
        }
        (
            WorkloadState::Running { .. },
            Some(Condition::Waiting { reason } | Condition::Failed { reason }),
        ) => ("waiting", Some(reason.clone())),
        (WorkloadState::Backoff { last_error: Some(error), .. }, _) => {
            ("waiting to restart", Some(error.clone()))
        }
        (WorkloadState::Backoff { .. }, Some(Condition::Failed { reason })) => {
            ("waiting to restart", Some(reason.clone()))
        }
        (WorkloadState::Backoff { last_exit, .. }, _) => ("waiting to restart", Some(ending(*last_exit))),
    }
}

/// How a process ended that did not say why.
fn ending(exit: ExitKind) -> String {
    match exit {
        ExitKind::Code(code) => format!("it ended by itself with exit code {code}"),
        ExitKind::Signal(signal) => format!("it was ended by signal {signal}"),
        ExitKind::Unknown => "it ended by itself".to_owned(),
        ExitKind::NotStarted => "it has not been started yet".to_owned(),
    }
}

/// A workload for our own API: flat, its state as a word.
fn shown(
    status: &WorkloadStatus,
    kind: Option<&WorkloadKind>,
    stack: Option<&String>,
    now_unix_ms: u64,
) -> Value {
    let (state, reason) = word(status, now_unix_ms);
    let mut shown = json!({
        "name": status.name.as_str(),
        "kind": status.kind,
        "stack": stack,
        "desired": status.desired,
        "state": state,
        "url": status.url,
        "log": status.log_path,
    });
    let details = match &status.state {
        WorkloadState::Running { pid, since_unix_ms, restarts } => {
            json!({ "pid": pid, "since_millis": since_unix_ms, "restarts": restarts })
        }
        WorkloadState::Stopping { pid } => json!({ "pid": pid }),
        WorkloadState::Stopped => Value::Null,
        WorkloadState::Backoff { until_unix_ms, restarts, .. } => {
            json!({ "until_millis": until_unix_ms, "restarts": restarts })
        }
    };
    let reason = reason.map_or(Value::Null, |reason| json!({ "reason": reason }));
    for more in [details, reason, kind.map_or(Value::Null, what_it_joins)] {
        if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
            shown.extend(more);
        }
    }
    shown
}

/// The queue of a workload and what is at its other end. The database's address stays here.
fn what_it_joins(kind: &WorkloadKind) -> Value {
    let queue = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    match kind {
        WorkloadKind::Form(form) => {
            json!({ "queue": queue(&form.queue_url), "format": form.format, "listen": form.listen })
        }
        WorkloadKind::Sink(sink) => json!({
            "queue": queue(&sink.queue_url),
            "format": sink.format,
            "table": sink.table,
            "columns": sink.columns,
            "example": example::record(sink),
        }),
    }
}

#[cfg(test)]
mod tests;
