//! Request bodies within bounds, and reply bodies that know whether they were taken.
//!
//! What always holds: a body takes room for what of it has arrived, until nobody uses it any more; one that holds room and
//! stops coming loses it.

mod room;

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use millpond_engine::handle::{LeaseGuard, ReplyRoom};
use tokio::sync::mpsc;
use tokio::time::timeout_at;

pub(crate) use room::Room;
use room::{LEAST_BYTES_PER_SEC, NotTaken, Rooms};

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
    /// It holds room and hardly comes.
    #[error("the request body came at less than {LEAST_BYTES_PER_SEC} bytes per second")]
    Stalled,
    /// The connection broke.
    #[error("the connection ended inside the request body")]
    Broken,
    /// Too many bytes are on their way in already.
    #[error("too many requests are on their way in; try again")]
    Crowded,
}

/// Reads request bodies within bounds on each, on those of one source and on all together.
#[derive(Debug)]
pub(crate) struct BodyIntake {
    rooms: Arc<Rooms>,
    limit_bytes: usize,
    timeout: Duration,
}

impl BodyIntake {
    pub(crate) fn new(total_bytes: usize, limit_bytes: usize, timeout: Duration) -> Self {
        Self { rooms: Arc::new(Rooms::new(total_bytes)), limit_bytes, timeout }
    }

    /// Reads a whole body. Its room is held as long as the body is. What counts is what has arrived: a body that is
    /// announced and does not come takes no room from others.
    pub(crate) async fn read<B>(&self, body: B, from: IpAddr) -> Result<(Bytes, Room), BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let announced = body.size_hint().upper().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if announced.is_some_and(|bytes| bytes > self.limit_bytes) {
            return Err(self.too_large());
        }
        tokio::time::timeout(self.timeout, self.collect(body, from))
            .await
            .map_err(|_| BodyError::TooSlow { secs: self.timeout.as_secs() })?
    }

    async fn collect<B>(&self, mut body: B, from: IpAddr) -> Result<(Bytes, Room), BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut room = Room::new(self.rooms.clone());
        let first = match body.frame().await {
            Some(frame) => self.take_in(frame, &mut room)?,
            None => return Ok((Bytes::new(), room)),
        };
        // Nearly every body comes in one piece, which is then not copied.
        if body.is_end_stream() {
            return Ok((first, room));
        }
        room.begin_waiting(from)?;
        let mut rest = BytesMut::new();
        loop {
            let lost = room.lost();
            let frame = tokio::select! {
                biased;
                () = lost => return Err(BodyError::Crowded),
                frame = timeout_at(room.next_look(), body.frame()) => frame,
            };
            match frame {
                Err(_elapsed) if room.has_stalled() => return Err(BodyError::Stalled),
                Err(_elapsed) => {}
                Ok(Some(frame)) => {
                    let data = self.take_in(frame, &mut room)?;
                    if rest.is_empty() {
                        rest.extend_from_slice(&first);
                    }
                    rest.extend_from_slice(&data);
                }
                Ok(None) => break,
            }
        }
        room.end_waiting()?;
        Ok((if rest.is_empty() { first } else { rest.freeze() }, room))
    }

    /// What of a body has arrived, once there is room for it.
    fn take_in<E>(&self, frame: Result<Frame<Bytes>, E>, room: &mut Room) -> Result<Bytes, BodyError> {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { return Ok(Bytes::new()) };
        if room.bytes() + data.len() > self.limit_bytes {
            return Err(self.too_large());
        }
        room.take(data.len())?;
        Ok(data)
    }

    const fn too_large(&self) -> BodyError {
        BodyError::TooLarge { limit_bytes: self.limit_bytes }
    }
}

impl From<NotTaken> for BodyError {
    fn from(_: NotTaken) -> Self {
        Self::Crowded
    }
}

/// The rest of a body, made piece by piece as the connection takes it.
struct Pieces(Box<dyn Iterator<Item = Bytes> + Send>);

/// The bytes of a reply, with what they hold of the memory that all replies share.
struct Kept {
    bytes: Vec<u8>,
    _room: ReplyRoom,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

/// The rest of a body, as another thread makes it; that thread waits while the connection takes nothing.
struct Stream(mpsc::Receiver<Bytes>);

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

/// A reply body. Deliveries in it count as made when the connection takes the bytes, and are given back when it never
/// does.
#[derive(Debug, Default)]
pub(crate) struct ReplyBody {
    bytes: Option<Bytes>,
    lease: Option<LeaseGuard>,
    pieces: Option<Pieces>,
    stream: Option<Stream>,
}

impl ReplyBody {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty());
        Self { bytes, ..Self::default() }
    }

    /// A body that keeps its room until the connection has taken all of it.
    pub(crate) fn holding(bytes: Vec<u8>, mut room: ReplyRoom) -> Self {
        room.resize(bytes.len());
        Self::new(Bytes::from_owner(Kept { bytes, _room: room }))
    }

    /// A body whose length is not known beforehand.
    pub(crate) fn in_pieces(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Self {
        Self { pieces: Some(Pieces(Box::new(pieces))), ..Self::default() }
    }

    /// A body that another thread makes.
    pub(crate) fn streamed(pieces: mpsc::Receiver<Bytes>) -> Self {
        Self { stream: Some(Stream(pieces)), ..Self::default() }
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
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(Stream(pieces)) = &mut self.stream {
            return pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))));
        }
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
        self.bytes.is_none() && self.pieces.is_none() && self.stream.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.pieces.is_some() || self.stream.is_some() {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests;
