//! Which service a client command talks to, and as whom.
//!
//! The address is found by [`Endpoint`], the keys by [`credentials`]; the region is what the environment names as AWS SDKs
//! know it, then what the service itself left. A service on this machine asks no one else for them. A command never
//! falls through to Amazon by accident: its endpoint has to be named, or its region for a sink or a form.

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use millpond_embed::with_causes;
use serde_json::Value;

use crate::api::{self, ApiError, Signer};
use crate::credentials::{self, Named, Whose};
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
    whose: Whose,
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
        let config = loader().region(region).load().await;
        Ok(Self { endpoint: String::new(), found: None, config, whose: Whose::of_sdk() })
    }

    /// The service that a note describes, called by the user who has started it, whoever the environment names.
    pub(crate) async fn of_note(note: &Note) -> Result<Self, Failure> {
        let Named { provider, whose } = credentials::of_note(note)?;
        let region = Region::new(note.region.clone());
        let config =
            loader().endpoint_url(&note.endpoint).region(region).credentials_provider(provider).load().await;
        Ok(Self { endpoint: note.endpoint.clone(), found: Some(Endpoint::of_note(note)), config, whose })
    }

    async fn found(endpoint: Endpoint) -> Result<Self, Failure> {
        if let Some(text) = endpoint.remark() {
            remark(&text);
        }
        let (config, whose) = configure(&endpoint).await?;
        Ok(Self { endpoint: endpoint.url.clone(), found: Some(endpoint), config, whose })
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
        self.try_call(method, path, body).await.map_err(|error| self.told(error))
    }

    /// What people are told when a call has no answer.
    fn told(&self, error: ApiError) -> Failure {
        match error {
            ApiError::Unreachable { error, .. } => Failure::new(self.silent(&error)),
            ApiError::Refused { code, message, .. } => {
                Failure::new(self.with_advice(message, code.as_deref()))
            }
            other => other.into(),
        }
    }

    /// As [`Service::call`], for a caller that goes by what went wrong.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let signer = self.signer().await?;
        api::call(&self.endpoint, &signer, method, path, body).await
    }

    /// Gets something that may be long, piece by piece.
    pub(crate) async fn download(
        &self,
        path: &str,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Failure> {
        let signer = self.signer().await?;
        let got = api::download(&self.endpoint, &signer, path, take).await;
        got.map_err(|error| self.told(error))
    }

    /// The region of calls to it.
    pub(crate) fn region(&self) -> String {
        self.config.region().map_or("us-east-1", |region| region.as_ref()).to_owned()
    }

    /// With what calls to it are signed.
    pub(crate) async fn signer(&self) -> Result<Signer, ApiError> {
        let provider = self.config.credentials_provider().ok_or(ApiError::NoKeys(String::new()))?;
        let credentials = provider.provide_credentials().await;
        let credentials =
            credentials.map_err(|error| ApiError::NoKeys(format!(": {}", with_causes(&error))))?;
        Ok(Signer { credentials, region: self.region() })
    }

    /// What a service says in its refusal, and, when `code` speaks of the key, whose it was and what to do.
    pub(crate) fn with_advice(&self, message: String, code: Option<&str>) -> String {
        match code.and_then(|code| self.whose.advice(code)) {
            Some(advice) => format!("{message}\n  {advice}"),
            None => message,
        }
    }

    /// What the service left, if it is one of this user's.
    pub(crate) fn note(&self) -> Option<&Note> {
        self.found.as_ref()?.note.as_ref()
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

async fn configure(endpoint: &Endpoint) -> Result<(SdkConfig, Whose), Failure> {
    let loader = loader().endpoint_url(&endpoint.url);
    let region = region_of(endpoint).await?;
    // Amazon's own services give keys to what runs in its machines and containers; they have none for others.
    if endpoint::is_amazon(&endpoint.url) {
        return Ok((loader.region(region).load().await, Whose::of_sdk()));
    }
    let Named { provider, whose } = credentials::find(endpoint, &region).await?;
    Ok((loader.region(region).credentials_provider(provider).load().await, whose))
}

/// What the caller's environment does not name is what the service left. Who names no address either means the service
/// with its region.
async fn region_of(endpoint: &Endpoint) -> Result<Region, Failure> {
    let of_note = endpoint.note.as_ref().map(|note| Region::new(note.region.clone()));
    if endpoint.is_of_note()
        && let Some(region) = of_note
    {
        return Ok(region);
    }
    let of_host = endpoint::region_of_amazon(&endpoint.url).map(|region| Region::new(region.to_owned()));
    let of_machine = endpoint::is_loopback(&endpoint.url).then(|| Region::new("us-east-1"));
    configured_region()
        .await
        .or(of_host)
        .or(of_note)
        .or(of_machine)
        .ok_or_else(|| Failure::usage(format!("{} needs a region; set AWS_REGION", endpoint.url)))
}

/// The region of the environment or a profile; no machine's metadata is asked for it.
async fn configured_region() -> Option<Region> {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
}
