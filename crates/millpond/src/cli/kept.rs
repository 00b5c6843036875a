//! What the commands that look after data directories have in common: progress, findings, refusals.

use std::time::{Duration, Instant};

use millpond_keep::{DirectoryError, Finding, Progress};
use serde_json::{Value, json};

use super::remark;
use crate::failure::Failure;

/// Work that takes longer than this says how far it is, and again after so long.
const QUIET: Duration = Duration::from_secs(2);

/// Looking at the time costs more than most of what is counted.
const LOOK_EVERY: u64 = 256;

/// Tells people beside the output how far the work is.
#[derive(Debug)]
pub(crate) struct Watched {
    told: Instant,
    calls: u64,
}

impl Default for Watched {
    fn default() -> Self {
        Self { told: Instant::now(), calls: 0 }
    }
}

impl Progress for Watched {
    fn at(&mut self, what: &'static str, done: u64, total: Option<u64>) {
        self.calls += 1;
        if !self.calls.is_multiple_of(LOOK_EVERY) || self.told.elapsed() < QUIET {
            return;
        }
        self.told = Instant::now();
        match total {
            Some(total) => remark(&format!("{done} of {total} {what}")),
            None => remark(&format!("{done} {what}")),
        }
    }
}

/// The storage engine panics over damage in places; what it says then is found out and told as damage.
pub(crate) fn silence_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let of_engine = panic.location().is_some_and(|place| place.file().contains("redb"));
        if !of_engine {
            usual(panic);
        }
    }));
}

/// Why a directory can't be looked at.
pub(crate) fn refused(error: DirectoryError) -> Failure {
    if error.is_wrong_directory() { Failure::usage(error.to_string()) } else { error.into() }
}

/// A finding for scripts.
pub(crate) fn finding_json(finding: &Finding) -> Value {
    let Finding { severity, file, place, what, affected } = finding;
    json!({
        "severity": severity.as_str(),
        "file": file,
        "place": place,
        "what": what,
        "affected": affected,
    })
}

/// A number with its noun.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
