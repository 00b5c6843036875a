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
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use millpond_embed::with_causes;
use millpond_server::access::RootKey;

use crate::endpoint::{self, Endpoint};
use crate::failure::Failure;
use crate::keys::{self, Whence};
use crate::note::Note;
use crate::service::http_client;

/// What unsets the keys that the caller named.
const UNSET: &str = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN";

/// What a caller without a key does.
const NAME_ONE: &str =
    "Give a key that the service knows: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";

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
    /// What the command calls with when the caller names no keys is the root key, and another one than this.
    root_follows: bool,
    /// It is the root key, whoever named it.
    is_root: bool,
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
            Self::Nobody => f.write_str("no one"),
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
        Self { source: KeySource::Sdk, access_key_id: None, root_follows: false, is_root: false }
    }

    /// Whose key was used, where it came from, and what to do. `None` when the error's `code` does not speak of the key.
    pub(crate) fn advice(&self, code: &str) -> Option<String> {
        let verdict = Verdict::of(code)?;
        if self.source == KeySource::Nobody {
            return Some(format!("It was called without a key, since none was given.\n  {NAME_ONE}"));
        }
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
            (KeySource::Variables | KeySource::Profile | KeySource::Root(_), _) if self.is_root => {
                match verdict {
                    Verdict::Unknown | Verdict::OtherSecret => Some(format!(
                        "The service was started with another root key: start it again, or set {} and {} to its own",
                        keys::ROOT_ID,
                        keys::ROOT_SECRET
                    )),
                    Verdict::Expired | Verdict::NotAllowed => None,
                }
            }
            // Who is denied something may seldom ask why.
            (KeySource::Variables, Verdict::NotAllowed) if self.root_follows => {
                Some(format!("`{UNSET}`{root}; with it `millpond why` tells what decides"))
            }
            (KeySource::Profile, Verdict::NotAllowed) if self.root_follows => {
                Some(format!("`unset AWS_PROFILE`{root}; with it `millpond why` tells what decides"))
            }
            (KeySource::Variables | KeySource::Profile, Verdict::NotAllowed) => Some(
                "Who may millpond:ExplainDecision there learns from `millpond why` what decides".to_owned(),
            ),
            (KeySource::Variables, _) => Some(format!("If it is left from elsewhere: `{UNSET}`{root}")),
            (KeySource::Profile, _) => {
                Some(format!("If it is not meant for this service: `unset AWS_PROFILE`{root}"))
            }
            (KeySource::Root(_) | KeySource::Sdk | KeySource::Nobody, _) => None,
        }
    }
}

/// The keys for a service that is not Amazon's.
pub(crate) async fn find(endpoint: &Endpoint, region: &Region) -> Result<Named, Failure> {
    let pair = key_pair(set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")).map_err(Failure::usage)?;
    if let Some((id, secret)) = pair {
        let named =
            Named::new(EnvironmentVariableCredentialsProvider::new(), KeySource::Variables, Some(id.clone()));
        return Ok(named.beside_root(endpoint, &id, &secret));
    }
    if let Some(profile) = set("AWS_PROFILE") {
        let keys = of_profile(region);
        let given = match keys.provide_credentials().await {
            Ok(given) => given,
            Err(error) => return Err(no_key_in(&profile, &error)),
        };
        let named = Named::new(keys, KeySource::Profile, Some(given.access_key_id().to_owned()));
        return Ok(named.beside_root(endpoint, given.access_key_id(), given.secret_access_key()));
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
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// What the variables give: both or neither. An empty one is a mistake, since a command without a key acts as root.
fn key_pair(id: Option<String>, secret: Option<String>) -> Result<Option<(String, String)>, String> {
    const BOTH_OR_NEITHER: &str = "set both, or `unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY`";
    for (name, value) in [("AWS_ACCESS_KEY_ID", &id), ("AWS_SECRET_ACCESS_KEY", &secret)] {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            return Err(format!("{name} is set and empty; {BOTH_OR_NEITHER}"));
        }
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Some((id, secret))),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(format!("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is missing; {BOTH_OR_NEITHER}"))
        }
        (None, Some(_)) => {
            Err(format!("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is missing; {BOTH_OR_NEITHER}"))
        }
    }
}

/// What is said when a profile gives no key.
fn no_key_in(profile: &str, error: &CredentialsError) -> Failure {
    let reason = with_causes(error);
    // Without a file of profiles the SDK says only that it has nothing to look in.
    let no_file = matches!(error, CredentialsError::CredentialsNotLoaded(_));
    if no_file || reason.contains("was not defined") {
        return Failure::usage(format!(
            "there is no profile `{profile}` with a key in ~/.aws/config or ~/.aws/credentials, and AWS_PROFILE names it; \
             choose another, or `unset AWS_PROFILE`"
        ));
    }
    Failure::usage(format!("the profile `{profile}`, which AWS_PROFILE names, gives no key: {reason}"))
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
        let is_root = matches!(source, KeySource::Root(_));
        let whose = Whose { source, access_key_id, root_follows: false, is_root };
        Self { provider: SharedCredentialsProvider::new(provider), whose }
    }

    /// Without these keys the root key would follow, if they are not the root key themselves.
    fn beside_root(mut self, endpoint: &Endpoint, id: &str, secret: &str) -> Self {
        let Some(note) = endpoint.note.as_ref().filter(|note| note.enforced) else { return self };
        // Whether it is there counts only for what is advised.
        let root = keys::root_key(note.root_key.clone()).ok().flatten().map(|found| found.key);
        self.whose.is_root = root
            .as_ref()
            .is_some_and(|root| root.access_key_id == id && root.secret_access_key.expose() == secret);
        self.whose.root_follows = root.is_some() && !self.whose.is_root;
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
