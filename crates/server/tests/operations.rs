//! What operators ask over HTTP: health before and after the recovery, and figures that follow the time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use millpond_core::command::Command;
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outage::BootReading;
use millpond_core::queue::{AttributePatch, Tags};
use millpond_core::time::Timestamp;
use millpond_engine::clock::Clock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Wait};
use millpond_log::{Log, MemoryLog};
use millpond_server::access::{Access, AccessConfig};
use millpond_server::platform::QueuesOnly;
use millpond_server::{Answering, Behaviour, Limits, ServerConfig, Transport, bind};
use millpond_store::MemoryStore;
use tokio::runtime::Runtime;
use tokio::sync::watch;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A clock that a test turns.
#[derive(Debug)]
struct Turned(AtomicU64);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(SeqCst))
    }

    fn reading(&self) -> BootReading {
        BootReading { boot_id: [1; 16], millis: self.0.load(SeqCst) }
    }

    fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, SeqCst);
    }
}

/// A server that listens, over an engine in memory that it may not know yet.
struct Server {
    address: SocketAddr,
    answering: Answering,
    clock: Arc<Turned>,
    running: Running,
    _stop: watch::Sender<bool>,
    runtime: Runtime,
}

impl Server {
    fn listening() -> Self {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let clock = Arc::new(Turned(AtomicU64::new(1_700_000_000_000)));
        let config = ServerConfig {
            allow_remote: false,
            listen: "127.0.0.1:0".parse().unwrap(),
            account: AccountId::DEFAULT,
            region: Region::parse("us-east-1").unwrap(),
            limits: Limits::default(),
            behaviour: Behaviour::default(),
            transport: Transport::default(),
        };
        let (address, answering, running) = runtime.block_on(async {
            let listening = bind(config).await.unwrap();
            (listening.address(), listening.answer(stopped), start_engine(clock.clone()))
        });
        Self { address, answering, clock, running, _stop: stop, runtime }
    }

    fn begun() -> Self {
        let server = Self::listening();
        server.begin();
        server
    }

    fn begin(&self) {
        let engine = self.running.handle.clone();
        let config = Arc::new(AccessConfig::off());
        let access = self.runtime.block_on(Access::load(&engine, AccountId::DEFAULT, config)).unwrap();
        self.answering.begin(engine, [0; 16], access, Arc::new(QueuesOnly));
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (host, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> String {
        reply(self.send("GET", path, "", ""))
    }

    fn call(&self, form: &str) -> String {
        let reply = reply(self.send("POST", "/000000000000/jobs", FORM, form));
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        reply
    }
}

fn start_engine(clock: Arc<Turned>) -> Running {
    let (mut log, store): (Box<dyn Log>, _) = (Box::new(MemoryLog::new()), Box::new(MemoryStore::new()));
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 24 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), [0; 16]).unwrap()
}

fn reply(mut stream: TcpStream) -> String {
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn while_the_data_is_recovered_the_process_lives_and_is_not_ready() {
    let server = Server::listening();
    let create = "Action=CreateQueue&QueueName=early";
    let waiting = server.send("POST", "/", FORM, create);
    assert!(server.get("/health").starts_with("HTTP/1.1 200 OK"));
    let ready = server.get("/ready");
    assert!(
        ready.starts_with("HTTP/1.1 503 ") && ready.ends_with("\r\n\r\nthe data is being recovered\n"),
        "{ready}"
    );
    let foreign = reply(server.send("GET", "/health", "Origin: https://attacker.example\r\n", ""));
    assert!(foreign.starts_with("HTTP/1.1 403 "), "{foreign}");
    server.begin();
    assert!(server.get("/ready").starts_with("HTTP/1.1 200 OK"));
    let answered = reply(waiting);
    assert!(answered.contains("/000000000000/early</QueueUrl>"), "what waited is answered: {answered}");
}

#[test]
fn a_service_whose_engine_has_ended_is_not_ready() {
    let server = Server::begun();
    server.running.handle.stop();
    loop {
        let ready = server.get("/ready");
        if ready.starts_with("HTTP/1.1 503 ") {
            assert!(ready.contains("the service is stopping"), "{ready}");
            break;
        }
    }
    assert!(server.get("/health").starts_with("HTTP/1.1 200 OK"), "the process lives");
}

#[test]
fn what_expires_is_counted_wherever_queues_are() {
    let server = Server::begun();
    let create =
        "Action=CreateQueue&QueueName=jobs&Attribute.1.Name=MessageRetentionPeriod&Attribute.1.Value=60";
    assert!(reply(server.send("POST", "/", FORM, create)).starts_with("HTTP/1.1 200 "));
    server.call("Action=SendMessage&MessageBody=one");
    server.call("Action=SendMessage&MessageBody=two");
    let page = server.get("/console/");
    assert!(page.contains("<td class=\"w\" data-label=\"Oldest expires in\">1 min</td><td class=\"n\" data-label=\"Expired\">0</td>"), "{page}");
    server.clock.0.fetch_add(30_500, SeqCst);
    let metrics = server.get("/metrics");
    let labels = "{queue_name=\"jobs\",account_id=\"000000000000\",region=\"us-east-1\"}";
    assert!(
        metrics.contains(&format!("aws_sqs_approximate_age_of_oldest_message_seconds{labels} 30.500\n")),
        "{metrics}"
    );
    server.clock.0.fetch_add(30_000, SeqCst);
    let listed = server.get("/_millpond/v1/queues");
    assert!(
        listed.contains("\"expired\":2") && listed.contains("\"oldest_expires_at_millis\":null"),
        "{listed}"
    );
    let metrics = server.get("/metrics");
    for line in [
        format!("millpond_queue_expired_messages_total{labels} 2\n"),
        format!("aws_sqs_approximate_age_of_oldest_message_seconds{labels} 0.000\n"),
        format!("millpond_queue_bytes{labels} 0\n"),
        "millpond_expired_messages 2\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    let page = server.get("/console/");
    assert!(page.contains("<td class=\"w\" data-label=\"Oldest expires in\">–</td><td class=\"n\" data-label=\"Expired\">2</td>"), "{page}");
}

#[test]
fn more_than_two_backups_at_once_are_told_to_come_again() {
    let server = Server::begun();
    assert!(reply(server.send("POST", "/", FORM, "Action=CreateQueue&QueueName=jobs")).contains("200 OK"));
    // More than lies in the buffers on the way to one who reads nothing.
    let body = "x".repeat(1 << 20);
    for _ in 0..24 {
        server.call(&format!("Action=SendMessage&MessageBody={body}"));
    }
    let path = "/_millpond/v1/backup";
    let begin = || {
        let mut stream = server.send("GET", path, "", "");
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream)
    };
    let (first, second) = (begin(), begin());
    assert_eq!([&first.0, &second.0], ["HTTP/1.1 200"; 2]);
    let refused = server.get(path);
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("2 backups are being taken"),
        "{refused}"
    );
    assert!(refused.to_ascii_lowercase().contains("\r\nretry-after: 30\r\n"), "{refused}");
    drop(first);
    // The server learns of it when it writes.
    while begin().0 != "HTTP/1.1 200" {}
    drop(second);
}

#[test]
fn a_scrape_tells_of_the_first_ten_thousand_queues_and_how_many_it_leaves_out() {
    let server = Server::begun();
    let engine = &server.running.handle;
    server.runtime.block_on(async {
        for number in 0..10_003 {
            let name = QueueName::parse(&format!("q{number:05}")).unwrap();
            let key =
                QueueKey { account: AccountId::DEFAULT, region: Region::parse("us-east-1").unwrap(), name };
            let attributes = AttributePatch::default().into();
            let command = Command::CreateQueue { key, attributes, tags: Tags::new() };
            engine.call(command, Wait::Secs(0), 0).await.unwrap();
        }
    });
    let metrics = server.get("/metrics");
    let told: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("millpond_queue_bytes{queue_name=\""))
        .map(|rest| &rest[..6])
        .collect();
    let expected: Vec<String> = (0..10_000).map(|number| format!("q{number:05}")).collect();
    assert_eq!(told, expected);
    assert_eq!(metrics.matches("# TYPE millpond_queue_bytes ").count(), 1);
    assert!(metrics.contains("\nmillpond_queues 10003\n"));
    assert!(metrics.contains("\nmillpond_metrics_queues_left_out 3\n"));
    let some = server.get("/metrics?queue_prefix=q1000");
    assert_eq!(some.matches("\nmillpond_queue_bytes{").count(), 3, "also those that are left out otherwise");
    assert!(some.contains("\nmillpond_metrics_queues_left_out 10000\n"));
}
