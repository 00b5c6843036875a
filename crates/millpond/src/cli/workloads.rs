//! `millpond ps`, `stop`, `start`, `logs`: the workloads of a service.

use std::path::PathBuf;

use clap::Args;
use millpond_stack::driver::log::{Follow, tail};
use serde_json::Value;

use super::{Target, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::table::{Side, indented, render, span};
use crate::terminal::width;

/// Show workloads: what runs, since when, for which stack, where, and what it waits for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond ps\n  millpond ps --json")]
pub(crate) struct Ps {
    #[command(flatten)]
    target: Target,
}

impl Ps {
    pub(crate) async fn run(self) -> Outcome {
        let body = workloads(&self.target).await?;
        if self.target.json {
            say(&body.to_string());
            return Ok(DONE);
        }
        if list(&body).is_empty() {
            remark(NONE);
            return Ok(DONE);
        }
        say(&table(list(&body), width(std::io::stdout())));
        Ok(DONE)
    }
}

const NONE: &str = "no workloads; `millpond up` starts the example";

/// A line for each workload, and below it why it is not as it should be.
fn table(workloads: &[Value], width: Option<usize>) -> String {
    let headings = [
        ("NAME", Side::Left),
        ("KIND", Side::Left),
        ("STATE", Side::Left),
        ("PID", Side::Right),
        ("FOR", Side::Left),
        ("STACK", Side::Left),
        ("WHERE", Side::Left),
    ];
    let rows: Vec<Vec<String>> = workloads.iter().map(row).collect();
    let rendered = render(&headings, &rows);
    let mut lines = rendered.lines();
    let mut text = format!("{}\n", lines.next().unwrap_or_default());
    for (line, workload) in lines.zip(workloads) {
        text.push_str(&format!("{line}\n"));
        if let Some(reason) = workload["reason"].as_str() {
            text.push_str(&indented(reason, REASON_INDENT, width));
        }
    }
    text
}

/// Where the reason below a workload begins.
const REASON_INDENT: usize = 4;

async fn workloads(target: &Target) -> Result<Value, Failure> {
    let service = Service::find(target.endpoint.as_deref()).await?;
    service.call("GET", "workloads", None).await
}

fn list(body: &Value) -> &[Value] {
    body["workloads"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn row(workload: &Value) -> Vec<String> {
    let text = |name: &str| workload[name].as_str().unwrap_or_default().to_owned();
    let running_for = workload["since_millis"].as_u64().map_or_else(
        || "-".to_owned(),
        |since| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            span(now.as_secs().saturating_sub(since / 1000))
        },
    );
    let pid = workload["pid"].as_u64().map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    let place = workload["table"].as_str().map_or_else(|| text("url"), |table| format!("table {table}"));
    vec![text("name"), text("kind"), text("state"), pid, running_for, text("stack"), place]
}

/// Stop a workload. It stays stopped until it is started again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond stop backend")]
pub(crate) struct Stop {
    /// The workload.
    name: String,
    #[command(flatten)]
    target: Target,
}

/// Start a workload that was stopped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond start backend")]
pub(crate) struct Start {
    /// The workload.
    name: String,
    #[command(flatten)]
    target: Target,
}

impl Stop {
    pub(crate) async fn run(self) -> Outcome {
        change(&self.target, &self.name, "stop").await
    }
}

impl Start {
    pub(crate) async fn run(self) -> Outcome {
        change(&self.target, &self.name, "start").await
    }
}

async fn change(target: &Target, name: &str, verb: &str) -> Outcome {
    let service = Service::find(target.endpoint.as_deref()).await?;
    let path = format!("workloads/{}/{verb}", path_segment(name)?);
    let status = service.call("POST", &path, None).await?;
    if target.json {
        say(&status.to_string());
    } else {
        say(&format!("{name}: {}", status["state"].as_str().unwrap_or("unknown")));
        if let Some(reason) = status["reason"].as_str() {
            remark(indented(reason, REASON_INDENT, width(std::io::stderr())).trim_end());
        }
    }
    Ok(DONE)
}

/// A name that can stand in a path as it is.
pub(super) fn path_segment(name: &str) -> Result<&str, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(name);
    }
    Err(Failure::usage(format!("`{name}` is not a name: use letters, digits, - and _")))
}

/// Show what workloads have written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond logs backend\n  millpond logs backend -f\n  millpond logs")]
pub(crate) struct Logs {
    /// The workload; all when left out.
    name: Option<String>,
    /// Go on showing what is written until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// At most so many lines of each workload to begin with.
    #[arg(allow_negative_numbers = true, long, value_name = "LINES", default_value_t = 50)]
    lines: usize,
    /// The service to talk to.
    #[command(flatten)]
    target: Target,
}

impl Logs {
    pub(crate) async fn run(self) -> Outcome {
        let body = workloads(&self.target).await?;
        let logs: Vec<(String, PathBuf)> = list(&body)
            .iter()
            .map(|workload| {
                let text = |name: &str| workload[name].as_str().unwrap_or_default();
                (text("name").to_owned(), PathBuf::from(text("log")))
            })
            .filter(|(name, _)| self.name.as_ref().is_none_or(|wanted| wanted == name))
            .collect();
        if list(&body).is_empty() && self.name.is_none() {
            remark(NONE);
            return Ok(DONE);
        }
        if logs.is_empty() {
            let known: Vec<&str> =
                list(&body).iter().filter_map(|workload| workload["name"].as_str()).collect();
            let known =
                if known.is_empty() { NONE.to_owned() } else { format!("known: {}", known.join(", ")) };
            let wanted = self.name.as_deref().unwrap_or_default();
            return Err(Failure::new(format!("there is no workload {wanted}; {known}")));
        }
        let several = logs.len() > 1;
        if !self.follow {
            for (name, path) in &logs {
                for line in read(|| tail(path, self.lines), path)? {
                    self.show(name, &line, several);
                }
            }
            return Ok(DONE);
        }
        self.follow_all(logs, several).await
    }

    async fn follow_all(&self, logs: Vec<(String, PathBuf)>, several: bool) -> Outcome {
        let (lines, mut written) = tokio::sync::mpsc::channel::<(String, String)>(256);
        for (name, path) in logs {
            let (begin, mut follow) = read(|| Follow::after_tail(path.clone(), self.lines), &path)?;
            begin.iter().for_each(|line| self.show(&name, line, several));
            let lines = lines.clone();
            tokio::spawn(async move {
                let mut rest = Vec::new();
                while let Ok(bytes) = follow.next().await {
                    rest.extend_from_slice(&bytes);
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                        if lines.send((name.clone(), line)).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
        drop(lines);
        while let Some((name, line)) = written.recv().await {
            self.show(&name, &line, several);
        }
        Ok(DONE)
    }

    fn show(&self, name: &str, line: &str, several: bool) {
        let line = crate::table::printable(line);
        if self.target.json {
            say(&serde_json::json!({ "workload": name, "line": line }).to_string());
        } else if several {
            say(&format!("{name}: {line}"));
        } else {
            say(&line);
        }
    }
}

fn read<T>(read: impl FnOnce() -> std::io::Result<T>, path: &std::path::Path) -> Result<T, Failure> {
    read().map_err(|error| Failure::while_doing(&format!("cannot read {}", path.display()), &error))
}

#[cfg(test)]
mod tests;
