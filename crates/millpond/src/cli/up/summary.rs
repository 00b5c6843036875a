//! What `up` shows once: what runs where, what waits and why, the stack's outputs, and what to try.
//!
//! Nothing is shown as running that has not said so itself. Workloads of other stacks are shown as such.

use std::time::Duration;

use serde_json::Value;

use super::child::Ready;
use crate::cli::outputs;
use crate::service::Service;
use crate::table::indented;
use crate::terminal::{quoted, width};
use crate::workload::{QUEUE_SERVICE_AWAY, ROLE_MAY_NOT};

/// How long workloads get to say how they fare before the summary is printed as things are.
const SETTLED: Duration = Duration::from_secs(10);
const SETTLED_POLL: Duration = Duration::from_millis(50);

/// Where values begin, and what stands below them.
const INDENT: usize = 11;

/// What the summary is about.
pub(super) struct Summary<'a> {
    pub(super) ready: &'a Ready,
    pub(super) stack: &'a str,
    /// Whether the service ends with this command.
    pub(super) started: bool,
    /// The command that brings the stack up again.
    pub(super) again: String,
    /// Whether the template has the parameter `DatabaseUrl`.
    pub(super) takes_database_url: bool,
}

/// Waits until every workload that should run says that it does, or why it waits. Returns them as they are then.
pub(super) async fn settled(service: &Service) -> Vec<Value> {
    let settled = async {
        while workloads(service).await.is_some_and(|workloads| workloads.iter().any(is_moving)) {
            tokio::time::sleep(SETTLED_POLL).await;
        }
    };
    // What has not settled is shown by its state.
    let _ = tokio::time::timeout(SETTLED, settled).await;
    workloads(service).await.unwrap_or_default()
}

fn is_moving(workload: &Value) -> bool {
    let state = workload["state"].as_str().unwrap_or_default();
    let without_address = workload["kind"] == "form" && workload["url"].is_null();
    // The service has just come, and answers: it is about to be found.
    let reason = workload["reason"].as_str().unwrap_or_default();
    let finds_service = state == "waiting" && reason.starts_with(QUEUE_SERVICE_AWAY);
    let changing = matches!(state, "starting" | "stopping" | "stopped") || finds_service;
    workload["desired"] == "running" && (changing || (state == "running" && without_address))
}

/// What is told when a service that was there before goes on.
pub(super) fn left_running(ready: &Ready) -> String {
    let end = ready.pid.map_or_else(String::new, |pid| format!("; to stop everything: kill {pid}"));
    format!("the service was running before and goes on after this command{end}")
}

/// The secrets that a deployment made, which only its answer holds: told before anything is waited for.
pub(super) async fn secrets(service: &Service, stack: &str, brought: &Value) -> Option<String> {
    let stacks = service.try_call("GET", "stacks", None).await.unwrap_or_default();
    let now = stacks["stacks"].as_array().into_iter().flatten().find(|shown| shown["stack"] == *stack);
    let lines = outputs::lines(&outputs::secrets(now.unwrap_or(&Value::Null), brought));
    let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    (!lines.is_empty()).then(|| format!("Secrets of the stack {stack}, shown this once:\n{lines}"))
}

impl Summary<'_> {
    /// All of it, as things are now.
    pub(super) async fn text(&self, service: &Service, workloads: &[Value]) -> String {
        let stacks = service.try_call("GET", "stacks", None).await.unwrap_or_default();
        let stacks = stacks["stacks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let this = stacks.iter().find(|stack| stack["stack"] == self.stack).unwrap_or(&Value::Null);
        let mut text = self.lines(workloads, width(std::io::stdout()));
        let outputs = outputs::lines(this);
        if !outputs.is_empty() {
            text.push_str(&format!("\nOutputs of the stack {}:\n\n", self.stack));
            text.extend(outputs.iter().map(|line| format!("  {line}\n")));
        }
        let others: Vec<&str> = stacks
            .iter()
            .filter_map(|stack| stack["stack"].as_str())
            .filter(|stack| *stack != self.stack)
            .collect();
        if let [first, ..] = others[..] {
            text.push_str(&format!(
                "\nOther stacks that were brought up here before: {}. To take one away: millpond down {first}\n",
                others.join(", ")
            ));
        }
        text.push_str("\nTry in a second terminal:\n\n");
        let program = program();
        for command in commands(&self.own(workloads), this) {
            text.push_str(&format!("  {program} {command}\n"));
        }
        if self.started {
            text.push_str("\nCtrl-C stops everything.\n");
        }
        text
    }

    /// What runs where, and below it what waits.
    fn lines(&self, workloads: &[Value], width: Option<usize>) -> String {
        let mut text = String::from("\n");
        let mut add = |name: &str, value: &str| text.push_str(&format!("  {name:<8} {value}\n"));
        let own = self.own(workloads);
        let (forms, rest): (Vec<&Value>, Vec<&Value>) =
            own.into_iter().partition(|workload| workload["kind"] == "form");
        let others = workloads.iter().filter(|workload| workload["stack"] != self.stack);
        forms.iter().for_each(|form| self.add_workload(&mut add, form, width));
        add("queues", &self.ready.endpoint);
        rest.iter().for_each(|sink| self.add_workload(&mut add, sink, width));
        others.for_each(|other| self.add_workload(&mut add, other, width));
        add("console", &format!("{}/console/", self.ready.endpoint));
        if let Some(config) = &self.ready.config {
            add("config", config);
        }
        add("data", &self.ready.found);
        text
    }

    fn add_workload(&self, add: &mut impl FnMut(&str, &str), workload: &Value, width: Option<usize>) {
        let (kind, mut value) = self.workload_line(workload);
        for note in self.notes(workload) {
            value.push('\n');
            match note {
                Note::Text(text) => value.push_str(indented(&text, INDENT, width).trim_end()),
                // As it is, so that it can be copied.
                Note::Command(command) => value.push_str(&format!("{:INDENT$}{command}", "")),
            }
        }
        add(kind, &value);
    }

    fn own<'v>(&self, workloads: &'v [Value]) -> Vec<&'v Value> {
        workloads.iter().filter(|workload| workload["stack"] == self.stack).collect()
    }

    fn workload_line<'w>(&self, workload: &'w Value) -> (&'w str, String) {
        let text = |name: &str| workload[name].as_str().unwrap_or_default();
        let place = match (text("url"), text("table")) {
            ("", "") => String::new(),
            ("", table) => format!("into table {table}"),
            (url, _) => format!("{url}{}", moved(url, text("listen"))),
        };
        let name = text("name");
        let whose = if text("stack") == self.stack {
            name.to_owned()
        } else {
            format!("{name} of stack {}", text("stack"))
        };
        let state = match text("state") {
            "running" => whose,
            "stopped" => format!("{whose}, stopped: millpond start {name}"),
            state => format!("{whose}, {state}"),
        };
        let line = format!("{place}  ({state})");
        (if text("kind") == "form" { "form" } else { "sink" }, line.trim_start().to_owned())
    }

    /// Why a workload is not as it should be, what happens next, and what can be done.
    fn notes(&self, workload: &Value) -> Vec<Note> {
        let text = |name: &str| workload[name].as_str().unwrap_or_default();
        let name = text("name");
        let Some(reason) = workload["reason"].as_str() else {
            let starting = format!("it has not said yet how it fares: millpond logs {name}");
            return if text("state") == "starting" { vec![Note::Text(starting)] } else { Vec::new() };
        };
        let mut notes = vec![Note::Text(reason.to_owned())];
        if text("state") == "running" {
            return notes;
        }
        if text("kind") != "sink" {
            notes.push(Note::Text(format!("It is tried again by itself. More: millpond logs {name}")));
            return notes;
        }
        notes.push(Note::Text(format!(
            "It goes on by itself once that is put right. Until then messages wait in the queue {}; none is lost.",
            text("queue")
        )));
        let of_database = !reason.starts_with(ROLE_MAY_NOT) && !reason.starts_with(QUEUE_SERVICE_AWAY);
        if of_database && self.takes_database_url && text("stack") == self.stack {
            let url = "mysql://USER:PASSWORD@HOST/DATABASE";
            notes.push(Note::Text("To use another database, in a second terminal:".to_owned()));
            notes.push(Note::Command(format!("{} --parameter DatabaseUrl={url}", self.again)));
        }
        notes
    }
}

/// What stands below a workload.
enum Note {
    Text(String),
    Command(String),
}

/// Why a form is not where it should be; nothing when it is, or when any port would do.
fn moved(url: &str, listen: &str) -> String {
    if listen.is_empty() || listen.ends_with(":0") || url.contains(listen) {
        return String::new();
    }
    format!(", as {listen} is in use")
}

/// Three commands that work with what the stack has.
fn commands(workloads: &[&Value], stack: &Value) -> Vec<String> {
    let sink = workloads.iter().find(|workload| workload["kind"] == "sink");
    let Some(sink) = sink else {
        let resources = stack["resources"].as_array().into_iter().flatten();
        let mut queues = resources.filter(|resource| resource["kind"] == "queue");
        return match queues.find_map(|queue| queue["name"].as_str()) {
            Some(queue) if queue.ends_with(".fifo") => {
                let send = format!("send {queue} hello --group a --deduplication-id 1");
                vec!["queues".into(), send, format!("receive {queue} --delete")]
            }
            Some(queue) => {
                vec!["queues".into(), format!("send {queue} hello"), format!("receive {queue} --delete")]
            }
            None => vec!["queues".into(), "ps".into(), "stacks".into()],
        };
    };
    let text = |name: &str| sink[name].as_str().unwrap_or_default();
    vec![
        format!("send {} {}", text("queue"), text("example")),
        format!("rows {}", text("queue")),
        format!("{} {}", if text("state") == "stopped" { "start" } else { "stop" }, text("name")),
    ]
}

/// The words that start this program from anywhere.
pub(super) fn program() -> String {
    let Ok(exe) = std::env::current_exe() else { return "millpond".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|directory| directory.join("millpond"))
        .find(|candidate| candidate.is_file())
        .and_then(|candidate| candidate.canonicalize().ok());
    if on_path.as_ref() == Some(&exe) { "millpond".to_owned() } else { quoted(&exe.display().to_string()) }
}

/// The workloads as they are now; `None` when the service does not answer.
pub(super) async fn workloads(service: &Service) -> Option<Vec<Value>> {
    let body = service.try_call("GET", "workloads", None).await.ok()?;
    Some(body["workloads"].as_array().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests;
