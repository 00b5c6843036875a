//! Calls for AWS services that are not here: refused by name, in a form that their clients read.
//!
//! Which service a call is for shows in one of four places: the target of AWS JSON, the scope of its signature, the
//! `Version` of AWS Query, and headers that only one protocol has. A call that shows nothing of it is taken for one of ours.
//!
//! It refuses to guess from paths alone: a path that leads nowhere is told so in plain words.

mod shape;

use hyper::HeaderMap;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::http::request::Parts;
use millpond_sqs::catalogue;
use millpond_wire::protocol::{Protocol, TARGET_HEADER, names_action};
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

use crate::access::SQS;
use crate::entropy;
use crate::respond::Reply;
use crate::scope::Credential;
use shape::Shape;

static TARGET: HeaderName = HeaderName::from_static(TARGET_HEADER);
static SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
static QUERY_MODE: HeaderName = HeaderName::from_static("x-amzn-query-mode");
static SDK_INVOCATION: HeaderName = HeaderName::from_static("amz-sdk-invocation-id");
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The services of this endpoint, for people.
pub(crate) const SERVICES: &str = "AmazonSQS, IAM and STS";
/// The names by which calls for the services of this endpoint are signed. Those behind the first speak AWS Query alone.
const SIGNING_NAMES: [&str; 3] = [SQS, "iam", "sts"];

/// The API versions of other services that speak AWS Query, whose actions may have the names of ours.
///
/// Source: the service models of botocore 1.44.5.
const VERSIONS: [(&str, &str); 12] = [
    ("2009-04-15", "sdb"),
    ("2010-03-31", "sns"),
    ("2010-05-15", "cloudformation"),
    ("2010-08-01", "cloudwatch"),
    ("2010-12-01", "email"),
    ("2011-01-01", "autoscaling"),
    ("2012-06-01", "elasticloadbalancing"),
    ("2012-12-01", "redshift"),
    ("2014-10-31", "rds"),
    ("2015-02-02", "elasticache"),
    ("2015-12-01", "elasticloadbalancing"),
    ("2016-11-15", "ec2"),
];

/// A service that is not here, and how its client wants to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherService {
    name: String,
    shape: Shape,
    /// Of AWS Query: the version that the client speaks.
    version: Option<&'static str>,
    path: String,
    /// Of AWS JSON: the client knows errors by the codes of AWS Query.
    by_query_code: bool,
}

impl OtherService {
    fn new(name: &str, shape: Shape) -> Self {
        Self { name: name.to_owned(), shape, version: None, path: String::new(), by_query_code: false }
    }

    /// The reply that says so.
    pub(crate) fn refusal(&self, id: RequestId) -> Reply {
        let Self { name, version, path, by_query_code, .. } = self;
        let message =
            format!("The service {name} is not here. The services of this endpoint are: {SERVICES}.");
        let said =
            shape::Said { message, service: name, version: *version, path, by_query_code: *by_query_code };
        shape::reply(self.shape, &said, id)
    }
}

/// The refusal of a request whose head shows that it is for another service.
pub(crate) fn refusal(head: &Parts) -> Option<Reply> {
    let found = of_head(head)?;
    let by_query_code = head.headers.contains_key(&QUERY_MODE);
    let found = OtherService { path: head.uri.path().to_owned(), by_query_code, ..found };
    Some(found.refusal(RequestId(entropy::draw())))
}

/// The other service that the head of a request names.
fn of_head(head: &Parts) -> Option<OtherService> {
    let headers = &head.headers;
    if let Some(protocol) = text(headers, &SMITHY_PROTOCOL) {
        let mut path = head.uri.path().split('/').skip_while(|part| *part != "service");
        let service = path.nth(1).filter(|name| *name != catalogue::TARGET)?;
        let shape = if protocol == "rpc-v2-cbor" { Shape::Cbor } else { Shape::Json10 };
        return Some(OtherService::new(&printable(service), shape));
    }
    let json = json_shape(headers);
    let target = text(headers, &TARGET).and_then(|target| target.trim().rsplit_once('.'));
    if let Some((service, _)) = target.filter(|(service, _)| *service != catalogue::TARGET) {
        return Some(OtherService::new(&printable(service), json.unwrap_or(Shape::Json10)));
    }
    let query = head.uri.query().unwrap_or_default();
    let parameters = Form::parse(query.as_bytes(), b"").ok();
    let in_address = parameters.as_ref().map_or(Credential::None, Credential::of_parameters);
    let signed = Credential::of_header(text(headers, &AUTHORIZATION)).or(in_address).service();
    let is_form = text(headers, &CONTENT_TYPE).is_some_and(|name| name.contains("x-www-form-urlencoded"));
    let is_query = is_form || names_action(query);
    match signed {
        Some(SQS) => None,
        Some(service) if is_query && target.is_none() && SIGNING_NAMES.contains(&service) => None,
        Some(service) if target.is_some() => {
            Some(OtherService::new(&printable(service), json.unwrap_or(Shape::Json10)))
        }
        Some(service) if is_query => {
            Some(OtherService::new(&printable(service), query_shape(service, headers)))
        }
        Some(service) => Some(OtherService::new(&printable(service), rest_shape(service))),
        None if target.is_none() && !is_query && is_unsigned_s3(headers) => {
            Some(OtherService::new("s3", Shape::S3))
        }
        None => None,
    }
}

/// The other service that the parameters of an AWS Query request name.
pub(crate) fn of_form(
    form: &Form<'_>,
    credential: Credential<'_>,
    protocol: Protocol,
) -> Option<OtherService> {
    let version = form.text("Version");
    let by_version = version.and_then(|version| VERSIONS.iter().find(|(known, _)| *known == version));
    let signed = credential.service();
    let service = match (signed, by_version) {
        (Some(service), _) if SIGNING_NAMES.contains(&service) => return None,
        (None, None) => return None,
        (Some(service), _) => service,
        (None, Some((_, service))) => service,
    };
    let shape = match protocol {
        Protocol::QueryJson => Shape::QueryJson,
        _ if service == "ec2" => Shape::Ec2,
        _ => Shape::Query,
    };
    let version = by_version.map(|(version, _)| *version);
    Some(OtherService { version, ..OtherService::new(&printable(service), shape) })
}

/// Whether a request that names no action comes from a client of S3: by a header that only they send, or from an SDK that
/// sends no JSON, whose other services are all asked by name.
fn is_unsigned_s3(headers: &HeaderMap) -> bool {
    let is_json = text(headers, &CONTENT_TYPE).is_some_and(|name| name.contains("json"));
    headers.contains_key(&CONTENT_SHA256) || (headers.contains_key(&SDK_INVOCATION) && !is_json)
}

fn json_shape(headers: &HeaderMap) -> Option<Shape> {
    let media_type = text(headers, &CONTENT_TYPE)?;
    if media_type.starts_with("application/x-amz-json-1.1") {
        Some(Shape::Json11)
    } else if media_type.starts_with("application/x-amz-json") {
        Some(Shape::Json10)
    } else {
        None
    }
}

fn query_shape(service: &str, headers: &HeaderMap) -> Shape {
    match text(headers, &ACCEPT) {
        Some(accept) if accept.contains("application/json") => Shape::QueryJson,
        _ if service == "ec2" => Shape::Ec2,
        _ => Shape::Query,
    }
}

/// Of the services whose calls are paths, these answer in XML.
fn rest_shape(service: &str) -> Shape {
    match service {
        "s3" | "s3express" | "s3-outposts" | "s3-object-lambda" => Shape::S3,
        "route53" | "cloudfront" => Shape::Query,
        _ => Shape::RestJson,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A name as it may be repeated: what no service's name holds is left out, and so is what is too long for one.
fn printable(name: &str) -> String {
    name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).take(80).collect()
}

#[cfg(test)]
mod tests;
