//! What a program does when it runs as a workload: enter a session of its own, read its configuration, tell its address
//! and its condition.
//!
//! Each function reads the environment that the driver sets, and does nothing else.

use super::{ADDRESS_VARIABLE, CONDITION_VARIABLE, CONFIGURATION_VARIABLE, Condition, TOKEN_VARIABLE};
use rustix::io::Errno;
use std::io;
use std::path::PathBuf;

/// Whether this process was started as a workload.
pub fn is_workload() -> bool {
    std::env::var_os(TOKEN_VARIABLE).is_some()
}

/// Makes this process the leader of a session of its own, away from any terminal, so that neither Ctrl-C nor the end
/// of the terminal reaches it. Call it before anything else. Well when it leads a session already.
///
/// # Errors
/// `EPERM` when the process leads a process group of a session that is not its own: a workload that was started with
/// [`super::Session::ProcessGroup`] or a program run straight from an interactive shell.
pub fn enter_own_session() -> io::Result<()> {
    match rustix::process::setsid() {
        Err(Errno::PERM) if super::identity::session(std::process::id()) == Some(std::process::id()) => {
            Ok(())
        }
        entered => Ok(entered.map(drop)?),
    }
}

/// The configuration of this workload, as the launch gave it.
///
/// # Errors
/// When this is no workload, or the file can't be read.
pub fn configuration() -> io::Result<Vec<u8>> {
    std::fs::read(path_in(CONFIGURATION_VARIABLE)?)
}

/// Tells the supervisor where this workload listens, such as `http://127.0.0.1:8081/`. Replaces what was told before.
///
/// # Errors
/// When this is no workload, or the file can't be written.
pub fn tell_address(address: &str) -> io::Result<()> {
    replace(path_in(ADDRESS_VARIABLE)?, "address-new", address.as_bytes())
}

/// Tells the supervisor how this workload fares. Replaces what was told before; one caller at a time.
///
/// # Errors
/// When this is no workload, or the file can't be written.
pub fn tell_condition(condition: &Condition) -> io::Result<()> {
    replace(path_in(CONDITION_VARIABLE)?, "condition-new", &serde_json::to_vec(condition)?)
}

/// A reader finds the file whole, as it was or as it is.
fn replace(path: PathBuf, aside: &str, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension(aside);
    std::fs::write(&aside, bytes)?;
    std::fs::rename(aside, path)
}

fn path_in(variable: &str) -> io::Result<PathBuf> {
    let missing =
        || io::Error::new(io::ErrorKind::NotFound, format!("{variable} is not set: this is no workload"));
    std::env::var_os(variable).map(PathBuf::from).ok_or_else(missing)
}
