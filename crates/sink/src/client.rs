//! The AWS SDK's client for SQS, built the way every SDK finds its settings: `AWS_ENDPOINT_URL_SQS`,
//! `AWS_ENDPOINT_URL`, `AWS_REGION`, keys in the environment, profiles, container and instance roles.
//!
//! TLS comes from rustls with ring, so that no C library is needed to build. It refuses nothing: a missing region or
//! key shows at the first request, as with any SDK.

use aws_config::{BehaviorVersion, Region, stalled_stream_protection::StalledStreamProtectionConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// An access key given by the caller. Its `Debug` output hides the secret.
pub type Keys = Credentials;

/// What the caller knows about the queue service; whatever is `None` is found as AWS SDKs find it.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    /// The URL of the service; Amazon's for the region otherwise.
    pub url: Option<String>,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// The access key that requests are signed with.
    pub keys: Option<Keys>,
}

/// Builds the client, with the SDK's own retries. Nothing is sent yet.
pub async fn connect(endpoint: Endpoint) -> aws_sdk_sqs::Client {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(url) = endpoint.url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = endpoint.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(keys) = endpoint.keys {
        loader = loader.credentials_provider(keys);
    }
    aws_sdk_sqs::Client::new(&loader.load().await)
}
