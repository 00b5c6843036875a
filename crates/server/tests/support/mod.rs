//! A server over an engine in memory, for tests that speak to its port.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use millpond_core::name::{AccountId, Region};
use millpond_core::time::Timestamp;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::EngineConfig;
use millpond_log::{Log, MemoryLog};
use millpond_server::access::{Access, AccessConfig};
use millpond_server::platform::QueuesOnly;
use millpond_server::{Answering, Behaviour, BindError, Limits, ServerConfig, Transport, bind};
use millpond_store::MemoryStore;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// A running server. It stops with this value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    answering: Option<Answering>,
    stop: watch::Sender<bool>,
    running: Option<Running>,
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start(transport: Transport, limits: Limits) -> Result<Self, BindError> {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let config = ServerConfig {
            allow_remote: false,
            listen: "127.0.0.1:0".parse().unwrap(),
            account: AccountId::DEFAULT,
            region: Region::parse("us-east-1").unwrap(),
            limits,
            behaviour: Behaviour::default(),
            transport,
        };
        let (address, answering, running) = runtime.block_on(async {
            let listening = bind(config).await?;
            let running = start_engine();
            let access = Access::load(&running.handle, AccountId::DEFAULT, Arc::new(AccessConfig::off()))
                .await
                .unwrap();
            let address = listening.address();
            let answering = listening.answer(stopped);
            answering.begin(running.handle.clone(), [0; 16], access, Arc::new(QueuesOnly));
            Ok::<_, BindError>((address, answering, running))
        })?;
        Ok(Self { address, answering: Some(answering), stop, running: Some(running), runtime })
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(answering) = self.answering.take() {
            self.runtime.block_on(answering.ended());
        }
        if let Some(running) = self.running.take() {
            running.handle.stop();
            let _ = running.join();
        }
    }
}

fn start_engine() -> Running {
    let (mut log, store): (Box<dyn Log>, _) = (Box::new(MemoryLog::new()), Box::new(MemoryStore::new()));
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let clock = Arc::new(SystemClock::starting(Timestamp::from_millis(1_700_000_000_000), None, [0; 16]));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 24 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), [0; 16]).unwrap()
}

/// Everything until the other side closes.
pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    // A connection that ends in a reset has ended.
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A folder of a test's own, which goes with this value.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millpond-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
