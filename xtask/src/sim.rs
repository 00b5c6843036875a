//! `cargo xtask sim`: the deterministic simulation, optimised, for as long as wanted; with `--bugs`, the tests of it.
//!
//! The simulation is the test `simulation` of the engine; this builds it with the profile `sim` and hands on what to run.
//! It decides nothing about what is simulated. What it is worth: `docs/simulation.md`.

use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::workspace;

/// Without `--minutes`.
const SECONDS: u64 = 60;
/// A bug must be caught within this time.
const BUG_SECONDS: u64 = 60;

const ALL: &str = "every_promise_is_kept_and_every_mark_fires";
const BUGS: &str = "every_planted_bug_is_caught";

/// What to run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    seed: Option<u64>,
    first_seed: Option<u64>,
    minutes: Option<u64>,
    trace: bool,
    bugs: bool,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let wanted = parse(arguments)?;
    let mut command = command(&wanted);
    eprintln!("+ {}", workspace::shown(&command));
    let status = command.status().map_err(|error| format!("cargo can't be started: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse(arguments: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--trace" => wanted.trace = true,
            "--bugs" => wanted.bugs = true,
            "--minutes" => wanted.minutes = Some(number(argument, rest.next())?),
            "--first" => wanted.first_seed = Some(number(argument, rest.next())?),
            option if option.starts_with('-') => {
                return Err(format!(
                    "unknown argument `{option}`; this task takes SEED, --minutes, --first, --trace, --bugs"
                ));
            }
            _ if wanted.seed.is_some() => return Err("one seed at a time".to_owned()),
            _ => wanted.seed = Some(number("SEED", Some(argument))?),
        }
    }
    let many = wanted.minutes.is_some() || wanted.first_seed.is_some() || wanted.bugs;
    if wanted.seed.is_some() && many {
        return Err("a seed runs alone: without --minutes, --first and --bugs".to_owned());
    }
    if wanted.trace && wanted.seed.is_none() {
        return Err("`--trace` needs a seed".to_owned());
    }
    Ok(wanted)
}

fn number(name: &str, given: Option<&String>) -> Result<u64, String> {
    given.and_then(|text| text.parse().ok()).ok_or_else(|| format!("`{name}` needs a number"))
}

/// The test binary with what it is to run. Only the run of bugs is built with the feature that has them.
fn command(wanted: &Wanted) -> Command {
    let mut arguments =
        vec!["test", "--quiet", "--locked", "--profile", "sim", "--package", "millpond-engine"];
    if wanted.bugs {
        arguments.extend(["--features", "simulation"]);
    }
    let test = if wanted.bugs { BUGS } else { ALL };
    arguments.extend(["--test", "simulation", "--", "--exact", test, "--nocapture"]);
    let mut command = workspace::cargo(&arguments);
    // A panic is caught and told with its seed; the trace of calls is of no use without the run.
    command.env("RUST_BACKTRACE", "0");
    if let Some(seed) = wanted.seed {
        command.env("MILLPOND_SIM_SEED", seed.to_string());
        if wanted.trace {
            command.env("MILLPOND_SIM_TRACE", "1");
        }
        return command;
    }
    let longest = if wanted.bugs { BUG_SECONDS } else { SECONDS };
    let seconds = wanted.minutes.map_or(longest, |minutes| minutes * 60);
    command.env("MILLPOND_SIM_SECONDS", seconds.to_string());
    command.env("MILLPOND_SIM_FIRST", wanted.first_seed.unwrap_or_else(fresh_seed).to_string());
    command
}

/// Where no one has been yet: the time, in milliseconds, leaves room for the seeds of a run.
fn fresh_seed() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
