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
use crate::entropy;

/// What became of a call.
pub(crate) struct Carried {
    /// What policies said, one decision for each thing that was asked of them.
    pub(crate) decisions: Vec<Decision>,
    /// The reply's XML, or the error to answer.
    pub(crate) reply: Result<Vec<u8>, ApiError>,
}

/// Changes to write and the reply, or the error; each with what policies said.
type Decided = Result<(Vec<Change>, (Vec<Decision>, Vec<u8>)), (Vec<Decision>, ApiError)>;

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
        self.carry_out(who, request, RequestId(entropy::draw())).await.reply
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
                Ok((_, (decisions, reply))) => Carried { decisions, reply: Ok(reply) },
                Err((decisions, error)) => Carried { decisions, reply: Err(error) },
            };
        }
        let (access, who) = (self.clone(), who.clone());
        let changed = self.people.clone().change(move |moment| access.on_moment(moment, &who, &request, id));
        let not_kept = |error| Carried { decisions: Vec::new(), reply: Err(error) };
        match changed.await {
            Ok((decisions, reply)) => Carried { decisions, reply: Ok(reply) },
            Err(NotChanged::Refused((decisions, error))) => Carried { decisions, reply: Err(error) },
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
        let mut decisions = Vec::new();
        for asked in request.authorisations(&who.caller, &moment.identities) {
            decisions.push(self.decide(who, &asked));
            if let Some(Decision::Denied(denial)) = decisions.last() {
                let text = denial.text(&who.caller, &asked.action, &asked.resource);
                return Err((decisions, ACCESS_DENIED.because(text)));
            }
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
            Ok((changes, reply)) => Ok((changes, (decisions, reply))),
            Err(error) => Err((decisions, error)),
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
