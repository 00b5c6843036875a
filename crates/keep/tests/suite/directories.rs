//! Directories for the tests: what the engine's fixture holds, written by today's code, and ways to damage it.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_engine::recovery::recover;
use millpond_log::{LogConfig, LogId, RealDisk, SegmentLog};
use millpond_store::{RedbConfig, RedbStore};

use crate::life::Life;
use crate::script;
use crate::support::START;

/// A directory that a service which was killed left behind: some of it in the store, some in the log alone.
pub(crate) fn left_behind() -> tempfile::TempDir {
    left_behind_after(|_| {})
}

/// As [`left_behind`], after some more was done.
pub(crate) fn left_behind_after(more: impl FnOnce(&mut Life)) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let mut life = Life::open(disk, START);
    script::before_the_checkpoint(&mut life);
    script::behind_the_checkpoint(&mut life);
    more(&mut life);
    // As it is now, not as it would be closed.
    let left = tempfile::tempdir().unwrap();
    for (name, content) in files(directory.path()) {
        std::fs::write(left.path().join(name), content).unwrap();
    }
    left
}

/// All files of a directory.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

/// The segments, oldest first.
pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let names = files(directory).into_keys().filter(|name| name.starts_with("segment-"));
    names.map(|name| directory.join(name)).collect()
}

/// The file of the store's payloads.
pub(crate) fn payload_file(directory: &Path) -> PathBuf {
    let mut names = files(directory).into_keys().filter(|name| name.starts_with("payloads-"));
    let name = names.next().expect("the store holds payloads");
    assert_eq!(names.next(), None, "one file is enough");
    directory.join(name)
}

/// Changes one byte of a file.
pub(crate) fn flip(file: &Path, offset: usize) {
    let mut content = std::fs::read(file).unwrap();
    content[offset] ^= 0x40;
    std::fs::write(file, content).unwrap();
}

/// Changes one byte of the first place in a file that reads so, from `from` on; answers where.
pub(crate) fn flip_in(file: &Path, bytes: &[u8], within: usize) -> usize {
    let content = std::fs::read(file).unwrap();
    let at = content.windows(bytes.len()).position(|window| window == bytes).expect("the bytes are there");
    flip(file, at + within);
    at + within
}

/// Changes one byte of every place in a file that reads so: older pages of a store hold a row as well.
pub(crate) fn flip_all(file: &Path, bytes: &[u8], within: usize) {
    let mut content = std::fs::read(file).unwrap();
    let places: Vec<usize> =
        (0..content.len() - bytes.len()).filter(|at| content[*at..].starts_with(bytes)).collect();
    assert!(!places.is_empty(), "the bytes are there");
    places.iter().for_each(|at| content[at + within] ^= 0x40);
    std::fs::write(file, content).unwrap();
}

/// The state that a directory brings back, as a number that equal states share.
pub(crate) fn state_of(directory: &Path, config: LogConfig) -> u64 {
    let disk = Arc::new(RealDisk::open(directory).unwrap());
    let (mut log, _) = SegmentLog::open_inline(disk.clone(), config, LogId([1; 16])).unwrap();
    let store = RedbStore::open(disk, RedbConfig::default()).unwrap();
    recover(&mut log, &store).unwrap().state.digest()
}

/// Changes one byte of the payload of a message, behind its id.
pub(crate) fn flip_payload(file: &Path, id: u128) {
    let begin = [&id.to_le_bytes()[..], &[0; 16], &[1, 12], b"000000000000"].concat();
    flip_all(file, &begin, 20);
}
