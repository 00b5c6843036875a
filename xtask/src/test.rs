//! `cargo xtask test`: the one command for all tests, here, on a fresh machine and in CI.
//!
//! It first installs what the chosen steps need, then runs the steps in order, cheapest first, and goes on
//! after a failure except where a failed build leaves nothing to run. It ends with a table of times and one
//! closing line, `N passed, N failed`, of tests that really ran: a check without tests of its own counts as
//! one, a step of tests that ran none has failed, and one that hangs is ended and shown.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::install::{self, Need};
use crate::{arguments, descendants, mariadb, tidy, workspace};

/// One step of the test run.
struct Step {
    name: &'static str,
    what: &'static str,
    needs: &'static [Need],
    action: Action,
}

enum Action {
    /// Passes or fails as a whole.
    Check(fn() -> Result<bool, String>),
    /// A check without which the later steps can't run.
    Gate(fn() -> Result<bool, String>),
    /// Runs a command that prints how many tests passed and failed.
    Tests(fn() -> Command),
}

const STEPS: [Step; 7] = [
    Step { name: "tidy", what: "the rules of the code base", needs: &[], action: Action::Check(tidy::check) },
    Step { name: "fmt", what: "formatting", needs: &[], action: Action::Check(|| cargo(&FMT)) },
    Step { name: "clippy", what: "lints", needs: &[], action: Action::Check(|| cargo(&CLIPPY)) },
    Step {
        name: "planted",
        what: "lints of the simulation with its planted bugs",
        needs: &[],
        action: Action::Check(|| cargo(&CLIPPY_PLANTED)),
    },
    Step {
        name: "build",
        what: "binaries and tests, debug profile",
        needs: &[],
        action: Action::Gate(|| cargo(&BUILD)),
    },
    Step {
        name: "rust",
        what: "the tests of every crate, with a throwaway MariaDB",
        needs: &[Need::Python, Need::MariaDb],
        action: Action::Tests(rust_tests),
    },
    Step {
        name: "conformance",
        what: "real clients against the real binary",
        needs: &[Need::Python, Need::ClientPackages, Need::MariaDb, Need::Strace, Need::Chromium],
        action: Action::Tests(conformance_tests),
    },
];

const FMT: [&str; 3] = ["fmt", "--all", "--check"];
const CLIPPY_PLANTED: [&str; 10] = [
    "clippy",
    "--locked",
    "--package",
    "millpond-engine",
    "--all-targets",
    "--features",
    "simulation",
    "--",
    "-D",
    "warnings",
];
const CLIPPY: [&str; 7] = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
// All targets at once: `cargo test` and the conformance tests find everything built, with the same features.
const BUILD: [&str; 4] = ["build", "--locked", "--workspace", "--all-targets"];
const RUST_TESTS: [&str; 4] = ["test", "--locked", "--workspace", "--no-fail-fast"];

/// Several times as long as the slowest test takes.
const SILENCE_MAX: Duration = Duration::from_secs(10 * 60);

/// What one step came to.
struct Report {
    name: &'static str,
    counts: Counts,
    took: Duration,
    ran: bool,
}

/// Runs the task.
pub(crate) fn run(options: &[String]) -> Result<ExitCode, String> {
    let options = arguments::parse(options, &["--yes", "--only", "--list"])?;
    if options.list {
        for step in &STEPS {
            println!("{:<12} {}", step.name, step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(&options.only)?;
    let needs: Vec<Need> = steps.iter().flat_map(|step| step.needs.iter().copied()).collect();
    install::ensure(&needs, options.yes)?;
    let mut reports = Vec::new();
    let mut open = true;
    for step in steps {
        let report = if open { run_step(step) } else { not_run(step.name) };
        open &= !(matches!(step.action, Action::Gate(_)) && report.counts.failed > 0);
        reports.push(report);
    }
    let total = reports.iter().fold(Counts::default(), |total, report| total + report.counts);
    println!("\n{}\n\n{total}", table(&reports));
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The steps named by `--only`, in the order of the table; all without it. Tests bring the build with them.
fn chosen(only: &[String]) -> Result<Vec<&'static Step>, String> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != *name)) {
        return Err(format!("there is no step `{unknown}`; `cargo xtask test --list` shows them"));
    }
    let named = |step: &Step| only.iter().any(|name| name == step.name);
    let builds = STEPS.iter().any(|step| named(step) && matches!(step.action, Action::Tests(_)));
    let wanted =
        |step: &&Step| only.is_empty() || named(step) || (builds && matches!(step.action, Action::Gate(_)));
    Ok(STEPS.iter().filter(wanted).collect())
}

fn run_step(step: &Step) -> Report {
    println!("\n== {}: {}", step.name, step.what);
    let start = Instant::now();
    let outcome = match step.action {
        Action::Check(check) | Action::Gate(check) => check().map(counts_of_check),
        Action::Tests(command) => run_tests(&mut command(), SILENCE_MAX),
    };
    let counts = outcome.unwrap_or_else(|message| {
        println!("{}: {message}", step.name);
        counts_of_check(false)
    });
    Report { name: step.name, counts, took: start.elapsed(), ran: true }
}

fn not_run(name: &'static str) -> Report {
    Report { name, counts: counts_of_check(false), took: Duration::ZERO, ran: false }
}

fn counts_of_check(passed: bool) -> Counts {
    Counts { passed: usize::from(passed), failed: usize::from(!passed), skipped: 0 }
}

fn cargo(arguments: &[&str]) -> Result<bool, String> {
    let mut command = workspace::cargo(arguments);
    println!("+ {}", workspace::shown(&command));
    command
        .status()
        .map(|status| status.success())
        .map_err(|error| format!("cargo can't be started: {error}"))
}

fn rust_tests() -> Command {
    mariadb::with_database(&workspace::cargo(&RUST_TESTS))
}

fn conformance_tests() -> Command {
    let mut pytest = workspace::command(install::python());
    pytest.args(["-m", "pytest", "-q", "--color=no", "conformance"]);
    pytest.env("MILLPOND_BIN", workspace::target_dir().join("debug/millpond"));
    pytest.env("PYTHONUNBUFFERED", "1");
    pytest
}

/// Runs a command, shows what it prints as it comes, and counts the tests in it. One that says nothing for
/// `silence_max` hangs: what it was doing is shown, and it is ended.
fn run_tests(command: &mut Command, silence_max: Duration) -> Result<Counts, String> {
    let line = workspace::shown(command);
    println!("+ {line}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{line}` can't be started: {error}"))?;
    let stdout = child.stdout.take().expect("standard output was just piped");
    let printed = chunks(stdout);
    let mut counts = Counts::default();
    let mut unread = Vec::new();
    loop {
        match printed.recv_timeout(silence_max) {
            Ok(chunk) => {
                print!("{}", String::from_utf8_lossy(&chunk));
                let _ = std::io::stdout().flush();
                unread.extend_from_slice(&chunk);
                count_lines(&mut unread, &mut counts);
            }
            Err(RecvTimeoutError::Timeout) => {
                end_silent(&mut child);
                return Err(format!("`{line}` said nothing for {} s and was ended", silence_max.as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    counts.read(String::from_utf8_lossy(&unread).trim_end());
    let status = child.wait().map_err(|error| format!("`{line}` can't be awaited: {error}"))?;
    Ok(verdict(counts, status.success()))
}

/// What comes out of a pipe, as it comes, until its end.
fn chunks(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Reads the whole lines and leaves the rest.
fn count_lines(unread: &mut Vec<u8>, counts: &mut Counts) {
    let whole = unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    for line in String::from_utf8_lossy(&unread[..whole]).lines() {
        counts.read(line.trim_end());
    }
    unread.drain(..whole);
}

/// Shows what a command that hangs was doing, and ends all of it.
fn end_silent(child: &mut Child) {
    let below = descendants::of(child.id());
    println!(
        "\nnothing was printed for long; these processes were running (id, state, waiting in, command):"
    );
    below.iter().for_each(|descendant| println!("  {}", descendant.shown));
    descendants::kill(&below);
    // It was just killed; how it ended says nothing.
    let _ = child.wait();
}

/// A command that fails without a failed test, or that ran no test, is a failure of its own.
fn verdict(counts: Counts, succeeded: bool) -> Counts {
    let unexplained = !succeeded && counts.failed == 0;
    let empty = counts.ran() == 0;
    counts + Counts { failed: usize::from(unexplained || empty), ..Counts::default() }
}

fn table(reports: &[Report]) -> String {
    let mut lines =
        vec![format!("{:<12} {:>7} {:>7} {:>8} {:>9}", "step", "passed", "failed", "skipped", "seconds")];
    for Report { name, counts, took, ran } in reports {
        let Counts { passed, failed, skipped } = counts;
        let seconds = if *ran { format!("{:.1}", took.as_secs_f64()) } else { "not run".to_owned() };
        lines.push(format!("{name:<12} {passed:>7} {failed:>7} {skipped:>8} {seconds:>9}"));
    }
    let total: Duration = reports.iter().map(|report| report.took).sum();
    lines.push(format!("{:<12} {:>34.1}", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
