//! Accepts connections, from before the data is recovered until the service stops.
//!
//! What always holds: beyond loopback it is listened only when that is allowed; connections, header time, body time and body bytes are
//! bounded; until the service begins only its health is answered and everything else waits; on shutdown no new request is
//! taken and those under way are answered first.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use millpond_core::name::{AccountId, Region};
use millpond_engine::EngineHandle;
use millpond_sqs::ReceiptCodec;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::access::Access;
use crate::aws::Aws;
use crate::behaviour::Behaviour;
use crate::body::BodyIntake;
use crate::metrics::Requests;
use crate::platform::Platform;
use crate::respond::Reply;
use crate::service::{Front, Service};

/// What one server takes at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once; more wait in the listener's backlog.
    pub connections: usize,
    /// Bytes of one request body.
    pub body_bytes: usize,
    /// Bytes of all request bodies in memory.
    pub bodies_total_bytes: usize,
    /// Seconds for the head of a request, and for a kept connection to send the next one.
    pub header_secs: u64,
    /// Seconds for a request body.
    pub body_secs: u64,
    /// Seconds for requests under way when the server stops.
    pub drain_secs: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            // The largest batch, each of its characters written as a six-character escape.
            body_bytes: 8 << 20,
            bodies_total_bytes: 256 << 20,
            header_secs: 60,
            body_secs: 30,
            drain_secs: 10,
        }
    }
}

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whether it may listen beyond loopback.
    pub allow_remote: bool,
    /// The account of callers that name none.
    pub account: AccountId,
    /// The region of callers that name none.
    pub region: Region,
    /// What it takes at once.
    pub limits: Limits,
    /// In what it is to be unlike itself.
    pub behaviour: Behaviour,
}

/// Why a server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is not on loopback.
    #[error(
        "cannot listen on {0}: callers are not identified (--auth off), so only loopback addresses are allowed. \
         Use 127.0.0.1, or start with --auth on, or add --allow-remote if everyone who reaches it may do everything"
    )]
    NotLoopback(SocketAddr),
    /// Another program has the port.
    #[error(
        "cannot listen on {0}: the port is in use. Stop the program that has it, or choose another with --listen"
    )]
    InUse(SocketAddr),
    /// The system refused.
    #[error("cannot listen on {address}: {error}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// What the system answered.
        error: io::Error,
    },
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    config: ServerConfig,
}

/// A server that answers: at first only whether the process lives.
#[derive(Debug)]
pub struct Answering {
    front: Arc<Front>,
    config: ServerConfig,
    accepting: JoinHandle<()>,
}

/// Begins to listen.
///
/// # Errors
/// [`BindError`] says why it can't.
pub async fn bind(config: ServerConfig) -> Result<Listening, BindError> {
    let address = config.listen;
    if !address.ip().is_loopback() && !config.allow_remote {
        return Err(BindError::NotLoopback(address));
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        _ => BindError::Io { address, error },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(|error| BindError::Io { address, error })?;
    Ok(Listening { listener, address, config })
}

impl Listening {
    /// Where it listens, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `stop` turns true, then ends those under way and returns.
    pub async fn serve(
        self,
        engine: EngineHandle,
        receipt_key: [u8; 16],
        access: Arc<Access>,
        platform: Arc<dyn Platform>,
        stop: watch::Receiver<bool>,
    ) {
        let answering = self.answer(stop);
        answering.begin(engine, receipt_key, access, platform);
        answering.ended().await;
    }

    /// Begins to answer whether the process lives, in a task, until `stop` turns true. Everything else waits until the
    /// service begins.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn answer(self, stop: watch::Receiver<bool>) -> Answering {
        let front = Arc::new(Front::new());
        let accepting = tokio::spawn(accept(self.listener, front.clone(), self.config.limits, stop));
        Answering { front, config: self.config, accepting }
    }
}

impl Answering {
    /// The service begins: its data is recovered. Only the first call counts.
    pub fn begin(
        &self,
        engine: EngineHandle,
        receipt_key: [u8; 16],
        access: Arc<Access>,
        platform: Arc<dyn Platform>,
    ) {
        let ServerConfig { account, ref region, limits, ref behaviour, .. } = self.config;
        let receipts = ReceiptCodec::new(receipt_key);
        let service = Service {
            aws: Aws {
                engine,
                receipts,
                account,
                region: region.clone(),
                behaviour: behaviour.clone(),
                requests: Requests::new(),
            },
            access,
            platform,
            intake: BodyIntake::new(
                limits.bodies_total_bytes,
                limits.body_bytes,
                Duration::from_secs(limits.body_secs),
            ),
        };
        // A second service would have to be told apart by every request; there is none.
        let _ = self.front.service.set(service);
    }

    /// Waits until it was stopped and the requests under way are answered.
    pub async fn ended(self) {
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the server has failed");
        }
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>, limits: Limits, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let permit = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            permit = room.clone().acquire_owned() => permit,
        };
        let stream = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                let (front, stop) = (front.clone(), stop.clone());
                connections.spawn(async move {
                    let _connected = front.traffic.connected();
                    connection(stream, front.clone(), limits, stop).await;
                    drop(permit);
                });
            }
            Err(error) => rest_after(&error).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(limits.drain_secs), drained).await.is_err() {
        tracing::warn!("some connections did not end in time and were closed");
    }
}

/// Out of file descriptors, for example: accepting again at once would only burn the processor.
async fn rest_after(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn connection(stream: TcpStream, front: Arc<Front>, limits: Limits, mut stop: watch::Receiver<bool>) {
    // Without it small replies wait for the client's acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request: Request<Incoming>| {
        let front = front.clone();
        async move { Ok::<Reply, Infallible>(front.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_secs))
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        // A broken connection concerns only its client, which has noticed.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
