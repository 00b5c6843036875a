//! A form on a free port, a queue in memory that can be held, broken and read, and a client that speaks raw HTTP.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use millpond_form::{
    Field, FieldKind, FormConfig, MessageId, Outbox, SendError, Submission, bind, serve_into,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};

/// A queue in memory. Clones share it.
#[derive(Clone)]
pub(crate) struct MemoryQueue {
    sent: Arc<Mutex<Vec<Submission>>>,
    failure: Arc<Mutex<Option<SendError>>>,
    /// Sends that may go on; a held queue has none.
    gate: Arc<Semaphore>,
    arrivals: Arc<Semaphore>,
}

impl MemoryQueue {
    pub(crate) fn new() -> Self {
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { sent: Arc::default(), failure: Arc::default(), gate, arrivals: Arc::new(Semaphore::new(0)) }
    }

    /// Sends arrive and wait until `release`.
    pub(crate) fn held() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..Self::new() }
    }

    pub(crate) fn release(&self) {
        self.gate.add_permits(1_000);
    }

    /// Waits until `count` more sends have arrived.
    pub(crate) async fn arrived(&self, count: u32) {
        self.arrivals.acquire_many(count).await.unwrap().forget();
    }

    /// From now on every send is recorded and ends like this.
    pub(crate) fn fail_with(&self, failure: Option<SendError>) {
        *self.failure.lock().unwrap() = failure;
    }

    /// What was sent, failed sends included.
    pub(crate) fn sent(&self) -> Vec<Submission> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.sent().into_iter().map(|submission| submission.body().to_owned()).collect()
    }
}

impl Outbox for MemoryQueue {
    async fn send(&self, submission: &Submission) -> Result<MessageId, SendError> {
        self.arrivals.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        let mut sent = self.sent.lock().unwrap();
        sent.push(submission.clone());
        match self.failure.lock().unwrap().clone() {
            Some(failure) => Err(failure),
            None => Ok(MessageId(format!("message-{}", sent.len()))),
        }
    }
}

/// A running form.
pub(crate) struct Form {
    pub(crate) addr: SocketAddr,
    pub(crate) queue: MemoryQueue,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Form {
    pub(crate) async fn start() -> Self {
        Self::start_with(config(), MemoryQueue::new()).await
    }

    pub(crate) async fn start_with(config: FormConfig, queue: MemoryQueue) -> Self {
        let bound = bind(config).await.unwrap();
        let addr = bound.addr();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_into(bound, queue.clone(), async { _ = stopped.await }));
        Self { addr, queue, stop, task }
    }

    /// Asks the form to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.task
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        exchange(self.addr, &request(self.addr, "GET", path, &[], "")).await
    }

    /// The key in the hidden field of a new page view.
    pub(crate) async fn page_key(&self) -> String {
        hidden_key(&self.get("/").await.body)
    }

    pub(crate) async fn post_page(&self, page_key: &str, fields: &str) -> Reply {
        self.post(URLENCODED, &[], &format!("submission_id={page_key}&{fields}")).await
    }

    pub(crate) async fn post_json(&self, key: Option<&str>, body: &str) -> Reply {
        let headers: Vec<_> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
        self.post("application/json", &headers, body).await
    }

    pub(crate) async fn post(&self, content_type: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = [&[("Content-Type", content_type)], headers].concat();
        exchange(self.addr, &request(self.addr, "POST", "/", &headers, body)).await
    }
}

pub(crate) const URLENCODED: &str = "application/x-www-form-urlencoded";

/// Two required fields and a note, on a free port.
pub(crate) fn config() -> FormConfig {
    let mut fields = ["name", "country"]
        .map(|name| Field { required: true, ..Field::new(name, FieldKind::Text) })
        .to_vec();
    fields.push(Field::new("notes", FieldKind::TextArea));
    let mut config = FormConfig::new("customers", fields);
    config.listen = "127.0.0.1:0".parse().unwrap();
    config
}

/// What a client has received.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(crate) fn hidden_key(html: &str) -> String {
    let value = html.split("name=\"submission_id\" value=\"").nth(1).expect("a hidden field");
    value.split('"').next().unwrap().to_owned()
}

/// The bytes of a request on a connection of its own. Headers can replace `Host`.
pub(crate) fn request(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text += &format!("Host: {addr}\r\n");
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + "\r\n" + body
}

/// Sends the bytes and reads until the form closes the connection.
pub(crate) async fn exchange(addr: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_reply(&mut stream).await
}

pub(crate) async fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}
