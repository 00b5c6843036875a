//! The files of the keys, in a directory that the user alone may use.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use millpond_iam::secret::{MasterKey, Secret};
use millpond_server::access::RootKey;
use serde::{Deserialize, Serialize};

use super::{environment, fresh_root_key};
use crate::failure::Failure;
use crate::random::random;
use crate::terminal::quoted;

/// More is no key.
const BYTES_MAX: u64 = 4_096;

/// The root key as it lies there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    access_key_id: String,
    secret_access_key: String,
}

/// `$XDG_CONFIG_HOME/millpond`, or `~/.config/millpond`. Only absolute paths count.
pub(crate) fn directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(config.join("millpond"))
}

pub(super) fn root_text() -> Result<String, Failure> {
    let key = fresh_root_key()?;
    let file = RootFile {
        access_key_id: key.access_key_id,
        secret_access_key: key.secret_access_key.expose().to_owned(),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
}

pub(super) fn root_of(text: &str) -> Result<RootKey, String> {
    // The parser's own words may quote what it read.
    let file: RootFile = serde_json::from_str(text)
        .map_err(|error| format!("is damaged in line {}, column {}", error.line(), error.column()))?;
    environment::check_id(&file.access_key_id).map_err(|reason| format!("access_key_id {reason}"))?;
    environment::check_secret(&file.secret_access_key)
        .map_err(|reason| format!("secret_access_key {reason}"))?;
    Ok(RootKey { access_key_id: file.access_key_id, secret_access_key: Secret::new(file.secret_access_key) })
}

pub(super) fn master_text() -> Result<String, Failure> {
    let digits: String = random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{digits}\n"))
}

pub(super) fn master_of(text: &str) -> Result<MasterKey, String> {
    environment::master_key_of(text)
}

pub(super) fn damaged(path: &Path, reason: &str) -> Failure {
    Failure::new(format!(
        "the key file {} {reason}.\n  Put it back from a backup; without it, docs/identities.md says what is lost",
        path.display()
    ))
}

/// The text of a key's file, and whether it was made now, of the one that is given. Whoever makes it first wins, and all
/// others read what is there then.
pub(super) fn find_or_make(path: &Path, text: &str) -> Result<(String, bool), Failure> {
    if let Some(text) = read(path)? {
        return Ok((text, false));
    }
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let cannot = |error: io::Error| cannot_write(path, &error);
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory).map_err(cannot)?;
    let fresh = write_fresh(directory, &name, text).map_err(cannot)?;
    // Unlike a rename, a link takes no name that is there already.
    let linked = fs::hard_link(&fresh, path);
    // One that stays behind is in nobody's way.
    let _ = fs::remove_file(&fresh);
    let made = match linked {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => return Err(cannot(error)),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(cannot)?;
    let text = read(path)?.ok_or_else(|| cannot(ErrorKind::NotFound.into()))?;
    Ok((text, made))
}

/// Puts a new text in the place of the old one: a reader finds one or the other, whole.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |error: io::Error| cannot_write(path, &error);
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = write_fresh(directory, &name, text).map_err(cannot)?;
    fs::rename(&fresh, path).map_err(cannot)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(cannot)
}

/// A synced file of a name that no one else uses.
fn write_fresh(directory: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let mark = random::<8>().map_err(|failure| io::Error::other(failure.to_string()))?;
    let path = directory.join(format!(".{name}-{:016x}", u64::from_be_bytes(mark)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

/// The text of a key's file; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    let cannot = |error: &io::Error| {
        Failure::new(format!(
            "cannot read the key file {}: {error}. It belongs to the user who runs the service",
            path.display()
        ))
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(&error)),
    };
    let of_others = file.metadata().map_err(|error| cannot(&error))?.permissions().mode() & 0o077;
    if of_others != 0 {
        return Err(open_to_others(path, "600"));
    }
    if let Some(directory) = path.parent() {
        let mode = fs::metadata(directory).map_err(|error| cannot(&error))?.permissions().mode();
        if mode & 0o022 != 0 {
            return Err(open_to_others(directory, "700"));
        }
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| cannot(&error))?;
    Ok(Some(text))
}

fn open_to_others(path: &Path, mode: &str) -> Failure {
    let shown = path.display().to_string();
    Failure::new(format!(
        "{shown} is open to other users, and the keys of the service are secret.\n  chmod {mode} {}\n  If others may have \
         read it, `millpond keys rotate` makes another root key",
        quoted(&shown)
    ))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "cannot write the key file {}: {error}.\n  Another directory: XDG_CONFIG_HOME; keys without files: {}, {} and {}",
        path.display(),
        environment::ROOT_ID,
        environment::ROOT_SECRET,
        environment::MASTER_KEY
    ))
}
