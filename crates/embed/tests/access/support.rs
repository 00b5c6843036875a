//! A service, and signed requests to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use millpond_embed::Millpond;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const OTHER: &str = "111122223333";

#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Keys {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: None }
    }

    pub(crate) fn root() -> Self {
        Self::new("test", "test")
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{} {}", self.head, self.body);
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, said: &str) -> Self {
        assert_eq!(self.status, status, "{} {}", self.head, self.body);
        assert!(self.body.contains(said), "{said} is not in {}", self.body);
        self
    }

    /// What is between the tags of an element, the first of that name.
    #[track_caller]
    pub(crate) fn element(&self, name: &str) -> String {
        let start = self.body.split_once(&format!("<{name}>"));
        let text = start.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
        text.unwrap_or_else(|| panic!("no {name} in {}", self.body)).0.to_owned()
    }

    /// The keys in a reply of IAM or STS.
    #[track_caller]
    pub(crate) fn keys(&self) -> Keys {
        let token = self.body.contains("<SessionToken>").then(|| self.element("SessionToken"));
        Keys { token, ..Keys::new(&self.element("AccessKeyId"), &self.element("SecretAccessKey")) }
    }
}

/// A request, to be changed before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) at: SystemTime,
    pub(crate) host: Option<&'static str>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn form(service: &'static str, path: &str, body: &str) -> Self {
        Self {
            method: "POST",
            path: path.to_owned(),
            service,
            region: REGION,
            at: SystemTime::now(),
            host: None,
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: body.to_owned(),
        }
    }

    pub(crate) fn json(action: &str, body: &str) -> Self {
        Self {
            headers: vec![
                ("content-type", "application/x-amz-json-1.0".to_owned()),
                ("x-amz-target", format!("AmazonSQS.{action}")),
            ],
            ..Self::form("sqs", "/", body)
        }
    }

    pub(crate) fn own(method: &'static str, path: &str, body: &str) -> Self {
        Self {
            method,
            headers: vec![("content-type", "application/json".to_owned())],
            ..Self::form("millpond", &format!("/_millpond/v1/{path}"), body)
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self { method: "GET", headers: Vec::new(), ..Self::form("millpond", path, "") }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it as it is.
    pub(crate) fn unsigned(&self, endpoint: &str) -> Reply {
        let address = endpoint.trim_start_matches("http://");
        let host = self.host.unwrap_or(address);
        let mut text = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len()));
        text.push_str(&self.body);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Sends it signed.
    pub(crate) fn signed(&self, endpoint: &str, keys: &Keys) -> Reply {
        self.sign(endpoint, keys).unsigned(endpoint)
    }

    /// As an address that is signed, good for five minutes.
    pub(crate) fn presigned(&self, endpoint: &str, keys: &Keys) -> Self {
        let uri = format!("{endpoint}{}", self.path);
        let credentials = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "test");
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(300));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.at)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let body = SignableBody::Bytes(b"");
        let signable = SignableRequest::new("GET", uri, std::iter::empty(), body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = self.clone();
        for (name, value) in instructions.params() {
            request.path.push_str(&format!("&{name}={}", escaped(value)));
        }
        request
    }

    pub(crate) fn sign(&self, endpoint: &str, keys: &Keys) -> Self {
        let address = endpoint.trim_start_matches("http://");
        let uri = format!("http://{}{}", self.host.unwrap_or(address), self.path);
        let credentials = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "test");
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(self.body.as_bytes());
        let signable = SignableRequest::new(self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = self.clone();
        for (name, value) in instructions.headers() {
            let name = ["x-amz-date", "authorization", "x-amz-security-token"]
                .into_iter()
                .find(|known| *known == name)
                .unwrap();
            request.headers.push((name, value.to_owned()));
        }
        request
    }
}

/// A service that identifies its callers, with the queue `jobs`.
pub(crate) fn enforced() -> Millpond {
    Millpond::builder().enforced().queue("jobs").start_in_memory().unwrap()
}

/// A call of IAM by root.
#[track_caller]
pub(crate) fn iam(pond: &Millpond, keys: &Keys, form: &str) -> Reply {
    Request::form("iam", "/", &format!("{form}&Version=2010-05-08")).signed(pond.endpoint(), keys)
}

pub(crate) fn sts(pond: &Millpond, keys: &Keys, form: &str) -> Reply {
    Request::form("sts", "/", &format!("{form}&Version=2011-06-15")).signed(pond.endpoint(), keys)
}

/// A user with an inline policy that allows an action on a resource.
#[track_caller]
pub(crate) fn user(pond: &Millpond, by: &Keys, name: &str, policy: Option<&str>) -> Keys {
    iam(pond, by, &format!("Action=CreateUser&UserName={name}")).ok();
    if let Some(policy) = policy {
        put_policy(pond, by, name, policy);
    }
    iam(pond, by, &format!("Action=CreateAccessKey&UserName={name}")).ok().keys()
}

#[track_caller]
pub(crate) fn put_policy(pond: &Millpond, by: &Keys, user: &str, policy: &str) {
    let form =
        format!("Action=PutUserPolicy&UserName={user}&PolicyName=p&PolicyDocument={}", escaped(policy));
    iam(pond, by, &form).ok();
}

pub(crate) fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
    )
}

pub(crate) fn queue_policy(effect: &str, principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"*"}}]}}"#
    )
}

pub(crate) fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A call of SQS by its protocols: `{"QueueUrl": …}` with more members, and the same as a form.
pub(crate) fn in_both(pond: &Millpond, keys: &Keys, action: &str, more: &[(&str, &str)]) -> [Reply; 2] {
    let members: Vec<String> =
        more.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
    let json = Request::json(action, &format!("{{{}}}", members.join(",")));
    let pairs: Vec<String> = more.iter().map(|(name, value)| format!("&{name}={}", escaped(value))).collect();
    let form = Request::form("sqs", "/", &format!("Action={action}{}", pairs.concat()));
    [json.signed(pond.endpoint(), keys), form.signed(pond.endpoint(), keys)]
}

/// Sets the policy of a queue.
#[track_caller]
pub(crate) fn set_queue_policy(pond: &Millpond, keys: &Keys, queue: &str, policy: &str) {
    let body =
        format!(r#"{{"QueueUrl":"{}","Attributes":{{"Policy":{}}}}}"#, pond.url(queue), quoted(policy));
    Request::json("SetQueueAttributes", &body).signed(pond.endpoint(), keys).ok();
}

/// A send, in AWS JSON.
pub(crate) fn send(pond: &Millpond, queue: &str) -> Request {
    Request::json("SendMessage", &format!(r#"{{"QueueUrl":"{}","MessageBody":"hello"}}"#, pond.url(queue)))
}
