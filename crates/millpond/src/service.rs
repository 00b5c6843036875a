//! Which service a client command talks to, and as whom.
//!
//! An endpoint that the caller gives or that the environment names as AWS SDKs know it comes first, with the keys that
//! SDKs find; then what `serve` left for this user. A command never falls through to Amazon by accident: that endpoint
//! has to be named.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::failure::Failure;
use crate::note::{self, Note};

/// A service that commands talk to.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Scheme, host and port.
    pub(crate) endpoint: String,
    config: SdkConfig,
}

impl Service {
    /// Finds the service.
    pub(crate) async fn find(endpoint: Option<&str>) -> Result<Self, Failure> {
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
        let named = endpoint.map(str::to_owned).or_else(named_by_environment);
        if let Some(endpoint) = named {
            let config = loader.endpoint_url(&endpoint).load().await;
            let config = complete(&config, note::read().filter(|note| note.endpoint == endpoint).as_ref());
            return Ok(Self { endpoint, config });
        }
        let note = note::read().ok_or_else(|| {
            Failure::new(
                "no service is running that this user has started, and AWS_ENDPOINT_URL is not set.\n  \
                 Start one with `millpond up` or `millpond serve`, or name one with --endpoint http://127.0.0.1:4566",
            )
        })?;
        Ok(Self::of_note(&note).await)
    }

    /// The service that a note describes.
    pub(crate) async fn of_note(note: &Note) -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .endpoint_url(&note.endpoint)
            .region(Region::new(note.region.clone()))
            .credentials_provider(credentials(&note.access_key_id, &note.secret_access_key));
        Self { endpoint: note.endpoint.clone(), config: loader.load().await }
    }

    /// A client for its queues.
    pub(crate) fn sqs(&self) -> Client {
        Client::new(&self.config)
    }
}

/// TLS comes from rustls with ring, so that no C library is needed to build.
pub(crate) fn http_client() -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().tls_provider(tls).build_https()
}

/// Keys and region that neither caller nor environment name are those that the service's note has, or else the ones
/// that local services take.
fn complete(config: &SdkConfig, note: Option<&Note>) -> SdkConfig {
    let mut builder = config.to_builder();
    if config.region().is_none() {
        let region = note.map_or_else(|| "us-east-1".to_owned(), |note| note.region.clone());
        builder.set_region(Some(Region::new(region)));
    }
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() && std::env::var_os("AWS_PROFILE").is_none() {
        let (key, secret) = note
            .as_ref()
            .map_or(("test", "test"), |note| (note.access_key_id.as_str(), note.secret_access_key.as_str()));
        let provider =
            aws_credential_types::provider::SharedCredentialsProvider::new(credentials(key, secret));
        builder.set_credentials_provider(Some(provider));
    }
    builder.build()
}

fn credentials(access_key_id: &str, secret_access_key: &str) -> Credentials {
    Credentials::new(access_key_id, secret_access_key, None, None, "millpond serve")
}

fn named_by_environment() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("AWS_ENDPOINT_URL_SQS").or_else(|| set("AWS_ENDPOINT_URL"))
}
