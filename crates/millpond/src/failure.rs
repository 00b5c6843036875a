//! Why a command did not do what it was asked, and the exit codes that scripts see.

use std::process::ExitCode;

use millpond_embed::{EndError, with_causes};
use millpond_engine::driver::Fatal;

/// The command did what it was asked.
pub(crate) const DONE: ExitCode = ExitCode::SUCCESS;

/// The command worked, and there was nothing to give: an empty queue.
pub(crate) fn nothing() -> ExitCode {
    ExitCode::from(3)
}

/// A failure for people: what happened, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    fault: Fault,
}

/// Whose fault a failure is, as far as scripts tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Something was not as the command needed it.
    World,
    /// A service stopped because of its disk, to protect what it holds.
    Disk,
    /// The command was given what no state of the world could satisfy.
    Caller,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), fault: Fault::World }
    }

    /// The command was called in a wrong way, which was found only after its arguments were read.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), fault: Fault::Caller }
    }

    /// Why a service ended by itself. That of one whose disk fails has an exit code of its own: to start it again at
    /// once is of no use.
    pub(crate) fn of_end(error: &EndError) -> Self {
        let of_disk = match error {
            EndError::Engine(fatal) => {
                matches!(fatal, Fatal::Log(_) | Fatal::NotTrimmed(_) | Fatal::Checkpoint(_))
            }
            EndError::DiskSilent { .. } => true,
            EndError::Panicked(_) => false,
        };
        Self { text: with_causes(error), fault: if of_disk { Fault::Disk } else { Fault::World } }
    }

    /// Prefixes what was tried.
    pub(crate) fn while_doing(what: &str, error: &dyn std::error::Error) -> Self {
        Self::new(format!("{what}: {}", with_causes(error)))
    }

    /// Where the text names a parameter of the service, it also names the flag that gives it.
    pub(crate) fn naming(self, parameter: &str, flag: &str) -> Self {
        Self { text: self.text.replacen(parameter, &format!("{parameter} ({flag})"), 1), ..self }
    }

    /// What a script sees: the same code for wrong usage that the parser of arguments gives.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.fault {
            Fault::World => ExitCode::FAILURE,
            Fault::Caller => ExitCode::from(2),
            Fault::Disk => ExitCode::from(4),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(with_causes(&error))
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;
