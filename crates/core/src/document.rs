//! Documents: small values that services other than the queues keep in the same log (stacks, workloads,
//! identities).
//!
//! A document is replaced as a whole and carries a revision, so that two writers notice each other. What its bytes
//! mean is its owner's affair.

use bytes::Bytes;

/// The name of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// What kind of document it is, such as `stack`.
    pub collection: String,
    /// Which one of its kind.
    pub name: String,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Document {
    /// Grows with every write of any document, so no revision ever names two contents.
    pub revision: u64,
    /// The content, opaque to the core.
    pub value: Bytes,
}

/// One of several writes that happen together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentWrite {
    /// The document.
    pub key: DocumentKey,
    /// What must be there before any of the writes.
    pub expected: ExpectedRevision,
    /// The new content; `None` removes the document.
    pub value: Option<Bytes>,
}

/// What a writer expects to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// Whatever is there, or nothing.
    Any,
    /// Nothing must be there.
    Absent,
    /// Exactly this revision must be there.
    Exactly(u64),
}
