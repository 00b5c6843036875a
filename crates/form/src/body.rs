//! The body of a request, bounded in bytes and time.
//!
//! Of a body that is too large the rest is read and dropped, up to a bound: a client that is still writing when its
//! connection closes would not see the reply.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;

/// How much of a body that is too large is read and dropped, in bytes.
const DROPPED_BYTES_MAX: u64 = 8 << 20;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than the bound.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke, or the framing is wrong.
    Broken,
}

/// Reads the whole body of at most `bytes_max` bytes within `timeout`.
pub(crate) async fn read<B>(body: B, bytes_max: usize, timeout: Duration) -> Result<Vec<u8>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > DROPPED_BYTES_MAX {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(timeout, collect(body, bytes_max)).await.unwrap_or(Err(BodyError::TooSlow))
}

async fn collect<B>(mut body: B, bytes_max: usize) -> Result<Vec<u8>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut kept = Vec::new();
    let mut total: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        total += data.len() as u64;
        if total <= bytes_max as u64 {
            kept.extend_from_slice(&data);
        } else if total > DROPPED_BYTES_MAX {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if total > bytes_max as u64 { Err(BodyError::TooLarge) } else { Ok(kept) }
}
