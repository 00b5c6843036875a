//! The service: engine, server and declared queues, wired together. The binary and [`Millpond`](crate::Millpond) are
//! thin around it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_core::command::Command;
use millpond_engine::EngineHandle;
use millpond_engine::driver::Running;
use millpond_engine::step::EngineConfig;
use millpond_server::access::{Access, Enforcement};
use millpond_server::platform::Platform;
use millpond_server::{Answering, Behaviour, ServerConfig, TestControls, bind};
use tokio::sync::watch;

use crate::data::{self, Found};
use crate::declare::{self, Declared};
use crate::error::{EndError, StartError};
use crate::settings::Settings;

/// A service that has its data and its address, and answers only that it lives.
#[derive(Debug)]
pub struct Service {
    endpoint: String,
    ca_bundle: Option<PathBuf>,
    answering: Answering,
    /// Dropped or set, it ends what answers.
    stop: watch::Sender<bool>,
    running: Running,
    access: Arc<Access>,
    found: Found,
    declared: Vec<Declared>,
    controls: TestControls,
}

impl Service {
    /// Listens, opens the data and brings the declared queues about.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way. Queues that were created before stay.
    ///
    /// # Panics
    /// Outside of a Tokio runtime with time and IO.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let enforced = settings.access.enforcement == Enforcement::On;
        if enforced && settings.test_controls {
            return Err(StartError::TestControls);
        }
        let queues = declare::ordered(&settings.queues)?;
        let (account, region) = (settings.account, settings.region);
        let commands: Vec<Command> =
            queues.iter().filter_map(|queue| queue.create(account, &region)).collect();
        let controls = TestControls { queues: commands };
        let behaviour = Behaviour {
            auto_create: settings.auto_create,
            aws_pacing: settings.aws_pacing,
            test_controls: settings.test_controls.then(|| controls.clone()),
        };
        // The address first: a port that is taken is the likelier mistake, and the data directory stays untouched.
        let config = ServerConfig {
            listen: settings.listen,
            allow_remote: enforced || settings.allow_remote,
            account,
            region: region.clone(),
            limits: settings.limits,
            behaviour,
            transport: settings.transport,
        };
        let listening = bind(config).await?;
        let endpoint = listening.endpoint();
        let ca_bundle = listening.ca_bundle().map(Path::to_owned);
        let (stop, stopped) = watch::channel(false);
        // Whoever looks after the process learns that it lives while the data is recovered.
        let answering = listening.answer(stopped);
        let engine = EngineConfig { quotas: settings.quotas, ..EngineConfig::default() };
        let (running, found) = match &settings.data {
            None => data::open_in_memory(engine)?,
            Some(path) => data::open(path, engine)?,
        };
        let engine = &running.handle;
        let prepared = async {
            let declared =
                declare::declare(engine, account, &region, &queues, settings.update_queues).await?;
            Ok((declared, Access::load(engine, account, settings.access).await?))
        };
        match prepared.await {
            Ok((declared, access)) => {
                Ok(Self { endpoint, ca_bundle, answering, stop, running, access, found, declared, controls })
            }
            Err(error) => {
                running.handle.stop();
                // It ends in order; what stands in the way of the start is the better news.
                let _ = tokio::task::spawn_blocking(move || running.join()).await;
                Err(error)
            }
        }
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The certificate that clients have to trust, when the service has made it itself.
    #[must_use]
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.ca_bundle.as_deref()
    }

    /// What was found in its data.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// What became of the declared queues.
    #[must_use]
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// What makes the declared queues, in order.
    pub(crate) fn controls(&self) -> &TestControls {
        &self.controls
    }

    /// The way to its engine.
    #[must_use]
    pub fn engine(&self) -> &EngineHandle {
        &self.running.handle
    }

    /// Who may do what in it.
    #[must_use]
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Answers requests from now on, with a platform beside the queues. Only the first call counts.
    pub fn begin(&self, platform: Arc<dyn Platform>) {
        let engine = self.running.handle.clone();
        self.answering.begin(engine, self.running.receipt_key, self.access.clone(), platform);
    }

    /// Goes on until `asked_to_stop` is there, or the engine dies. Requests are answered while
    /// `asked_to_stop` runs, so that it can bring other things to an end first.
    ///
    /// # Errors
    /// [`EndError`] when the service ended by itself.
    pub async fn run(self, asked_to_stop: impl Future<Output = ()>) -> Result<(), EndError> {
        let Self { answering, stop, running, .. } = self;
        let engine = running.handle.clone();
        let mut ended = tokio::task::spawn_blocking(move || running.join());
        tokio::select! {
            died = &mut ended => return Ok(died??),
            () = asked_to_stop => {}
        }
        // No receiver is left when the server has ended by itself.
        let _ = stop.send(true);
        engine.stop();
        answering.ended().await;
        drop(engine);
        Ok(ended.await??)
    }
}
