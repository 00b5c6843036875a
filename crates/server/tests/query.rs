//! AWS Query over HTTP, byte by byte: where its parameters may stand, and who may send them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use millpond_core::name::{AccountId, Region};
use millpond_core::time::Timestamp;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::EngineConfig;
use millpond_log::{Log, MemoryLog};
use millpond_server::access::{Access, AccessConfig};
use millpond_server::platform::QueuesOnly;
use millpond_server::{Behaviour, Limits, ServerConfig, Transport, bind};
use millpond_store::MemoryStore;
use tokio::runtime::Runtime;
use tokio::sync::watch;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const MOZILLA: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15\r\n";

/// A server over an engine in memory, with one queue, `jobs`.
struct Server {
    address: SocketAddr,
    // Dropped last: engine and connections run on it.
    _running: Running,
    _stop: watch::Sender<bool>,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (address, running) = runtime.block_on(async {
            let running = start_engine();
            let config = ServerConfig {
                allow_remote: false,
                listen: "127.0.0.1:0".parse().unwrap(),
                account: AccountId::DEFAULT,
                region: Region::parse("us-east-1").unwrap(),
                limits: Limits::default(),
                behaviour: Behaviour::default(),
                transport: Transport::default(),
            };
            let listening = bind(config).await.unwrap();
            let address = listening.address();
            let engine = running.handle.clone();
            let config = Arc::new(AccessConfig::off());
            let access = Access::load(&engine, AccountId::DEFAULT, config).await.unwrap();
            let serving = listening.serve(engine, [0; 16], access, Arc::new(QueuesOnly), stopped);
            tokio::spawn(serving);
            (address, running)
        });
        let server = Self { address, _running: running, _stop: stop, _runtime: runtime };
        server.post("/", "", "Action=CreateQueue&QueueName=jobs").expect(200, "<QueueUrl>");
        server
    }

    fn post(&self, path: &str, headers: &str, form: &str) -> Reply {
        self.send("POST", path, &format!("{FORM}{headers}"), form)
    }

    fn get(&self, path: &str, headers: &str) -> Reply {
        self.send("GET", path, headers, "")
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let host =
            if headers.contains("Host:") { String::new() } else { format!("Host: {}\r\n", self.address) };
        let announced = headers.contains("Content-Length:");
        let length = if announced { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request =
            format!("{method} {path} HTTP/1.1\r\n{host}{headers}{length}Connection: close\r\n\r\n{body}");
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        Reply(reply)
    }

    /// How many messages wait in `jobs`.
    fn waiting(&self) -> usize {
        let names = "Action=GetQueueAttributes&AttributeName=ApproximateNumberOfMessages";
        let reply = self.post("/000000000000/jobs", "", names);
        let value = reply.0.split_once("<Value>").and_then(|(_, rest)| rest.split_once("</Value>"));
        value.unwrap_or_else(|| panic!("{}", reply.0)).0.parse().unwrap()
    }
}

fn start_engine() -> Running {
    let (mut log, store): (Box<dyn Log>, _) = (Box::new(MemoryLog::new()), Box::new(MemoryStore::new()));
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let clock = Arc::new(SystemClock::starting(Timestamp::from_millis(1_700_000_000_000), None, [0; 16]));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 24 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), [0; 16]).unwrap()
}

struct Reply(String);

impl Reply {
    fn expect(&self, status: u16, part: &str) {
        assert!(self.0.starts_with(&format!("HTTP/1.1 {status} ")), "not {status}: {}", self.0);
        assert!(self.0.contains(part), "no {part}: {}", self.0);
    }
}

#[test]
fn parameters_stand_in_the_form_the_address_or_both() {
    let server = Server::start();
    let queue = "/000000000000/jobs";
    server.post(queue, "", "Action=SendMessage&MessageBody=form").expect(200, "<SendMessageResult>");
    server
        .get(&format!("{queue}?Action=SendMessage&MessageBody=address"), "")
        .expect(200, "<SendMessageResult>");
    server.post(&format!("{queue}/?Action=SendMessage"), "", "MessageBody=both").expect(200, "<MessageId>");
    let address_only = server.send("POST", &format!("{queue}?Action=SendMessage&MessageBody=posted"), "", "");
    address_only.expect(200, "<MessageId>");
    let long = "/queue/us-east-1/000000000000/jobs?Action=ReceiveMessage&MaxNumberOfMessages=10";
    let reply = server.get(long, "");
    for body in ["form", "address", "both", "posted"] {
        reply.expect(200, &format!("<Body>{body}</Body>"));
    }
    reply.expect(200, "content-type: text/xml\r\n");
    reply.expect(200, "x-amzn-requestid: ");
}

#[test]
fn the_region_is_that_of_path_or_credential() {
    let server = Server::start();
    let none = "AWS.SimpleQueueService.NonExistentQueue";
    server.get("/queue/eu-west-1/000000000000/jobs?Action=ReceiveMessage", "").expect(400, none);
    let scope = "X-Amz-Credential=test%2F20261121%2Feu-west-1%2Fsqs%2Faws4_request";
    server.get(&format!("/?Action=GetQueueUrl&QueueName=jobs&{scope}"), "").expect(400, none);
    let header = "Authorization: AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/sqs/aws4_request, Signature=0\r\n";
    server.post("/", header, "Action=GetQueueUrl&QueueName=jobs").expect(400, none);
    server.post("/", "", "Action=GetQueueUrl&QueueName=jobs").expect(200, "/000000000000/jobs</QueueUrl>");
    server.post("/", "", "Action=GetQueueUrl&QueueName=jobs&AWSAccessKeyId=111122223333").expect(400, none);
}

#[test]
fn what_is_no_action_is_answered_as_amazon_sqs_does() {
    let server = Server::start();
    for accept in ["", "Accept: application/json\r\n", "Accept: text/html\r\n"] {
        server.get("/000000000000/jobs", accept).expect(404, "\r\n\r\n<UnknownOperationException/>\n");
    }
    // A person who opens the address of a queue has done nothing.
    let visit = format!("Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n{MOZILLA}");
    server.get("/000000000000/jobs", &visit).expect(404, "<UnknownOperationException/>");
    server.get("/000000000000/jobs?%41ction=PurgeQueue", &visit).expect(403, "is not opened in a browser");
    let not_valid =
        |action: &str| format!("<Message>The action {action} is not valid for this endpoint.</Message>");
    for action in ["Foobar", "ListQueues", "CreateQueue"] {
        let reply = server.get(&format!("/000000000000/jobs?Action={action}&QueueName=jobs"), "");
        reply.expect(400, "<Code>InvalidAction</Code>");
        reply.expect(400, &not_valid(action));
    }
    server.get("/?Action=ListQueues", "Accept: text/html, */*\r\n").expect(200, "<ListQueuesResult>");
    server.get("/", "Accept: text/html\r\n").expect(303, "location: /console/");
}

#[test]
fn errors_are_those_of_the_protocol_of_the_request() {
    let server = Server::start();
    let query = server.post("/", "", "Action=GetQueueUrl&QueueName=none");
    query.expect(400, "The specified queue does not exist for this wsdl version.");
    query.expect(400, "content-type: text/xml\r\n");
    assert!(!query.0.contains("x-amzn-query-error"), "{}", query.0);
    let headers = "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.GetQueueUrl\r\n";
    let json = server.send("POST", "/", headers, r#"{"QueueName":"none"}"#);
    json.expect(400, r#""message":"The specified queue does not exist.""#);
    json.expect(400, "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender");
    let too_large = server.send("POST", "/", &format!("{FORM}Content-Length: {}\r\n", 9 << 20), "");
    too_large.expect(413, "<Code>RequestEntityTooLarge</Code>");
}

#[test]
fn no_foreign_page_sends_a_form_or_opens_an_address() {
    let server = Server::start();
    let foreign = [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1:1\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n",
        "Host: evil.example\r\n",
        MOZILLA,
    ];
    let queue = "/000000000000/jobs";
    for headers in foreign {
        server.post(queue, headers, "Action=SendMessage&MessageBody=x").expect(403, "");
        server.get(&format!("{queue}?Action=SendMessage&MessageBody=x"), headers).expect(403, "");
        server
            .send("POST", &format!("{queue}?Action=SendMessage&MessageBody=x"), headers, "")
            .expect(403, "");
        server
            .get("/?Action=CreateQueue&QueueName=other", &format!("{headers}Accept: text/html\r\n"))
            .expect(403, "");
    }
    assert_eq!(server.waiting(), 0);
    server.post("/", "", "Action=GetQueueUrl&QueueName=other").expect(400, "NonExistentQueue");
    let plain = server.send(
        "POST",
        &format!("{queue}?Action=PurgeQueue"),
        "Content-Type: text/plain\r\n",
        "Action=x",
    );
    plain.expect(400, "UnknownOperationException");
}

#[test]
fn programs_and_our_own_pages_are_let_in() {
    let server = Server::start();
    let own = format!("Origin: http://{}\r\n", server.address);
    let callers = [
        String::new(),
        "User-Agent: curl/8.14.1\r\n".to_owned(),
        own.clone(),
        format!("{own}Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n{MOZILLA}"),
    ];
    for headers in &callers {
        server
            .post("/000000000000/jobs", headers, "Action=SendMessage&MessageBody=x")
            .expect(200, "<MessageId>");
    }
    assert_eq!(server.waiting(), callers.len());
}
