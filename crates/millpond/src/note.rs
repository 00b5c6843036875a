//! What each running `serve` leaves for the commands of the same user: where it is and how to call it.
//!
//! One file for each service, in the user's state directory, readable by the user alone, without any key or secret. A
//! service holds a lock on its note for as long as it lives, so a note without a lock is that of a service that was
//! killed: whoever reads takes it away. A note is a hint, not a truth: a service that lives may still not answer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// Where a service is and how to call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Scheme, host and port.
    pub(crate) endpoint: String,
    /// The region that its queues are in unless a caller says otherwise.
    pub(crate) region: String,
    /// The account that its queues belong to unless a caller says otherwise.
    pub(crate) account_id: String,
    /// Callers are identified; else any key will do.
    pub(crate) enforced: bool,
    /// The file with the root key; none when it is not in a file.
    pub(crate) root_key: Option<PathBuf>,
    /// The file with the certificate that clients have to trust, when the service has made it itself.
    #[serde(default)]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// The process.
    pub(crate) pid: u32,
    /// The absolute path of its data; empty when it has none.
    pub(crate) data: PathBuf,
}

impl Note {
    /// Where the service is and which it is, for people.
    pub(crate) fn describe(&self) -> String {
        if self.data.as_os_str().is_empty() {
            return format!("{} (process {}, in memory)", self.endpoint, self.pid);
        }
        format!("{} (process {}, data {})", self.endpoint, self.pid, self.data.display())
    }
}

/// A note as it lies there.
#[derive(Serialize, Deserialize)]
struct Dated {
    started_at_millis: u64,
    #[serde(flatten)]
    note: Note,
}

/// A note that this process has left. It goes when this value is dropped.
#[derive(Debug)]
#[must_use = "the note goes when this is dropped"]
pub(crate) struct Left {
    path: PathBuf,
    /// Its lock says that the service lives.
    _lock: File,
}

impl Drop for Left {
    fn drop(&mut self) {
        // One that stays behind has no lock, and is swept by the next reader.
        let _ = fs::remove_file(&self.path);
    }
}

/// Leaves a note.
pub(crate) fn leave(note: &Note) -> io::Result<Left> {
    let directory = directory().ok_or_else(|| {
        io::Error::other("neither HOME nor XDG_STATE_HOME, an absolute path, says where to leave it")
    })?;
    leave_in(&directory, note, now_millis())
}

/// The notes of the services of this user that live, the newest first.
pub(crate) fn living() -> Vec<Note> {
    directory().map_or_else(Vec::new, |directory| living_in(&directory))
}

/// The note of the service of this user that was started last, among those that live.
pub(crate) fn read() -> Option<Note> {
    living().into_iter().next()
}

/// The note of the living service of this user at `endpoint`.
pub(crate) fn at(endpoint: &str) -> Option<Note> {
    living().into_iter().find(|note| note.endpoint == endpoint)
}

fn directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("millpond/services"))
}

pub(crate) fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// The name is used once, so that whoever sweeps a dead note can't take away a living one.
fn leave_in(directory: &Path, note: &Note, started_at_millis: u64) -> io::Result<Left> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("{started_at_millis}-{}.json", note.pid));
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(&serde_json::to_vec_pretty(&Dated { started_at_millis, note: note.clone() })?)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    Ok(Left { path, _lock: file })
}

fn living_in(directory: &Path) -> Vec<Note> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let notes = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut found: Vec<Dated> = notes.filter_map(|path| read_living(&path)).collect();
    found.sort_by_key(|dated| std::cmp::Reverse((dated.started_at_millis, dated.note.pid)));
    found.into_iter().map(|dated| dated.note).collect()
}

/// The note at `path`; one that no service holds is taken away.
fn read_living(path: &Path) -> Option<Dated> {
    let file = File::open(path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        // Another reader may have been faster.
        let _ = fs::remove_file(path);
        return None;
    }
    serde_json::from_reader(file).ok()
}

#[cfg(test)]
mod tests;
