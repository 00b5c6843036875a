//! Understands a request: for which service it is, who sends it, and what it asks.
//!
//! What always holds: of a signed request nothing but the claim of its signature is read before that is verified. Of an
//! unsigned one of AWS Query the `Version` is read to know the service.

use bytes::Bytes;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use millpond_core::name::{AccountId, QueueKey, Region};
use millpond_iam::api::{ApiRequest, Service};
use millpond_iam::auth_error::AuthError;
use millpond_sqs::catalogue::{self, Action};
use millpond_sqs::{Context, Prepared, QUERY, QueuePath, prepare};
use millpond_wire::call::Parameters;
use millpond_wire::error::{
    ApiError, CORAL, ErrorKind, REQUEST_TOO_LARGE, SERIALIZATION, SERVICE_UNAVAILABLE, UNKNOWN_OPERATION,
};
use millpond_wire::protocol::{Protocol, Recognised, recognise};
use millpond_wire::query::{Form, QueryService};
use millpond_wire::request_id::RequestId;

use super::{Answered, Aws, AwsRequest, TRACE_ID, head, refused, text};
use crate::access::{Authenticated, SQS, now_secs};
use crate::audit::Trail;
use crate::body::BodyError;
use crate::entropy;
use crate::other_service::{self, OtherService};
use crate::respond;
use crate::scope::Credential;
use crate::signed::Signed;

/// The body did not come, or came too slowly. SDKs try again.
static TIMEOUT: ErrorKind =
    ErrorKind::new(CORAL, "RequestTimeoutException", "RequestTimeout").with_status(408);

/// A request that was understood.
pub(super) enum Heard {
    Sqs(Box<HeardSqs>),
    Identity(Box<HeardIdentity>),
}

/// A request to SQS. Of its bytes nothing is left: a long poll that waits holds none of them.
pub(super) struct HeardSqs {
    pub(super) protocol: Protocol,
    pub(super) base_url: String,
    pub(super) who: Authenticated,
    /// The caller's account; of an anonymous one that of the queue.
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) action: &'static Action,
    pub(super) prepared: Prepared,
    pub(super) size_bytes: usize,
}

/// A request to IAM or STS.
pub(super) struct HeardIdentity {
    pub(super) who: Authenticated,
    pub(super) service: Service,
    pub(super) request: ApiRequest,
}

/// Why a request was not understood.
pub(super) enum NotHeard {
    /// This is the answer.
    Answered(Box<Answered>),
    /// Its sender has not proven who it is.
    Unidentified { error: AuthError, protocol: Protocol, service: &'static QueryService },
}

/// Why a request is not carried out.
enum Refused {
    /// An error, worded as this service does.
    Here(ApiError, &'static QueryService),
    /// It is for another service.
    Elsewhere(OtherService),
    /// Its sender has not proven who it is.
    Unidentified(AuthError, &'static QueryService),
    /// It names no action.
    NoAction,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Here(error, &QUERY)
    }
}

impl Aws {
    /// Understands a request, and who sends it. `action` is set to the action of SQS that it names, once that is known.
    pub(super) fn hear(
        &self,
        request: &AwsRequest,
        id: RequestId,
        action: &mut Option<&'static str>,
        trail: &mut Trail,
    ) -> Result<Heard, NotHeard> {
        trail.asked(SQS, "unknown");
        let answered = |answered: Answered| NotHeard::Answered(Box::new(answered));
        let parts = &request.head;
        if let Some(reply) = other_service::refusal(parts) {
            return Err(answered((reply, Some(&UNKNOWN_OPERATION))));
        }
        let recognised = recognise(&head(parts))
            .map_err(|unrecognised| answered(refused(&unrecognised.into(), id, Protocol::Json10, &QUERY)))?;
        let protocol = recognised.protocol();
        trail.spoke(if protocol.is_query() { "aws-query" } else { "aws-json-1.0" });
        let understood = match recognised {
            Recognised::Json(target) => {
                *action = known_name(target.action);
                trail.asked_as_spelled(SQS, target.action);
                self.hear_json(target.action, request, trail)
            }
            Recognised::Query(_) => self.hear_query(protocol, request, action, trail),
        };
        understood.map_err(|refusal| match refusal {
            Refused::Here(error, service) => answered(refused(&error, id, protocol, service)),
            Refused::Unidentified(error, service) => NotHeard::Unidentified { error, protocol, service },
            Refused::Elsewhere(other) => answered((other.refusal(id), Some(&UNKNOWN_OPERATION))),
            Refused::NoAction => answered((respond::no_action(id), Some(&UNKNOWN_OPERATION))),
        })
    }

    fn hear_json(&self, action: &str, request: &AwsRequest, trail: &mut Trail) -> Result<Heard, Refused> {
        let body = body(request)?;
        let who = if self.access.is_enforced() {
            self.identify(request, body, SQS, &QUERY, trail)?
        } else {
            let credential = Credential::of_header(text(&request.head.headers, &AUTHORIZATION));
            self.believe(request, credential)
        };
        let asked = Asked { action, parameters: Parameters::Json(body), protocol: Protocol::Json10 };
        self.hear_sqs(&asked, body.len(), who, request, trail)
    }

    fn hear_query(
        &self,
        protocol: Protocol,
        request: &AwsRequest,
        known: &mut Option<&'static str>,
        trail: &mut Trail,
    ) -> Result<Heard, Refused> {
        let body = body(request)?;
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        let parse = || Form::parse(query, if request.head.method == Method::GET { b"" } else { body });
        let signed = Signed::new(&request.head, &request.arrival, body);
        let claimed = signed.claimed_service();
        // What is signed is verified first. What is not may be parsed: there is nothing to verify.
        let early = match (self.access.is_enforced(), &claimed) {
            (true, Some(_)) => None,
            _ => Some(parse()?),
        };
        let of_version = |form: &Form<'_>| form.text("Version").and_then(Service::of_version);
        let identity = match &claimed {
            Some(name) => Service::signed_for(name),
            None => early.as_ref().and_then(of_version),
        };
        let (service, worded) =
            identity.map_or((SQS, &QUERY), |identity| (identity.name(), identity.query()));
        trail.asked(service, "unknown");
        let proven = if self.access.is_enforced() {
            let identified = self.identify(request, body, service, worded, trail);
            if identified.is_err() && trail.is_kept() {
                // What it says is not proven, and is told with that it is refused.
                let said = parse().ok();
                let action = said.as_ref().and_then(|form| form.text("Action"));
                action.into_iter().for_each(|action| trail.asked_as_spelled(service, action));
            }
            Some(identified?)
        } else {
            None
        };
        let form = match early {
            Some(form) => form,
            None => parse()?,
        };
        let credential = Credential::of_header(text(&request.head.headers, &AUTHORIZATION));
        let credential = credential.or(Credential::of_parameters(&form));
        let who = proven.unwrap_or_else(|| self.believe(request, credential));
        let Some(action) = form.text("Action") else { return Err(Refused::NoAction) };
        trail.asked_as_spelled(service, action);
        if let Some(identity) = identity {
            trail.caller(&who);
            let decoded = ApiRequest::decode(identity, action, &form);
            let decoded = decoded.map_err(|error| Refused::Here(error, identity.query()))?;
            trail.asked(identity.name(), decoded.action());
            return Ok(Heard::Identity(Box::new(HeardIdentity { who, service: identity, request: decoded })));
        }
        if let Some(other) = other_service::of_form(&form, credential, protocol) {
            return Err(Refused::Elsewhere(other));
        }
        *known = known_name(action);
        let asked = Asked { action, parameters: Parameters::Query(&form), protocol };
        self.hear_sqs(&asked, query.len() + body.len(), who, request, trail)
    }

    /// Says who sends a request, by its signature.
    fn identify(
        &self,
        request: &AwsRequest,
        body: &[u8],
        service: &str,
        worded: &'static QueryService,
        trail: &mut Trail,
    ) -> Result<Authenticated, Refused> {
        let signed = Signed::new(&request.head, &request.arrival, body);
        signed.authenticate(&self.access, service, now_secs()).map_err(|error| {
            self.requests.refusals.unidentified(&error);
            trail.refused(signed.claimed_key().as_deref(), &error);
            Refused::Unidentified(error, worded)
        })
    }

    /// Takes a request's word for who sends it: enforcement is off.
    fn believe(&self, request: &AwsRequest, credential: Credential<'_>) -> Authenticated {
        let token = crate::signed::session_token(&request.head.headers);
        self.access.believe(credential, token, request.arrival.source, now_secs())
    }

    fn hear_sqs(
        &self,
        asked: &Asked<'_>,
        size_bytes: usize,
        who: Authenticated,
        request: &AwsRequest,
        trail: &mut Trail,
    ) -> Result<Heard, Refused> {
        trail.caller(&who);
        let of_path = |queue: &QueuePath| queue.account;
        let account = who.caller.account();
        let account = account.or(request.queue.as_ref().map(of_path)).unwrap_or(self.account);
        let region = who.region.clone().unwrap_or_else(|| self.region.clone());
        let sender_id = if self.access.is_enforced() { who.sender_id() } else { account.to_string() };
        let context = Context {
            account,
            region: region.clone(),
            sender_id: &sender_id,
            trace_header: text(&request.head.headers, &TRACE_ID),
            queue_path: request.queue.clone(),
            receipts: &self.receipts,
        };
        let prepared = prepare(asked.action, asked.parameters, &context, &mut entropy::draw)?;
        let action =
            catalogue::find(asked.action).ok_or_else(|| UNKNOWN_OPERATION.because("no such action"))?;
        trail.asked(SQS, action.name);
        if let Some(QueueKey { account, region, name }) = &prepared.queue {
            trail.about(|| format!("arn:aws:sqs:{region}:{account}:{name}"));
        }
        let base_url = request.arrival.base_url(&request.head.headers);
        let protocol = asked.protocol;
        let heard = HeardSqs { protocol, base_url, who, account, region, action, prepared, size_bytes };
        Ok(Heard::Sqs(Box::new(heard)))
    }
}

/// What a request to SQS asks.
struct Asked<'a> {
    action: &'a str,
    parameters: Parameters<'a>,
    protocol: Protocol,
}

fn body(request: &AwsRequest) -> Result<&Bytes, ApiError> {
    request.body.as_ref().map(|(body, _)| body).map_err(body_error)
}

fn body_error(error: &BodyError) -> ApiError {
    match error {
        BodyError::TooLarge { .. } => REQUEST_TOO_LARGE.because(error.to_string()),
        BodyError::Crowded => SERVICE_UNAVAILABLE.because(error.to_string()),
        BodyError::TooSlow { .. } | BodyError::Stalled => TIMEOUT.because(error.to_string()),
        BodyError::Broken => SERIALIZATION.because(error.to_string()),
    }
}

/// The name of an action, as the table has it.
fn known_name(action: &str) -> Option<&'static str> {
    catalogue::find(action).map(|found| found.name)
}
