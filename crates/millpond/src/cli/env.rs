//! `millpond env`: settings for a shell.

use clap::Args;
use serde_json::json;

use super::say;
use crate::failure::{DONE, Failure, Outcome};
use crate::note;
use crate::terminal::quoted;

/// Print the settings that point any AWS SDK, and the AWS CLI, at the service this user has started.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  eval \"$(millpond env)\"\n  millpond env --json\n\n\
Version 1 of the AWS CLI passes over AWS_ENDPOINT_URL for SQS; there, call it as\n  \
aws --endpoint-url \"$AWS_ENDPOINT_URL\" sqs list-queues")]
pub(crate) struct Env {
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Env {
    pub(crate) fn run(self) -> Outcome {
        let note = note::read().ok_or_else(|| {
            Failure::new("no service is running that this user has started. Start one with `millpond up` or `millpond serve`")
        })?;
        let settings = [
            ("AWS_ENDPOINT_URL", &note.endpoint),
            ("AWS_REGION", &note.region),
            ("AWS_DEFAULT_REGION", &note.region),
            ("AWS_ACCESS_KEY_ID", &note.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &note.secret_access_key),
        ];
        if self.json {
            let object: serde_json::Map<_, _> =
                settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            say(&serde_json::Value::Object(object).to_string());
        } else {
            let lines: Vec<String> =
                settings.iter().map(|(name, value)| format!("export {name}={}", quoted(value))).collect();
            // A session token of other credentials would be sent along with these keys.
            say(&format!("{}\nunset AWS_SESSION_TOKEN AWS_PROFILE", lines.join("\n")));
        }
        Ok(DONE)
    }
}
