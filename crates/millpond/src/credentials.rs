//! With which keys a client command calls, and who named them.
//!
//! First comes what the caller names: the variables or the profile of AWS SDKs. A service that this user has started takes
//! the root key else, from where the service has it; one that lets everyone in takes any key. It refuses to look for keys
//! on other machines for a service that is not Amazon's.

use std::fmt;

use aws_config::Region;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use millpond_server::access::RootKey;

use crate::endpoint::{self, Endpoint};
use crate::failure::Failure;
use crate::keys::{self, Whence};
use crate::note::Note;
use crate::service::http_client;

/// What unsets the keys that the caller named.
const UNSET: &str = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN";

/// Keys, and who named them.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) provider: SharedCredentialsProvider,
    pub(crate) whose: Whose,
}

/// Whose keys a command calls with, for what is told when they do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    source: KeySource,
    /// As far as it is known without asking anyone.
    access_key_id: Option<String>,
    /// What the command calls with when the caller names no keys is the root key.
    root_follows: bool,
}

/// Who named the keys of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeySource {
    /// `AWS_ACCESS_KEY_ID` and its neighbours.
    Variables,
    /// `AWS_PROFILE`.
    Profile,
    /// The root key of this user.
    Root(Whence),
    /// Nobody: any key will do, as far as is known.
    Nobody,
    /// The places where Amazon's SDKs look.
    Sdk,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables => f.write_str("AWS_ACCESS_KEY_ID"),
            Self::Profile => f.write_str("the profile that AWS_PROFILE names"),
            Self::Root(whence) => write!(f, "{whence}"),
            Self::Nobody => f.write_str("nobody, since none was given"),
            Self::Sdk => f.write_str("where Amazon's SDKs look for keys"),
        }
    }
}

/// What a refusal says about the key that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The key is not known there.
    Unknown,
    /// It is known, and its secret is another.
    OtherSecret,
    /// It was temporary, and its time is over.
    Expired,
    /// It is known, and may not do this.
    NotAllowed,
}

impl Verdict {
    fn of(code: &str) -> Option<Self> {
        // JSON services write the namespace before the name.
        let name = code.rsplit('#').next().unwrap_or(code);
        match name {
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidAccessKeyId" => Some(Self::Unknown),
            "SignatureDoesNotMatch" | "InvalidSignatureException" => Some(Self::OtherSecret),
            "ExpiredToken" | "ExpiredTokenException" => Some(Self::Expired),
            "AccessDenied" | "AccessDeniedException" => Some(Self::NotAllowed),
            _ => None,
        }
    }
}

impl Whose {
    /// Those of Amazon's SDKs.
    pub(crate) fn of_sdk() -> Self {
        Self { source: KeySource::Sdk, access_key_id: None, root_follows: false }
    }

    /// Whose key was used, where it came from, and what to do. `None` when the error's `code` does not speak of the key.
    pub(crate) fn advice(&self, code: &str) -> Option<String> {
        let verdict = Verdict::of(code)?;
        let key = self.access_key_id.as_ref().map_or("a key".to_owned(), |id| format!("the key {id}"));
        let whose = format!("It was called with {key} from {}", self.source);
        match self.next(verdict) {
            Some(next) => Some(format!("{whose}.\n  {next}")),
            None => Some(whose),
        }
    }

    fn next(&self, verdict: Verdict) -> Option<String> {
        let root = if self.root_follows { ", to call with the root key" } else { "" };
        match (&self.source, verdict) {
            (KeySource::Variables, Verdict::NotAllowed) => {
                Some(format!("`millpond why` tells what decides; `{UNSET}`{root}"))
            }
            (KeySource::Variables, _) => Some(format!("If it is left from elsewhere: `{UNSET}`{root}")),
            (KeySource::Profile, _) => Some(format!("If it is not meant for this service: `unset AWS_PROFILE`{root}")),
            (KeySource::Root(_), Verdict::Unknown | Verdict::OtherSecret) => Some(format!(
                "The service was started with another root key: start it again, or set {} and {} to its own",
                keys::ROOT_ID,
                keys::ROOT_SECRET
            )),
            (KeySource::Nobody, _) => Some(
                "Give a key that the service knows: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE".to_owned(),
            ),
            (KeySource::Root(_) | KeySource::Sdk, _) => None,
        }
    }
}

/// The keys for a service that is not Amazon's.
pub(crate) async fn find(endpoint: &Endpoint, region: &Region) -> Result<Named, Failure> {
    let root_follows = endpoint.note.as_ref().is_some_and(|note| note.enforced);
    if let Some(id) = set("AWS_ACCESS_KEY_ID") {
        let named = Named::new(EnvironmentVariableCredentialsProvider::new(), KeySource::Variables, Some(id));
        return Ok(named.before_root(root_follows));
    }
    if set("AWS_PROFILE").is_some() {
        return Ok(Named::new(of_profile(region), KeySource::Profile, None).before_root(root_follows));
    }
    if let Some(note) = &endpoint.note {
        return of_note(note);
    }
    if endpoint::is_loopback(&endpoint.url) {
        // A service in a container, for example: no one of this user has started it.
        return Ok(keys::root_key_of_environment()?.map_or_else(Named::anyone, |found| Named::root(&found)));
    }
    let keys = of_profile(region);
    if keys.provide_credentials().await.is_err() {
        return Err(Failure::usage(format!(
            "{} needs an access key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            endpoint.url
        )));
    }
    Ok(Named::new(keys, KeySource::Profile, None))
}

fn set(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
}

/// The keys of the user who has started a service, whoever the environment names.
pub(crate) fn of_note(note: &Note) -> Result<Named, Failure> {
    if !note.enforced {
        return Ok(Named::anyone());
    }
    Ok(Named::root(&root_of(note)?))
}

/// The root key of a service that this user has started.
pub(crate) fn root_of(note: &Note) -> Result<keys::Found<RootKey>, Failure> {
    keys::root_key(note.root_key.clone())?.ok_or_else(|| {
        let place = note.root_key.as_ref().map_or_else(
            || format!("the service at {} was started with one in {}", note.endpoint, keys::ROOT_ID),
            |file| format!("{} is gone", file.display()),
        );
        Failure::new(format!(
            "there is no root key to call with: {place}.\n  Set {} and {}, or the key of a user in AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
            keys::ROOT_ID,
            keys::ROOT_SECRET
        ))
    })
}

impl Named {
    fn new(
        provider: impl ProvideCredentials + 'static,
        source: KeySource,
        access_key_id: Option<String>,
    ) -> Self {
        let whose = Whose { source, access_key_id, root_follows: false };
        Self { provider: SharedCredentialsProvider::new(provider), whose }
    }

    fn before_root(mut self, root_follows: bool) -> Self {
        self.whose.root_follows = root_follows;
        self
    }

    fn root(found: &keys::Found<RootKey>) -> Self {
        let (id, secret) = (&found.key.access_key_id, found.key.secret_access_key.expose());
        let source = KeySource::Root(found.whence.clone());
        Self::new(Credentials::new(id, secret, None, None, "millpond"), source, Some(id.clone()))
    }

    fn anyone() -> Self {
        let credentials = Credentials::new("test", "test", None, None, "millpond");
        Self::new(credentials, KeySource::Nobody, Some("test".to_owned()))
    }
}

fn of_profile(region: &Region) -> ProfileFileCredentialsProvider {
    let config = aws_config::provider_config::ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_http_client(http_client());
    ProfileFileCredentialsProvider::builder().configure(&config).build()
}

#[cfg(test)]
mod tests;
