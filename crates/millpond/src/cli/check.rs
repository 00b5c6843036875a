//! `millpond check`: whether a data directory is sound.
//!
//! It changes nothing in the directory.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use millpond_keep::check::{CheckReport, LogSummary, StoreSummary, check};
use serde_json::{Value, json};

use super::kept::{self, Watched};
use super::say;
use crate::failure::{DONE, Outcome};
use crate::terminal::quoted;

/// Check a data directory that no service uses: every batch of the log, every row and every payload of the store, and
/// that they fit each other. Nothing in the directory is changed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond check ./millpond-data\n  millpond check ./millpond-data --json\n\n\
                        Exit codes: 0 sound, 1 damaged, or it could not be looked at, 2 wrong usage."
)]
pub(crate) struct Check {
    /// The data directory.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(crate) fn run(self) -> Outcome {
        kept::silence_panics();
        let report = check(&self.directory, &mut Watched::default()).map_err(kept::refused)?;
        let next = next(&self.directory.display().to_string(), &report);
        if self.json {
            say(&json_of(&report, next.as_deref()).to_string());
        } else {
            tell(&report, next.as_deref());
        }
        Ok(if report.is_sound() { DONE } else { ExitCode::FAILURE })
    }
}

/// What to do about damage.
fn next(directory: &str, report: &CheckReport) -> Option<String> {
    let directory = directory.trim_end_matches('/');
    (!report.is_sound()).then(|| {
        format!(
            "keep this directory as it is. Bring back a backup (millpond restore), or save what can be read into a new \
             directory:\n  millpond repair {} {}",
            quoted(directory),
            quoted(&format!("{directory}-repaired"))
        )
    })
}

fn tell(report: &CheckReport, next: Option<&str>) {
    for finding in &report.findings {
        say(&finding.to_string());
    }
    if let Some(log) = report.log {
        let LogSummary { first, last, segments, behind_store, .. } = log;
        let held = if first > last { "no batches".to_owned() } else { format!("batches {first} to {last}") };
        say(&format!(
            "log    {held} in {}, {behind_store} of them not in the store yet",
            kept::counted(segments as u64, "segment")
        ));
    }
    if let Some(store) = report.store {
        let StoreSummary { queues, messages, payload_bytes, documents, .. } = store;
        let counted = kept::counted;
        say(&format!(
            "store  {}, {} with {}, {}",
            counted(queues, "queue"),
            counted(messages, "message"),
            counted(payload_bytes, "byte"),
            counted(documents, "document")
        ));
    }
    match next {
        None => say(&format!("{} is sound", report.location)),
        Some(next) => say(&format!("{} is damaged. Next: {next}", report.location)),
    }
}

fn json_of(report: &CheckReport, next: Option<&str>) -> Value {
    let log = report.log.map(|log| {
        json!({
            "first": log.first.0,
            "last": log.last.0,
            "segments": log.segments,
            "behind_store": log.behind_store,
            "sent_behind_store": log.sent_behind_store,
        })
    });
    let store = report.store.map(|store| {
        json!({
            "reflected": store.reflected.map(|position| position.0),
            "queues": store.queues,
            "messages": store.messages,
            "payload_bytes": store.payload_bytes,
            "deduplications": store.deduplications,
            "documents": store.documents,
        })
    });
    json!({
        "directory": report.location,
        "sound": report.is_sound(),
        "findings": report.findings.iter().map(kept::finding_json).collect::<Vec<_>>(),
        "log": log,
        "store": store,
        "next": next,
    })
}
