//! The ceiling's one promise: a reply leaves only after the sync that covers its bytes.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::group_commit::{GroupCommit, NotDurable};
use super::segments::{SegmentFile, SegmentRing, zero_filled};
use super::serve::serve_on;
use super::*;
use crate::config::Batch;
use crate::response::{Parsed, parse};

/// What a [`ScriptedFile`] was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    Write(usize, u64, Vec<u8>),
    Sync(usize),
}

/// Records calls; each sync tells `entered` and takes its result from `results`.
struct ScriptedFile {
    index: usize,
    calls: Arc<Mutex<Vec<Call>>>,
    entered: Sender<()>,
    results: Arc<Mutex<Receiver<io::Result<()>>>>,
}

impl SegmentFile for ScriptedFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.calls.lock().unwrap().push(Call::Write(self.index, offset, bytes.to_vec()));
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.entered.send(()).unwrap();
        let result = self.results.lock().unwrap().recv().unwrap();
        if result.is_ok() {
            self.calls.lock().unwrap().push(Call::Sync(self.index));
        }
        result
    }
}

struct Script {
    ring: Option<SegmentRing<ScriptedFile>>,
    calls: Arc<Mutex<Vec<Call>>>,
    sync_entered: Receiver<()>,
    sync_returns: Sender<io::Result<()>>,
}

fn script(segments: usize, segment_bytes: u64) -> Script {
    let calls = Arc::default();
    let (entered, sync_entered) = channel();
    let (sync_returns, results) = channel();
    let results = Arc::new(Mutex::new(results));
    let file = |index| ScriptedFile {
        index,
        calls: Arc::clone(&calls),
        entered: entered.clone(),
        results: Arc::clone(&results),
    };
    let ring = SegmentRing::new((0..segments).map(file).collect(), segment_bytes);
    Script { ring: Some(ring), calls, sync_entered, sync_returns }
}

fn start_writer(script: &mut Script, commit: &Arc<GroupCommit>) -> JoinHandle<io::Result<()>> {
    let ring = script.ring.take().unwrap();
    let commit = Arc::clone(commit);
    thread::spawn(move || commit.write_groups(ring))
}

fn poll(
    future: std::pin::Pin<&mut impl Future<Output = Result<(), NotDurable>>>,
) -> Poll<Result<(), NotDurable>> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Remembers that it was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn an_append_is_ready_only_after_the_sync_that_covers_it() {
    let mut script = script(1, 1000);
    let commit = GroupCommit::new();
    let writer = start_writer(&mut script, &commit);

    let mut first = pin!(commit.append(b"first"));
    assert!(poll(first.as_mut()).is_pending());
    script.sync_entered.recv().unwrap();
    let mut second = pin!(commit.append(b"second"));
    let mut third = pin!(commit.append(b"third"));
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(third.as_mut()).is_pending());
    assert!(poll(first.as_mut()).is_pending(), "its sync has not returned");

    script.sync_returns.send(Ok(())).unwrap();
    script.sync_entered.recv().unwrap();
    assert_eq!(poll(first.as_mut()), Poll::Ready(Ok(())));
    assert!(poll(second.as_mut()).is_pending(), "the sync that returned began before it was written");
    assert!(poll(third.as_mut()).is_pending());

    // Before the sync returns: a waker that was put in anew would make the writer begin another group.
    commit.end();
    script.sync_returns.send(Ok(())).unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(poll(second.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(poll(third.as_mut()), Poll::Ready(Ok(())));
    let expected = [
        Call::Write(0, 0, b"first".to_vec()),
        Call::Sync(0),
        Call::Write(0, 5, b"secondthird".to_vec()),
        Call::Sync(0),
    ];
    assert_eq!(*script.calls.lock().unwrap(), expected, "one write and one sync a group");
}

#[test]
fn after_a_failed_sync_everything_waiting_fails_and_nothing_more_is_taken() {
    let mut script = script(1, 1000);
    let commit = GroupCommit::new();
    let writer = start_writer(&mut script, &commit);
    let mut written = pin!(commit.append(b"written"));
    assert!(poll(written.as_mut()).is_pending());
    script.sync_entered.recv().unwrap();
    let mut waiting = pin!(commit.append(b"waiting"));
    let woken = Arc::<Woken>::default();
    let waker = Waker::from(Arc::clone(&woken));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());

    script.sync_returns.send(Err(io::Error::other("disk gone"))).unwrap();
    assert_eq!(writer.join().unwrap().unwrap_err().to_string(), "disk gone");
    assert_eq!(poll(written.as_mut()), Poll::Ready(Err(NotDurable)));
    assert!(woken.0.load(Ordering::SeqCst), "what waits in the open group is told");
    assert_eq!(poll(waiting.as_mut()), Poll::Ready(Err(NotDurable)));
    assert_eq!(poll(pin!(commit.append(b"later"))), Poll::Ready(Err(NotDurable)));
}

#[test]
fn a_group_runs_over_segments_and_each_one_touched_is_synced() {
    let mut script = script(2, 8);
    for _ in 0..5 {
        script.sync_returns.send(Ok(())).unwrap();
    }
    let mut ring = script.ring.take().unwrap();
    ring.append_and_sync(b"abcde").unwrap();
    ring.append_and_sync(b"fghijklmnopqrs").unwrap();
    ring.append_and_sync(b"t").unwrap();
    let expected = [
        Call::Write(0, 0, b"abcde".to_vec()),
        Call::Sync(0),
        Call::Write(0, 5, b"fgh".to_vec()),
        Call::Sync(0),
        Call::Write(1, 0, b"ijklmnop".to_vec()),
        Call::Sync(1),
        Call::Write(0, 0, b"qrs".to_vec()),
        Call::Sync(0),
        Call::Write(0, 3, b"t".to_vec()),
        Call::Sync(0),
    ];
    assert_eq!(*script.calls.lock().unwrap(), expected);
}

#[test]
fn segments_hold_written_zeros_and_keep_their_length() {
    use std::os::unix::fs::MetadataExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("segment");
    let mut ring = SegmentRing::new(vec![zero_filled(&path, 1 << 20).unwrap()], 1 << 20);
    let before = std::fs::metadata(&path).unwrap();
    assert_eq!(before.len(), 1 << 20);
    assert!(before.blocks() * 512 >= 1 << 20, "the zeros are allocated");
    ring.append_and_sync(&vec![7; 300_000]).unwrap();
    ring.append_and_sync(&vec![8; 900_000]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 1 << 20);
    assert_eq!((bytes[0], bytes[151_423], bytes[151_424], bytes[299_999], bytes[300_000]), (8, 8, 7, 7, 8));
}

/// Remembers what is synced, and gives an early reply the time to show itself before a sync returns.
struct PatientFile {
    written: Vec<u8>,
    synced: Arc<Mutex<Vec<u8>>>,
}

impl SegmentFile for PatientFile {
    fn write_all_at(&mut self, bytes: &[u8], _offset: u64) -> io::Result<()> {
        self.written.extend_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        // Long for a reply on loopback: one that leaves early arrives while its bytes are not yet synced.
        thread::sleep(Duration::from_millis(20));
        self.synced.lock().unwrap().append(&mut self.written);
        Ok(())
    }
}

/// One request on a connection of its own; the reply's body, or nothing when the connection was closed.
fn post(address: SocketAddr, action: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.{action}");
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 256];
        let count = stream.read(&mut chunk).unwrap_or(0);
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        if let Parsed::Complete(reply) = parse(&bytes).unwrap() {
            assert_eq!(reply.status, 200);
            return Some(String::from_utf8(bytes[reply.body].to_vec()).unwrap());
        }
    }
}

const LOAD: CeilingLoad = CeilingLoad { batch: Batch::ONE, size_bytes: 1024, fifo: false };

type Served = JoinHandle<Result<(), CeilingError>>;

fn start_server<F: SegmentFile + Send + 'static>(
    ring: SegmentRing<F>,
) -> (SocketAddr, oneshot::Sender<()>, Served) {
    let (ready, address) = channel();
    let (stop, stopped) = oneshot::channel();
    let served = thread::spawn(move || {
        serve_on(ring, LOAD, |address| ready.send(address).unwrap(), async {
            let _dropped_or_sent = stopped.await;
        })
    });
    (address.recv().unwrap(), stop, served)
}

#[test]
fn over_http_no_reply_comes_before_its_bytes_are_synced() {
    let synced: Arc<Mutex<Vec<u8>>> = Arc::default();
    let file = PatientFile { written: Vec::new(), synced: Arc::clone(&synced) };
    let (address, stop, served) = start_server(SegmentRing::new(vec![file], u64::MAX));
    let clients = (0..8).map(|client| {
        let synced = Arc::clone(&synced);
        thread::spawn(move || {
            for round in 0..5 {
                let marker = format!("<{client}:{round}>");
                let reply = post(address, "SendMessage", &marker).unwrap();
                let durable = String::from_utf8(synced.lock().unwrap().clone()).unwrap();
                assert!(durable.contains(&marker), "{marker} was answered before it was synced");
                assert!(reply.contains("MessageId"));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.join().unwrap();
    }
    drop(stop);
    served.join().unwrap().unwrap();
}

#[test]
fn over_http_receives_and_deletes_wait_for_a_sync_of_what_they_log() {
    let synced: Arc<Mutex<Vec<u8>>> = Arc::default();
    let file = PatientFile { written: Vec::new(), synced: Arc::clone(&synced) };
    let (address, stop, served) = start_server(SegmentRing::new(vec![file], u64::MAX));
    for (calls, action) in (1..).zip(["ReceiveMessage", "DeleteMessage", "ReceiveMessage"]) {
        post(address, action, "{}").unwrap();
        assert_eq!(synced.lock().unwrap().len(), 24 * calls, "{action}");
    }
    drop(stop);
    served.join().unwrap().unwrap();
}

#[test]
fn a_failed_disk_closes_connections_without_a_reply_and_ends_the_server() {
    let mut script = script(1, 1000);
    let (address, _stop, served) = start_server(script.ring.take().unwrap());
    script.sync_returns.send(Err(io::Error::other("disk gone"))).unwrap();
    assert_eq!(post(address, "SendMessage", "lost"), None);
    assert!(matches!(served.join().unwrap(), Err(CeilingError::Disk(_))));
}

fn headers(action: &str) -> hyper::HeaderMap {
    let target = format!("AmazonSQS.{action}").parse().unwrap();
    [(hyper::header::HeaderName::from_static("x-amz-target"), target)].into_iter().collect()
}

#[test]
fn each_call_is_answered_as_a_queue_would_and_logs_what_it_must_remember() {
    let load = CeilingLoad { batch: Batch::TEN, size_bytes: 200, fifo: true };
    let replies = super::replies::Replies::new(load);
    let json = |action: &str| {
        let plan = replies.plan(&headers(action));
        let reply: serde_json::Value = serde_json::from_slice(&plan.reply).unwrap();
        (reply, plan.logged.map(|bytes| bytes.len()))
    };
    let (sent, logged) = json("SendMessageBatch");
    assert_eq!(sent["Successful"].as_array().unwrap().len(), 10);
    assert!(sent["Successful"][9]["SequenceNumber"].is_string());
    assert_eq!(logged, None, "a send logs its body");
    let (received, logged) = json("ReceiveMessage");
    let messages = received["Messages"].as_array().unwrap();
    assert_eq!((messages.len(), messages[9]["Body"].as_str().unwrap().len()), (10, 200));
    assert_eq!(logged, Some(96), "two numbers for the call and one for each message");
    let (deleted, logged) = json("DeleteMessageBatch");
    assert_eq!((deleted["Successful"].as_array().unwrap().len(), logged), (10, Some(96)));
}

#[test]
fn single_calls_are_answered_without_a_batch() {
    let replies = super::replies::Replies::new(LOAD);
    let of = |action: &str| replies.plan(&headers(action));
    let sent: serde_json::Value = serde_json::from_slice(&of("SendMessage").reply).unwrap();
    assert!(sent["MessageId"].is_string() && sent.get("SequenceNumber").is_none());
    assert_eq!((of("DeleteMessage").reply.len(), of("DeleteMessage").logged.unwrap().len()), (0, 24));
    assert!(of("ReceiveMessage").reply.len() > 1024);
}
