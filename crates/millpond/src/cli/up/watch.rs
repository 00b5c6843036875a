//! What `up` shows while it runs: a line when a workload begins to wait or goes on, and on a terminal one that follows how
//! things are.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use super::summary::workloads;
use crate::service::Service;
use crate::table::printable;
use crate::terminal::{remark, width};

/// Follows a service.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Why each workload waits, as it was told last; `None` for one that does not.
    reasons: BTreeMap<String, Option<String>>,
    line: StatusLine,
}

impl Watch {
    /// Begins with what the summary has shown.
    pub(super) fn of(workloads: &[Value]) -> Self {
        let mut watch = Self::default();
        watch.changes(workloads);
        watch
    }

    /// Shows what has changed since the last look. A service that does not answer now shows nothing.
    pub(super) async fn look(&mut self, service: &Service) {
        let Some(workloads) = workloads(service).await else { return };
        for change in self.changes(&workloads) {
            self.line.clear();
            remark(&change);
        }
        self.line.show(service, &workloads).await;
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        self.line.clear();
    }

    /// Notes how things are, and tells what that changes. What is about to start or to stop changes nothing yet.
    fn changes(&mut self, workloads: &[Value]) -> Vec<String> {
        let mut told = Vec::new();
        for workload in workloads {
            let text = |name: &str| workload[name].as_str().unwrap_or_default();
            let name = text("name");
            // One that runs all the same can't do all of what it is for.
            let does = if text("state") == "running" { ":" } else { " waits:" };
            let reason =
                workload["reason"].as_str().map(|reason| format!("{name}{does} {}", printable(reason)));
            if matches!(text("state"), "starting" | "stopping") {
                continue;
            }
            let before = self.reasons.insert(name.to_owned(), reason.clone()).flatten();
            match (before, reason) {
                (before, Some(reason)) if before.as_ref() != Some(&reason) => {
                    told.push(reason);
                }
                (Some(before), None)
                    if text("state") == "running" && before.starts_with(&format!("{name} waits:")) =>
                {
                    told.push(format!("{name} no longer waits; it runs"));
                }
                _ => {}
            }
        }
        told
    }
}

/// One line, written anew in place on a terminal; elsewhere nothing is written.
#[derive(Debug, Default)]
struct StatusLine {
    shown: String,
}

impl StatusLine {
    /// Shows how things are now.
    async fn show(&mut self, service: &Service, workloads: &[Value]) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let Ok(body) = service.try_call("GET", "queues", None).await else { return };
        let queues = body["queues"].as_array().into_iter().flatten().map(|queue| {
            let name = queue["name"].as_str().unwrap_or_default();
            format!("{name}: {} visible, {} in flight", queue["visible"], queue["in_flight"])
        });
        let states = workloads.iter().map(|workload| {
            let text = |name: &str| workload[name].as_str().unwrap_or_default();
            format!("{} {}", text("name"), text("state"))
        });
        let line = queues.chain(states).collect::<Vec<_>>().join(" · ");
        if line != self.shown {
            self.write(&line);
            self.shown = line;
        }
    }

    /// Takes the line away.
    fn clear(&mut self) {
        if !self.shown.is_empty() {
            self.write("");
            self.shown.clear();
        }
    }

    fn write(&self, line: &str) {
        // One column less, so that the cursor stays on the line.
        let fits = width(std::io::stderr()).unwrap_or_default().saturating_sub(1);
        let line: String = line.chars().take(fits).collect();
        let mut out = std::io::stderr().lock();
        // A terminal that has gone away needs no line.
        let _ = write!(out, "\r\u{1b}[K{line}").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests;
