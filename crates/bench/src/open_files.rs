//! The limit on open files: raised as far as this process may, and reported when that is not enough.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::BenchError;

/// Files that a process needs beside its connections: standard streams, event queue, listener, segments.
const FILES_BESIDE_CONNECTIONS: u64 = 64;

/// Raises the soft limit to the hard one and checks that `connections` fit.
pub(crate) fn allow(connections: usize) -> Result<(), BenchError> {
    let limit = raise();
    let needed = (connections as u64).saturating_add(FILES_BESIDE_CONNECTIONS);
    if needed > limit { Err(BenchError::OpenFiles { needed, limit }) } else { Ok(()) }
}

/// Raises the soft limit to the hard one where that is allowed, and returns the limit that holds now.
pub(crate) fn raise() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != before.maximum {
        // A refusal leaves the old limit, which the caller checks.
        let _refused = setrlimit(Resource::Nofile, wanted);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
