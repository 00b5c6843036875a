//! Whoever brings a stack up: what is done for the stack is done as them.

use std::sync::Arc;

use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use millpond_core::name::AccountId;
use millpond_iam::api::Authorisation;
use millpond_iam::evaluate::{Decision, ResourceKind};
use millpond_iam::facts::Given;
use millpond_iam::session;
use millpond_server::access::{Access, Authenticated, now_secs};
use millpond_server::platform::PlatformCall;
use millpond_stack::WorkloadSpec;

use super::Refused;
use super::credentials::credentials_of;
use crate::note::Note;

/// Who assumes the roles of workloads.
const SERVICE: &str = "ecs-tasks.amazonaws.com";

/// Who brings a stack up or takes it away.
#[derive(Clone, Debug)]
pub(super) struct Deployer {
    pub(super) who: Authenticated,
    pub(super) access: Arc<Access>,
}

impl Deployer {
    /// The caller, if stacks are of its account.
    pub(super) fn of(call: &PlatformCall, account: &str) -> Result<Self, Refused> {
        let of_caller = call.who.caller.account();
        if let Some(other) = of_caller.filter(|of_caller| of_caller.to_string() != account) {
            let message = format!(
                "stacks are brought up in account {account}, and the key of this call is of account {other}; call with a \
                 key of account {account}"
            );
            return Err(Refused::new(403, message));
        }
        Ok(Self { who: call.who.clone(), access: call.access.clone() })
    }

    /// A client for queues that calls as them. Its credentials outlast a deployment, and not much more.
    pub(super) async fn sqs(&self, service: &Note) -> aws_sdk_sqs::Client {
        let session::Credentials { access_key_id, secret_access_key, session_token, .. } =
            self.access.on_behalf_of(&self.who, now_secs());
        let token = (!session_token.is_empty()).then_some(session_token);
        let keys = Credentials::new(access_key_id, secret_access_key.expose(), token, None, "deployer");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(crate::service::http_client())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .endpoint_url(&service.endpoint)
            .region(Region::new(service.region.clone()))
            .credentials_provider(keys);
        aws_sdk_sqs::Client::new(&config.load().await)
    }

    /// Whether they may give a workload its role.
    pub(super) fn may_pass(&self, workload: &WorkloadSpec) -> Result<(), Refused> {
        const ACTION: &str = "iam:PassRole";
        let role = &workload.role;
        let account = role.split(':').nth(4).and_then(AccountId::parse).ok_or_else(|| {
            Refused::new(400, format!("workload {}: {role} is no ARN of a role", workload.name))
        })?;
        let mut facts = Given::default();
        facts.put("iam:PassedToService", SERVICE);
        let asked = Authorisation {
            action: ACTION.into(),
            resource: role.clone(),
            resource_account: account,
            resource_kind: ResourceKind::Ordinary,
            resource_policy: None,
            facts,
        };
        match self.access.decide(&self.who, &asked) {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(denial) => {
                let reason = denial.text(&self.who.caller, ACTION, role);
                Err(Refused::new(403, format!("workload {}: {reason}", workload.name)))
            }
        }
    }

    /// Credentials of the workload's role, or why there are none.
    pub(super) fn credentials_of(&self, workload: &WorkloadSpec) -> Result<session::Credentials, String> {
        credentials_of(&self.access, workload)
    }
}
