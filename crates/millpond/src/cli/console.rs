//! `millpond console`: the address that leads a browser to the console as the caller.
//!
//! It prints the address and starts no browser: whoever may list processes would see it there, and be the caller.

use clap::Args;
use serde_json::json;

use super::{Target, remark, say};
use crate::failure::{DONE, Outcome};
use crate::service::Service;

/// Print an address for a browser that leads to the console once, as whoever calls this.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond console\n  millpond console --json")]
pub(crate) struct Console {
    #[command(flatten)]
    target: Target,
}

impl Console {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("POST", "console-sessions", Some(&json!({}))).await?;
        if self.target.json {
            say(&body.to_string());
            return Ok(DONE);
        }
        say(body["url"].as_str().unwrap_or_default());
        remark(&format!("open it in a browser within {} seconds; it works once", body["expires_in_secs"]));
        Ok(DONE)
    }
}
