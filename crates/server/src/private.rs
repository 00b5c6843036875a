//! What is not an AWS call and not open to everyone: our own API, the figures, the console.
//!
//! What always holds: nothing is done or shown before its sender is known and may have it.

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, FORWARDED, HeaderMap};
use hyper::http::request::Parts;
use millpond_iam::caller::Caller;
use millpond_iam::secret::Secret;

use crate::access::own::{self, Gate, OwnDecision};
use crate::access::{Authenticated, now_secs};
use crate::audit::{Audit, Trail};
use crate::body::BodyError;
use crate::own::Answering;
use crate::platform::PlatformCall;
use crate::proxy::Arrival;
use crate::respond::{self, Reply};
use crate::service::{Front, Service};
use crate::signed::Signed;
use crate::{console, metrics};

/// What is looked at of a request besides its body.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) head: &'a Parts,
    pub(crate) arrival: &'a Arrival,
    pub(crate) front: &'a Front,
}

impl Service {
    /// A call of our own API, once its sender is known and may make it.
    pub(crate) async fn own(
        &self,
        path: String,
        asked: Asked<'_>,
        body: Incoming,
        trail: &mut Trail,
    ) -> Reply {
        let Asked { head, arrival, front } = asked;
        let (body, _room) = match self.intake.read(body, arrival.source.ip).await {
            Ok(read) => read,
            Err(error) => return respond::own_error(body_status(error), &error.to_string()),
        };
        let gate = own::gate(head.method.as_str(), &path);
        let (who, authorization) = match gate {
            Gate::Token => {
                let header = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                let anonymous = Authenticated::without_key(Caller::Anonymous, arrival.source);
                (anonymous, header.map(Secret::new))
            }
            _ => match self.identify(asked, &body, trail).await {
                Ok(who) => (who, None),
                Err(refusal) => return *refusal,
            },
        };
        if gate == Gate::Token {
            let (region, account) = (&self.aws.region, self.aws.account);
            let workload = path.trim_end_matches("/credentials").trim_start_matches("workloads/");
            trail.about(|| format!("arn:aws:millpond:{region}:{account}:workload/{workload}"));
        }
        if gate == Gate::Nowhere {
            return respond::own_error(404, crate::own::NO_SUCH_CALL);
        }
        let path = self.with_one_name(path).await;
        let gate = own::gate(head.method.as_str(), &path);
        if let Gate::Action(action, resource) = &gate
            && let Err(refusal) = self.authorise(&who, action, resource, trail)
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
        let with = Answering {
            engine: &self.aws.engine,
            platform: self.platform.as_ref(),
            controls: self.aws.behaviour.test_controls.as_ref(),
            backups: &front.backups,
            base_url: &arrival.base_url(&head.headers),
        };
        let reply = crate::own::answer(&with, &head.headers, call).await;
        if gate == Gate::Token {
            let allowed = reply.status().is_success();
            let reason =
                if allowed { "the token of the workload" } else { "not the token of a workload, or no role" };
            trail.settled(allowed, || reason.to_owned());
        }
        reply
    }

    /// What has several names is authorised and answered by one of them: rows by their table.
    async fn with_one_name(&self, path: String) -> String {
        match path.strip_prefix("rows/") {
            Some(name) => format!("rows/{}", self.platform.table_of(name).await),
            None => path,
        }
    }

    /// Says who sends what is no AWS call.
    async fn identify(
        &self,
        asked: Asked<'_>,
        body: &[u8],
        trail: &mut Trail,
    ) -> Result<Authenticated, Box<Reply>> {
        let Asked { head, arrival, front } = asked;
        let (identified, key) = {
            let signed = Signed::new(head, arrival, body);
            let identified = signed.authenticate(&self.access, own::SERVICE, now_secs());
            let key = if identified.is_err() { signed.claimed_key() } else { None };
            (identified, key)
        };
        let error = match identified {
            Ok(who) => {
                trail.caller(&who);
                return Ok(who);
            }
            Err(error) => error,
        };
        self.aws.requests.refusals.unidentified(&error);
        trail.refused(key.as_deref(), &error);
        let error = match front.guessing.slowed_down(arrival.source.ip, error).await {
            Ok(error) => error.to_api_error(),
            Err(throttled) => throttled,
        };
        Err(Box::new(respond::own_refusal(error.status(), error.kind().shape, error.message())))
    }

    fn authorise(
        &self,
        who: &Authenticated,
        action: &'static str,
        resource: &own::Resource,
        trail: &mut Trail,
    ) -> Result<(), Box<Reply>> {
        let OwnDecision { decision, resource, denied } =
            self.access.authorise_own(who, action, resource, &self.aws.region);
        trail.about(|| resource);
        if self.access.is_enforced() {
            trail.decided(&decision);
        }
        match denied {
            None => Ok(()),
            Some(text) => {
                self.aws.requests.refusals.denied(action);
                Err(Box::new(respond::own_refusal(403, "AccessDeniedException", &text)))
            }
        }
    }

    /// The figures: for whoever may read them, and for programs of this machine that do not sign. What a proxy has passed
    /// on is of nobody knows which machine, whether that proxy is trusted or not.
    pub(crate) async fn metrics(&self, asked: Asked<'_>, trail: &mut Trail) -> Reply {
        let Asked { head, arrival, front } = asked;
        trail.asked("millpond", "GetMetrics");
        let signed = Signed::new(head, arrival, b"").is_claimed();
        let is_of_this_machine = arrival.source.ip.is_loopback() && !is_passed_on(&head.headers);
        if self.access.is_enforced() && (signed || !is_of_this_machine) {
            let who = match self.identify(asked, b"", trail).await {
                Ok(who) => who,
                Err(refusal) => return *refusal,
            };
            if let Err(refusal) =
                self.authorise(&who, "millpond:GetMetrics", &own::Resource::OfService, trail)
            {
                return *refusal;
            }
        }
        let query = head.uri.query().unwrap_or_default();
        let audit = front.audit.as_deref().map(Audit::counts);
        let (requests, guessing) = (&self.aws.requests, &front.guessing);
        let counted = metrics::Counted { requests, traffic: &front.traffic, audit, guessing };
        metrics::page(&self.aws.engine, &counted, query).await
    }

    /// The console, for whoever its cookie names; with enforcement off for everyone.
    pub(crate) async fn console(&self, asked: Asked<'_>, trail: &mut Trail) -> Reply {
        let Asked { head, arrival, .. } = asked;
        trail.asked("millpond", "GetConsole");
        let viewer = if self.access.is_enforced() {
            if let Some(address) = console::address(head.uri.query().unwrap_or_default()) {
                return match self.access.open_console(address) {
                    Some(cookie) => console::entered(&cookie, arrival.source.over_tls),
                    None => console::closed(),
                };
            }
            let cookie = console::cookie(&head.headers);
            cookie.and_then(|cookie| self.access.console_viewer(cookie, arrival.source))
        } else {
            let root = Caller::Root { account: self.aws.account };
            Some(Authenticated::without_key(root, arrival.source))
        };
        let Some(who) = viewer else { return console::closed() };
        trail.caller(&who);
        console::page(&self.aws.engine, self.platform.as_ref(), who, &self.access, &self.aws.region).await
    }
}

fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == FORWARDED || name.as_str().starts_with("x-forwarded-"))
}

const fn body_status(error: BodyError) -> u16 {
    match error {
        BodyError::TooLarge { .. } => 413,
        BodyError::TooSlow { .. } | BodyError::Stalled => 408,
        BodyError::Broken => 400,
        BodyError::Crowded => 503,
    }
}
