//! The `millpond` binary: subcommands, configuration, wiring.
//!
//! It holds no logic of its own: each subcommand is one file below `cli`, and what it wires together stands in the
//! crates. Client commands talk to a service through the SQS API and our own JSON API, as every client does.

mod api;
mod cli;
mod credentials;
mod endpoint;
mod failure;
mod hold;
mod keys;
mod log_lines;
mod note;
mod platform;
mod random;
mod service;
mod sqs;
mod stop;
mod table;
mod terminal;
mod trust;
mod workload;

use std::process::ExitCode;

use clap::Parser;

/// Requests are freed on another thread than the one that read them, which this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(_) if terminal::output_is_lost() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(failure) => {
            terminal::complain(&failure);
            failure.exit_code()
        }
    }
}
