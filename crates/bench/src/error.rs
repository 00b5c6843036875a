//! Why a run gave no result, by what the caller must do next.

use std::io;

use crate::ceiling::CeilingError;

/// A run that could not be made. Failed requests inside a run are no error: they are counted and shown.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The messages of one request are larger than SQS takes.
    #[error(
        "a request would carry {request_bytes} bytes of message bodies and SQS takes {max_bytes}: lower the size or the batch"
    )]
    RequestTooLarge {
        /// Bytes of all bodies in one request.
        request_bytes: usize,
        /// The most that a request may carry.
        max_bytes: usize,
    },
    /// The measured window is empty.
    #[error("the measured time is zero: give at least one second")]
    NoDuration,
    /// An open loop without operations.
    #[error(
        "the rate is not above zero: give the operations per second, such as 5000, or a share such as 50%"
    )]
    NoRate,
    /// The closed loop before an open one gave no rate to take a share of.
    #[error("the maximum that the rate is a share of could not be measured: {why}")]
    NoMaximum {
        /// Why that run is void.
        why: String,
    },
    /// More intervals than figures are kept for.
    #[error("the run has more than {max} intervals: give a longer interval")]
    TooManyIntervals {
        /// The most that a run may have.
        max: u128,
    },
    /// Generator and server can't have cores of their own.
    #[error("generator and server can't be pinned apart ({what}): run without pinning, or on two cores")]
    Pinning {
        /// What stands in the way.
        what: String,
    },
    /// Fewer open files are allowed than the run needs.
    #[error(
        "{needed} open files are needed for this many connections and this process may have {limit}: use fewer connections, or raise `ulimit -n`"
    )]
    OpenFiles {
        /// Open files that the run needs.
        needed: u64,
        /// Open files that the process may have after raising the limit as far as allowed.
        limit: u64,
    },
    /// Nothing answers at the endpoint.
    #[error("{endpoint} can't be reached ({source}): start the server there, or give its endpoint")]
    Unreachable {
        /// The endpoint as given.
        endpoint: String,
        /// What the connection attempt said.
        source: io::Error,
    },
    /// The endpoint answered a queue call with a refusal, or with something that is no SQS reply.
    #[error("{action} was refused by {endpoint}: {text}")]
    Refused {
        /// The SQS action.
        action: &'static str,
        /// The endpoint as given.
        endpoint: String,
        /// Status and text of the reply.
        text: String,
    },
    /// The process whose CPU was to be reported can't be read.
    #[error(
        "the CPU of process {pid} can't be read ({source}): give the pid of a running server on this machine"
    )]
    ServerProcess {
        /// The process id as given.
        pid: u32,
        /// What reading `/proc` said.
        source: io::Error,
    },
    /// The ceiling could not be started or died.
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
    /// The user stopped the run.
    #[error("stopped before the end: nothing is reported")]
    Interrupted,
    /// The operating system refused something that the generator itself needs.
    #[error("the load generator can't run here: {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
