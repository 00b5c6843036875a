//! Notes of services that live, were stopped, and were killed.

use std::fs;
use std::path::Path;

use super::{Note, leave_in, living_in};

fn note(port: u16, pid: u32) -> Note {
    Note {
        endpoint: format!("http://127.0.0.1:{port}"),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        enforced: true,
        root_key: None,
        ca_bundle: None,
        pid,
        data: "/srv/pond".into(),
    }
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn the_newest_living_service_comes_first() {
    let directory = tempfile::tempdir().unwrap();
    let newer = leave_in(directory.path(), &note(2, 20), 2_000).unwrap();
    let older = leave_in(directory.path(), &note(1, 30), 1_000).unwrap();
    assert_eq!(living_in(directory.path()), [note(2, 20), note(1, 30)]);
    drop(newer);
    assert_eq!(living_in(directory.path()), [note(1, 30)]);
    drop(older);
    assert_eq!(living_in(directory.path()), []);
    assert_eq!(files(directory.path()), 0);
}

#[test]
fn the_note_of_a_killed_service_is_swept() {
    let directory = tempfile::tempdir().unwrap();
    let left = leave_in(directory.path(), &note(1, 10), 1_000).unwrap();
    let killed = directory.path().join("500-9.json");
    fs::copy(&left.path, &killed).unwrap();
    assert_eq!(living_in(directory.path()), [note(1, 10)]);
    assert!(!killed.exists());
    assert!(left.path.exists());
}

#[test]
fn a_note_that_can_not_be_understood_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let left = leave_in(directory.path(), &note(1, 10), 1_000).unwrap();
    fs::write(&left.path, "{}").unwrap();
    assert_eq!(living_in(directory.path()), []);
    assert!(left.path.exists(), "its service lives");
}

#[test]
fn only_the_user_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let left = leave_in(directory.path(), &note(1, 10), 1_000).unwrap();
    assert_eq!(fs::metadata(&left.path).unwrap().permissions().mode() & 0o777, 0o600);
}
