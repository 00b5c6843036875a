//! What `up` shows: a summary once, then a line that follows how things are.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::Value;

use super::child::Ready;
use crate::api;
use crate::terminal::quoted;

/// How long workloads get to run and to tell their addresses before the summary is printed as things are.
const SETTLED: Duration = Duration::from_secs(5);

/// Waits until every workload that should run does, or waits for another try, and every form has told its address.
pub(super) async fn wait_until_settled(endpoint: &str) {
    let settled = async {
        while workloads(endpoint).await.iter().any(is_moving) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // What has not settled is shown by its state; `millpond logs` tells why.
    let _ = tokio::time::timeout(SETTLED, settled).await;
}

fn is_moving(workload: &Value) -> bool {
    let wanted = workload["desired"] == "running";
    let running = workload["state"] == "running";
    let without_address = workload["kind"] == "form" && workload["url"].is_null();
    wanted
        && (workload["state"] == "stopping" || workload["state"] == "stopped" || (running && without_address))
}

/// What runs where, and what to try.
pub(super) async fn summary(ready: &Ready, deployed: &Value, started: bool) -> String {
    let workloads = workloads(&ready.endpoint).await;
    let mut lines: Vec<(&str, String)> = Vec::new();
    lines.extend(workloads.iter().filter(|workload| workload["kind"] == "form").map(workload_line));
    lines.push(("queues", ready.endpoint.clone()));
    lines.extend(workloads.iter().filter(|workload| workload["kind"] != "form").map(workload_line));
    lines.push(("console", format!("{}/console/", ready.endpoint)));
    lines.push(("data", ready.found.clone()));
    let mut text = String::from("\n");
    for (name, value) in &lines {
        text.push_str(&format!("  {name:<8} {value}\n"));
    }
    for warning in deployed["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("  {warning}\n"));
    }
    text.push_str("\nTry in a second terminal:\n\n");
    let program = program();
    for command in commands(&workloads, &queue_names(&ready.endpoint).await) {
        text.push_str(&format!("  {program} {command}\n"));
    }
    if started {
        text.push_str("\nCtrl-C stops everything.\n");
    }
    text
}

/// What is told when a service that was there before goes on.
pub(super) fn left_running(ready: &Ready) -> String {
    let end = ready.pid.map_or_else(String::new, |pid| format!("; to stop everything: kill {pid}"));
    format!("the service was running before and goes on after this command{end}")
}

fn workload_line(workload: &Value) -> (&str, String) {
    let text = |name: &str| workload[name].as_str().unwrap_or_default();
    let place = match (text("url"), text("table")) {
        ("", "") => String::new(),
        ("", table) => format!("into table {table}"),
        (url, _) => format!("{url}{}", moved(url, text("listen"))),
    };
    let name = text("name");
    let line = match (text("state"), text("reason")) {
        ("running", _) => format!("{place}  ({name})"),
        ("stopped", _) => format!("{place}  ({name}, stopped: millpond start {name})"),
        (state, "") => format!("{place}  ({name}, {state})"),
        (state, reason) => format!("{place}  ({name}, {state}: {reason})"),
    };
    (if text("kind") == "form" { "form" } else { "sink" }, line.trim_start().to_owned())
}

/// Why a form is not where it should be; nothing when it is, or when any port would do.
fn moved(url: &str, listen: &str) -> String {
    if listen.is_empty() || listen.ends_with(":0") || url.contains(listen) {
        return String::new();
    }
    format!(", as {listen} is in use")
}

/// Three commands that work with what runs.
fn commands(workloads: &[Value], queues: &[String]) -> Vec<String> {
    let sink = workloads.iter().find(|workload| workload["kind"] == "sink");
    let Some(sink) = sink else {
        return match queues.first() {
            Some(queue) => {
                vec!["queues".into(), format!("send {queue} hello"), format!("receive {queue} --delete")]
            }
            None => vec!["queues".into()],
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
fn program() -> String {
    let Ok(exe) = std::env::current_exe() else { return "millpond".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|directory| directory.join("millpond"))
        .find(|candidate| candidate.is_file())
        .and_then(|candidate| candidate.canonicalize().ok());
    if on_path.as_ref() == Some(&exe) { "millpond".to_owned() } else { quoted(&exe.display().to_string()) }
}

async fn queue_names(endpoint: &str) -> Vec<String> {
    let body = api::call(endpoint, "GET", "queues", None).await.unwrap_or_default();
    let names = body["queues"].as_array().into_iter().flatten();
    names.filter_map(|queue| queue["name"].as_str()).map(str::to_owned).collect()
}

async fn workloads(endpoint: &str) -> Vec<Value> {
    let body = api::call(endpoint, "GET", "workloads", None).await.unwrap_or_default();
    body["workloads"].as_array().cloned().unwrap_or_default()
}

/// One line, written anew in place on a terminal; elsewhere nothing is written.
#[derive(Debug, Default)]
pub(super) struct StatusLine {
    shown: String,
}

impl StatusLine {
    /// Shows how things are now.
    pub(super) async fn show(&mut self, endpoint: &str) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let Ok(body) = api::call(endpoint, "GET", "queues", None).await else { return };
        let queues = body["queues"].as_array().into_iter().flatten().map(|queue| {
            let name = queue["name"].as_str().unwrap_or_default();
            format!("{name}: {} visible, {} in flight", queue["visible"], queue["in_flight"])
        });
        let workloads = workloads(endpoint).await;
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
    pub(super) fn clear(&mut self) {
        if !self.shown.is_empty() {
            self.write("");
            self.shown.clear();
        }
    }

    fn write(&self, line: &str) {
        let width = terminal_width();
        let line: String = line.chars().take(width).collect();
        let mut out = std::io::stderr().lock();
        // A terminal that has gone away needs no line.
        let _ = write!(out, "\r\u{1b}[K{line}").and_then(|()| out.flush());
    }
}

fn terminal_width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map_or(79, |size| usize::from(size.ws_col).saturating_sub(1)).max(20)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{commands, workload_line};

    #[test]
    fn the_commands_fit_what_runs() {
        let mut sink = json!({ "kind": "sink", "name": "backend", "queue": "orders", "table": "sold",
                               "example": "Jane,2", "state": "running" });
        let shown = commands(&[json!({ "kind": "form" }), sink.clone()], &[]);
        assert_eq!(shown, ["send orders Jane,2", "rows orders", "stop backend"]);
        sink["state"] = json!("stopped");
        assert_eq!(commands(&[sink], &[])[2], "start backend");
        let queue = commands(&[], &["jobs".to_owned()]);
        assert_eq!(queue, ["queues", "send jobs hello", "receive jobs --delete"]);
    }

    #[test]
    fn a_line_says_where_and_what_is_wrong() {
        let mut sink = json!({ "kind": "sink", "name": "backend", "state": "running", "table": "sold" });
        assert_eq!(workload_line(&sink), ("sink", "into table sold  (backend)".to_owned()));
        let form = json!({ "kind": "form", "name": "frontend", "state": "running", "listen": "127.0.0.1:8080",
                           "url": "http://127.0.0.1:8081/" });
        assert_eq!(workload_line(&form).1, "http://127.0.0.1:8081/, as 127.0.0.1:8080 is in use  (frontend)");
        sink["state"] = json!("waiting to restart");
        sink["reason"] = json!("exit code 1");
        assert_eq!(workload_line(&sink).1, "into table sold  (backend, waiting to restart: exit code 1)");
    }
}
