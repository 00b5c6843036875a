//! One kept-alive connection: bytes out, one reply in.
//!
//! One request is under way at a time. After an error the connection is of no use and must be dropped.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::response::{Parsed, Reply, ReplyError, parse};

/// Room for a whole reply in one read.
const READ_BYTES: usize = 4096;

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error("can't connect: {0}")]
    Connect(#[source] io::Error),
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("connection closed before the reply was complete")]
    ClosedEarly,
    #[error(transparent)]
    Unreadable(#[from] ReplyError),
}

impl Connection {
    pub(crate) async fn open(addresses: &[SocketAddr]) -> Result<Self, ExchangeError> {
        let stream = TcpStream::connect(addresses).await.map_err(ExchangeError::Connect)?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, received: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends `request` and waits for its whole reply.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply, ExchangeError> {
        self.received.clear();
        self.stream.write_all(request).await?;
        loop {
            self.received.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(ExchangeError::ClosedEarly);
            }
            if let Parsed::Complete(reply) = parse(&self.received)? {
                return Ok(reply);
            }
        }
    }

    /// The body of the last reply.
    pub(crate) fn body(&self, reply: &Reply) -> &[u8] {
        &self.received[reply.body.clone()]
    }
}
