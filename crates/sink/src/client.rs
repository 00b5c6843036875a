//! The AWS SDK's client for SQS, built the way every SDK finds its settings: `AWS_ENDPOINT_URL_SQS`,
//! `AWS_ENDPOINT_URL`, `AWS_REGION`, keys in the environment, profiles, container and instance roles.
//!
//! TLS comes from rustls with ring, so that no C library is needed to build. It refuses nothing: a missing region or
//! key shows at the first request, as with any SDK.

use aws_config::{BehaviorVersion, Region, stalled_stream_protection::StalledStreamProtectionConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

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
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let http = match trusted() {
        Some(context) => http.tls_context(context).build_https(),
        None => http.build_https(),
    };
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

/// What `AWS_CA_BUNDLE` names, beside what the system trusts: the SDK itself passes over the variable.
fn trusted() -> Option<TlsContext> {
    let pem = std::fs::read(std::env::var_os("AWS_CA_BUNDLE")?).ok()?;
    // The client would panic at what holds no certificate.
    let holds_any = pem.windows(BEGIN.len()).any(|window| window == BEGIN);
    let store = holds_any.then(|| TrustStore::default().with_pem_certificate(pem))?;
    TlsContext::builder().with_trust_store(store).build().ok()
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
