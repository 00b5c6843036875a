//! The files of the repository as a value: what git tracks and what it would track, read once, as text.
//! A binary file is there by name, with no text; ignored files are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::rust_source::RustSource;
use crate::workspace;

/// All files, by path from the root of the repository.
#[derive(Debug)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
    /// The Rust files among them, scanned.
    rust: BTreeMap<String, RustSource>,
    untracked: BTreeSet<String>,
}

/// A Rust file, with its text as written and as the scanner sees it.
pub(crate) struct RustFile<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) source: &'a RustSource,
}

impl RustFile<'_> {
    /// Whether the whole file is test code: a file under `tests/` or a `tests.rs` beside what it tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

impl Tree {
    /// Reads the working copy at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let untracked: BTreeSet<String> =
            list(root, &["--others", "--exclude-standard"])?.into_iter().collect();
        let mut files = BTreeMap::new();
        for path in list(root, &["--cached"])?.into_iter().chain(untracked.iter().cloned()) {
            let file = root.join(&path);
            // A tracked file that was just deleted is nothing to check.
            if file.is_file() {
                files.insert(path, std::fs::read_to_string(file).unwrap_or_default());
            }
        }
        Ok(Self::new(files, untracked))
    }

    fn new(files: BTreeMap<String, String>, untracked: BTreeSet<String>) -> Self {
        let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
        let rust = rust.map(|(path, text)| (path.clone(), RustSource::scan(text))).collect();
        Self { files, rust, untracked }
    }

    /// A tree of these paths and texts, all of them tracked.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self::new(files, BTreeSet::new())
    }

    /// The same tree with this file not yet added to git.
    #[cfg(test)]
    pub(crate) fn with_untracked(mut self, path: &str) -> Self {
        self.untracked.insert(path.to_owned());
        self
    }

    pub(crate) fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    pub(crate) fn is_tracked(&self, path: &str) -> bool {
        self.files.contains_key(path) && !self.untracked.contains(path)
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = RustFile<'_>> {
        self.rust.iter().map(|(path, source)| RustFile { path, text: &self.files[path], source })
    }

    /// Whether a file or folder of this name exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let below = self.files.range(folder.clone()..).next();
        self.files.contains_key(path) || below.is_some_and(|(first, _)| first.starts_with(&folder))
    }
}

fn list(root: &Path, selection: &[&str]) -> Result<Vec<String>, String> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z"]).args(selection);
    let listed = workspace::output(&mut git)?;
    Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
