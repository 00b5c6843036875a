//! No thread is left behind. Alone in its program, since it counts the threads of the process.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::time::{Duration, Instant};

use millpond_embed::{Millpond, Queue};

fn threads() -> Vec<String> {
    let name = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("comm")).ok();
    let entries = std::fs::read_dir("/proc/self/task").unwrap();
    let mut names: Vec<String> = entries.filter_map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// What is left when nothing more ends. A joined thread may show for a moment.
fn left(before: &[String]) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while threads() != before && Instant::now() < deadline {
        std::thread::yield_now();
    }
    threads()
}

#[test]
fn all_threads_end_with_it() {
    let before = threads();
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let in_memory = Millpond::builder().queue("jobs").start_in_memory().unwrap();
        let on_disk = Millpond::builder().queue("jobs").start_in(directory.path()).unwrap();
        assert!(threads().len() > before.len());
        drop((in_memory, on_disk));
        assert_eq!(left(&before), before);
    }
    // A start that fails once the engine runs.
    let declared = Queue::named("a").dead_letter_queue("absent", 1);
    Millpond::builder().queue(declared).start_in_memory().unwrap_err();
    assert_eq!(left(&before), before);
}
