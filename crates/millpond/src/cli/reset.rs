//! `millpond reset`: an empty service, for tests.

use clap::Args;
use serde_json::json;

use super::{Target, say};
use crate::failure::{DONE, Outcome};
use crate::service::Service;

/// For tests: take away all queues with their messages, whoever owns them. Those of the service's file and of --create
/// are there again, empty.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond reset\n  millpond reset --endpoint http://127.0.0.1:4566\n\n\
                         The service must have been started with --auth off and --test-controls or --in-memory.")]
pub(crate) struct Reset {
    #[command(flatten)]
    target: Target,
}

impl Reset {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("POST", "reset", Some(&json!({}))).await?;
        if self.target.json {
            say(&body.to_string());
        } else {
            say(&format!("taken away: queues {}, messages {}", body["queues"], body["messages"]));
        }
        Ok(DONE)
    }
}
