//! A queue service in the test's process that speaks the five actions a sink uses, records every request, and fails
//! as it is told. Its messages have visibility timeouts, receive counts and receipt handles that expire.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinSet, time::Instant};

pub const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

#[derive(Clone, Debug)]
pub struct Recorded {
    pub action: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

/// How the service fails an action.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection closes without an answer.
    Drop,
    /// An answer never comes.
    Hang,
    /// An error answer.
    Error(u16, &'static str, &'static str),
    /// Every entry of a batch fails, by the service's fault.
    Entries,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub submission_id: Option<String>,
    pub receive_count: u32,
    /// The timeout that was set last.
    pub timeout_secs: u64,
    visible_at: Instant,
    handle: String,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    sent: u64,
    deliveries: u64,
    requests: Vec<Recorded>,
    faults: BTreeMap<&'static str, Fault>,
    /// Actions under way.
    pending: BTreeMap<String, usize>,
}

impl State {
    fn push(&mut self, body: &str, submission_id: Option<&str>) -> String {
        self.sent += 1;
        let id = format!("message-{:06}", self.sent);
        self.messages.push(Message {
            id: id.clone(),
            body: body.to_owned(),
            submission_id: submission_id.map(str::to_owned),
            receive_count: 0,
            timeout_secs: 0,
            visible_at: Instant::now(),
            handle: String::new(),
        });
        id
    }
}

struct Service {
    state: Mutex<State>,
    changed: Notify,
    url: String,
}

pub struct FakeSqs {
    service: Arc<Service>,
    _server: JoinSet<()>,
}

impl FakeSqs {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Arc::new(Service { state: Mutex::default(), changed: Notify::new(), url });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&service)));
        Self { service, _server: server }
    }

    pub fn url(&self) -> String {
        self.service.url.clone()
    }

    pub fn send(&self, body: &str) -> String {
        self.send_together(&[body]).remove(0)
    }

    /// Sends messages of which no receive can see only some.
    pub fn send_together(&self, bodies: &[&str]) -> Vec<String> {
        let mut state = self.service.state();
        let ids = bodies.iter().map(|body| state.push(body, None)).collect();
        drop(state);
        self.service.changed.notify_waiters();
        ids
    }

    /// Sends a message that carries the id of a submission.
    pub fn submit(&self, body: &str, submission_id: &str) {
        self.service.state().push(body, Some(submission_id));
        self.service.changed.notify_waiters();
    }

    /// The messages that are not deleted.
    pub fn messages(&self) -> Vec<Message> {
        self.service.state().messages.clone()
    }

    pub fn is_empty(&self) -> bool {
        self.service.state().messages.is_empty()
    }

    /// Ends every visibility timeout now.
    pub fn make_visible(&self) {
        self.service.state().messages.iter_mut().for_each(|message| message.visible_at = Instant::now());
        self.service.changed.notify_waiters();
    }

    /// Puts a message back as the queue does that delivers more than once.
    pub fn deliver_again(&self, message: Message) {
        self.service.state().messages.push(Message { visible_at: Instant::now(), ..message });
        self.service.changed.notify_waiters();
    }

    pub fn fail(&self, action: &'static str, fault: Fault) {
        self.service.state().faults.insert(action, fault);
    }

    pub fn heal(&self) {
        self.service.state().faults.clear();
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.service.state().requests.clone()
    }

    pub fn count(&self, action: &str) -> usize {
        self.service.state().requests.iter().filter(|request| request.action == action).count()
    }

    pub fn pending(&self, action: &str) -> usize {
        self.service.state().pending.get(action).copied().unwrap_or(0)
    }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let recorded = record(request).await;
        let (action, body) = (recorded.action.clone(), recorded.body.clone());
        let fault = {
            let mut state = self.state();
            state.requests.push(recorded);
            state.faults.get(action.as_str()).cloned()
        };
        match fault {
            Some(Fault::Drop) => None,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Error(status, code, message)) => {
                let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
                Some(response(status, &body, code))
            }
            Some(Fault::Entries) => {
                let failed: Vec<_> = entries(&body)
                    .map(|entry| json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError"}))
                    .collect();
                Some(response(200, &json!({"Successful": [], "Failed": failed}), ""))
            }
            None => Some(response(200, &self.act(&action, &body).await, "")),
        }
    }

    async fn act(&self, action: &str, body: &Value) -> Value {
        match action {
            "GetQueueUrl" => json!({"QueueUrl": format!("{}/000000000000/orders", self.url)}),
            "GetQueueAttributes" => json!({"Attributes": {"QueueArn": ARN}}),
            "ReceiveMessage" => self.receive(body).await,
            "DeleteMessageBatch" => self.batch(body, |messages, index, _| {
                messages.remove(index);
            }),
            "ChangeMessageVisibilityBatch" => self.batch(body, |messages, index, entry| {
                let message = &mut messages[index];
                message.timeout_secs = entry["VisibilityTimeout"].as_u64().unwrap();
                message.visible_at = Instant::now() + Duration::from_secs(message.timeout_secs);
            }),
            other => panic!("a sink has no use for {other}"),
        }
    }

    async fn receive(&self, body: &Value) -> Value {
        let deadline = Instant::now() + Duration::from_secs(body["WaitTimeSeconds"].as_u64().unwrap());
        *self.state().pending.entry("ReceiveMessage".into()).or_default() += 1;
        let _pending = scopeguard(|| *self.state().pending.get_mut("ReceiveMessage").unwrap() -= 1);
        loop {
            let changed = self.changed.notified();
            let found = self.take(body);
            if !found.is_empty() {
                return json!({"Messages": found});
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if Instant::now() >= deadline {
                return json!({});
            }
        }
    }

    fn take(&self, body: &Value) -> Vec<Value> {
        let most = usize::try_from(body["MaxNumberOfMessages"].as_u64().unwrap()).unwrap();
        let timeout_secs = body["VisibilityTimeout"].as_u64().unwrap();
        let now = Instant::now();
        let mut state = self.state();
        let state = &mut *state;
        let visible = state.messages.iter_mut().filter(|message| message.visible_at <= now).take(most);
        visible
            .map(|message| {
                state.deliveries += 1;
                message.receive_count += 1;
                message.timeout_secs = timeout_secs;
                message.visible_at = now + Duration::from_secs(timeout_secs);
                message.handle = format!("{}#{}", message.id, state.deliveries);
                let mut shown = json!({
                    "MessageId": message.id,
                    "ReceiptHandle": message.handle,
                    "Body": message.body,
                    "Attributes": {"ApproximateReceiveCount": message.receive_count.to_string()},
                });
                let asked = body["MessageAttributeNames"].as_array().is_some_and(|names| !names.is_empty());
                if let Some(id) = message.submission_id.as_ref().filter(|_| asked) {
                    shown["MessageAttributes"] = json!({
                        "SubmissionId": {"DataType": "String", "StringValue": id},
                    });
                }
                shown
            })
            .collect()
    }

    /// Applies `act` to each entry's message; one whose handle is not its latest is left as it is.
    fn batch(&self, body: &Value, act: impl Fn(&mut Vec<Message>, usize, &Value)) -> Value {
        let mut state = self.state();
        let mut successful = Vec::new();
        for entry in entries(body) {
            let handle = entry["ReceiptHandle"].as_str().unwrap();
            if let Some(index) = state.messages.iter().position(|message| message.handle == handle) {
                act(&mut state.messages, index, entry);
            }
            successful.push(json!({"Id": entry["Id"]}));
        }
        drop(state);
        self.changed.notify_waiters();
        json!({"Successful": successful, "Failed": []})
    }
}

fn scopeguard<F: FnMut()>(end: F) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(end)
}

fn entries(body: &Value) -> impl Iterator<Item = &Value> {
    body["Entries"].as_array().unwrap().iter()
}

async fn record(request: Request<Incoming>) -> Recorded {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let target = header("x-amz-target").unwrap_or_default();
    let bytes = body.collect().await.unwrap().to_bytes();
    Recorded {
        action: target.trim_start_matches("AmazonSQS.").to_owned(),
        path: head.uri.path().to_owned(),
        headers: head
            .headers
            .keys()
            .filter_map(|name| Some((name.to_string(), header(name.as_str())?)))
            .collect(),
        body: serde_json::from_slice(&bytes).unwrap(),
    }
}

fn response(status: u16, body: &Value, code: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("x-amzn-query-error", format!("{code};Sender"))
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap()
}

async fn serve(listener: TcpListener, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = Arc::clone(&service);
        connections.spawn(async move {
            let answer = service_fn(|request| async {
                match service.answer(request).await {
                    Some(response) => Ok::<_, std::io::Error>(response),
                    None => Err(std::io::Error::other("the script drops this connection")),
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
