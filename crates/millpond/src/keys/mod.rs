//! The two keys that a service rests on and its data does not hold: the root key, and the master key that seals.
//!
//! They come from the environment, or else from two files of the user's configuration directory, which the first start
//! makes. What always holds: a file is written whole and synced before it has its name; two first starts end with the
//! same keys; a file that others can read is refused. No secret is ever printed or logged, and none is in an error.

mod environment;
mod files;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

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
    /// It was made by this call.
    pub(crate) fresh: bool,
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
    /// Finds both, and makes those that are not there.
    ///
    /// # Errors
    /// What stands in the way, with what to do.
    pub(crate) fn find_or_make() -> Result<Self, Failure> {
        let root = match environment::root_key()? {
            Some(key) => Found { key, whence: Whence::Environment(ROOT_ID), fresh: false },
            None => find_or_make(ROOT_FILE, files::root_text, files::root_of)?,
        };
        let master = match environment::master_key()? {
            Some(key) => Found { key, whence: Whence::Environment(MASTER_KEY), fresh: false },
            None => find_or_make(MASTER_FILE, files::master_text, files::master_of)?,
        };
        Ok(Self { root, master })
    }

    /// The files that were made by this call.
    pub(crate) fn made(&self) -> Vec<PathBuf> {
        let root = self.root.fresh.then(|| self.root.whence.file()).flatten();
        let master = self.master.fresh.then(|| self.master.whence.file()).flatten();
        root.into_iter().chain(master).collect()
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
            root: Found { key: root, whence: moment(root_whence), fresh: true },
            master: Found { key: master, whence: moment(master_whence), fresh: true },
        })
    }
}

fn find_or_make<K>(
    name: &str,
    make: fn() -> Result<String, Failure>,
    read: fn(&str) -> Result<K, String>,
) -> Result<Found<K>, Failure> {
    let directory = directory().ok_or_else(no_directory)?;
    let (text, path, fresh) = files::find_or_make(&directory, name, make)?;
    let key = read(&text).map_err(|reason| files::damaged(&path, &reason))?;
    Ok(Found { key, whence: Whence::File(path), fresh })
}

/// The root key that the environment gives.
///
/// # Errors
/// It is there and can't be used.
pub(crate) fn root_key_of_environment() -> Result<Option<Found<RootKey>>, Failure> {
    let found = |key| Found { key, whence: Whence::Environment(ROOT_ID), fresh: false };
    Ok(environment::root_key()?.map(found))
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
    Ok(Some(Found { key, whence: Whence::File(path), fresh: false }))
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
    Failure::new(format!(
        "there is no place for the keys of the service: neither HOME nor XDG_CONFIG_HOME, an absolute path, names one.\n  \
         Set one of them, or give the keys in {ROOT_ID}, {ROOT_SECRET} and {MASTER_KEY}"
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
