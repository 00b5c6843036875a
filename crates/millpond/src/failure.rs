//! Why a command did not do what it was asked, and the exit codes that scripts see.

use std::process::ExitCode;

use millpond_embed::with_causes;

/// The command did what it was asked.
pub(crate) const DONE: ExitCode = ExitCode::SUCCESS;

/// The command worked, and there was nothing to give: an empty queue.
pub(crate) fn nothing() -> ExitCode {
    ExitCode::from(3)
}

/// A failure for people: what happened, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Prefixes what was tried.
    pub(crate) fn while_doing(what: &str, error: &dyn std::error::Error) -> Self {
        Self(format!("{what}: {}", with_causes(error)))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(with_causes(&error))
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;
