//! What the tests run a sink against: a scripted queue service, a MariaDB server of their own, and a sink with short
//! waits. Each test starts what it needs and ends it.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, missing_docs, reason = "test code")]

pub mod mariadb;
pub mod mysql_handshake;
pub mod rsa;
pub mod sqs;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use millpond_sink::{
    Backoff, Endpoint, Event, Format, Identifier, Keys, SinkConfig, SinkError, Summary, TargetUrl, connect,
    run,
};
use tokio::{sync::watch, task::JoinHandle};

use sqs::FakeSqs;

/// Long enough for a slow machine; reached only when a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A configuration for the queue `orders` and the table `customers (name, country)`, with short waits.
pub fn config(target: &str) -> SinkConfig {
    let columns = Identifier::list("name,country").unwrap();
    let target = TargetUrl::parse(target).unwrap();
    let mut config =
        SinkConfig::new("orders", target, Identifier::new("customers").unwrap(), columns, Format::Csv);
    config.wait_time_secs = 1;
    config.retry = Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(200) };
    config
}

/// A sink that runs until it is told to end.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<Summary, SinkError>>,
    events: Arc<Mutex<Vec<Event>>>,
}

pub async fn client(url: &str) -> aws_sdk_sqs::Client {
    let endpoint = Endpoint {
        url: Some(url.to_owned()),
        region: Some("us-east-1".to_owned()),
        keys: Some(Keys::new("test", "test", None, None, "test")),
    };
    connect(endpoint).await
}

pub async fn start(config: SinkConfig, sqs: &FakeSqs) -> Running {
    let (stop, stopped) = watch::channel(false);
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let seen = Arc::clone(&events);
    let client = client(&sqs.url()).await;
    let reporter = move |event: &Event| seen.lock().unwrap().push(event.clone());
    Running { stop, task: tokio::spawn(run(config, client, stopped, reporter)), events }
}

impl Running {
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().iter().filter(|event| wanted(event)).count()
    }

    /// Waits for an event that has come or will come.
    pub async fn event(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        eventually(what, || self.events().into_iter().find(|event| wanted(event))).await
    }

    /// Ends the sink in order.
    pub async fn stop(self) -> Result<Summary, SinkError> {
        self.stop.send_replace(true);
        self.end().await
    }

    /// Waits for a sink that ends by itself.
    pub async fn end(self) -> Result<Summary, SinkError> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the sink ends").unwrap()
    }

    /// Ends the sink as a crash would.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Waits until `probe` gives something.
pub async fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A SQLite file in a directory of its own.
pub struct SqliteFile {
    directory: tempfile::TempDir,
}

impl SqliteFile {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("test.db")
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    pub fn execute(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    /// The first column of every row, sorted.
    pub fn column(&self, sql: &str) -> Vec<String> {
        let connection = self.connection();
        let mut statement = connection.prepare(sql).unwrap();
        let mut found: Vec<String> =
            statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        found.sort();
        found
    }

    fn connection(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }
}
