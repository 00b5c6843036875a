//! `millpond clock`: whether the service trusts its clock, a word that it may, and time that passes at once in tests.

use clap::{Args, Subcommand};
use millpond_core::time::Timestamp;
use serde_json::{Value, json};

use super::{Target, duration, say};
use crate::failure::{DONE, Outcome};
use crate::hold;
use crate::service::Service;
use crate::table::span;

/// Show whether expiry is held, or confirm that the clock is right.
///
/// After an outage messages are kept an hour longer than their retention. When the time went forward by more than an hour
/// and the machine's uptime does not account for it, the clock may have been set: then nothing expires for as long as that
/// jump was, or until you confirm the clock.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond clock\n  millpond clock confirm\n  millpond clock advance 15m")]
pub(crate) struct Clock {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(after_help = "Examples:\n  millpond clock confirm\n  millpond clock confirm --json")]
    /// The time is right: messages past their retention may expire, an hour after the start at the earliest.
    Confirm,
    /// For tests: let time pass at once. Delayed messages appear, leases end, messages expire, long polls are answered.
    ///
    /// The service must have been started with --auth off and --test-controls or --in-memory. The time does not go back.
    #[command(
        after_help = "Examples:\n  millpond clock advance 15m\n  millpond clock advance 1h30m\n  millpond clock advance 90"
    )]
    Advance {
        /// How much: 15m, 90s, 1h30m, 4d, or a number of seconds.
        #[arg(allow_negative_numbers = true, value_name = "SPAN", value_parser = duration::sum)]
        secs: u64,
    },
}

impl Clock {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = match &self.action {
            None => service.call("GET", "clock", None).await?,
            Some(Action::Advance { secs }) => {
                service.call("POST", "clock/advance", Some(&json!({ "seconds": secs }))).await?
            }
            Some(Action::Confirm) => service.call("POST", "clock/confirm", Some(&json!({}))).await?,
        };
        if self.target.json {
            say(&body.to_string());
        } else {
            say(&match self.action {
                Some(Action::Advance { secs }) => {
                    format!("the service's clock is {} ahead of where it was; {}", span(secs), shown(&body))
                }
                _ => shown(&body),
            });
        }
        Ok(DONE)
    }
}

fn rest_secs(body: &Value) -> u64 {
    let millis = |value: &Value| value.as_u64().unwrap_or_default();
    millis(&body["expiry_hold"]["until_millis"]).saturating_sub(millis(&body["now_millis"])) / 1000
}

fn shown(body: &Value) -> String {
    let now = Timestamp::from_millis(body["now_millis"].as_u64().unwrap_or_default());
    let held = hold::read(body).map(|hold| hold::describe(&hold, now));
    match (body["confirmed"].as_bool(), held) {
        (Some(true), Some(_)) => {
            let rest = span(rest_secs(body));
            format!("confirmed; messages past their retention expire in {rest}, an hour after the start")
        }
        (Some(true), None) => "confirmed; messages past their retention expire now".to_owned(),
        (Some(false), None) => "there was nothing to confirm: messages expire by their retention".to_owned(),
        (Some(false), Some(held)) => format!("there was nothing to confirm; {held}"),
        (None, Some(held)) => held,
        (None, None) => "messages expire by their retention".to_owned(),
    }
}
