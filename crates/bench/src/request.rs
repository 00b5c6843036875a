//! The bytes of requests in AWS JSON 1.0, signed and ready for the socket.
//!
//! A request is dated with the second in which it is signed. The day's key is derived once.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::config::{Credentials, LoadConfig};
use crate::signature::SigningKey;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Signs requests to one endpoint.
pub(crate) struct Requests {
    credentials: Credentials,
    region: String,
    authority: String,
    dated: Mutex<Option<Dated>>,
}

/// What all requests of one second share.
struct Dated {
    second: i64,
    /// `YYYYMMDDTHHMMSSZ`, as in the `X-Amz-Date` header.
    amz_date: String,
    key: SigningKey,
}

impl Requests {
    /// Requests to the endpoint of `config`, signed with its keys.
    pub(crate) fn new(config: &LoadConfig) -> Self {
        Requests {
            credentials: config.credentials.clone(),
            region: config.region.clone(),
            authority: config.endpoint.authority(),
            dated: Mutex::new(None),
        }
    }

    /// A call of `action` with the JSON object `body`, signed now.
    pub(crate) fn signed(&self, action: &str, body: &[u8]) -> Vec<u8> {
        self.signed_at(Timestamp::now(), action, body)
    }

    fn signed_at(&self, now: Timestamp, action: &str, body: &[u8]) -> Vec<u8> {
        let mut dated = self.dated.lock().unwrap_or_else(PoisonError::into_inner);
        let dated = self.brought_to(now, &mut dated);
        let target = format!("AmazonSQS.{action}");
        let headers = [
            ("content-type", CONTENT_TYPE),
            ("host", &self.authority),
            ("x-amz-date", &dated.amz_date),
            ("x-amz-target", &target),
        ];
        let authorization = dated.key.authorization(&dated.amz_date, &headers, body);
        let mut bytes = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {}\r\n\
             X-Amz-Target: {target}\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
            self.authority,
            dated.amz_date,
            body.len()
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    fn brought_to<'d>(&self, now: Timestamp, dated: &'d mut Option<Dated>) -> &'d Dated {
        let second = now.as_second();
        let stale = dated.take_if(|dated| dated.second != second);
        dated.get_or_insert_with(|| {
            let amz_date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
            let same_day = stale.filter(|stale| stale.amz_date[..8] == amz_date[..8]);
            let key = same_day.map_or_else(
                || SigningKey::derive(&self.credentials, &self.region, "sqs", &amz_date[..8]),
                |stale| stale.key,
            );
            Dated { second, amz_date, key }
        })
    }
}

#[cfg(test)]
mod tests;
