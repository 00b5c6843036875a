//! One server of MySQL or MariaDB, as a URL names it, and connections to it.
//!
//! Every connection is encrypted as the URL asks, or it is refused with what to change. The password is in no error.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder};

use super::{TargetError, mysql_codes::METHODS, mysql_failure, tls::Tls};

/// What a server answers to a connection that must be encrypted and is not: MySQL says so, MariaDB gives the same answer
/// as to a wrong password, as both do for an account with REQUIRE SSL.
const ENCRYPTED_ONLY: [u16; 2] = [3159, 1045];

/// A server, the account and the database on it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MysqlServer {
    /// Everything but TLS.
    pub(crate) opts: Opts,
    pub(crate) tls: Tls,
}

impl MysqlServer {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Conn, TargetError> {
        let tls = self.tls.options().await.map_err(TargetError::configuration)?;
        let opts = OptsBuilder::from_opts(self.opts.clone()).ssl_opts(tls);
        match without_panic(Conn::new(opts)).await {
            Ok(connected) => connected.map_err(|error| self.refusal(error)),
            Err(text) => {
                Err(TargetError::configuration(format!("the driver can't log in: {text}; {METHODS}")))
            }
        }
    }

    /// Adds what to do to failures that only a connection that begins can have.
    fn refusal(&self, error: Error) -> TargetError {
        match &error {
            // The handshake's errors come as those of the stream; a stream that breaks is of another kind.
            Error::Io(IoError::Io(io))
                if self.tls != Tls::Off && io.kind() == std::io::ErrorKind::InvalidData =>
            {
                let expectation = self.tls.expectation();
                TargetError::configuration(format!("the TLS handshake failed: {io}; {expectation}"))
            }
            Error::Driver(DriverError::NoClientSslFlagFromServer) => TargetError::configuration(
                "the server offers no TLS, and the URL asks for it; set up TLS on the server, or write \
                 ssl-mode=DISABLED to send everything unencrypted, the password's proof included"
                    .to_owned(),
            ),
            Error::Server(server) if self.tls == Tls::Off && ENCRYPTED_ONLY.contains(&server.code) => {
                let TargetError { class, text } = mysql_failure(error);
                let advice = "if it takes encrypted connections only, add ?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE to the \
                              URL";
                TargetError { class, text: format!("{text}; {advice}") }
            }
            _ => mysql_failure(error),
        }
    }
}

/// The driver panics where a server asks for a method that it was built without, or breaks the protocol. What it was
/// doing is dropped then; nothing else shares it.
async fn without_panic<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("it gave no reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_text() {
        assert_eq!(without_panic(async { 1 }).await, Ok(1));
        let ended: Result<(), _> = without_panic(async { panic!("no {}", "way") }).await;
        assert_eq!(ended, Err("no way".to_owned()));
    }
}
