//! How a service is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use millpond_core::name::{AccountId, Region};
use millpond_core::quota::Quotas;
use millpond_server::access::AccessConfig;
use millpond_server::{Limits, Transport};

use crate::queue::Queue;

/// How a service is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Whether it may listen beyond loopback although callers are not identified.
    pub allow_remote: bool,
    /// Whether callers are identified, and what that rests on.
    pub access: Arc<AccessConfig>,
    /// Where queues and messages are kept; in memory when there is none, and gone at the end.
    pub data: Option<PathBuf>,
    /// The region of callers that name none.
    pub region: Region,
    /// The account of callers that name none.
    pub account: AccountId,
    /// A queue that is called and is not there is created.
    pub auto_create: bool,
    /// The waiting rules of Amazon SQS are kept.
    pub aws_pacing: bool,
    /// Callers may empty the service and put its clock forward.
    pub test_controls: bool,
    /// Declared queues that are there get the declared settings.
    pub update_queues: bool,
    /// The queues that are there once it takes requests.
    pub queues: Vec<Queue>,
    /// What queues and accounts may hold.
    pub quotas: Quotas,
    /// What it takes at once.
    pub limits: Limits,
    /// TLS, trusted proxies and the audit log.
    pub transport: Transport,
}

impl Settings {
    /// A service in memory on any free port that identifies no one, as tests want it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            access: Arc::new(AccessConfig::off()),
            data: None,
            region: Region::default(),
            account: AccountId::DEFAULT,
            auto_create: false,
            aws_pacing: false,
            test_controls: true,
            update_queues: false,
            queues: Vec::new(),
            quotas: Quotas::default(),
            limits: Limits::default(),
            transport: Transport::default(),
        }
    }
}
