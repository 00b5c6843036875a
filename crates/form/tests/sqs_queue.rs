//! The outbox that is an SQS queue, against a scripted server: what it sends, and what it makes of each reply.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use millpond_form::{MessageId, Outbox, SendError, SqsOutbox, Submission, SubmissionKey, bind, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// One reply of the server.
#[derive(Clone)]
enum Step {
    Reply(u16, &'static str),
    /// The connection is closed without a reply.
    Hangup,
}

/// A server that answers requests in turn, repeats its last step, and records targets and bodies.
struct Server {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
}

impl Server {
    async fn start(steps: &[Step]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (seen, steps) = (Arc::default(), Arc::new(Mutex::new(VecDeque::from(steps.to_vec()))));
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&record), Arc::clone(&steps)));
            }
        });
        Self { addr, seen }
    }

    fn seen(&self) -> Vec<(String, serde_json::Value)> {
        self.seen.lock().unwrap().clone()
    }

    fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|(target, _)| target).collect()
    }

    async fn client(&self) -> Client {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(format!("http://{}", self.addr))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .load()
            .await;
        Client::new(&config)
    }

    async fn outbox(&self, queue: &str) -> SqsOutbox {
        SqsOutbox::new(&self.client().await, queue)
    }
}

async fn converse(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
    steps: Arc<Mutex<VecDeque<Step>>>,
) {
    while let Some((target, body)) = read_request(&mut stream).await {
        seen.lock().unwrap().push((target, body));
        let step = {
            let mut steps = steps.lock().unwrap();
            if steps.len() > 1 { steps.pop_front() } else { steps.front().cloned() }
        };
        let Some(Step::Reply(status, body)) = step else {
            return;
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, serde_json::Value)> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok().filter(|&count| count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8(bytes.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |wanted: &str| {
            head.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim().to_owned())
        };
        if body.len() >= header("content-length")?.parse().ok()? {
            let target = header("x-amz-target")?.trim_start_matches("AmazonSQS.").to_owned();
            return Some((target, serde_json::from_str(body).ok()?));
        }
    }
}

const URL: &str = "http://127.0.0.1:4566/000000000000/customers";
const SENT: Step = Step::Reply(200, r#"{"MessageId": "5fea7756", "MD5OfMessageBody": "x"}"#);
const FOUND: Step = Step::Reply(200, r#"{"QueueUrl": "http://127.0.0.1:4566/000000000000/customers"}"#);
const NO_QUEUE: Step = Step::Reply(
    400,
    r#"{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}"#,
);
const BROKEN: Step = Step::Reply(500, r#"{"__type": "InternalFailure"}"#);
const THROTTLED: Step =
    Step::Reply(400, r#"{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Slow down"}"#);
const DENIED: Step =
    Step::Reply(403, r#"{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "no"}"#);

fn jane() -> Submission {
    Submission::new(&SubmissionKey::parse("order-1").unwrap(), "Jane,UK".to_owned())
}

fn accepted() -> Result<MessageId, SendError> {
    Ok(MessageId("5fea7756".to_owned()))
}

#[tokio::test]
async fn a_message_carries_body_and_submission_id() {
    let server = Server::start(&[SENT]).await;
    assert_eq!(server.outbox(URL).await.send(&jane()).await, accepted());
    let expected = serde_json::json!({
        "QueueUrl": URL,
        "MessageBody": "Jane,UK",
        "MessageAttributes": {"SubmissionId": {"DataType": "String", "StringValue": jane().id().as_str()}},
    });
    assert_eq!(server.seen(), [("SendMessage".to_owned(), expected)]);
}

#[tokio::test]
async fn a_queue_given_by_name_is_looked_up_once() {
    let server = Server::start(&[NO_QUEUE, FOUND, SENT]).await;
    let outbox = server.outbox("customers").await;
    assert!(
        matches!(outbox.send(&jane()).await, Err(SendError::Refused(reason)) if reason.contains("does not exist"))
    );
    for _ in 0..2 {
        assert_eq!(outbox.send(&jane()).await, accepted());
    }
    assert_eq!(server.targets(), ["GetQueueUrl", "GetQueueUrl", "SendMessage", "SendMessage"]);
}

#[tokio::test]
async fn passing_failures_are_tried_again_whatever_the_clients_settings() {
    let server = Server::start(&[BROKEN, Step::Hangup, SENT]).await;
    assert_eq!(server.outbox(URL).await.send(&jane()).await, accepted());
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| *request == seen[0]), "every try carries the same id");
}

#[tokio::test]
async fn lasting_failures_are_told_apart_by_what_helps() {
    for step in [BROKEN, Step::Hangup, THROTTLED] {
        let server = Server::start(&[step]).await;
        let sent = server.outbox(URL).await.send(&jane()).await;
        assert!(matches!(sent, Err(SendError::Unavailable(_))), "{sent:?}");
        assert_eq!(server.targets().len(), 3);
    }
    for step in [DENIED, NO_QUEUE] {
        let server = Server::start(&[step]).await;
        let sent = server.outbox(URL).await.send(&jane()).await;
        assert!(matches!(sent, Err(SendError::Refused(_))), "{sent:?}");
        assert_eq!(server.targets().len(), 1);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { addr: listener.local_addr().unwrap(), seen: Arc::default() };
    drop(listener);
    for queue in [URL, "customers"] {
        let sent = server.outbox(queue).await.send(&jane()).await;
        assert!(matches!(sent, Err(SendError::Unavailable(_))), "{sent:?}");
    }
}

#[tokio::test]
async fn a_service_that_says_nothing_is_unavailable_within_a_bound() {
    // Connections are taken by the kernel and never read.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { addr: listener.local_addr().unwrap(), seen: Arc::default() };
    let outbox = server.outbox(URL).await;
    let sent = tokio::time::timeout(Duration::from_secs(30), outbox.send(&jane())).await.expect("a bound");
    assert!(matches!(sent, Err(SendError::Unavailable(_))), "{sent:?}");
}

#[tokio::test]
async fn a_form_sends_to_the_queue_of_its_configuration() {
    let server = Server::start(&[SENT]).await;
    let mut config = harness::config();
    config.queue = URL.to_owned();
    let bound = bind(config).await.unwrap();
    let addr = bound.addr();
    let client = server.client().await;
    tokio::spawn(serve(bound, client, std::future::pending()));
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k1")];
    let post = harness::request(addr, "POST", "/", &headers, r#"{"name": "Jane", "country": "UK"}"#);
    let reply = harness::exchange(addr, &post).await;
    assert_eq!(reply.json(), serde_json::json!({"message_id": "5fea7756", "submission_id": "k1"}));
    assert_eq!(server.seen()[0].1["MessageBody"], "Jane,UK,");
    assert!(
        !harness::exchange(addr, &harness::request(addr, "GET", "/", &[], ""))
            .await
            .body
            .contains("customers")
    );
}
