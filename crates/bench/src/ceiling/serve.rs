//! The ceiling's HTTP side: read a body, append what the call logs, answer when it is durable.
//!
//! Every call of a kind gets the same reply, whatever it asks. A request that can't be made durable gets none: its connection
//! is closed.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::group_commit::GroupCommit;
use super::replies::{CeilingLoad, Replies};
use super::segments::{SegmentFile, SegmentRing, zero_filled};
use super::{CeilingConfig, CeilingError};
use crate::open_files;

/// Worker threads of the HTTP side, as many as the product has on two cores.
const WORKER_THREADS: usize = 2;

/// A request id as long as the product's.
const REQUEST_ID: HeaderValue = HeaderValue::from_static("00000000-0000-4000-8000-000000000000");

/// Fills the segments, serves on a free loopback port, tells the address to `ready` when it accepts, and returns when
/// `stop` ends. Its directory is removed on every return.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one.
pub fn ceiling_serve(
    config: &CeilingConfig,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), CeilingError> {
    let refused = |source| CeilingError::Directory { directory: config.directory.clone(), source };
    let directory = tempfile::Builder::new()
        .prefix("millpond-ceiling-")
        .tempdir_in(&config.directory)
        .map_err(refused)?;
    let segment_bytes = config.segment_bytes.get();
    let files = (0..config.segments.get())
        .map(|index| zero_filled(&directory.path().join(format!("segment-{index}")), segment_bytes))
        .collect::<io::Result<Vec<_>>>()
        .map_err(refused)?;
    open_files::raise();
    serve_on(SegmentRing::new(files, segment_bytes), config.load, ready, stop)
}

/// Serves over any segments.
pub(super) fn serve_on<F: SegmentFile + Send + 'static>(
    segments: SegmentRing<F>,
    load: CeilingLoad,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), CeilingError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(CeilingError::Serve)?;
    let commit = GroupCommit::new();
    let (ended, writer_ended) = oneshot::channel();
    let writer = thread::Builder::new()
        .name("ceiling-writer".into())
        .spawn({
            let commit = Arc::clone(&commit);
            move || {
                // Nobody listens any more when the server was asked to stop.
                let _stopped = ended.send(commit.write_groups(segments));
            }
        })
        .map_err(CeilingError::Serve)?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(CeilingError::Serve)?;
        ready(listener.local_addr().map_err(CeilingError::Serve)?);
        let replies = Replies::new(load);
        tokio::select! {
            () = accept_all(&listener, &commit, &replies) => Ok(()),
            () = stop => Ok(()),
            Ok(Err(disk)) = writer_ended => Err(CeilingError::Disk(disk)),
        }
    });
    commit.end();
    if let Err(panic) = writer.join() {
        std::panic::resume_unwind(panic);
    }
    served
}

async fn accept_all(listener: &TcpListener, commit: &Arc<GroupCommit>, replies: &Replies) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_connection(stream, Arc::clone(commit), replies.clone()));
            }
            // Out of files or a connection gone before it was taken: the generator sees it and reports it.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn serve_connection(stream: TcpStream, commit: Arc<GroupCommit>, replies: Replies) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| answer(request, &commit, &replies));
    // The generator closes its connections in mid-air when a run ends.
    let _closed = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    commit: &GroupCommit,
    replies: &Replies,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let plan = replies.plan(request.headers());
    let body = whole_body(request.into_body()).await?;
    commit.append(plan.logged.as_ref().unwrap_or(&body)).await?;
    Ok(response(plan.reply))
}

/// The body without a copy when it came in one piece, as it does when it is small.
async fn whole_body(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

fn response(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    headers.insert(HeaderName::from_static("x-amzn-requestid"), REQUEST_ID);
    response
}
