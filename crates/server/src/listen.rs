//! Accepts connections, from before the data is recovered until the service stops.
//!
//! What always holds: beyond loopback it is listened only when that is allowed; connections, header time, body time, body bytes and the
//! time in which nothing of a reply is taken are bounded; until the service begins only its health is answered and everything else waits; on shutdown no new request is
//! taken and those under way are answered first.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::access::Access;
use crate::audit::{Audit, AuditConfig, AuditError};
use crate::aws::Aws;
use crate::behaviour::Behaviour;
use crate::body::BodyIntake;
use crate::metrics::Requests;
use crate::patient::Patient;
use crate::platform::Platform;
use crate::proxy::{Network, Peer};
use crate::respond::Reply;
use crate::service::{Front, Service};
use crate::tls::{Tls, TlsConfig, TlsError, shake_hands};

/// Bytes of the head of a request, and of what a connection holds unread of a body.
const HEAD_BYTES: usize = 64 << 10;

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
    /// Seconds in which the other side takes some of a reply that is ready for it.
    pub write_secs: u64,
    /// Seconds for a TLS handshake.
    pub handshake_secs: u64,
    /// Seconds for requests under way when the server stops.
    pub drain_secs: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            // The largest batch, each of its characters written as a six-character escape.
            body_bytes: 8 << 20,
            bodies_total_bytes: 64 << 20,
            header_secs: 60,
            body_secs: 30,
            write_secs: 60,
            handshake_secs: 10,
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
    /// What stands between the port and the requests.
    pub transport: Transport,
}

/// What stands between the port and the requests. By default nothing.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// The port speaks TLS alone.
    pub tls: Option<TlsConfig>,
    /// Proxies that are believed about whose request they pass on.
    pub trusted_proxies: Vec<Network>,
    /// A line is written for each request.
    pub audit: Option<AuditConfig>,
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
    /// There is no certificate to speak TLS with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The audit log can't be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
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
    tls: Option<Arc<Tls>>,
    audit: Option<Arc<Audit>>,
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
    let prepare = |tls| Tls::prepare(tls, address).map(Arc::new);
    let tls = config.transport.tls.as_ref().map(prepare).transpose()?;
    let audit = config.transport.audit.as_ref().map(Audit::start).transpose()?;
    Ok(Listening { listener, address, tls, audit, config })
}

impl Listening {
    /// Where it listens, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate that clients have to trust, when the service has made it itself.
    #[must_use]
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.tls.as_ref().and_then(|tls| tls.ca_bundle())
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
        let beyond_loopback = !self.address.ip().is_loopback();
        let trusted_proxies = self.config.transport.trusted_proxies.clone();
        let front = Arc::new(Front::new(trusted_proxies, beyond_loopback, self.audit));
        if let Some(tls) = self.tls.clone() {
            tokio::spawn(tls.keep_up(stop.clone()));
        }
        let port = Port { front: front.clone(), tls: self.tls, limits: self.config.limits };
        let accepting = tokio::spawn(accept(self.listener, Arc::new(port), stop));
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
        if let Some(audit) = &self.front.audit {
            access.record_in(audit);
        }
        let service = Service {
            aws: Aws {
                engine,
                access: access.clone(),
                receipts,
                account,
                region: region.clone(),
                behaviour: Arc::new(behaviour.clone()),
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
        if let Some(audit) = &self.front.audit {
            audit.finish().await;
        }
    }
}

/// What each connection needs.
struct Port {
    front: Arc<Front>,
    tls: Option<Arc<Tls>>,
    limits: Limits,
}

async fn accept(listener: TcpListener, port: Arc<Port>, mut stop: watch::Receiver<bool>) {
    let limits = port.limits;
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
            Ok((stream, from)) => {
                let (port, stop) = (port.clone(), stop.clone());
                connections.spawn(async move {
                    let _connected = port.front.traffic.connected();
                    open(&port, stream, from, stop).await;
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

/// Serves one connection, over TLS when the port speaks it.
async fn open(port: &Port, stream: TcpStream, from: SocketAddr, mut stop: watch::Receiver<bool>) {
    // Without it small replies wait for the client's acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let peer = Peer { address: from.ip(), over_tls: port.tls.is_some() };
    let Some(tls) = &port.tls else { return connection(port, stream, peer, stop).await };
    let limit = Duration::from_secs(port.limits.handshake_secs);
    let shaken = tokio::select! {
        shaken = Box::pin(shake_hands(stream, tls, limit)) => shaken,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match shaken {
        // Apart: what TLS needs would make every connection larger.
        Some(stream) => Box::pin(connection(port, stream, peer, stop)).await,
        None => port.front.traffic.handshake_failed(),
    }
}

async fn connection<S>(port: &Port, stream: S, peer: Peer, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let front = port.front.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let front = front.clone();
        async move { Ok::<Reply, Infallible>(front.answer(request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES)
        .header_read_timeout(Duration::from_secs(port.limits.header_secs))
        .serve_connection(
            TokioIo::new(Patient::new(stream, Duration::from_secs(port.limits.write_secs))),
            answer,
        );
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
