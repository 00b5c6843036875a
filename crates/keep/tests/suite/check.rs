//! A check finds what is damaged, says where, and changes nothing.

use std::path::Path;

use millpond_keep::{CheckReport, check};
use millpond_log::{Disk, RealDisk};

use crate::directories::{files, flip, flip_all, flip_in, flip_payload, left_behind, payload_file, segments};

/// The check of a directory, which must not change it.
fn checked(directory: &Path) -> CheckReport {
    let before = files(directory);
    let report = check(directory, &mut ()).unwrap();
    assert!(files(directory) == before, "the check has changed the directory");
    report
}

/// The findings, of which there must be some, each on a line.
fn damaged(directory: &Path) -> String {
    let report = checked(directory);
    let text: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(!report.is_sound(), "{text:?}");
    text.join("\n")
}

#[test]
fn a_directory_that_a_killed_service_left_is_sound() {
    let directory = left_behind();
    let report = checked(directory.path());
    assert!(report.is_sound(), "{:?}", report.findings);
    let (log, store) = (report.log.unwrap(), report.store.unwrap());
    assert!(log.behind_store > 10 && log.sent_behind_store == 8, "{log:?}");
    assert_eq!((store.queues, store.documents, store.deduplications), (7, 3, 5));
    assert_eq!(store.reflected.map(|reflected| reflected.0 + log.behind_store), Some(log.last.0));
}

#[test]
fn a_torn_end_is_a_remark_and_a_flip_before_it_is_damage() {
    let directory = left_behind();
    let last = segments(directory.path()).pop().unwrap();
    let at = flip_in(&last, b"second again", 0);
    let text = damaged(directory.path());
    assert!(text.contains("segment-") && text.contains("byte") && text.contains("whole"), "{text} {at}");
    let directory = left_behind();
    let last = segments(directory.path()).pop().unwrap();
    let content = std::fs::read(&last).unwrap();
    let end = content.iter().rposition(|byte| *byte != 0).unwrap();
    // Within the header of the last frame.
    let frame = end / 512 * 512;
    flip(&last, frame + 50);
    let report = checked(directory.path());
    assert!(report.is_sound(), "nothing that follows says it was durable: {:?}", report.findings);
    assert!(report.findings.iter().any(|found| found.what.contains("interrupted")), "{:?}", report.findings);
}

#[test]
fn a_payload_of_an_older_segment_that_rotted_is_found_with_file_and_byte() {
    let directory = left_behind();
    let segments = segments(directory.path());
    assert!(segments.len() > 1);
    let at = flip_in(&segments[0], &crate::script::body(69), 5);
    let text = damaged(directory.path());
    let name = segments[0].file_name().unwrap().to_str().unwrap();
    assert!(text.contains(name) && text.contains("payload does not match"), "{text} {at}");
}

#[test]
fn missing_files_are_told() {
    let directory = left_behind();
    std::fs::remove_file(directory.path().join("store.redb")).unwrap();
    assert!(damaged(directory.path()).contains("the store is missing"));
    let directory = left_behind();
    std::fs::remove_file(payload_file(directory.path())).unwrap();
    let text = damaged(directory.path());
    assert!(text.contains("payloads-0000000000000001: it is missing"), "{text}");
    assert!(text.contains("message") && text.contains("A service does not start"), "{text}");
    let directory = left_behind();
    std::fs::remove_file(segments(directory.path()).first().unwrap()).unwrap();
    assert!(damaged(directory.path()).contains("the segment is missing"));
    let directory = left_behind();
    for file in segments(directory.path()).into_iter().chain([directory.path().join("log.superblock")]) {
        std::fs::remove_file(file).unwrap();
    }
    assert!(damaged(directory.path()).contains("the log is missing"));
}

#[test]
fn a_damaged_payload_and_a_damaged_row_are_told_with_the_message() {
    let directory = left_behind();
    flip_payload(&payload_file(directory.path()), 9);
    let text = damaged(directory.path());
    assert!(
        text.contains("of queue orders (number 0)") && text.contains("payloads-0000000000000001, byte"),
        "{text}"
    );
    assert!(text.contains("00000000-0000-0000-0000-000000000009"), "{text}");
    let directory = left_behind();
    let store = directory.path().join("store.redb");
    flip_all(&store, b"orders-dead", 0);
    let text = damaged(directory.path());
    assert!(text.contains("table queues") && text.contains("checksum"), "{text}");
}

#[test]
fn an_older_store_does_not_fit_the_log() {
    let directory = left_behind();
    let other = left_behind();
    let segments = segments(directory.path());
    // The log of a service that went on without this store: another log, as long as this one.
    std::fs::remove_file(directory.path().join("store.redb")).unwrap();
    let disk = std::sync::Arc::new(RealDisk::open(directory.path()).unwrap());
    drop(millpond_store::RedbStore::open(disk, millpond_store::RedbConfig::default()).unwrap());
    let text = damaged(directory.path());
    assert!(text.contains("are missing"), "{text} {segments:?}");
    drop(other);
}

/// Whatever single byte rots: the check ends, tells it or it did no harm, and never changes anything.
#[test]
fn any_flip_is_told_or_harmless() {
    let directory = left_behind();
    let sound = files(directory.path());
    let mut random = fastrand::Rng::with_seed(11);
    let mut told = 0;
    for _ in 0..150 {
        let names: Vec<&String> =
            sound.keys().filter(|name| !name.starts_with("spare-") && *name != "LOCK").collect();
        let name = names[random.usize(..names.len())];
        let file = directory.path().join(name);
        let written: Vec<usize> = (0..sound[name].len())
            .step_by(64)
            .filter(|at| sound[name][*at..].iter().take(64).any(|byte| *byte != 0))
            .collect();
        flip(&file, written[random.usize(..written.len())] + random.usize(..64));
        told += usize::from(!checked(directory.path()).is_sound());
        std::fs::write(&file, &sound[name]).unwrap();
    }
    assert!(told > 30, "{told}");
}

#[test]
fn a_directory_in_use_and_one_without_data_are_refused() {
    let directory = left_behind();
    let held = RealDisk::open(directory.path()).unwrap().lock().unwrap();
    let refused = check(directory.path(), &mut ()).unwrap_err();
    assert!(refused.to_string().contains(&format!("held by process {}", std::process::id())), "{refused}");
    assert!(!refused.is_wrong_directory());
    drop(held);
    let empty = tempfile::tempdir().unwrap();
    assert!(check(empty.path(), &mut ()).unwrap_err().is_wrong_directory());
    assert!(check(&empty.path().join("none"), &mut ()).unwrap_err().is_wrong_directory());
    assert_eq!(files(empty.path()).len(), 0);
}
