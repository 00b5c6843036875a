//! `millpond restore`: a new data directory out of a backup.

use std::path::PathBuf;

use clap::Args;
use millpond_keep::RebuildError;
use millpond_keep::restore::{RestoreError, Verified, restore};
use millpond_log::LogId;
use serde_json::json;

use super::kept::{Watched, counted};
use super::say;
use crate::failure::{DONE, Failure, Outcome};
use crate::random::random;
use crate::terminal::quoted;

/// Bring a backup back as a new data directory. All of it is verified before anything is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond restore nightly.backup ./millpond-data\n  \
                        millpond serve --data ./millpond-data\n\n\
                        Identities need the master key that they were sealed with, and workloads are started again with their stacks.\n\
                        Messages that were received or deleted after the backup was taken are there as they were then.")]
pub(crate) struct Restore {
    /// The backup.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The directory to make: one that is not there yet, or an empty one.
    #[arg(value_name = "NEWDIR")]
    directory: PathBuf,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        let log_id = LogId(random()?);
        let restored = restore(&self.backup, &self.directory, log_id, &mut Watched::default());
        let Verified { begin, totals, .. } = restored.map_err(|error| match error {
            RestoreError::Rebuild(RebuildError::NotEmpty { .. }) => Failure::usage(error.to_string()),
            error => error.into(),
        })?;
        if self.json {
            let told = json!({
                "directory": self.directory,
                "position": begin.through.0,
                "taken_at_millis": begin.taken_at_millis,
                "queues": totals.queues,
                "messages": totals.messages,
                "documents": totals.documents,
                "batches": totals.batches,
            });
            say(&told.to_string());
            return Ok(DONE);
        }
        let directory = self.directory.display().to_string();
        say(&format!(
            "{directory}: the state at position {}, from {} and {}, with {} batches of the log on top",
            begin.through,
            counted(totals.queues, "queue"),
            counted(totals.messages, "message"),
            totals.batches
        ));
        say(&format!("Start it with: millpond serve --data {}", quoted(&directory)));
        Ok(DONE)
    }
}
