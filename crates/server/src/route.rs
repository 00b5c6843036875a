//! Where a request goes, from its method, path and headers alone.

use millpond_core::name::{AccountId, QueueName, Region};
use millpond_sqs::QueuePath;

/// The prefix of the API that AWS has no calls for.
pub(crate) const OWN_PREFIX: &str = "/_millpond/v1/";

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An AWS call, on `/` or on a queue's path.
    Aws {
        /// The queue of the path, if it is one.
        queue: Option<QueuePath>,
    },
    /// Our own API; the path behind the prefix.
    Own(String),
    /// The console's page.
    Console,
    /// A browser that asked for `/`.
    ToConsole,
    /// Whether the process runs.
    Health,
    /// Whether it can take requests.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// Nothing is there.
    Nowhere,
}

/// Finds the way of a request. `wants_page` is whether a browser asks for a page.
pub(crate) fn route(method: &str, path: &str, wants_page: bool) -> Route {
    let reads = method == "GET" || method == "HEAD";
    match path {
        "/" if reads && wants_page => Route::ToConsole,
        "/" | "" => Route::Aws { queue: None },
        "/health" if reads => Route::Health,
        "/ready" if reads => Route::Ready,
        "/metrics" if reads => Route::Metrics,
        "/console" if reads => Route::ToConsole,
        "/console/" if reads => Route::Console,
        _ => match path.strip_prefix(OWN_PREFIX) {
            Some(rest) => Route::Own(rest.to_owned()),
            None => queue_path(path).map_or(Route::Nowhere, |queue| Route::Aws { queue: Some(queue) }),
        },
    }
}

/// `/000000000000/name`, or `/queue/us-east-1/000000000000/name`; either may end with a slash.
fn queue_path(path: &str) -> Option<QueuePath> {
    let path = path.strip_prefix('/')?;
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let (region, account, name) = match parts[..] {
        [account, name] => (None, account, name),
        ["queue", region, account, name] => (Some(Region::parse(region)?), account, name),
        _ => return None,
    };
    Some(QueuePath { account: AccountId::parse(account)?, region, name: QueueName::parse(name)? })
}

#[cfg(test)]
mod tests;
