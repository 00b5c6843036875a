//! Gives each request its way, once the service has begun; before that only whether the process lives is answered.
//!
//! What always holds: a request that a foreign web page could have caused is refused before anything else looks at it,
//! unless its sender proves it; what is not open to everyone is done only for who may.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use millpond_core::command::Command;
use millpond_engine::EngineHandle;
use millpond_engine::admission::{Load, Room};
use millpond_engine::step::Wait;
use millpond_iam::caller::Caller;
use millpond_iam::secret::Secret;
use millpond_wire::protocol::names_action;
use tokio::sync::SetOnce;

use crate::access::own::{self, Gate};
use crate::access::{Access, Authenticated, now_secs};
use crate::aws::{self, Aws, AwsRequest};
use crate::body::{BodyError, BodyIntake};
use crate::metrics::{self, Traffic};
use crate::origin::{self, Foreign, Provenance};
use crate::other_service::{self, SERVICES};
use crate::platform::{Platform, PlatformCall};
use crate::proxy::{self, Arrival, Network, Peer};
use crate::respond::{self, Reply};
use crate::route::{Route, route};
use crate::signed::Signed;
use crate::{console, framing};

/// The log must make durable what is asked for within this time to count as ready.
const READY: Duration = Duration::from_secs(5);

/// What answers from the first connection on.
#[derive(Debug)]
pub(crate) struct Front {
    /// Set when the data is recovered.
    pub(crate) service: SetOnce<Service>,
    pub(crate) traffic: Traffic,
    /// Proxies that are believed.
    trusted_proxies: Vec<Network>,
    listens_beyond_loopback: bool,
}

impl Front {
    pub(crate) fn new(trusted_proxies: Vec<Network>, listens_beyond_loopback: bool) -> Self {
        let (service, traffic) = (SetOnce::new(), Traffic::new());
        Self { service, traffic, trusted_proxies, listens_beyond_loopback }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        let (head, body) = request.into_parts();
        if let Err(ambiguous) = framing::check(&head) {
            return respond::and_close(respond::text(ambiguous.status(), &ambiguous.to_string()));
        }
        let arrival = match proxy::arrival(&self.trusted_proxies, peer, &head.headers) {
            Ok(arrival) => arrival,
            Err(malformed) => return respond::text(400, &malformed.to_string()),
        };
        let path = head.uri.path();
        let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        // Programs that take any reply may accept pages too; one that names an action wants no page.
        let asks_action = head.uri.query().is_some_and(names_action);
        let wants_page = !asks_action && accept.is_some_and(|accept| accept.contains("text/html"));
        let route = route(head.method.as_str(), path, wants_page);
        if let Err(foreign) = self.check_origin(&route, &head)
            && !self.may_be_proven(&route, &head, &arrival).await
        {
            self.traffic.refused_foreign();
            return match route {
                Route::Own(_) => respond::own_error(403, &foreign.to_string()),
                _ => respond::text(403, &foreign.to_string()),
            };
        }
        match (route, self.service.get()) {
            (Route::Health, _) => respond::text(200, "ok"),
            (Route::Ready, None) => respond::text(503, "the data is being recovered"),
            (Route::Ready, Some(service)) => ready(&service.aws.engine).await,
            (route, Some(service)) => service.answer(route, head, body, arrival, &self.traffic).await,
            // It waits for the recovery as it would have waited for the port.
            (route, None) => {
                let service = self.service.wait().await;
                service.answer(route, head, body, arrival, &self.traffic).await
            }
        }
    }

    /// Refuses what a foreign web page could have caused.
    fn check_origin(&self, route: &Route, head: &Parts) -> Result<(), Foreign> {
        // Figures are for this machine, whatever else listens beyond it.
        let any_host = self.listens_beyond_loopback && *route != Route::Metrics;
        let provenance = Provenance { any_host, ..provenance(&head.headers) };
        match route {
            Route::Console | Route::ToConsole => origin::check_page(&provenance),
            Route::Aws { .. } if aws::has_parameters(head) => origin::check_parameters(&provenance),
            _ => origin::check(&provenance),
        }
    }

    /// Whether a request claims to be signed where signatures are verified: then it goes on, and is proven or refused.
    async fn may_be_proven(&self, route: &Route, head: &Parts, arrival: &Arrival) -> bool {
        let takes_signatures = match route {
            Route::Aws { .. } | Route::Metrics => true,
            Route::Own(path) => own::gate(head.method.as_str(), path) != Gate::Token,
            _ => false,
        };
        takes_signatures
            && Signed::new(head, arrival, b"").is_claimed()
            && self.service.wait().await.access.is_enforced()
    }
}

/// What answers once the data is recovered.
pub(crate) struct Service {
    pub(crate) aws: Aws,
    pub(crate) access: Arc<Access>,
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) intake: BodyIntake,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("aws", &self.aws).finish_non_exhaustive()
    }
}

impl Service {
    async fn answer(
        &self,
        route: Route,
        head: Parts,
        body: Incoming,
        arrival: Arrival,
        traffic: &Traffic,
    ) -> Reply {
        match route {
            Route::Aws { queue } => {
                let read = self.intake.read(body).await;
                let (body, _permit) = match read {
                    Ok((bytes, permit)) => (Ok(bytes), Some(permit)),
                    Err(error) => (Err(error), None),
                };
                self.aws.answer(AwsRequest { head, queue, body, arrival }).await
            }
            Route::Own(path) => self.own(path, &head, body, arrival).await,
            Route::Console => self.console(&head, arrival).await,
            Route::ToConsole => respond::redirect("/console/"),
            Route::Metrics => self.metrics(&head, &arrival, traffic).await,
            Route::Health | Route::Ready | Route::Nowhere => nowhere(&head),
        }
    }

    /// A call of our own API, once its sender is known and may make it.
    async fn own(&self, path: String, head: &Parts, body: Incoming, arrival: Arrival) -> Reply {
        let body = match self.intake.read(body).await {
            Ok((bytes, _permit)) => bytes,
            Err(error) => return respond::own_error(body_status(error), &error.to_string()),
        };
        let gate = own::gate(head.method.as_str(), &path);
        let (who, authorization) = match gate {
            Gate::Token => {
                let header = text(&head.headers, &AUTHORIZATION).map(Secret::new);
                (Authenticated::without_key(Caller::Anonymous, arrival.source), header)
            }
            _ => match self.identify(head, &arrival, &body) {
                Ok(who) => (who, None),
                Err(refusal) => return *refusal,
            },
        };
        if let Gate::Action(action, resource) = &gate
            && let Err(refusal) = self.authorise(&who, action, resource)
        {
            return *refusal;
        }
        let call = PlatformCall {
            method: head.method.to_string(),
            path,
            query: head.uri.query().unwrap_or_default().to_owned(),
            body,
            who,
            access: self.access.clone(),
            authorization,
        };
        let answering = crate::own::Answering {
            engine: &self.aws.engine,
            platform: self.platform.as_ref(),
            controls: self.aws.behaviour.test_controls.as_ref(),
            base_url: &arrival.base_url(&head.headers),
        };
        crate::own::answer(&answering, &head.headers, call).await
    }

    /// Says who sends what is no AWS call.
    fn identify(&self, head: &Parts, arrival: &Arrival, body: &[u8]) -> Result<Authenticated, Box<Reply>> {
        let signed = Signed::new(head, arrival, body);
        signed.authenticate(&self.access, own::SERVICE, now_secs()).map_err(|error| {
            self.aws.requests.refusals.unidentified(&error);
            let error = error.to_api_error();
            Box::new(respond::own_error(error.status(), error.message()))
        })
    }

    fn authorise(
        &self,
        who: &Authenticated,
        action: &'static str,
        resource: &own::Resource,
    ) -> Result<(), Box<Reply>> {
        let region = who.region.as_ref().unwrap_or(&self.aws.region);
        self.access.authorise_own(who, action, resource, region).map_err(|denied| {
            self.aws.requests.refusals.denied(action);
            Box::new(respond::own_error(403, &denied))
        })
    }

    /// The figures: for whoever may read them, and for programs of this machine that do not sign.
    async fn metrics(&self, head: &Parts, arrival: &Arrival, traffic: &Traffic) -> Reply {
        let signed = Signed::new(head, arrival, b"").is_claimed();
        if self.access.is_enforced() && (signed || !arrival.source.ip.is_loopback()) {
            let allowed = self
                .identify(head, arrival, b"")
                .and_then(|who| self.authorise(&who, "millpond:GetMetrics", &own::Resource::OfService));
            if let Err(refusal) = allowed {
                return *refusal;
            }
        }
        let query = head.uri.query().unwrap_or_default();
        metrics::page(&self.aws.engine, &self.aws.requests, traffic, query).await
    }

    /// The console, for whoever its cookie names; with enforcement off for everyone.
    async fn console(&self, head: &Parts, arrival: Arrival) -> Reply {
        if !self.access.is_enforced() {
            let root = Caller::Root { account: self.aws.account };
            let who = Authenticated::without_key(root, arrival.source);
            return console::page(&self.aws.engine, self.platform.as_ref(), who, &self.access).await;
        }
        if let Some(address) = console::address(head.uri.query().unwrap_or_default()) {
            return match self.access.open_console(address) {
                Some(cookie) => console::entered(&cookie, arrival.source.over_tls),
                None => console::closed(),
            };
        }
        let cookie = console::cookie(&head.headers);
        match cookie.and_then(|cookie| self.access.console_viewer(cookie, arrival.source)) {
            Some(who) => console::page(&self.aws.engine, self.platform.as_ref(), who, &self.access).await,
            None => console::closed(),
        }
    }
}

/// Ready is a service whose log makes durable what it takes, and takes deletes at least: who can't receive and delete
/// can't make room either.
async fn ready(engine: &EngineHandle) -> Reply {
    let asked = async {
        // The answer waits until everything decided before it is durable.
        engine.call(Command::DescribeQueues { after: None, limit: 0 }, Wait::Secs(0), 0).await?;
        engine.status().await
    };
    match tokio::time::timeout(READY, asked).await {
        Err(_) => {
            let secs = READY.as_secs();
            respond::text(503, &format!("the log has made nothing durable for {secs} s; look at its disk"))
        }
        Ok(Err(error)) => respond::text(503, &error.to_string()),
        Ok(Ok(status)) => match Load::of(&status.space).room() {
            Room::None => {
                respond::text(503, "the log has no room, not even for deletes; make room on its disk")
            }
            Room::Deletes | Room::Receives => {
                respond::text(200, "ready; sends are refused until the log has room again")
            }
            Room::Sends => respond::text(200, "ready"),
        },
    }
}

const fn body_status(error: BodyError) -> u16 {
    match error {
        BodyError::TooLarge { .. } => 413,
        BodyError::TooSlow { .. } => 408,
        BodyError::Broken => 400,
        BodyError::Crowded => 503,
    }
}

fn nowhere(head: &Parts) -> Reply {
    if let Some(reply) = other_service::refusal(head) {
        return reply;
    }
    let (method, path): (&Method, &str) = (&head.method, head.uri.path());
    let hint = format!(
        "the services of this endpoint are: {SERVICES}, whose calls are POSTed to / or to a queue's URL; the console is at \
         /console/"
    );
    respond::text(404, &format!("nothing is at {method} {path}; {hint}"))
}

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

fn provenance(headers: &HeaderMap) -> Provenance<'_> {
    // A header that is there but can't be read as text is as foreign as any other.
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    Provenance {
        host: text(&HOST),
        any_host: false,
        origin: text(&ORIGIN),
        fetch_site: text(&SEC_FETCH_SITE),
        fetch_mode: text(&SEC_FETCH_MODE),
        user_agent: text(&USER_AGENT),
        authorization: text(&AUTHORIZATION),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
