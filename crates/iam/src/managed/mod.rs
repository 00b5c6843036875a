//! The policies that AWS manages and that users of queues attach: documents of this crate, read once.
//!
//! What always holds: they are the same for every account and no call changes them.
//!
//! They grant what AWS's do, with two exceptions. `ReadOnlyAccess` holds the services that stand near queues, as AWS's own is
//! a list of all its services, and reading of Millpond's own API. `PowerUserAccess` leaves `millpond:CreateAccount` out, as it leaves out
//! `organizations:CreateAccount` on AWS, and `millpond:UseHost`, which is about the machine and not about services.
//!
//! Source: <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::Value;

use crate::policy::{DocumentKind, Policy};

/// A policy that AWS manages.
#[derive(Clone, Debug)]
pub struct Managed {
    /// `arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole`.
    pub arn: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Begins and ends with a slash.
    pub path: Box<str>,
    /// The version that is in force, such as `v3`; there is no other.
    pub version_id: Box<str>,
    /// When that version was made, in ISO 8601.
    pub created: Box<str>,
    /// What it is for.
    pub description: Box<str>,
    /// Its document, as `GetPolicyVersion` shows it.
    pub document: Box<str>,
    /// What it says.
    pub policy: Arc<Policy>,
}

const DOCUMENTS: [&str; 12] = [
    include_str!("documents/AWSLambdaSQSQueueExecutionRole.json"),
    include_str!("documents/AdministratorAccess.json"),
    include_str!("documents/AmazonEC2FullAccess.json"),
    include_str!("documents/AmazonRDSFullAccess.json"),
    include_str!("documents/AmazonSQSFullAccess.json"),
    include_str!("documents/AmazonSQSReadOnlyAccess.json"),
    include_str!("documents/AmazonSSMManagedInstanceCore.json"),
    include_str!("documents/IAMFullAccess.json"),
    include_str!("documents/IAMReadOnlyAccess.json"),
    include_str!("documents/IAMUserChangePassword.json"),
    include_str!("documents/PowerUserAccess.json"),
    include_str!("documents/ReadOnlyAccess.json"),
];

static ALL: LazyLock<Vec<Managed>> = LazyLock::new(|| DOCUMENTS.iter().map(|text| read(text)).collect());

/// All of them, by name.
#[must_use]
pub fn all() -> &'static [Managed] {
    &ALL
}

/// The policy of that ARN.
#[must_use]
pub fn find(arn: &str) -> Option<&'static Managed> {
    all().iter().find(|managed| *managed.arn == *arn)
}

#[derive(Deserialize)]
struct File {
    name: Box<str>,
    path: Box<str>,
    version_id: Box<str>,
    created: Box<str>,
    description: Box<str>,
    document: Value,
}

/// Reads one of the documents of this crate, which a test has read before.
fn read(text: &str) -> Managed {
    let File { name, path, version_id, created, description, document } =
        serde_json::from_str(text).expect("the documents of the crate are read by its tests");
    let document = document.to_string();
    let policy = Policy::parse(&document, DocumentKind::Identity);
    let policy = policy.expect("the documents of the crate are read by its tests");
    let arn = format!("arn:aws:iam::aws:policy{path}{name}").into();
    Managed {
        arn,
        name,
        path,
        version_id,
        created,
        description,
        document: document.into(),
        policy: Arc::new(policy),
    }
}
