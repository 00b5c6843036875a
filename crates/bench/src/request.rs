//! The bytes of requests in AWS JSON 1.0, signed and ready for the socket.
//!
//! A [`RequestForm`] is fixed for a run; [`RequestForm::signed_at`] turns it into bytes. The generator writes those
//! bytes again and again and never builds a request while it measures.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::{BatchSize, SendConfig};
use crate::signature::{Scope, authorization};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// One request, complete but for its date and signature.
pub(crate) struct RequestForm<'a> {
    config: &'a SendConfig,
    authority: String,
    target: String,
    body: Vec<u8>,
}

impl<'a> RequestForm<'a> {
    /// A call of `action` with the JSON object `input`, addressed to `authority` (`HOST:PORT`).
    pub(crate) fn new(config: &'a SendConfig, authority: String, action: &str, input: &Value) -> Self {
        let body = input.to_string().into_bytes();
        RequestForm { config, authority, target: format!("AmazonSQS.{action}"), body }
    }

    /// The send that the load repeats, as one message or ten.
    pub(crate) fn send(config: &'a SendConfig, authority: String, queue_url: &str) -> Self {
        let text = message_body(config.size_bytes.get());
        match config.batch {
            BatchSize::One => {
                let input = json!({"QueueUrl": queue_url, "MessageBody": text});
                RequestForm::new(config, authority, "SendMessage", &input)
            }
            BatchSize::Ten => {
                let entries: Vec<Value> = (0..config.batch.messages())
                    .map(|index| json!({"Id": index.to_string(), "MessageBody": text}))
                    .collect();
                let input = json!({"QueueUrl": queue_url, "Entries": entries});
                RequestForm::new(config, authority, "SendMessageBatch", &input)
            }
        }
    }

    /// Head and body as one run of bytes, dated and signed.
    pub(crate) fn signed_at(&self, now: Timestamp) -> Vec<u8> {
        let amz_date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let scope = Scope {
            credentials: &self.config.credentials,
            region: &self.config.region,
            service: "sqs",
            amz_date: &amz_date,
        };
        let headers = [
            ("content-type", CONTENT_TYPE),
            ("host", &self.authority),
            ("x-amz-date", &amz_date),
            ("x-amz-target", &self.target),
        ];
        let authorization = authorization(&scope, &headers, &self.body);
        let mut bytes = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {amz_date}\r\n\
             X-Amz-Target: {}\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
            self.authority,
            self.target,
            self.body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// `size` letters and digits in an order without a period, the same in every run; JSON needs no escape for them.
fn message_body(size: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // Multiplier and increment of Knuth's MMIX generator (TAOCP 2, 3.3.4).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(ALPHABET[(state >> 58) as usize])
    };
    (0..size).map(|_| next()).collect()
}

#[cfg(test)]
mod tests;
