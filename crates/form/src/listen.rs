//! Sockets: where the form listens, how many connections it serves and for how long.
//!
//! A client that sends nothing, reads nothing or never ends costs one of a bounded number of connections for a
//! bounded time.

use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use aws_sdk_sqs::Client;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    answer::Site,
    config::{ConfigError, FormConfig, Limits},
    delivery::Deliveries,
    outbox::Outbox,
    sqs::SqsOutbox,
};

/// How many ports after the wanted one are tried.
const PORTS_SEARCHED: u16 = 100;
/// The pause after a failed accept, which mostly means that the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HEAD_BYTES_MAX: usize = 32 << 10;

/// Why a form can't be started. The text says what to do.
#[derive(Debug, Error)]
pub enum BindError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port is in use.
    #[error(
        "{0} is in use by another program; stop that one, choose another port, or let the form search for a free one"
    )]
    InUse(SocketAddr),
    /// The wanted port and those after it are in use.
    #[error("port {} and the {PORTS_SEARCHED} after it are in use on {}; choose another port", .0.port(), .0.ip())]
    NoneFree(SocketAddr),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}; choose an address of this machine and a port above 1023")]
    Address {
        /// The wanted address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A form that has its port and does not answer yet.
#[derive(Debug)]
pub struct Bound {
    config: FormConfig,
    listener: TcpListener,
    addr: SocketAddr,
}

impl Bound {
    /// The address that it got.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address that was wanted, when it was in use and another port was taken.
    pub fn moved_from(&self) -> Option<SocketAddr> {
        let wanted = self.config.listen;
        (wanted.port() != 0 && wanted.port() != self.addr.port()).then_some(wanted)
    }
}

/// Checks the configuration and takes a port: the wanted one or, when that is in use and the configuration allows
/// it, the next free one ([`Bound::moved_from`] then tells).
pub async fn bind(config: FormConfig) -> Result<Bound, BindError> {
    config.check()?;
    let listener = listener(&config).await?;
    let addr =
        listener.local_addr().map_err(|source| BindError::Address { address: config.listen, source })?;
    Ok(Bound { config, listener, addr })
}

async fn listener(config: &FormConfig) -> Result<TcpListener, BindError> {
    let wanted = config.listen;
    let last =
        if config.allow_port_search { wanted.port().saturating_add(PORTS_SEARCHED) } else { wanted.port() };
    for port in wanted.port()..=last {
        let address = SocketAddr::new(wanted.ip(), port);
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(source) => return Err(BindError::Address { address, source }),
        }
    }
    Err(if config.allow_port_search { BindError::NoneFree(wanted) } else { BindError::InUse(wanted) })
}

/// Serves the form into the configured queue, whether it is there yet or not, until `shutdown` ends, then finishes what is under way.
pub async fn serve(bound: Bound, client: Client, shutdown: impl Future<Output = ()>) {
    let outbox = SqsOutbox::new(&client, &bound.config.queue);
    let looks = outbox.clone();
    let look = async {
        looks.await_queue().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serve_into(bound, outbox, shutdown) => {}
        () = look => {}
    }
}

/// Serves the form into any outbox until `shutdown` ends, then finishes what is under way.
pub async fn serve_into<O: Outbox>(bound: Bound, outbox: O, shutdown: impl Future<Output = ()>) {
    let Bound { config, listener, addr } = bound;
    let limits = config.limits;
    let deliveries = Deliveries::new(outbox, &limits);
    let site = Arc::new(Site { config, listen: addr, deliveries });
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            (slot, stream) = accepted => match stream {
                Ok((stream, _)) => {
                    let (site, stopped) = (Arc::clone(&site), stopped.clone());
                    connections.spawn(async move {
                        serve_connection(stream, site, limits, stopped).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
    site.deliveries.drain(limits.drain_timeout).await;
}

async fn serve_connection<O: Outbox>(
    stream: TcpStream,
    site: Arc<Site<O>>,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = tokio::time::sleep(limits.connection_lifetime) => {}
        _ = stopped.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(limits.drain_timeout, connection).await {
        log_end(ended);
    }
}

fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}
