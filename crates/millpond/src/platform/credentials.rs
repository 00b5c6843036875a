//! Credentials of workloads: a fresh session of the workload's role, for whoever holds the workload's token.
//!
//! What always holds: nothing of it is stored. The token follows from the master key and from the record that was launched,
//! so a workload that outlives its service goes on with the token it has, and one that is stopped, changed or taken away
//! has none that counts, also when the same is launched again. Who asks without it learns nothing, not even which workloads
//! there are.
//!
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.

use std::hint::black_box;

use millpond_iam::date;
use millpond_iam::session::Credentials;
use millpond_server::access::{Access, now_secs};
use millpond_server::platform::PlatformCall;
use millpond_stack::{Desired, WorkloadRecord, WorkloadSpec};
use serde_json::json;

use super::{Answered, Refused, Stacks};
use crate::failure::Failure;
use crate::random::random;

/// The token with which a workload asks for its credentials.
pub(crate) fn token(access: &Access, record: &WorkloadRecord) -> String {
    let WorkloadRecord { spec, launch, .. } = record;
    let launched = serde_json::to_string(spec).expect("a specification is plain data");
    access.workload_token(&match launch.as_str() {
        "" => format!("{}\n{launched}", spec.name),
        launch => format!("{}\n{launch}\n{launched}", spec.name),
    })
}

/// A launch that there was not before.
pub(super) fn fresh_launch() -> Result<String, Failure> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Credentials of the workload's role, or why there are none.
pub(super) fn credentials_of(access: &Access, spec: &WorkloadSpec) -> Result<Credentials, String> {
    if spec.role.is_empty() {
        return Err("it was brought up before workloads had roles; bring its stack up again".to_owned());
    }
    access.of_workload(&spec.role, &session_name(spec), now_secs())
}

/// The session is called as the workload; names of sessions have at least two characters.
fn session_name(spec: &WorkloadSpec) -> String {
    match spec.name.as_str() {
        name if name.len() < 2 => format!("workload-{name}"),
        name => name.to_owned(),
    }
}

impl Stacks {
    pub(super) async fn credentials(&self, name: &str, call: &PlatformCall) -> Answered {
        let record = self.documents.get::<WorkloadRecord>("workload", name).await?;
        let given = call.authorization.as_ref().map_or("", |token| token.expose());
        let holds = |record: &WorkloadRecord| {
            is_same(given, &token(&call.access, record)) && record.desired == Desired::Running
        };
        let Some(WorkloadRecord { spec, .. }) = record.filter(holds) else {
            return Err(Refused::new(403, "there are no credentials for this token"));
        };
        let credentials = credentials_of(&call.access, &spec).map_err(|reason| {
            Refused::new(409, format!("workload {name} gets no credentials of {}: {reason}", spec.role))
        })?;
        Ok(json!({
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key.expose(),
            "Token": credentials.session_token,
            "Expiration": date::extended(credentials.expires_at_secs),
            "RoleArn": spec.role,
            "AccountId": spec.role.split(':').nth(4),
        }))
    }
}

/// Compares in a time that does not depend on where the two differ.
fn is_same(given: &str, expected: &str) -> bool {
    let (given, expected) = (given.as_bytes(), expected.as_bytes());
    if given.len() != expected.len() {
        return false;
    }
    let differences =
        given.iter().zip(expected).fold(0, |found, (one, other)| black_box(found | (one ^ other)));
    differences == 0
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_the_whole_token_is_the_token() {
        assert!(is_same("abcd", "abcd"));
        for wrong in ["", "abc", "abcde", "abce", "bbcd"] {
            assert!(!is_same(wrong, "abcd"), "{wrong}");
        }
    }
}
