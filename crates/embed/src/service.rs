//! The service: engine, server and declared queues, wired together. The binary and [`Millpond`](crate::Millpond) are
//! thin around it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use millpond_core::command::Command;
use millpond_engine::EngineHandle;
use millpond_engine::driver::Running;
use millpond_engine::step::EngineConfig;
use millpond_server::access::{Access, AccessConfig, Enforcement, Forgotten, LoadError};
use millpond_server::platform::Platform;
use millpond_server::{Answering, Behaviour, ServerConfig, TestControls, bind};
use tokio::sync::watch;

use crate::data::{self, Found};
use crate::declare::{self, Declared};
use crate::error::{EndError, StartError};
use crate::settings::Settings;

/// When a stop takes longer than this for its last writes, that is told, again and again.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// When a stop takes longer than so many times that for its last writes, it is given up.
const TOLD_MOST: u32 = 6;

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
    forgotten: Option<Forgotten>,
}

/// What becomes of the identities in the data of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identities {
    /// They count.
    #[default]
    Kept,
    /// They are taken away before it starts; queues and messages stay.
    GivenUp,
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
        let access = settings.access.clone();
        Self::start_keyed(settings, Identities::Kept, |_| Ok(access)).await
    }

    /// As [`Service::start`]; what access rests on is asked for when the data is open. `keys` is told whether the data has
    /// identities, and nothing is written to it before. Of [`Settings::access`] only the enforcement counts then.
    ///
    /// # Errors
    /// [`StartError`], and [`StartError::Keys`] with what `keys` says.
    ///
    /// # Panics
    /// As [`Service::start`].
    pub async fn start_keyed(
        settings: Settings,
        identities: Identities,
        keys: impl FnOnce(bool) -> Result<Arc<AccessConfig>, String>,
    ) -> Result<Self, StartError> {
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
            let (config, forgotten) = keyed(engine, identities, keys).await?;
            let declared =
                declare::declare(engine, account, &region, &queues, settings.update_queues).await?;
            Ok((declared, Access::load(engine, account, config).await?, forgotten))
        };
        match prepared.await {
            Ok((declared, access, forgotten)) => Ok(Self {
                endpoint,
                ca_bundle,
                answering,
                stop,
                running,
                access,
                found,
                declared,
                controls,
                forgotten,
            }),
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

    /// The identities that were given up at the start, if they were.
    #[must_use]
    pub fn forgotten(&self) -> Option<&Forgotten> {
        self.forgotten.as_ref()
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
    /// [`EndError`] when the service ended by itself. After [`EndError::DiskSilent`] its threads wait for the disk still, and
    /// so does the end of the runtime, unless it is shut down in the background.
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
        engine.drain();
        // Requests whose heads were there are still answered.
        answering.ended().await;
        engine.stop();
        drop(engine);
        // A sync that the disk does not answer can't be taken back.
        for _ in 0..TOLD_MOST {
            if let Ok(ended) = tokio::time::timeout(TELL_AFTER, &mut ended).await {
                return Ok(ended??);
            }
            tracing::warn!(
                "stopping, but the disk has not made the last writes durable yet; the process ends when it has, or {} \
                 seconds after it began to wait. They are not acknowledged, so nothing is lost if it is killed (kill -9)",
                (TELL_AFTER * TOLD_MOST).as_secs()
            );
        }
        Err(EndError::DiskSilent { waited_secs: (TELL_AFTER * TOLD_MOST).as_secs() })
    }
}

/// What access rests on, and what was given up for it. Keys are made only for data that needs no others.
async fn keyed(
    engine: &EngineHandle,
    identities: Identities,
    keys: impl FnOnce(bool) -> Result<Arc<AccessConfig>, String>,
) -> Result<(Arc<AccessConfig>, Option<Forgotten>), StartError> {
    let forgotten = match identities {
        Identities::Kept => None,
        Identities::GivenUp => Some(Access::forget_identities(engine).await?),
    };
    let has_identities = Access::has_identities(engine).await.map_err(LoadError::from)?;
    Ok((keys(has_identities).map_err(StartError::Keys)?, forgotten))
}
