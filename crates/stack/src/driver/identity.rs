//! Which process is which: a process id alone is not enough, since ids are used again.
//!
//! A process is the one that was started when its id, its start time, the boot it was started in and the token in its
//! environment are all equal. Reads `/proc` only.

use super::TOKEN_VARIABLE;
use std::fs;
use std::io;

/// The id of this boot of the machine; start times mean nothing across boots.
pub(super) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// When a process was started, in clock ticks since boot (field 22 of `/proc/PID/stat`); `None` when there is no such
/// process, or only its remains.
pub(super) fn start_time_ticks(pid: u32) -> Option<u64> {
    stat_field(pid, 22)?.parse().ok()
}

/// The session of a process (field 6 of `/proc/PID/stat`): the id of its leader, 0 when that one is outside of this PID
/// namespace, as it is for programs that a container runtime starts. `None` when there is no such process, or only its
/// remains.
pub(super) fn session(pid: u32) -> Option<u32> {
    stat_field(pid, 6)?.parse().ok()
}

/// A field of `/proc/PID/stat`, counted from 1 as proc(5) does, and after the second, which is the name.
fn stat_field(pid: u32, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself hold spaces and parentheses.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let state = fields.first()?;
    if matches!(*state, "Z" | "X" | "x") {
        return None;
    }
    fields.get(number.checked_sub(3)?).map(|field| (*field).to_owned())
}

/// What the environment of a process says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenCheck {
    /// It holds this token.
    Held,
    /// It holds no token, or another.
    NotHeld,
    /// It can't be read at this instant: the process is between two programs, or gone.
    Unreadable,
}

/// Looks for a token in the environment of a process.
pub(super) fn check_token(pid: u32, token: &str) -> TokenCheck {
    let wanted = format!("{TOKEN_VARIABLE}={token}");
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    match environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
        true => TokenCheck::Held,
        // While a process replaces its program the kernel shows an empty environment.
        false if environment.is_empty() => TokenCheck::Unreadable,
        false => TokenCheck::NotHeld,
    }
}

/// The process with this token in its environment, with its start time. The oldest when a workload has children of its own.
pub(super) fn find_by_token(token: &str) -> io::Result<Option<(u32, u64)>> {
    let mut found: Option<(u32, u64)> = None;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if check_token(pid, token) != TokenCheck::Held {
            continue;
        }
        let Some(start) = start_time_ticks(pid) else { continue };
        if found.is_none_or(|(before_pid, before)| (start, pid) < (before, before_pid)) {
            found = Some((pid, start));
        }
    }
    Ok(found)
}
