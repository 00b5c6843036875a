//! `millpond queues`: all queues with their counts.

use clap::Args;
use millpond_core::outage::HoldReason;
use millpond_core::time::Timestamp;
use serde_json::Value;

use super::{Target, remark, say};
use crate::failure::{DONE, Outcome};
use crate::hold;
use crate::service::Service;
use crate::table::{Side, render, span};

/// Show all queues: what can be received, what is in flight, what is delayed, when the oldest message expires, and how
/// many messages have expired since the queue was created.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond queues\n  millpond queues --json")]
pub(crate) struct Queues {
    #[command(flatten)]
    target: Target,
}

impl Queues {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("GET", "queues", None).await?;
        if self.target.json {
            say(&body.to_string());
            return Ok(DONE);
        }
        let queues = body["queues"].as_array().map(Vec::as_slice).unwrap_or_default();
        if queues.is_empty() {
            remark("no queues yet; create one with `millpond queue create NAME`");
            return Ok(DONE);
        }
        let headings = [
            ("QUEUE", Side::Left),
            ("VISIBLE", Side::Right),
            ("IN FLIGHT", Side::Right),
            ("DELAYED", Side::Right),
            ("OLDEST EXPIRES IN", Side::Left),
            ("EXPIRED", Side::Right),
        ];
        // One account and region is the rule; then their names would only be noise.
        let place = |queue: &Value| format!("{}/{}", queue["account"], queue["region"]);
        let one_place = queues.iter().all(|queue| place(queue) == place(&queues[0]));
        let now = body["now_millis"].as_u64().unwrap_or_default();
        let rows: Vec<Vec<String>> = queues.iter().map(|queue| row(queue, now, one_place)).collect();
        say(&render(&headings, &rows));
        if let Some(note) = hold_note(&body, Timestamp::from_millis(now)) {
            remark(&note);
        }
        Ok(DONE)
    }
}

/// Why messages are there that should have expired, or none does.
fn hold_note(body: &Value, now: Timestamp) -> Option<String> {
    let hold = hold::read(body)?;
    let outlived: Vec<String> = body["queues"]
        .as_array()?
        .iter()
        .filter_map(|queue| {
            Some((queue["name"].as_str()?, queue["outlived"].as_u64().filter(|count| *count > 0)?))
        })
        .map(|(name, count)| format!("{count} in {name}"))
        .collect();
    let described = hold::describe(&hold, now);
    match (hold.reason, outlived.is_empty()) {
        (HoldReason::Outage, true) => None,
        (HoldReason::ClockJump, true) => Some(described),
        (_, false) => Some(format!("{described} ({})", outlived.join(", "))),
    }
}

fn row(queue: &Value, now_millis: u64, one_place: bool) -> Vec<String> {
    let text = |name: &str| queue[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| queue[name].as_u64().unwrap_or_default().to_string();
    let name = if one_place {
        text("name")
    } else {
        format!("{} ({} {})", text("name"), text("account"), text("region"))
    };
    let expires = queue["oldest_expires_at_millis"]
        .as_u64()
        .map_or_else(|| "-".to_owned(), |at| span(at.saturating_sub(now_millis) / 1000));
    vec![name, number("visible"), number("in_flight"), number("delayed"), expires, number("expired")]
}
