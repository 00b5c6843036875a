//! `millpond env`: settings for a shell.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::say;
use crate::credentials;
use crate::endpoint;
use crate::failure::{DONE, Failure, Outcome};
use crate::keys;
use crate::note::{self, Note};
use crate::terminal::{quoted, remark};

/// Print the settings that point any AWS SDK, and the AWS CLI, at the service this user has started. The root key is among
/// them: it may do everything there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  eval \"$(millpond env)\"\n  millpond env --json\n  \
                         eval \"$(millpond env --endpoint http://127.0.0.1:4567)\"\n\n\
                         Version 1 of the AWS CLI passes over AWS_ENDPOINT_URL for SQS; there, call it as\n  \
                         aws --endpoint-url \"$AWS_ENDPOINT_URL\" sqs list-queues")]
pub(crate) struct Env {
    /// Which of this user's services; by default the one that was started last.
    #[arg(long, value_name = "URL", value_parser = endpoint::parse)]
    endpoint: Option<String>,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

impl Env {
    pub(crate) fn run(self) -> Outcome {
        let note = self.note()?;
        let (access_key_id, secret_access_key) = match note.enforced {
            true => root_key(&note)?,
            false => ("test".to_owned(), "test".to_owned()),
        };
        let settings = [
            ("AWS_ENDPOINT_URL", &note.endpoint),
            ("AWS_REGION", &note.region),
            ("AWS_DEFAULT_REGION", &note.region),
            ("AWS_ACCESS_KEY_ID", &access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &secret_access_key),
        ];
        let bundle = note.ca_bundle.as_ref().map(|path| path.display().to_string());
        let trusted = bundle.iter().flat_map(|bundle| BUNDLES.map(|name| (name, bundle)));
        let settings = settings.into_iter().chain(trusted);
        if self.json {
            let object: serde_json::Map<_, _> =
                settings.map(|(name, value)| (name.to_owned(), json!(value))).collect();
            say(&serde_json::Value::Object(object).to_string());
        } else {
            let lines: Vec<String> =
                settings.map(|(name, value)| format!("export {name}={}", quoted(value))).collect();
            // A session token of other credentials would be sent along with these keys, and SDKs prefer the variable for
            // SQS alone.
            let stale = if bundle.is_some() { Vec::new() } else { stale_bundles() };
            let stale: String = stale.iter().map(|name| format!(" {name}")).collect();
            say(&format!(
                "{}\nunset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL_SQS{stale}",
                lines.join("\n")
            ));
        }
        Ok(DONE)
    }

    /// The variables are what this command is to set, so they are not asked.
    fn note(&self) -> Result<Note, Failure> {
        let notes = note::living();
        let Some(wanted) = &self.endpoint else {
            let newest = notes.first().ok_or_else(|| {
                Failure::new(
                    "no service is running that this user has started. Start one with `millpond up` or `millpond serve`",
                )
            })?;
            if let Some(text) = endpoint::several(&notes) {
                remark(&text);
            }
            return Ok(newest.clone());
        };
        if let Some(note) = notes.iter().find(|note| note.endpoint == *wanted) {
            return Ok(note.clone());
        }
        // A service in a container, for example: no one of this user has started it.
        keys::root_key_of_environment()?.map(|_| elsewhere(wanted)).ok_or_else(|| {
            let known: Vec<String> = notes.iter().map(Note::describe).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::new(format!("no service of this user runs at {wanted}; running: {known}"))
        })
    }
}

/// The variables that name certificates to trust: of the SDKs of AWS, and of Node, whose SDK does not read the former. There
/// is no `SSL_CERT_FILE`: it would take the place of what the system trusts.
const BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// Those of them that name a certificate of a service of this user: left by an earlier `eval`, they would have everything
/// else mistrusted.
fn stale_bundles() -> Vec<&'static str> {
    let Some(own) = keys::directory().map(|directory| directory.join("tls")) else { return Vec::new() };
    let is_own = |name: &&str| std::env::var_os(name).is_some_and(|path| Path::new(&path).starts_with(&own));
    BUNDLES.into_iter().filter(is_own).collect()
}

/// A service that left no note, whose root key the environment gives.
fn elsewhere(endpoint: &str) -> Note {
    Note {
        endpoint: endpoint.to_owned(),
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        enforced: true,
        root_key: None,
        ca_bundle: None,
        pid: 0,
        data: PathBuf::new(),
    }
}

/// Id and secret of the root key of a service.
fn root_key(note: &Note) -> Result<(String, String), Failure> {
    let key = credentials::root_of(note)?.key;
    Ok((key.access_key_id, key.secret_access_key.expose().to_owned()))
}
