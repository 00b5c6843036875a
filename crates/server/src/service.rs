//! Gives each request its way, once the service has begun; before that only whether the process lives is answered.
//!
//! What always holds: a request that a foreign web page could have caused is refused before anything else looks at it,
//! unless its sender proves it; what is not open to everyone is done only for who may.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use millpond_core::command::Command;
use millpond_engine::EngineHandle;
use millpond_engine::admission::{Load, Room};
use millpond_engine::step::Wait;
use millpond_wire::protocol::names_action;
use tokio::sync::SetOnce;

use crate::access::Access;
use crate::access::own::{self, Gate};
use crate::audit::{Audit, Trail};
use crate::aws::{self, Aws, AwsRequest};
use crate::backup::Backups;
use crate::body::BodyIntake;
use crate::framing;
use crate::guessing::Guessing;
use crate::metrics::Traffic;
use crate::origin::{self, Foreign, Provenance};
use crate::other_service::{self, SERVICES};
use crate::platform::Platform;
use crate::private::Asked;
use crate::proxy::{self, Arrival, Network, Peer};
use crate::respond::{self, Reply};
use crate::route::{Route, route};
use crate::signed::Signed;

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
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) guessing: Guessing,
    pub(crate) backups: Backups,
}

impl Front {
    pub(crate) fn new(
        trusted_proxies: Vec<Network>,
        listens_beyond_loopback: bool,
        audit: Option<Arc<Audit>>,
    ) -> Self {
        Self {
            service: SetOnce::new(),
            traffic: Traffic::new(),
            trusted_proxies,
            listens_beyond_loopback,
            audit,
            guessing: Guessing::new(),
            backups: Backups::default(),
        }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        let (head, body) = request.into_parts();
        // It goes through many hands, and each would keep the room for it.
        let head = Box::new(head);
        let mut trail = Trail::begin(self.audit.as_ref(), peer, &head);
        let reply = self.lead(head, body, peer, &mut trail).await;
        trail.answered(&reply);
        // Who is told to slow down begins again with a connection.
        if reply.status() == StatusCode::TOO_MANY_REQUESTS { respond::and_close(reply) } else { reply }
    }

    async fn lead(&self, head: Box<Parts>, body: Incoming, peer: Peer, trail: &mut Trail) -> Reply {
        if let Err(ambiguous) = framing::check(&head) {
            trail.refused(None, &ambiguous);
            return respond::and_close(respond::text(ambiguous.status(), &ambiguous.to_string()));
        }
        let arrival = match proxy::arrival(&self.trusted_proxies, peer, &head.headers) {
            Ok(arrival) => arrival,
            Err(malformed) => {
                trail.refused(None, &malformed);
                return respond::text(400, &malformed.to_string());
            }
        };
        trail.came(arrival.source);
        let path = head.uri.path();
        let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        // Programs that take any reply may accept pages too; one that names an action wants no page.
        let asks_action = head.uri.query().is_some_and(names_action);
        let wants_page = !asks_action && accept.is_some_and(|accept| accept.contains("text/html"));
        let route = route(head.method.as_str(), path, wants_page);
        if let Err(foreign) = self.check_origin(&route, &head)
            && !Box::pin(self.may_be_proven(&route, &head, &arrival)).await
        {
            self.traffic.refused_foreign();
            trail.refused(None, &foreign);
            return match route {
                Route::Own(_) => respond::own_error(403, &foreign.to_string()),
                _ => respond::text(403, &foreign.to_string()),
            };
        }
        if matches!(route, Route::Health | Route::Ready) {
            trail.forget();
        }
        match (route, self.service.get()) {
            (Route::Health, _) => respond::text(200, "ok"),
            (Route::Ready, None) => respond::text(503, "the data is being recovered"),
            (Route::Ready, Some(service)) => Box::pin(ready(&service.aws.engine)).await,
            (route, Some(service)) => service.answer(route, head, body, arrival, self, trail).await,
            // It waits for the recovery as it would have waited for the port.
            (route, None) => {
                let service = self.service.wait().await;
                service.answer(route, head, body, arrival, self, trail).await
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
        head: Box<Parts>,
        body: Incoming,
        arrival: Arrival,
        front: &Front,
        trail: &mut Trail,
    ) -> Reply {
        match route {
            Route::Aws { queue } => {
                let body = self.intake.read(body, arrival.source.ip).await;
                let request = AwsRequest { head, queue, body, arrival };
                self.aws.answer(request, &front.guessing, trail).await
            }
            Route::Own(path) => {
                trail.asked_as_spelled("millpond", &format!("{} {path}", head.method));
                let asked = Asked { head: &head, arrival: &arrival, front };
                Box::pin(self.own(path, asked, body, trail)).await
            }
            Route::Console => {
                Box::pin(self.console(Asked { head: &head, arrival: &arrival, front }, trail)).await
            }
            Route::ToConsole => respond::redirect("/console/"),
            Route::Metrics => {
                Box::pin(self.metrics(Asked { head: &head, arrival: &arrival, front }, trail)).await
            }
            Route::Health | Route::Ready | Route::Nowhere => nowhere(&head),
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
