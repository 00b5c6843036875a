//! `millpond repair`: what can be read of a damaged data directory, as a new one.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use millpond_keep::RebuildError;
use millpond_keep::repair::{Loss, RepairError, Saved, UNPLACED_FILE, Watch, repair};
use millpond_log::LogId;
use serde_json::{Value, json};

use super::kept::{self, Watched, counted};
use super::say;
use crate::failure::{DONE, Failure, Outcome};
use crate::random::random;
use crate::terminal::quoted;

/// Save what can be read of a damaged data directory into a new one, and list what could not be saved. The damaged
/// directory is not changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond repair ./millpond-data ./millpond-repaired\n  \
                        millpond check ./millpond-repaired\n  millpond serve --data ./millpond-repaired\n\n\
                        Exit codes: 0 everything was saved, 1 something was not (it is listed), or there is no new directory, \
                        2 wrong usage.")]
pub(crate) struct Repair {
    /// The damaged directory, which no service uses.
    #[arg(value_name = "DIR")]
    damaged: PathBuf,
    /// The directory to make: one that is not there yet, or an empty one.
    #[arg(value_name = "NEWDIR")]
    directory: PathBuf,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Repair {
    pub(crate) fn run(self) -> Outcome {
        kept::silence_panics();
        let mut losses: Vec<Value> = Vec::new();
        let mut lost = |loss: &Loss| {
            if self.json {
                losses.push(json!({ "kind": loss.kind, "which": loss.which, "why": loss.why }));
            } else {
                say(&format!("not saved: {loss}"));
            }
        };
        let watch = Watch { lost: &mut lost, progress: &mut Watched::default() };
        let repaired = repair(&self.damaged, &self.directory, LogId(random()?), watch);
        let saved = repaired.map_err(refused)?;
        if self.json {
            say(&self.json_of(saved, &losses).to_string());
        } else {
            self.tell(saved);
        }
        Ok(if saved.lost == 0 { DONE } else { ExitCode::FAILURE })
    }

    fn tell(&self, saved: Saved) {
        let directory = self.directory.display().to_string();
        say(&format!(
            "{directory}: saved {}, {} and {} from the store, and {} batches with {} from the log",
            counted(saved.queues, "queue"),
            counted(saved.messages, "message"),
            counted(saved.documents, "document"),
            saved.batches,
            counted(saved.sent, "sent message")
        ));
        if saved.unplaced > 0 {
            say(&format!(
                "{} without a queue in {directory}/{UNPLACED_FILE}",
                counted(saved.unplaced, "whole message")
            ));
        }
        say(&match saved.lost {
            0 => "nothing was lost".to_owned(),
            lost => format!(
                "{} listed above",
                if lost == 1 { "1 loss is".to_owned() } else { format!("{lost} losses are") }
            ),
        });
        say(&format!("Start it with: millpond serve --data {}", quoted(&directory)));
    }

    fn json_of(&self, saved: Saved, losses: &[Value]) -> Value {
        json!({
            "directory": self.directory,
            "queues": saved.queues,
            "messages": saved.messages,
            "documents": saved.documents,
            "deduplications": saved.deduplications,
            "batches": saved.batches,
            "sent": saved.sent,
            "unplaced": saved.unplaced,
            "lost": losses,
        })
    }
}

fn refused(error: RepairError) -> Failure {
    match error {
        RepairError::Directory(error) => kept::refused(error),
        RepairError::Within(_) | RepairError::Rebuild(RebuildError::NotEmpty { .. }) => {
            Failure::usage(error.to_string())
        }
        error @ RepairError::Rebuild(_) => error.into(),
    }
}
