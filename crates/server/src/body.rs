//! Request bodies within bounds, and reply bodies that know whether they were taken.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use millpond_engine::handle::LeaseGuard;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is larger than any request needs.
    #[error("the request body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// It did not come in time.
    #[error("the request body did not arrive within {secs} seconds")]
    TooSlow {
        /// The limit.
        secs: u64,
    },
    /// The connection broke.
    #[error("the connection ended inside the request body")]
    Broken,
    /// Too many bytes are on their way in already.
    #[error("too many requests are on their way in; try again")]
    Crowded,
}

/// Bodies are let in by the KiB.
const PERMIT_BYTES: usize = 1024;

/// Reads request bodies within bounds on each and on all together.
#[derive(Debug)]
pub(crate) struct BodyIntake {
    permits: Semaphore,
    limit_bytes: usize,
    timeout: Duration,
}

impl BodyIntake {
    pub(crate) fn new(total_bytes: usize, limit_bytes: usize, timeout: Duration) -> Self {
        Self { permits: Semaphore::new(total_bytes / PERMIT_BYTES), limit_bytes, timeout }
    }

    /// Reads a whole body. The permit is held as long as the body is. What counts is what has arrived: a body that is
    /// announced and does not come takes no room from others.
    pub(crate) async fn read(&self, body: Incoming) -> Result<(Bytes, SemaphorePermit<'_>), BodyError> {
        let announced = body.size_hint().upper().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if announced.is_some_and(|bytes| bytes > self.limit_bytes) {
            return Err(self.too_large());
        }
        tokio::time::timeout(self.timeout, self.collect(body))
            .await
            .map_err(|_| BodyError::TooSlow { secs: self.timeout.as_secs() })?
    }

    async fn collect(&self, mut body: Incoming) -> Result<(Bytes, SemaphorePermit<'_>), BodyError> {
        let mut permit = self.room_for(0)?;
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            let arrived = first.len() + rest.len() + data.len();
            if arrived > self.limit_bytes {
                return Err(self.too_large());
            }
            permit.merge(self.room_for(arrived.div_ceil(PERMIT_BYTES) - permit.num_permits())?);
            // Nearly every body comes in one piece, which is then not copied.
            if first.is_empty() && rest.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&std::mem::take(&mut first));
                rest.extend_from_slice(&data);
            }
        }
        Ok((if rest.is_empty() { first } else { rest.freeze() }, permit))
    }

    fn room_for(&self, permits: usize) -> Result<SemaphorePermit<'_>, BodyError> {
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        self.permits.try_acquire_many(permits).map_err(|_| BodyError::Crowded)
    }

    const fn too_large(&self) -> BodyError {
        BodyError::TooLarge { limit_bytes: self.limit_bytes }
    }
}

/// The rest of a body, made piece by piece as the connection takes it.
struct Pieces(Box<dyn Iterator<Item = Bytes> + Send>);

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

/// A reply body. Deliveries in it count as made when the connection takes the bytes, and are given back when it never
/// does.
#[derive(Debug, Default)]
pub(crate) struct ReplyBody {
    bytes: Option<Bytes>,
    lease: Option<LeaseGuard>,
    pieces: Option<Pieces>,
}

impl ReplyBody {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty());
        Self { bytes, ..Self::default() }
    }

    /// A body whose length is not known beforehand.
    pub(crate) fn in_pieces(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self { pieces: Some(Pieces(Box::new(pieces))), ..Self::default() }
    }

    pub(crate) fn with_lease(self, lease: LeaseGuard) -> Self {
        Self { lease: Some(lease), ..self }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(lease) = self.lease.take() {
            lease.delivered();
        }
        let piece = match (self.bytes.take(), &mut self.pieces) {
            (None, Some(Pieces(pieces))) => pieces.next(),
            (bytes, _) => bytes,
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.pieces.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.pieces.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
