//! What the ceiling answers, and how much it logs for a call.
//!
//! Replies are constant and have the size of real ones. A send logs its whole request; a receive and a delete log the
//! least that a queue must remember to keep its promise over a crash: for the call its queue and a time, and for each
//! message its number.

use bytes::Bytes;
use hyper::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::calls::message_body;
use crate::config::Batch;

/// Logged for a receive or delete itself: two numbers of eight bytes.
const CALL_BYTES: usize = 16;
/// Logged for each message that it names: one number of eight bytes.
const MESSAGE_BYTES: usize = 8;

const ID: &str = "00000000-0000-4000-8000-000000000000";
const MD5: &str = "00000000000000000000000000000000";
/// As long as the product's.
const HANDLE: &str = "00000000000000000000000000000000000000000000000000";
const SEQUENCE_NUMBER: &str = "00000000000000000000";

/// The load that the ceiling answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CeilingLoad {
    /// Messages in a request.
    pub batch: Batch,
    /// Bytes of each message's body.
    pub size_bytes: usize,
    /// Sends are answered as by a FIFO queue.
    pub fifo: bool,
}

/// The constant replies. Cheap to clone.
#[derive(Clone)]
pub(super) struct Replies {
    send: Bytes,
    receive: Bytes,
    delete: Bytes,
    /// What a receive or a delete logs.
    logged: Bytes,
}

/// What becomes of one call.
pub(super) struct Plan {
    pub(super) reply: Bytes,
    /// What is logged; the request's body when there is none.
    pub(super) logged: Option<Bytes>,
}

impl Replies {
    pub(super) fn new(load: CeilingLoad) -> Self {
        let messages = load.batch.messages();
        let joined = |entry: &dyn Fn(usize) -> String| (0..messages).map(entry).collect::<Vec<_>>().join(",");
        let number =
            if load.fifo { format!(r#","SequenceNumber":"{SEQUENCE_NUMBER}""#) } else { String::new() };
        let text = message_body(load.size_bytes);
        let received = joined(&|_| {
            format!(
                r#"{{"MessageId":"{ID}","ReceiptHandle":"{HANDLE}","MD5OfBody":"{MD5}","Body":"{text}"}}"#
            )
        });
        let sent =
            |index| format!(r#"{{"Id":"{index}","MessageId":"{ID}","MD5OfMessageBody":"{MD5}"{number}}}"#);
        let (send, delete) = match load.batch {
            Batch::ONE => {
                (format!(r#"{{"MD5OfMessageBody":"{MD5}","MessageId":"{ID}"{number}}}"#), String::new())
            }
            _ => (
                format!(r#"{{"Successful":[{}]}}"#, joined(&sent)),
                format!(r#"{{"Successful":[{}]}}"#, joined(&|index| format!(r#"{{"Id":"{index}"}}"#))),
            ),
        };
        Replies {
            send: send.into(),
            receive: format!(r#"{{"Messages":[{received}]}}"#).into(),
            delete: delete.into(),
            logged: vec![b'l'; CALL_BYTES + MESSAGE_BYTES * messages].into(),
        }
    }

    /// What becomes of the call that these headers name; one that is not known is a send.
    pub(super) fn plan(&self, headers: &HeaderMap) -> Plan {
        let target = headers.get("x-amz-target").map_or(&b""[..], |value| value.as_bytes());
        let action = target.strip_prefix(b"AmazonSQS.").unwrap_or_default();
        if action == b"ReceiveMessage" {
            Plan { reply: self.receive.clone(), logged: Some(self.logged.clone()) }
        } else if action.starts_with(b"DeleteMessage") {
            Plan { reply: self.delete.clone(), logged: Some(self.logged.clone()) }
        } else {
            Plan { reply: self.send.clone(), logged: None }
        }
    }
}
