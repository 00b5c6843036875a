//! Accepts connections and gives each request its way.
//!
//! What always holds: only loopback addresses are listened on; connections, header time, body time and body bytes are
//! bounded; on shutdown no new request is taken and those under way are answered first.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use millpond_core::name::{AccountId, Region};
use millpond_engine::EngineHandle;
use millpond_sqs::ReceiptCodec;
use millpond_wire::protocol::names_action;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::aws::{self, Aws, AwsRequest};
use crate::body::BodyIntake;
use crate::origin::{self, Provenance};
use crate::platform::{Platform, PlatformCall};
use crate::respond::{self, Reply};
use crate::route::{Route, route};
use crate::{console, own};

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
    /// The account of callers that name none.
    pub account: AccountId,
    /// The region of callers that name none.
    pub region: Region,
    /// What it takes at once.
    pub limits: Limits,
}

/// Why a server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is not on loopback.
    #[error(
        "cannot listen on {0}: callers are not identified yet, so only loopback addresses are allowed. \
         Use 127.0.0.1 and reach it from elsewhere through an SSH tunnel"
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

/// Begins to listen.
///
/// # Errors
/// [`BindError`] says why it can't.
pub async fn bind(config: ServerConfig) -> Result<Listening, BindError> {
    let address = config.listen;
    if !address.ip().is_loopback() {
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

struct Service {
    aws: Aws,
    platform: Arc<dyn Platform>,
    intake: BodyIntake,
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
        platform: Arc<dyn Platform>,
        mut stop: watch::Receiver<bool>,
    ) {
        let limits = self.config.limits;
        let service = Arc::new(Service {
            aws: Aws {
                engine,
                receipts: ReceiptCodec::new(receipt_key),
                account: self.config.account,
                region: self.config.region,
            },
            platform,
            intake: BodyIntake::new(
                limits.bodies_total_bytes,
                limits.body_bytes,
                Duration::from_secs(limits.body_secs),
            ),
        });
        let room = Arc::new(Semaphore::new(limits.connections));
        let mut connections = JoinSet::new();
        loop {
            let permit = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                permit = room.clone().acquire_owned() => permit,
            };
            let stream = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.listener.accept() => accepted,
            };
            match stream {
                Ok((stream, _)) => {
                    let connection = connection(stream, service.clone(), limits, stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => rest_after(&error).await,
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(limits.drain_secs), drained).await.is_err() {
            tracing::warn!("some connections did not end in time and were closed");
        }
    }
}

/// Out of file descriptors, for example: accepting again at once would only burn the processor.
async fn rest_after(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn connection(
    stream: TcpStream,
    service: Arc<Service>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Without it small replies wait for the client's acknowledgement; a socket that refuses still works.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<Reply, Infallible>(service.answer(request).await) }
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

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let accept = head.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        // Programs that take any reply may accept pages too; one that names an action wants no page.
        let asks_action = head.uri.query().is_some_and(names_action);
        let wants_page = !asks_action && accept.is_some_and(|accept| accept.contains("text/html"));
        let route = route(head.method.as_str(), path, wants_page);
        let provenance = provenance(&head.headers);
        let checked = match route {
            Route::Console | Route::ToConsole => origin::check_page(&provenance),
            Route::Aws { .. } if aws::has_parameters(&head) => origin::check_parameters(&provenance),
            _ => origin::check(&provenance),
        };
        if let Err(foreign) = checked {
            return respond::text(403, &foreign.to_string());
        }
        match route {
            Route::Aws { queue } => {
                let read = self.intake.read(body).await;
                let (body, _permit) = match read {
                    Ok((bytes, permit)) => (Ok(bytes), Some(permit)),
                    Err(error) => (Err(error), None),
                };
                self.aws.answer(AwsRequest { head: &head, queue, body }).await
            }
            Route::Own(path) => {
                let body = match self.intake.read(body).await {
                    Ok((bytes, _permit)) => bytes,
                    Err(error) => return respond::own_error(413, &error.to_string()),
                };
                let query = head.uri.query().unwrap_or_default().to_owned();
                let call = PlatformCall { method: head.method.to_string(), path, query, body };
                own::answer(&self.aws.engine, self.platform.as_ref(), &head.headers, call).await
            }
            Route::Console => console::page(&self.aws.engine, self.platform.as_ref()).await,
            Route::ToConsole => respond::redirect("/console/"),
            Route::Health => respond::text(200, "ok"),
            Route::Ready => self.ready().await,
            Route::Nowhere => nowhere(&head.method, path),
        }
    }

    async fn ready(&self) -> Reply {
        match self.aws.engine.status().await {
            Ok(_) => respond::text(200, "ready"),
            Err(error) => respond::text(503, &error.to_string()),
        }
    }
}

fn nowhere(method: &Method, path: &str) -> Reply {
    let hint = "AWS calls are POSTed to / or to a queue's URL; the console is at /console/";
    respond::text(404, &format!("nothing is at {method} {path}; {hint}"))
}

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

fn provenance(headers: &HeaderMap) -> Provenance<'_> {
    // A header that is there but can't be read as text is as foreign as any other.
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    Provenance {
        host: text(&HOST),
        origin: text(&ORIGIN),
        fetch_site: text(&SEC_FETCH_SITE),
        fetch_mode: text(&SEC_FETCH_MODE),
        user_agent: text(&USER_AGENT),
        authorization: text(&AUTHORIZATION),
    }
}
