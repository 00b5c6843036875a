//! Calls of IAM and STS: authorised, carried out, and written down before their reply goes.

use std::fmt::Write as _;
use std::sync::Arc;

use millpond_iam::api::{ApiRequest, Carrying, Service};
use millpond_iam::evaluate::Decision;
use millpond_iam::identity::Change;
use millpond_wire::error::{
    ACCESS_DENIED, ApiError, INTERNAL_FAILURE, MISSING_PARAMETER, SERVICE_UNAVAILABLE,
};
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

use super::caller::Authenticated;
use super::moment::Moment;
use super::people::NotChanged;
use super::{Access, now_secs};
use crate::audit::Trail;
use crate::entropy;

/// What became of a call.
pub(crate) struct Carried {
    pub(crate) judged: Judged,
    /// The reply's XML, or the error to answer.
    pub(crate) reply: Result<Vec<u8>, ApiError>,
}

/// What policies said of a call.
#[derive(Default)]
pub(crate) struct Judged {
    /// One for each thing that was asked of them.
    decisions: Vec<Decision>,
    /// What it is done to; of a call that is denied, what it may not be done to.
    resource: Option<String>,
}

/// Changes to write and the reply, or the error; each with what policies said.
type Decided = Result<(Vec<Change>, (Judged, Vec<u8>)), (Judged, ApiError)>;

impl Carried {
    /// Leaves what is known of the call in its line.
    pub(crate) fn tell(&self, is_enforced: bool, trail: &mut Trail) {
        let Judged { decisions, resource } = &self.judged;
        if let Some(resource) = resource {
            trail.about(|| resource.clone());
        }
        let error = self.reply.as_ref().err();
        if let Some(error) = error {
            trail.failed(error.kind().query_code);
        }
        if !is_enforced {
            return;
        }
        decisions.iter().for_each(|decision| trail.decided(decision));
        if decisions.is_empty() {
            match error.filter(|error| error.kind() == &ACCESS_DENIED) {
                Some(error) => trail.settled(false, || error.message().to_owned()),
                None => trail.settled(true, || "no permission is needed".to_owned()),
            }
        }
    }
}

impl Access {
    /// Carries out a call of IAM or STS for `who`, authorisation included: the reply's XML.
    ///
    /// # Errors
    /// The error to answer.
    pub async fn call(
        self: &Arc<Self>,
        who: &Authenticated,
        service: Service,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, ApiError> {
        let mut text = String::new();
        for (name, value) in parameters {
            for part in [if text.is_empty() { "" } else { "&" }, &escaped(name), "=", &escaped(value)] {
                text.push_str(part);
            }
        }
        let request = {
            let form = Form::parse(b"", text.as_bytes())?;
            let action = form
                .text("Action")
                .ok_or_else(|| MISSING_PARAMETER.because("The request names no Action."))?;
            ApiRequest::decode(service, action, &form)?
        };
        let id = RequestId(entropy::draw());
        let mut trail = Trail::inside(self.audit.get(), who);
        trail.asked(service.name(), request.action());
        let carried = self.carry_out(who, request, id).await;
        carried.tell(self.is_enforced(), &mut trail);
        trail.ended(id);
        carried.reply
    }

    /// As [`Access::call`], of a request that was decoded.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        who: &Authenticated,
        request: ApiRequest,
        id: RequestId,
    ) -> Carried {
        if !request.is_change() {
            let moment = self.people.now();
            return match self.on_moment(&moment, who, &request, id) {
                Ok((_, (judged, reply))) => Carried { judged, reply: Ok(reply) },
                Err((judged, error)) => Carried { judged, reply: Err(error) },
            };
        }
        let (access, who) = (self.clone(), who.clone());
        let changed = self.people.clone().change(move |moment| access.on_moment(moment, &who, &request, id));
        let not_kept = |error| Carried { judged: Judged::default(), reply: Err(error) };
        match changed.await {
            Ok((judged, reply)) => Carried { judged, reply: Ok(reply) },
            Err(NotChanged::Refused((judged, error))) => Carried { judged, reply: Err(error) },
            Err(NotChanged::Engine(error)) => not_kept(SERVICE_UNAVAILABLE.because(error.to_string())),
            Err(NotChanged::Broken(reason)) => {
                tracing::error!(reason, "a change of identities could not be kept");
                not_kept(INTERNAL_FAILURE.because("The change could not be kept; nothing has changed."))
            }
        }
    }

    /// Authorises and decides on the same state.
    fn on_moment(
        &self,
        moment: &Moment,
        who: &Authenticated,
        request: &ApiRequest,
        id: RequestId,
    ) -> Decided {
        let mut judged = Judged { resource: request.role_arn().map(str::to_owned), ..Judged::default() };
        for asked in request.authorisations(&who.caller, &moment.identities) {
            let decision = self.decide(who, &asked);
            let denied = match &decision {
                Decision::Allowed(_) => None,
                Decision::Denied(denial) => Some(denial.text(&who.caller, &asked.action, &asked.resource)),
            };
            judged.decisions.push(decision);
            if let Some(text) = denied {
                judged.resource = Some(asked.resource);
                return Err((judged, ACCESS_DENIED.because(text)));
            }
            judged.resource.get_or_insert(asked.resource);
        }
        let mut carrying = Carrying {
            identities: &moment.identities,
            caller: &who.caller,
            session: who.session.as_deref(),
            master: &self.config.master,
            root_may_assume: !self.is_enforced(),
            now_secs: now_secs(),
            entropy: &mut entropy::draw,
        };
        match request.carry_out(&mut carrying, id) {
            Ok((changes, reply)) => Ok((changes, (judged, reply))),
            Err(error) => Err((judged, error)),
        }
    }
}

/// Text as a form has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
