//! Credentials of a workload's role, asked for as any program in a container at Amazon asks.
//!
//! What always holds: credentials that were given are used until they end. They are renewed a while before, so a service
//! that restarts in the meantime is asked again, and nothing fails for it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use millpond_stack::WorkloadName;

/// How long before their end credentials are renewed: as far ahead as SDKs of Amazon begin to.
const RENEWED_AHEAD: Duration = Duration::from_secs(15 * 60);
/// How long credentials that could not be renewed go on before the next attempt.
const GOES_ON: Duration = Duration::from_secs(30);

/// How long a service that does not answer is asked again for the first credentials. It may be about to start.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(200);
/// How long the SDK waits for credentials: longer than it takes to give up here.
pub(super) const LOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What tells a program where its credentials are. Everyone who can read the environment of a process, which is its own
/// user, may use its credentials.
pub(super) fn environment(endpoint: &str, name: &WorkloadName, token: &str) -> BTreeMap<String, String> {
    let url = format!("{endpoint}/_millpond/v1/workloads/{name}/credentials");
    BTreeMap::from([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), url),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), token.to_owned()),
    ])
}

/// Gives the credentials that this process's environment names, and none from anywhere else.
#[derive(Debug)]
pub(super) struct RoleCredentials {
    container: EcsCredentialsProvider,
    given: Mutex<Option<Credentials>>,
}

impl RoleCredentials {
    pub(super) fn new() -> Self {
        let config = ProviderConfig::without_region().with_http_client(crate::service::http_client());
        let container = EcsCredentialsProvider::builder().configure(&config).build();
        Self { container, given: Mutex::default() }
    }

    /// Fresh ones; those that were given before while they are good; or what stood in the way for as long as that is
    /// waited for.
    async fn credentials(&self) -> provider::Result {
        let begun = tokio::time::Instant::now();
        loop {
            let error = match self.container.provide_credentials().await {
                Ok(fresh) => {
                    self.keep(&fresh);
                    return Ok(renewed_ahead(&fresh, SystemTime::now()));
                }
                Err(error) => error,
            };
            if let Some(kept) = self.kept(SystemTime::now()) {
                tracing::warn!("the credentials could not be renewed yet, and are still good: {error}");
                return Ok(kept);
            }
            if begun.elapsed() > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn keep(&self, fresh: &Credentials) {
        let mut given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *given = Some(fresh.clone());
    }

    fn kept(&self, now: SystemTime) -> Option<Credentials> {
        let given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let given = given.as_ref()?;
        let ends = given.expiry()?;
        (ends > now).then(|| ending(given, ends.min(now + GOES_ON)))
    }
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The credentials, said to end earlier than they do, so that the SDK asks for the next ones in time.
fn renewed_ahead(fresh: &Credentials, now: SystemTime) -> Credentials {
    let Some(ends) = fresh.expiry() else { return fresh.clone() };
    let ahead = ends.checked_sub(RENEWED_AHEAD).filter(|ahead| *ahead > now);
    ending(fresh, ahead.unwrap_or(ends))
}

fn ending(credentials: &Credentials, ends: SystemTime) -> Credentials {
    let mut ending = credentials.clone();
    *ending.expiry_mut() = Some(ends);
    ending
}

#[cfg(test)]
mod tests;
