//! Policy documents: JSON in, statements out, checked and compiled once.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

/// What a document is for; it decides which elements it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Attached to a user, role or group, a boundary, or a session: no `Principal`.
    Identity,
    /// Attached to a resource, such as a queue: with `Principal`.
    Resource,
    /// Says who may assume a role: with `Principal`, without `Resource`.
    RoleTrust,
}

/// A policy, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Policy {
    _private: (),
}

/// Why a text is no policy. `Display` says where and what, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    /// What is wrong.
    pub message: String,
}

impl Policy {
    /// Reads and compiles a document. Strict: an element, operator or principal that AWS refuses is refused.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &str, kind: DocumentKind) -> Result<Self, PolicyError> {
        let _ = (text, kind);
        unimplemented!()
    }
}
