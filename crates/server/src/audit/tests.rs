//! Lines reach their file whatever happens to it, and what is lost is told.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use millpond_core::name::AccountId;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Decision, Denial, PolicyKind, StatementRef};
use serde_json::Value;

use super::entry::{Entry, Verdict};
use super::file::LogFile;
use super::writer::Sink;
use super::{Audit, Recorded};

/// A folder of a test's own below the system's temporary one.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millpond-audit-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Takes lines when it is let, and refuses them while the disk is full.
struct Gate {
    let_through: Mutex<Receiver<()>>,
    is_full: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Sink for Gate {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        // Once the test has let go of its end everything passes.
        let _ = self.let_through.get_mut().unwrap().recv();
        if self.is_full.load(SeqCst) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.taken.lock().unwrap().extend_from_slice(lines);
        Ok(())
    }
}

struct Gated {
    audit: Arc<Audit>,
    let_through: Sender<()>,
    is_full: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Gated {
    fn new(waiting: usize) -> Self {
        let (let_through, receiver) = channel();
        let is_full = Arc::new(AtomicBool::new(false));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate { let_through: Mutex::new(receiver), is_full: is_full.clone(), taken: taken.clone() };
        let audit = Audit::writing_to(Box::new(gate), Recorded::All, waiting).unwrap();
        Self { audit, let_through, is_full, taken }
    }

    /// Lets everything through, ends the log and returns its lines.
    fn end(self) -> Vec<Value> {
        let Self { audit, let_through, taken, .. } = self;
        drop(let_through);
        finish(&audit);
        assert_eq!(Arc::strong_count(&taken), 1, "the thread has ended, and has let go of its sink");
        let taken = taken.lock().unwrap();
        lines(std::str::from_utf8(&taken).unwrap())
    }
}

fn finish(audit: &Audit) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(audit.finish());
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entry(action: &'static str) -> Box<Entry> {
    Box::new(Entry { service: Some("sqs"), action: Some(action.into()), ..Entry::default() })
}

#[test]
fn no_request_waits_for_a_slow_disk_and_what_was_lost_is_told() {
    let gated = Gated::new(3);
    for _ in 0..100 {
        gated.audit.submit(entry("CreateQueue"));
    }
    let lost = gated.audit.counts().lost.load(SeqCst);
    // The thread may have taken some of them out before it waited for the disk.
    assert!((1..=97).contains(&lost), "{lost}");
    let lines = gated.end();
    let told: u64 = lines.iter().filter_map(|line| line["lost_lines"].as_u64()).sum();
    assert_eq!(told, lost);
    assert_eq!(lines.iter().filter(|line| line["action"] == "CreateQueue").count() as u64, 100 - lost);
}

#[test]
fn a_full_disk_loses_lines_and_tells_how_many_when_it_has_room_again() {
    let gated = Gated::new(8);
    gated.is_full.store(true, SeqCst);
    gated.audit.submit(entry("CreateQueue"));
    gated.let_through.send(()).unwrap();
    while gated.audit.counts().lost.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    gated.is_full.store(false, SeqCst);
    gated.audit.submit(entry("DeleteQueue"));
    let lines = gated.end();
    assert_eq!(lines[0]["lost_lines"], 1);
    assert_eq!(lines[1]["action"], "DeleteQueue");
    assert_eq!(lines.len(), 2);
}

#[test]
fn the_end_of_the_service_writes_what_waits() {
    let gated = Gated::new(64);
    for _ in 0..50 {
        gated.audit.submit(entry("CreateQueue"));
    }
    assert_eq!(gated.end().len(), 50);
}

#[test]
fn files_are_put_aside_before_they_grow_too_large_and_the_oldest_goes() {
    let folder = Folder::new("rotated");
    let path = folder.0.join("audit.log");
    let mut file = LogFile::open(&path, 10, 2).unwrap();
    for line in ["1111\n", "2222\n", "3333\n", "4444\n", "5555\n", "6666\n", "7777\n"] {
        file.write(line.as_bytes()).unwrap();
    }
    assert_eq!(folder.names(), ["audit.log", "audit.log.1", "audit.log.2"]);
    assert_eq!(folder.read("audit.log"), "7777\n");
    assert_eq!(folder.read("audit.log.1"), "5555\n6666\n");
    assert_eq!(folder.read("audit.log.2"), "3333\n4444\n");
    file.write(b"a line that is longer than a file\n").unwrap();
    assert_eq!(folder.read("audit.log"), "a line that is longer than a file\n");
}

#[test]
fn without_kept_files_only_the_last_is_there() {
    let folder = Folder::new("alone");
    let mut file = LogFile::open(&folder.0.join("audit.log"), 10, 0).unwrap();
    for line in ["1111\n", "2222\n", "3333\n"] {
        file.write(line.as_bytes()).unwrap();
    }
    assert_eq!(folder.names(), ["audit.log"]);
    assert_eq!(folder.read("audit.log"), "3333\n");
}

#[test]
fn a_file_that_someone_moved_or_took_away_is_begun_anew() {
    let folder = Folder::new("moved");
    let path = folder.0.join("audit.log");
    let mut file = LogFile::open(&path, 1 << 20, 2).unwrap();
    file.write(b"1\n").unwrap();
    fs::rename(&path, folder.0.join("taken")).unwrap();
    file.write(b"2\n").unwrap();
    fs::remove_file(&path).unwrap();
    file.write(b"3\n").unwrap();
    assert_eq!((folder.read("taken").as_str(), folder.read("audit.log").as_str()), ("1\n", "3\n"));
    fs::remove_dir_all(&folder.0).unwrap();
    assert!(file.write(b"4\n").is_err());
    fs::create_dir(&folder.0).unwrap();
    file.write(b"5\n").unwrap();
    assert_eq!(folder.read("audit.log"), "5\n");
}

#[test]
fn a_log_goes_on_after_a_restart_and_after_half_a_line() {
    let folder = Folder::new("again");
    let path = folder.0.join("audit.log");
    fs::write(&path, "whole\nhal").unwrap();
    LogFile::open(&path, 1 << 20, 2).unwrap().write(b"next\n").unwrap();
    LogFile::open(&path, 1 << 20, 2).unwrap().write(b"after\n").unwrap();
    assert_eq!(folder.read("audit.log"), "whole\nhal\nnext\nafter\n");
}

#[test]
fn a_device_that_takes_nothing_refuses_each_write() {
    let mut full = LogFile::open("/dev/full".as_ref(), 10, 2).unwrap();
    for _ in 0..3 {
        assert_eq!(full.write(b"line\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    assert!(fs::metadata("/dev/full").is_ok(), "it is not put aside");
}

#[test]
fn changes_and_refusals_are_told_from_messages_and_reads() {
    for (action, is_change) in [
        ("SendMessage", false),
        ("ReceiveMessage", false),
        ("ChangeMessageVisibilityBatch", false),
        ("GetQueueAttributes", false),
        ("ListQueues", false),
        ("SetQueueAttributes", true),
        ("PurgeQueue", true),
        ("AssumeRole", true),
        ("GetSessionToken", true),
        ("CreateAccessKey", true),
        ("GetUser", false),
        ("DecodeAuthorizationMessage", false),
        ("GET workloads", false),
        ("GET queues/000000000000/us-east-1/jobs", false),
        ("POST why", false),
        ("POST stacks/shop", true),
        ("POST console-sessions", true),
        ("GET workloads/sink/credentials", true),
    ] {
        assert_eq!(entry(action).is_change_or_refusal(), is_change, "{action}");
    }
    let denied = Verdict::Decided(Decision::Denied(Denial::Missing(PolicyKind::Identity)));
    for decision in [denied, Verdict::Refused("UnrecognizedClient".into())] {
        assert!(Entry { decision, ..*entry("SendMessage") }.is_change_or_refusal());
    }
}

#[test]
fn a_line_holds_what_is_known_and_nothing_can_begin_another() {
    let by = StatementRef {
        kind: PolicyKind::Identity,
        policy: "SendOnly".into(),
        sid: Some("Sends".into()),
        index: 0,
    };
    let caller = Arc::new(Caller::Root { account: AccountId::DEFAULT });
    let entry = Entry {
        time_millis: 1_763_752_062_031,
        caller: Some(caller),
        access_key_id: Some("AKIAEXAMPLE".into()),
        source_ip: Some("2001:db8::1".parse().unwrap()),
        user_agent: Some("curl\n{\"forged\":true}".into()),
        decision: Verdict::Decided(Decision::Allowed(vec![by])),
        status: Some(200),
        latency_micros: 1_500,
        ..*entry("SendMessage")
    };
    let mut text = Vec::new();
    entry.write(&mut text);
    let told = lines(std::str::from_utf8(&text).unwrap());
    assert_eq!(told.len(), 1);
    let line = &told[0];
    assert_eq!(line["time"], "2025-11-21T19:07:42.031Z");
    assert_eq!(line["arn"], "arn:aws:iam::000000000000:root");
    assert_eq!(line["account"], "000000000000");
    assert_eq!(line["source_ip"], "2001:db8::1");
    assert_eq!(line["decision"], "allowed");
    assert_eq!(line["reason"], "identity policy SendOnly, statement Sends");
    assert_eq!(line["latency_ms"], 1.5);
    assert_eq!(line["error"], Value::Null);
}
