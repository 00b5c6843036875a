//! Why a sink stops: typed by who must act.

use thiserror::Error;

/// A sink ends with an error only when waiting can't help. Outages of the database or the queue service are waited
/// out and never end it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SinkError {
    /// The configuration, the queue, the table or the rights are not as the sink needs them. The text says what was
    /// found, where, and what to do; it holds no secret.
    #[error("{0}")]
    Configuration(String),
    /// A task of the sink panicked: a defect of this program. Nothing is lost; what was held returns to the queue.
    #[error("the sink failed: {0}; what it held returns to the queue when its visibility timeout ends")]
    Defect(String),
}
