//! `millpond completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, say};
use crate::failure::{DONE, Outcome};

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  millpond completions bash > ~/.local/share/bash-completion/completions/millpond"
)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "millpond", &mut script);
        say(&String::from_utf8_lossy(&script));
        Ok(DONE)
    }
}
