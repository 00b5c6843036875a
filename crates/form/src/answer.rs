//! One request into one reply: which page, which check, which delivery.

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Body,
    header::{ACCEPT, CONTENT_TYPE, HeaderName},
};
use percent_encoding::percent_decode_str;

use crate::{
    admission,
    body::{self, BodyError},
    config::FormConfig,
    decode::{Given, decode_json, decode_urlencoded},
    delivery::{Deliveries, DeliveryError},
    message,
    outbox::Outbox,
    page::{self, FormPage, Notice},
    reply::{self, Reply, Shape},
    submission::{MessageId, Submission, SubmissionKey},
    validate::{Value, validate},
};

const STYLE: &str = include_str!("../assets/form.css");
const SCRIPT: &str = include_str!("../assets/form.js");
const ICON: &str = include_str!("../assets/icon.svg");

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything a request needs.
pub(crate) struct Site<O> {
    pub(crate) config: FormConfig,
    /// The address that the form got.
    pub(crate) listen: std::net::SocketAddr,
    pub(crate) deliveries: Deliveries<O>,
}

/// A post whose fields were read.
enum Entry {
    /// Every value is acceptable: the body of its message.
    Valid(String),
    /// What is wrong, one for each field.
    Invalid(Vec<Option<String>>),
}

impl<O: Outbox> Site<O> {
    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if !admission::names_this_form(self.listen, &self.config.allowed_hosts, request.headers()) {
            return reply::plain(
                StatusCode::FORBIDDEN,
                "The host name of this request is not one of this form.",
            );
        }
        let read = *request.method() == Method::GET || *request.method() == Method::HEAD;
        match request.uri().path() {
            "/" if read => self.empty_form(),
            "/" if *request.method() == Method::POST => self.post(request).await,
            "/" => reply::method_not_allowed("GET, HEAD, POST"),
            "/thanks" | "/form.css" | "/form.js" | "/icon.svg" | "/health" if !read => {
                reply::method_not_allowed("GET, HEAD")
            }
            "/thanks" => thanks(request.uri().query()),
            "/form.css" => reply::asset("text/css; charset=utf-8", STYLE),
            "/form.js" => reply::asset("text/javascript; charset=utf-8", SCRIPT),
            "/icon.svg" => reply::asset("image/svg+xml", ICON),
            "/health" => reply::health(),
            _ => {
                let shape = wanted_shape(request.headers());
                reply::failure(
                    shape,
                    StatusCode::NOT_FOUND,
                    "Nothing here",
                    "There is no page at this address.",
                )
            }
        }
    }

    fn empty_form(&self) -> Reply {
        match new_key() {
            Some(key) => self.form(StatusCode::OK, &key, &[], &[], Notice::None),
            None => no_entropy(Shape::Page),
        }
    }

    async fn post<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if !admission::is_own_post(request.headers()) {
            return reply::plain(
                StatusCode::FORBIDDEN,
                "This form takes entries from its own page only, and this one was sent by a page of another site.",
            );
        }
        let (parts, body) = request.into_parts();
        let Some(shape) = posted_shape(&parts.headers) else {
            return reply::failure(
                wanted_shape(&parts.headers),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Can't read this",
                "Send application/json or application/x-www-form-urlencoded, and say so in Content-Type.",
            );
        };
        let bytes_max = self.config.request_bytes_max();
        match (body::read(body, bytes_max, self.config.limits.body_timeout).await, shape) {
            (Err(error), _) => unread(shape, error, bytes_max),
            (Ok(bytes), Shape::Page) => self.post_page(&bytes).await,
            (Ok(bytes), Shape::Json) => self.post_json(&parts.headers, &bytes).await,
        }
    }

    async fn post_page(&self, bytes: &[u8]) -> Reply {
        let given = match decode_urlencoded(&self.config.fields, bytes) {
            Ok(given) => given,
            Err(problem) => return malformed(Shape::Page, &problem),
        };
        let key = match &given.key {
            Some(text) => SubmissionKey::parse(text),
            None => new_key(),
        };
        let Some(key) = key else {
            return malformed(Shape::Page, "the submission id is not one that this form gives out");
        };
        let body = match self.entry(&given) {
            Entry::Valid(body) => body,
            Entry::Invalid(errors) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return self.form(status, &key, &given.inputs, &errors, Notice::Errors);
            }
        };
        match self.deliveries.deliver(Submission::new(&key, body)).await {
            Ok(message_id) => reply::see_thanks(&message_id),
            Err(DeliveryError::Unavailable) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                reply::with_retry_after(self.form(status, &key, &given.inputs, &[], Notice::Unavailable))
            }
            Err(DeliveryError::Refused) => {
                self.form(StatusCode::BAD_GATEWAY, &key, &given.inputs, &[], Notice::Refused)
            }
        }
    }

    async fn post_json(&self, headers: &HeaderMap, bytes: &[u8]) -> Reply {
        let key = match headers.get(IDEMPOTENCY_KEY) {
            None => new_key(),
            Some(value) => match value.to_str().ok().and_then(|text| SubmissionKey::parse(unquoted(text))) {
                None => return malformed(Shape::Json, BAD_KEY),
                key => key,
            },
        };
        let Some(key) = key else {
            return no_entropy(Shape::Json);
        };
        let given = match decode_json(&self.config.fields, bytes) {
            Ok(given) => given,
            Err(problem) => return malformed(Shape::Json, &problem),
        };
        let body = match self.entry(&given) {
            Entry::Valid(body) => body,
            Entry::Invalid(errors) => return reply::invalid_fields(&self.config.fields, &errors),
        };
        match self.deliveries.deliver(Submission::new(&key, body)).await {
            Ok(message_id) => reply::accepted(&message_id, &key),
            Err(DeliveryError::Unavailable) => {
                reply::with_retry_after(reply::not_sent(StatusCode::SERVICE_UNAVAILABLE, NOT_CONFIRMED, &key))
            }
            Err(DeliveryError::Refused) => reply::not_sent(StatusCode::BAD_GATEWAY, REFUSED, &key),
        }
    }

    fn entry(&self, given: &Given) -> Entry {
        let fields = &self.config.fields;
        let checked: Vec<Result<Value, String>> =
            fields.iter().zip(&given.inputs).map(|(field, input)| validate(field, input)).collect();
        if checked.iter().any(Result::is_err) {
            return Entry::Invalid(checked.into_iter().map(Result::err).collect());
        }
        let values: Vec<Value> = checked.into_iter().flatten().collect();
        Entry::Valid(message::body(self.config.format, fields, &values))
    }

    fn form(
        &self,
        status: StatusCode,
        key: &SubmissionKey,
        inputs: &[crate::decode::Input],
        errors: &[Option<String>],
        notice: Notice,
    ) -> Reply {
        reply::html(status, FormPage { config: &self.config, key, inputs, errors, notice }.render())
    }
}

const BAD_KEY: &str =
    "the Idempotency-Key is not usable: give 1 to 111 characters of A-Z a-z 0-9 - _ . : ~ + / =";
const NOT_CONFIRMED: &str = "the queue service does not answer, so the entry is not confirmed; send it again later with \
                             this submission_id as Idempotency-Key, then it counts once";
const REFUSED: &str = "the queue refused the entry; whoever runs this form finds the reason in its log";

fn malformed(shape: Shape, problem: &str) -> Reply {
    reply::failure(shape, StatusCode::BAD_REQUEST, "This entry can't be read", problem)
}

fn unread(shape: Shape, error: BodyError, bytes_max: usize) -> Reply {
    let (status, text) = match error {
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The entry is larger than {} KiB. Please go back and shorten it.", bytes_max >> 10),
        ),
        BodyError::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "The entry did not arrive in time. Please go back and try again.".to_owned(),
        ),
        BodyError::Broken => (StatusCode::BAD_REQUEST, "The entry did not arrive whole.".to_owned()),
    };
    reply::failure(shape, status, "Not sent", &text)
}

fn no_entropy(shape: Shape) -> Reply {
    tracing::error!("the operating system gave no random bytes");
    reply::failure(shape, StatusCode::INTERNAL_SERVER_ERROR, "Not now", "This form can't work at the moment.")
}

/// The page that a browser is sent to. The id comes back from the visitor, so it is shown only if it looks like one.
fn thanks(query: Option<&str>) -> Reply {
    let pairs = query.unwrap_or_default().split('&');
    let value = pairs.filter_map(|pair| pair.strip_prefix("message_id=")).next();
    let text = value.and_then(|value| percent_decode_str(value).decode_utf8().ok());
    match text.as_deref().and_then(MessageId::parse) {
        Some(id) => reply::html(StatusCode::OK, page::thanks(&id)),
        None => malformed(Shape::Page, "this address names no message"),
    }
}

fn posted_shape(headers: &HeaderMap) -> Option<Shape> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Shape::Page)
    } else if media_type.eq_ignore_ascii_case("application/json") {
        Some(Shape::Json)
    } else {
        None
    }
}

fn wanted_shape(headers: &HeaderMap) -> Shape {
    let accepts_html =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    if accepts_html { Shape::Page } else { Shape::Json }
}

/// The header's draft standard writes the key as a quoted string; most clients write it bare.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

fn new_key() -> Option<SubmissionKey> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).ok()?;
    Some(SubmissionKey::from_entropy(entropy))
}
