//! A connection that is opened again when it is gone.

use std::net::SocketAddr;

use crate::connection::{Connection, ExchangeError};
use crate::response::Reply;

#[derive(Default)]
pub(super) struct Link {
    open: Option<Connection>,
    /// The server has said that it closes the connection.
    closes: bool,
}

impl Link {
    /// Opens the connection unless it is open.
    pub(super) async fn connect(&mut self, addresses: &[SocketAddr]) -> Result<(), ExchangeError> {
        if self.closes {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(Connection::open(addresses).await?);
            self.closes = false;
        }
        Ok(())
    }

    /// Sends a request and waits for its whole reply. After an error the next request has a new connection.
    pub(super) async fn exchange(
        &mut self,
        addresses: &[SocketAddr],
        request: &[u8],
    ) -> Result<Reply, ExchangeError> {
        self.connect(addresses).await?;
        let Some(mut connection) = self.open.take() else { return Err(ExchangeError::ClosedEarly) };
        let reply = connection.exchange(request).await?;
        self.closes = reply.closes;
        self.open = Some(connection);
        Ok(reply)
    }

    /// The body of the last reply.
    pub(super) fn body(&self, reply: &Reply) -> &[u8] {
        self.open.as_ref().map_or(&[], |connection| connection.body(reply))
    }
}
