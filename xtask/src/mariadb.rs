//! `cargo xtask mariadb -- COMMAND…`: runs a command with a throwaway MariaDB. The server itself is the
//! business of `conformance/mariadb.py`, the one implementation for tests in every language.

use std::process::{Command, ExitCode, Stdio};

use crate::workspace;

/// Runs the task; the exit code is the command's.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let ["--", command @ ..] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err("say which command: `cargo xtask mariadb -- COMMAND…`".to_owned());
    };
    let mut lent = lending();
    lent.args(command).stdin(Stdio::inherit());
    let status = lent.status().map_err(|error| format!("python3 can't be started: {error}"))?;
    Ok(exit_code(status.code()))
}

/// The same command, run with a throwaway MariaDB in `MILLPOND_TEST_MYSQL_URL`.
pub(crate) fn with_database(command: &Command) -> Command {
    let mut lent = lending();
    lent.arg(command.get_program()).args(command.get_args());
    lent.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    lent
}

fn lending() -> Command {
    let mut lent = workspace::command("python3");
    lent.args(["conformance/mariadb.py", "run", "--"]);
    lent
}

fn exit_code(code: Option<i32>) -> ExitCode {
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
