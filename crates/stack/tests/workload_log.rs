//! Logs of workloads: their end, what follows, and their bounds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use millpond_stack::driver::log::{Follow, tail};
use std::fs::{self, OpenOptions};
use std::io::Write;

fn append(path: &std::path::Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn tail_gives_the_last_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    assert_eq!(tail(&path, 5).unwrap(), [""; 0]);
    append(&path, "one\ntwo\nthree");
    assert_eq!(tail(&path, 2).unwrap(), ["two", "three"]);
    assert_eq!(tail(&path, 0).unwrap(), [""; 0]);
    append(&directory.path().join("a.log.1"), "zero\n");
    assert_eq!(tail(&path, 9).unwrap(), ["zero", "one", "two", "three"]);
    assert_eq!(tail(&path, 4).unwrap(), ["zero", "one", "two", "three"]);
    assert_eq!(tail(&path, 3).unwrap(), ["one", "two", "three"]);
}

#[test]
fn tail_reads_a_bounded_end_and_survives_odd_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let mut content = vec![b'x'; 5 * 1024 * 1024];
    content.extend(b"\nlast \xff\n");
    fs::write(&path, content).unwrap();
    assert_eq!(tail(&path, 1).unwrap(), ["last \u{fffd}"]);
    assert_eq!(tail(&path, 2).unwrap()[0].len(), 4 * 1024 * 1024 - 8);
}

#[tokio::test(start_paused = true)]
async fn follow_goes_on_exactly_after_the_tail() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    append(&path, "one\n");
    let (lines, mut follow) = Follow::after_tail(path.clone(), 10).unwrap();
    assert_eq!(lines, ["one"]);
    append(&path, "two\n");
    assert_eq!(follow.next().await.unwrap(), b"two\n");
}

#[tokio::test(start_paused = true)]
async fn follow_waits_for_a_file_and_goes_on_when_it_begins_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let (lines, mut follow) = Follow::after_tail(path.clone(), 10).unwrap();
    assert!(lines.is_empty());
    append(&path, "a long first line\n");
    assert_eq!(follow.next().await.unwrap(), b"a long first line\n");
    fs::write(&path, "anew\n").unwrap();
    assert_eq!(follow.next().await.unwrap(), b"anew\n");
}

#[tokio::test(start_paused = true)]
async fn follow_gives_bounded_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.log");
    let (_, mut follow) = Follow::after_tail(path.clone(), 0).unwrap();
    fs::write(&path, vec![b'x'; 100_000]).unwrap();
    assert_eq!(follow.next().await.unwrap().len(), 65_536);
    assert_eq!(follow.next().await.unwrap().len(), 34_464);
}
