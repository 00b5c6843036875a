//! Why something is not done, in the words of AWS.
//!
//! Source: recordings of the real service where there are any, else
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.

/// What the caller has to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// What it names is not there.
    NoSuchEntity,
    /// The name is taken.
    EntityAlreadyExists,
    /// Something has to be deleted, detached or removed first.
    DeleteConflict,
    /// A quota is used up.
    LimitExceeded,
    /// A policy document is none.
    MalformedPolicyDocument,
    /// A value does not fit the others.
    InvalidInput,
    /// A value is malformed.
    Validation,
    /// No one may do it.
    AccessDenied,
}

/// Why something is not done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What the caller has to change.
    pub kind: RefusalKind,
    /// What happened, for people.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// There is no user, role, group or instance profile of that name.
    pub(crate) fn no_such(what: &str, name: &str) -> Self {
        Self::new(RefusalKind::NoSuchEntity, format!("The {what} with name {name} cannot be found."))
    }

    pub(crate) fn no_such_key(id: &str) -> Self {
        Self::new(RefusalKind::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
    }

    pub(crate) fn no_such_policy(arn: &str) -> Self {
        Self::new(RefusalKind::NoSuchEntity, format!("Policy {arn} was not found."))
    }

    pub(crate) fn not_attachable(arn: &str) -> Self {
        let message = format!("Policy {arn} does not exist or is not attachable.");
        Self::new(RefusalKind::NoSuchEntity, message)
    }

    pub(crate) fn no_such_version(arn: &str, version: &str) -> Self {
        let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
        Self::new(RefusalKind::NoSuchEntity, message)
    }

    pub(crate) fn exists(what: &str, name: &str) -> Self {
        Self::new(RefusalKind::EntityAlreadyExists, format!("{what} with name {name} already exists."))
    }

    pub(crate) fn quota(of: &str, limit: usize) -> Self {
        Self::new(RefusalKind::LimitExceeded, format!("Cannot exceed quota for {of}: {limit}"))
    }

    pub(crate) fn conflict(message: &str) -> Self {
        Self::new(RefusalKind::DeleteConflict, message)
    }

    pub(crate) fn managed_by_aws(arn: &str) -> Self {
        let message = format!("The policy {arn} is managed by AWS: nobody can change it.");
        Self::new(RefusalKind::AccessDenied, message)
    }

    pub(crate) fn record_too_long(limit_bytes: usize) -> Self {
        let message = format!(
            "All documents of one entity together, white space included, must not exceed {limit_bytes} bytes; \
             send them without white space."
        );
        Self::new(RefusalKind::LimitExceeded, message)
    }

    pub(crate) fn too_many_versions(limit: usize) -> Self {
        let message = format!(
            "A managed policy can have up to {limit} versions. Before you create a new version, you must delete an \
             existing version."
        );
        Self::new(RefusalKind::LimitExceeded, message)
    }
}
