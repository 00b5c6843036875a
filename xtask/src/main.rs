//! Development tasks, run as `cargo xtask TASK`: `test` is the one command for all tests, `tidy` checks what
//! neither compiler nor clippy checks, `prove` runs the long proofs, `sim` simulates, `mariadb` lends a throwaway database.
//!
//! It links no crate of the product: what it tests it starts as a process, what it checks it reads as text.
//! It installs only through the machine's package managers, and only what it has named before.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a development tool talks to its terminal")]

use std::process::ExitCode;

mod arguments;
mod counts;
mod descendants;
mod install;
mod mariadb;
mod prove;
mod sim;
mod test;
mod tidy;
mod workspace;

const USAGE: &str = "\
usage: cargo xtask TASK

  test [--yes] [--only STEP]… [--list]   run every test; --yes installs what is missing without asking
  tidy                                   check the rules of the code base
  prove [NAME]… [--yes] [--list]         run the long proofs and write docs/proof.md
  sim [SEED] [--trace] | [--minutes N] [--first SEED] | --bugs
                                         simulate the service on a hostile disk; --bugs tests the simulation
  mariadb -- COMMAND…                    run COMMAND with a throwaway MariaDB in MILLPOND_TEST_MYSQL_URL
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, rest)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = match task.as_str() {
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "prove" => prove::run(rest),
        "sim" => sim::run(rest),
        "mariadb" => mariadb::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => Err(format!("there is no task `{unknown}`\n{USAGE}")),
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        ExitCode::FAILURE
    })
}
