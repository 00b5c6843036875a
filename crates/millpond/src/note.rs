//! What a running `serve` leaves for the commands of the same user: where it is and how to call it.
//!
//! The note lies in the user's state directory, is readable by the user alone, and holds no secret of Amazon's. It is
//! a hint, not a truth: a reader must be ready to find no one at the address.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

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
    /// The access key to call it with.
    pub(crate) access_key_id: String,
    /// The secret key to call it with.
    pub(crate) secret_access_key: String,
    /// The process.
    pub(crate) pid: u32,
    /// The absolute path of its data.
    pub(crate) data: PathBuf,
}

/// Reads the note, if there is one that can be understood.
pub(crate) fn read() -> Option<Note> {
    serde_json::from_slice(&fs::read(path()?).ok()?).ok()
}

/// Writes the note in place of an older one.
pub(crate) fn write(note: &Note) -> io::Result<()> {
    let Some(path) = path() else { return Ok(()) };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let fresh = path.with_extension(format!("{}.new", note.pid));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&serde_json::to_vec_pretty(note)?)?;
    file.sync_all()?;
    fs::rename(&fresh, &path)
}

/// Takes the note away if it is still the one of this process.
pub(crate) fn remove(pid: u32) {
    if let Some(path) = path().filter(|_| read().is_some_and(|note| note.pid == pid)) {
        // A note that stays behind is only a hint that leads nowhere.
        let _ = fs::remove_file(path);
    }
}

fn path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("millpond/serve.json"))
}
