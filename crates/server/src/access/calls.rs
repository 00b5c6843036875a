//! Calls of IAM and STS: authorised, carried out, and written down before their reply goes.

use std::fmt::Write as _;
use std::sync::Arc;

use millpond_iam::api::{ApiRequest, Carrying, Service};
use millpond_iam::evaluate::Decision;
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

/// Changes to write, and the reply's XML.
type Carried = (Vec<millpond_iam::identity::Change>, Vec<u8>);

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
        self.carry_out(who, request, RequestId(entropy::draw())).await
    }

    /// As [`Access::call`], of a request that was decoded.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        who: &Authenticated,
        request: ApiRequest,
        id: RequestId,
    ) -> Result<Vec<u8>, ApiError> {
        if !request.is_change() {
            let moment = self.people.now();
            return self.on_moment(&moment, who, &request, id).map(|(_, reply)| reply);
        }
        let (access, who) = (self.clone(), who.clone());
        let changed = self.people.clone().change(move |moment| access.on_moment(moment, &who, &request, id));
        changed.await.map_err(|error| match error {
            NotChanged::Refused(error) => error,
            NotChanged::Engine(error) => SERVICE_UNAVAILABLE.because(error.to_string()),
            NotChanged::Broken(reason) => {
                tracing::error!(reason, "a change of identities could not be kept");
                INTERNAL_FAILURE.because("The change could not be kept; nothing has changed.")
            }
        })
    }

    /// Authorises and decides on the same state.
    fn on_moment(
        &self,
        moment: &Moment,
        who: &Authenticated,
        request: &ApiRequest,
        id: RequestId,
    ) -> Result<Carried, ApiError> {
        for asked in request.authorisations(&who.caller, &moment.identities) {
            if let Decision::Denied(denial) = self.decide(who, &asked) {
                return Err(ACCESS_DENIED.because(denial.text(&who.caller, &asked.action, &asked.resource)));
            }
        }
        let mut carrying = Carrying {
            identities: &moment.identities,
            caller: &who.caller,
            session: who.session.as_deref(),
            master: &self.config.master,
            now_secs: now_secs(),
            entropy: &mut entropy::draw,
        };
        request.carry_out(&mut carrying, id)
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
