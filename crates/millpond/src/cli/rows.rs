//! `millpond rows`: what has landed in a table, and what is still on its way.
//!
//! A sink that runs lands what waits within moments, so that is waited for before the table is read. A sink that does not
//! work is waited for in vain: then it is said what it lacks.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::workloads::path_segment;
use super::{Target, duration, remark, say};
use crate::failure::{DONE, Outcome, nothing};
use crate::service::Service;
use crate::table::{Side, printable, render};

/// How often it is looked whether everything has landed.
const POLL: Duration = Duration::from_millis(50);

/// Show the rows that a sink has landed: the last ones, the newest at the end.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond rows customers\n  millpond rows customers --wait 1m\n  \
                        millpond rows customers --limit 1000 --json")]
pub(crate) struct Rows {
    /// The table, or the sink or the queue that fills it.
    name: String,
    /// At most so many rows, 1 to 10000.
    #[arg(allow_negative_numbers = true, long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// While the sink works and its queue still holds messages, wait for them to land, at most so long; up to 1h.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::rows_wait, allow_hyphen_values = true)]
    wait: i32,
    #[command(flatten)]
    target: Target,
}

impl Rows {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let path = format!("rows/{}?limit={}", path_segment(&self.name)?, self.limit);
        let way = self.await_landed(&service).await;
        let body = service.call("GET", &path, None).await?;
        let rows = body["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        if self.target.json {
            say(&body.to_string());
        } else if !rows.is_empty() {
            let columns: Vec<&str> =
                body["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let headings: Vec<(&str, Side)> = columns.into_iter().map(|name| (name, Side::Left)).collect();
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            say(&render(&headings, &cells));
        }
        if !self.target.json {
            remark(&counted(rows.len(), &body));
            if let Some(remaining) = way.and_then(|way| way.remaining()) {
                remark(&remaining);
            }
        }
        Ok(if rows.is_empty() { nothing() } else { DONE })
    }

    /// Waits until the queue of the sink is empty, as long as the sink works. Tells how things are then; nothing when that
    /// can't be told, which reading the rows then explains.
    async fn await_landed(&self, service: &Service) -> Option<OnTheWay> {
        let begun = tokio::time::Instant::now();
        loop {
            let way = OnTheWay::look(service, &self.name).await?;
            let landing = way.messages > 0 && matches!(way.state.as_str(), "running" | "starting");
            if !landing || begun.elapsed().as_secs_f64() >= f64::from(self.wait) {
                return Some(way);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// What a sink has not landed yet.
struct OnTheWay {
    sink: String,
    state: String,
    reason: Option<String>,
    queue: String,
    /// In the queue: visible, in flight or delayed.
    messages: u64,
}

impl OnTheWay {
    async fn look(service: &Service, name: &str) -> Option<Self> {
        let workloads = service.call("GET", "workloads", None).await.ok()?;
        let sink = workloads["workloads"].as_array()?.iter().find(|workload| {
            let is = |what: &str| workload[what] == name;
            workload["kind"] == "sink" && (is("table") || is("name") || is("queue"))
        })?;
        let text = |what: &str| sink[what].as_str().unwrap_or_default().to_owned();
        let queues = service.call("GET", "queues", None).await.ok()?;
        let of_sink = queues["queues"].as_array()?.iter().filter(|queue| queue["name"] == sink["queue"]);
        let counts =
            of_sink.flat_map(|queue| ["visible", "in_flight", "delayed"].map(|what| queue[what].as_u64()));
        Some(Self {
            sink: text("name"),
            state: text("state"),
            reason: sink["reason"].as_str().map(printable),
            queue: text("queue"),
            messages: counts.flatten().sum(),
        })
    }

    /// What has not landed and why, in words; `None` when all is well.
    fn remaining(&self) -> Option<String> {
        let Self { sink, state, queue, .. } = self;
        let messages = match self.messages {
            0 => None,
            1 => Some(format!("1 message is still in the queue {queue}")),
            count => Some(format!("{count} messages are still in the queue {queue}")),
        };
        let why = match (state.as_str(), &self.reason) {
            ("running", Some(reason)) => Some(reason.clone()),
            (_, Some(reason)) => Some(format!("{sink} waits: {reason}")),
            ("stopped", None) => Some(format!("{sink} is stopped; to go on: millpond start {sink}")),
            ("running", None) => None,
            (state, None) => Some(format!("{sink} is {state}")),
        };
        let said: Vec<String> = [messages, why].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// How many rows there are, and which.
fn counted(shown: usize, body: &Value) -> String {
    match (shown, body["more"] == true, body["first"] == true) {
        (0, ..) => "no rows yet".to_owned(),
        (1, false, _) => "1 row".to_owned(),
        (shown, false, _) => format!("{shown} rows"),
        (shown, true, true) => format!("the first {shown} rows: the table is too large to look for its last"),
        (shown, true, false) => format!("the last {shown} rows; there are more before them, see --limit"),
    }
}

fn cells(row: &Value) -> Vec<String> {
    let cell = |value: &Value| value.as_str().map_or_else(|| "NULL".to_owned(), printable);
    row.as_array().into_iter().flatten().map(cell).collect()
}

#[cfg(test)]
mod tests;
