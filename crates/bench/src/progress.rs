//! The live line while a run is under way.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// What has happened in a run so far, reported about once a second and once at its end.
#[derive(Debug, Clone)]
pub struct ProgressTick<'a> {
    /// Which run this is, such as `product 3/10`.
    pub label: &'a str,
    /// Time since the run began, warm-up included.
    pub elapsed: Duration,
    /// How long the run takes, warm-up included.
    pub total: Duration,
    /// Requests answered per second since the last tick.
    pub requests_per_sec: f64,
    /// Requests that have failed since the run began, warm-up included.
    pub errors: u64,
}

/// Shows ticks on one line of standard error, and nothing where that is no terminal.
pub fn terminal_progress() -> impl FnMut(&ProgressTick<'_>) {
    let is_terminal = io::stderr().is_terminal();
    move |tick| {
        if is_terminal {
            let line_end = if tick.elapsed >= tick.total { "\n" } else { "" };
            // A terminal that is gone must not end the measurement.
            let _gone = write!(io::stderr(), "\r\x1b[K{}{line_end}", line(tick));
        }
    }
}

fn line(tick: &ProgressTick<'_>) -> String {
    let errors = if tick.errors == 0 { String::new() } else { format!(", {} errors", tick.errors) };
    format!(
        "{}: {:.0} of {:.0} s, {:.0} requests/s{errors}",
        tick.label,
        tick.elapsed.as_secs_f64(),
        tick.total.as_secs_f64(),
        tick.requests_per_sec
    )
}

#[cfg(test)]
mod tests;
