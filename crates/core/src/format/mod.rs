//! Every persisted byte above the log's frames and the store's pages.
//!
//! [`batch`] is what one log batch holds, [`row`] what one store row holds; [`fifo`] and its neighbours are what one feature
//! adds to both, and [`crate::payload`] the part of both that is a message's content. Tags are stable numbers: never reuse
//! one, never change what one means. Numbers are little-endian or unsigned LEB128 ("varint"); text is UTF-8.
//! `docs/format.md` lists the same for people.

mod attributes;
pub mod batch;
pub mod codec;
pub mod fifo;
mod moves;
mod name;
mod outage;
mod pacing;
pub mod row;
pub mod sends;

#[cfg(test)]
mod tests;

/// Bytes that this version can't have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end in the middle of a value.
    #[error("the bytes end inside {0}")]
    Truncated(&'static str),
    /// A value is outside what its field can hold.
    #[error("{0} holds an impossible value")]
    Impossible(&'static str),
    /// A tag that this version does not know: written by a later one, or damaged.
    #[error("unknown {what} tag {tag}: the data was written by a later version, or is damaged")]
    UnknownTag {
        /// What kind of tag.
        what: &'static str,
        /// The tag.
        tag: u8,
    },
    /// The checksum does not match.
    #[error("the checksum of {0} does not match")]
    Checksum(&'static str),
    /// Bytes follow after the end of the value.
    #[error("{0} is longer than its content")]
    TooLong(&'static str),
}
