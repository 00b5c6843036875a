//! The web form: fields in, messages out.
//!
//! A page made from a list of fields; a post of it, or of the same fields as JSON, becomes one message in a queue.
//!
//! What always holds:
//! - A visitor is told "received" only after the queue has accepted the message.
//! - The same submission never has two sends under way, and a repeated one is answered with the same message id while
//!   the form remembers it. Every message carries its submission's id, so that whoever lands it can keep that
//!   promise beyond the form's memory: after a restart, or when the reply to a send was lost.
//! - What a visitor wrote comes back on every page that says it was not taken.
//! - Pages hold no credentials, no inline script and nothing of another site; all text in them is escaped.
//! - Requests are bounded in bytes, time and number.
//!
//! It refuses posts of other sites' pages, and reaches nothing but a queue through the SQS API.

mod admission;
mod answer;
mod body;
mod config;
mod contacted;
mod decode;
mod delivery;
mod field;
mod listen;
mod message;
mod outbox;
mod page;
mod recent;
mod reply;
mod sqs;
mod submission;
mod validate;

pub use config::{ConfigError, FormConfig, Format, Limits};
pub use field::{Field, FieldKind};
pub use listen::{BindError, Bound, bind, serve, serve_into};
pub use outbox::{Outbox, SendError};
pub use sqs::{SUBMISSION_ID_ATTRIBUTE, SqsOutbox};
pub use submission::{MessageId, Submission, SubmissionId, SubmissionKey};
