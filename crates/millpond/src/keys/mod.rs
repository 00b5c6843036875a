//! The two keys that a service rests on and its data does not hold: the root key, and the master key that seals.
//!
//! They come from the environment, or else from two files of the user's configuration directory, which the first start
//! makes. What always holds: a file is written whole and synced before it has its name; two first starts end with the
//! same keys; a file that others can read is refused. No secret is ever printed or logged, and none is in an error.

mod environment;
mod files;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use millpond_iam::secret::{MasterKey, Secret};
use millpond_server::access::RootKey;

use crate::failure::Failure;
use crate::random::random;
pub(crate) use environment::{MASTER_KEY, ROOT_ID, ROOT_SECRET};
pub(crate) use files::directory;

/// The name of the file with the root key, in the configuration directory.
pub(crate) const ROOT_FILE: &str = "root-key.json";
/// The name of the file with the master key.
pub(crate) const MASTER_FILE: &str = "master-key";

/// Where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    /// The variables of the environment that hold it.
    Environment(&'static str),
    /// Its file.
    File(PathBuf),
    /// Made for a service whose data does not outlive it, and kept nowhere.
    Moment,
}

impl Whence {
    /// Its file, if it is in one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Environment(_) | Self::Moment => None,
        }
    }
}

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Moment => f.write_str("nowhere; it was made for this start"),
        }
    }
}

/// A key, and where it was found.
#[derive(Debug)]
pub(crate) struct Found<K> {
    /// The key.
    pub(crate) key: K,
    /// Where it was found.
    pub(crate) whence: Whence,
    /// What its file is to hold, when there is none.
    unwritten: Option<Secret>,
}

impl<K> Found<K> {
    const fn there(key: K, whence: Whence) -> Self {
        Self { key, whence, unwritten: None }
    }

    fn unwritten(&self) -> Option<(PathBuf, Secret)> {
        self.whence.file().zip(self.unwritten.clone())
    }
}

/// Both keys.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The root key of the default account.
    pub(crate) root: Found<RootKey>,
    /// The key that seals.
    pub(crate) master: Found<MasterKey>,
}

impl Keys {
    /// Finds both. Those that are not there are drawn, and written by [`Unwritten::keep`] alone.
    ///
    /// # Errors
    /// What stands in the way, with what to do.
    pub(crate) fn find_or_draw() -> Result<Self, Failure> {
        let root = match environment::root_key()? {
            Some(key) => Found::there(key, Whence::Environment(ROOT_ID)),
            None => find_or_draw(ROOT_FILE, files::root_text, files::root_of)?,
        };
        let master = match environment::master_key()? {
            Some(key) => Found::there(key, Whence::Environment(MASTER_KEY)),
            None => find_or_draw(MASTER_FILE, files::master_text, files::master_of)?,
        };
        Ok(Self { root, master })
    }

    /// The files that are still to be written.
    pub(crate) fn unwritten(&self) -> Unwritten {
        Unwritten(self.root.unwritten().into_iter().chain(self.master.unwritten()).collect())
    }

    /// Keys that are kept nowhere, for a service whose data does not outlive it and that lets everyone in. Those of the
    /// environment count all the same.
    ///
    /// # Errors
    /// What stands in the way, with what to do.
    pub(crate) fn of_the_moment() -> Result<Self, Failure> {
        let moment = |whence: Option<Whence>| whence.unwrap_or(Whence::Moment);
        let (root, root_whence) = match environment::root_key()? {
            Some(key) => (key, Some(Whence::Environment(ROOT_ID))),
            None => (fresh_root_key()?, None),
        };
        let (master, master_whence) = match environment::master_key()? {
            Some(key) => (key, Some(Whence::Environment(MASTER_KEY))),
            None => (MasterKey::new(random()?), None),
        };
        Ok(Self {
            root: Found::there(root, moment(root_whence)),
            master: Found::there(master, moment(master_whence)),
        })
    }
}

/// Files of keys that were drawn because they were not there.
#[derive(Clone, Debug)]
pub(crate) struct Unwritten(Vec<(PathBuf, Secret)>);

impl Unwritten {
    /// There are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the master key is missing.
    pub(crate) fn master(&self) -> Option<&Path> {
        self.0.iter().map(|(path, _)| path.as_path()).find(|path| path.ends_with(MASTER_FILE))
    }

    /// Writes them, and tells which are new. Where another start was faster, its key is there.
    ///
    /// # Errors
    /// What stands in the way, with what to do.
    pub(crate) fn keep(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut made = Vec::new();
        for (path, text) in &self.0 {
            if files::find_or_make(path, text.expose())?.1 {
                made.push(path.clone());
            }
        }
        Ok(made)
    }
}

fn find_or_draw<K>(
    name: &str,
    make: fn() -> Result<String, Failure>,
    read: fn(&str) -> Result<K, String>,
) -> Result<Found<K>, Failure> {
    let path = directory().ok_or_else(no_directory)?.join(name);
    let (text, drawn) = match files::read(&path)? {
        Some(text) => (text, false),
        None => (make()?, true),
    };
    let key = read(&text).map_err(|reason| files::damaged(&path, &reason))?;
    Ok(Found { key, whence: Whence::File(path), unwritten: drawn.then(|| Secret::new(text)) })
}

/// The root key that the environment gives.
///
/// # Errors
/// It is there and can't be used.
pub(crate) fn root_key_of_environment() -> Result<Option<Found<RootKey>>, Failure> {
    Ok(environment::root_key()?.map(|key| Found::there(key, Whence::Environment(ROOT_ID))))
}

/// The root key as a command of the same user finds it: in the environment, else in `file` or its usual place. `None` when
/// there is none.
///
/// # Errors
/// It is there and can't be used.
pub(crate) fn root_key(file: Option<PathBuf>) -> Result<Option<Found<RootKey>>, Failure> {
    if let Some(found) = root_key_of_environment()? {
        return Ok(Some(found));
    }
    let Some(path) = file.or_else(|| Some(directory()?.join(ROOT_FILE))) else { return Ok(None) };
    let Some(text) = files::read(&path)? else { return Ok(None) };
    let key = files::root_of(&text).map_err(|reason| files::damaged(&path, &reason))?;
    Ok(Some(Found::there(key, Whence::File(path))))
}

/// What a process that the service starts gets in its environment, so that it does not inherit the keys there: an empty
/// variable is none.
pub(crate) fn withheld() -> BTreeMap<String, String> {
    [ROOT_ID, ROOT_SECRET, MASTER_KEY].map(|name| (name.to_owned(), String::new())).into()
}

/// Where the master key is or would be.
#[derive(Debug)]
pub(crate) struct Place {
    /// The place.
    pub(crate) whence: Whence,
    /// It is there.
    pub(crate) found: bool,
}

/// Where the master key is found, or would be made.
///
/// # Errors
/// It is there and can't be used, or there is no place for it.
pub(crate) fn master_place() -> Result<Place, Failure> {
    if environment::master_key()?.is_some() {
        return Ok(Place { whence: Whence::Environment(MASTER_KEY), found: true });
    }
    let path = directory().ok_or_else(no_directory)?.join(MASTER_FILE);
    let found = match files::read(&path)? {
        Some(text) => {
            files::master_of(&text).map(|_| true).map_err(|reason| files::damaged(&path, &reason))?
        }
        None => false,
    };
    Ok(Place { whence: Whence::File(path), found })
}

/// Puts a new root key in the place of the one in the file: where it is now.
///
/// # Errors
/// The root key is not in a file, or can't be written.
pub(crate) fn rotate_root_key() -> Result<(RootKey, PathBuf), Failure> {
    if environment::root_key()?.is_some() {
        return Err(Failure::new(format!(
            "the root key comes from {ROOT_ID} and {ROOT_SECRET}; give other values there, and start the service again"
        )));
    }
    let path = directory().ok_or_else(no_directory)?.join(ROOT_FILE);
    if files::read(&path)?.is_none() {
        return Err(Failure::new(format!(
            "there is no root key yet at {}; `millpond serve` makes one",
            path.display()
        )));
    }
    let text = files::root_text()?;
    files::replace(&path, &text)?;
    let key = files::root_of(&text).map_err(|reason| files::damaged(&path, &reason))?;
    Ok((key, path))
}

fn no_directory() -> Failure {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> =
        [ROOT_ID, ROOT_SECRET, MASTER_KEY].into_iter().filter(|name| !is_set(name)).collect();
    Failure::new(format!(
        "there is no place for the keys of the service: neither HOME nor XDG_CONFIG_HOME, an absolute path, names one.\n  \
         Set one of them, or give what is missing in the environment: {}",
        missing.join(", ")
    ))
}

/// A fresh root key: `AKIA` and 16 letters and digits, and a secret of 40.
fn fresh_root_key() -> Result<RootKey, Failure> {
    /// Of RFC 4648, as Amazon's ids have them.
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 32 and 64 divide 256, so no letter is likelier than another.
    let id: String = random::<16>()?.iter().map(|byte| char::from(BASE32[usize::from(byte % 32)])).collect();
    let secret: String =
        random::<40>()?.iter().map(|byte| char::from(BASE64[usize::from(byte % 64)])).collect();
    Ok(RootKey { access_key_id: format!("AKIA{id}"), secret_access_key: Secret::new(secret) })
}

#[cfg(test)]
mod tests;
