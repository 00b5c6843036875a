//! Which service a client command talks to, and as whom.
//!
//! The address is found by [`Endpoint`]; region and keys are what the environment names as AWS SDKs know it, then what
//! the service itself left. A service on this machine needs neither and asks no one else for them. A command never
//! falls through to Amazon by accident: its endpoint has to be named, or its region for a sink or a form.

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use serde_json::Value;

use crate::api::{self, ApiError};
use crate::endpoint::{self, Endpoint};
use crate::failure::Failure;
use crate::note::Note;
use crate::terminal::remark;
use crate::trust;

/// A service that commands talk to.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Scheme, host and port; empty for Amazon's of a region.
    pub(crate) endpoint: String,
    found: Option<Endpoint>,
    config: SdkConfig,
}

impl Service {
    /// Finds the service.
    pub(crate) async fn find(endpoint: Option<&str>) -> Result<Self, Failure> {
        Self::found(Endpoint::find(endpoint, None)?.ok_or_else(endpoint::none_found)?).await
    }

    /// Finds the service that has a queue, given by name or by URL: a URL says where it is.
    pub(crate) async fn of_queue(endpoint: Option<&str>, queue: &str) -> Result<Self, Failure> {
        Self::found(Endpoint::find(endpoint, Some(queue))?.ok_or_else(endpoint::none_found)?).await
    }

    /// As [`Service::of_queue`], or Amazon's when nothing is found and the environment or a profile names a region.
    pub(crate) async fn of_queue_or_amazon(endpoint: Option<&str>, queue: &str) -> Result<Self, Failure> {
        if let Some(endpoint) = Endpoint::find(endpoint, Some(queue))? {
            return Self::found(endpoint).await;
        }
        let region = configured_region().await.ok_or_else(|| {
            Failure::new(format!("{}.\n  For Amazon SQS set AWS_REGION", endpoint::none_found()))
        })?;
        Ok(Self { endpoint: String::new(), found: None, config: loader().region(region).load().await })
    }

    /// The service that a note describes.
    pub(crate) async fn of_note(note: &Note) -> Self {
        let config = as_note(loader(), note).load().await;
        Self { endpoint: note.endpoint.clone(), found: Some(Endpoint::of_note(note)), config }
    }

    async fn found(endpoint: Endpoint) -> Result<Self, Failure> {
        if let Some(text) = endpoint.remark() {
            remark(&text);
        }
        let config = configure(&endpoint).await?;
        Ok(Self { endpoint: endpoint.url.clone(), found: Some(endpoint), config })
    }

    /// A client for its queues.
    pub(crate) fn sqs(&self) -> Client {
        Client::new(&self.config)
    }

    /// Calls our own API there.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        api::call(&self.endpoint, method, path, body).await.map_err(|error| match error {
            ApiError::Unreachable { error, .. } => Failure::new(self.silent(&error)),
            other => other.into(),
        })
    }

    /// Why nothing answers, with the address, who named it, and what to do.
    pub(crate) fn silent(&self, reason: &str) -> String {
        match &self.found {
            Some(endpoint) => endpoint.silent(reason),
            None => format!("Amazon SQS can't be reached: {reason}"),
        }
    }

    /// Where it is and who says so, for people.
    pub(crate) fn describe(&self) -> String {
        match &self.found {
            Some(endpoint) => format!("{} ({})", endpoint.url, endpoint.named_by()),
            None => {
                let region = self.config.region().map_or("?", |region| region.as_ref());
                format!("Amazon SQS in {region}")
            }
        }
    }
}

/// TLS comes from rustls with ring, so that no C library is needed to build.
pub(crate) fn http_client() -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(tls);
    match trust::context() {
        Some(context) => client.tls_context(context).build_https(),
        None => client.build_https(),
    }
}

fn loader() -> ConfigLoader {
    // A long poll is no stalled stream.
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

fn as_note(loader: ConfigLoader, note: &Note) -> ConfigLoader {
    loader
        .endpoint_url(&note.endpoint)
        .region(Region::new(note.region.clone()))
        .credentials_provider(credentials(&note.access_key_id, &note.secret_access_key))
}

async fn configure(endpoint: &Endpoint) -> Result<SdkConfig, Failure> {
    if let (true, Some(note)) = (endpoint.is_of_note(), &endpoint.note) {
        return Ok(as_note(loader(), note).load().await);
    }
    let loader = loader().endpoint_url(&endpoint.url);
    if endpoint::is_loopback(&endpoint.url) {
        return Ok(local(loader, endpoint.note.as_ref()).await.load().await);
    }
    let of_host = endpoint::region_of_amazon(&endpoint.url).map(|region| Region::new(region.to_owned()));
    let region = configured_region()
        .await
        .or(of_host)
        .ok_or_else(|| Failure::usage(format!("{} needs a region; set AWS_REGION", endpoint.url)))?;
    let loader = loader.region(region.clone());
    // Amazon's own services give keys to what runs in its machines and containers; they have none for others.
    if endpoint::is_amazon(&endpoint.url) {
        return Ok(loader.load().await);
    }
    let keys =
        CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
            .or_else("Profile", profile_keys(region));
    if keys.provide_credentials().await.is_err() {
        return Err(Failure::usage(format!(
            "{} needs an access key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            endpoint.url
        )));
    }
    Ok(loader.credentials_provider(keys).load().await)
}

/// What the caller's environment does not name is what the service left, or else what services on this machine take.
async fn local(loader: ConfigLoader, note: Option<&Note>) -> ConfigLoader {
    let of_note = || Region::new(note.map_or_else(|| "us-east-1".to_owned(), |note| note.region.clone()));
    let region = configured_region().await.unwrap_or_else(of_note);
    let loader = loader.region(region.clone());
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("AWS_ACCESS_KEY_ID") {
        return loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    if set("AWS_PROFILE") {
        return loader.credentials_provider(profile_keys(region));
    }
    let (key, secret) = note.map_or(("test", "test"), |note| (&note.access_key_id, &note.secret_access_key));
    loader.credentials_provider(credentials(key, secret))
}

/// The region of the environment or a profile; no machine's metadata is asked for it.
async fn configured_region() -> Option<Region> {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
}

fn profile_keys(region: Region) -> ProfileFileCredentialsProvider {
    let config = aws_config::provider_config::ProviderConfig::without_region()
        .with_region(Some(region))
        .with_http_client(http_client());
    ProfileFileCredentialsProvider::builder().configure(&config).build()
}

fn credentials(access_key_id: &str, secret_access_key: &str) -> Credentials {
    Credentials::new(access_key_id, secret_access_key, None, None, "millpond serve")
}
