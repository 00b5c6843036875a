//! A service inside a process, on a thread of its own.
//!
//! What always holds: when the value is dropped the service has ended in order and its threads are gone. It works
//! inside and outside of an async runtime; its own runtime is never the caller's.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use millpond_core::name::{AccountId, Region};
use millpond_engine::EngineHandle;
use millpond_server::access::{Access, AccessConfig, Enforcement};
use millpond_server::platform::QueuesOnly;
use millpond_server::{Limits, TestControls};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::error::{EndError, Ended, StartError};
use crate::queue::Queue;
use crate::service::Service;
use crate::settings::Settings;

/// Requests that are under way when it is dropped get this long: tests are done with them.
const DRAIN_SECS: u64 = 1;

/// A queue service that lives as long as this value.
#[derive(Debug)]
pub struct Millpond {
    endpoint: String,
    account: AccountId,
    controls: UnboundedSender<Control>,
    /// `None` once it has been waited for.
    thread: Option<JoinHandle<Result<(), EndError>>>,
}

/// What the service's thread is asked to do. The sender is told when it is done.
enum Control {
    Reset(mpsc::Sender<()>),
    Advance(Duration, mpsc::Sender<()>),
}

/// How a [`Millpond`] is to be.
#[derive(Clone, Debug)]
pub struct Builder(Settings);

impl Builder {
    /// Has a queue there from the start, and after every reset. Can be called again.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Queue>) -> Self {
        self.0.queues.push(queue.into());
        self
    }

    /// A queue that is called and is not there is created with the default settings.
    #[must_use]
    pub fn auto_create(mut self) -> Self {
        self.0.auto_create = true;
        self
    }

    /// The waiting rules of Amazon SQS are kept: 60 seconds between the deletion of a queue and the next one of its
    /// name, and between two purges.
    #[must_use]
    pub fn aws_pacing(mut self) -> Self {
        self.0.aws_pacing = true;
        self
    }

    /// The region of callers that name none; `us-east-1` unless it is said.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.0.region = region;
        self
    }

    /// The account of callers that name none; `000000000000` unless it is said.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.0.account = account;
        self
    }

    /// Callers are identified and policies count. The root key of the default account is `test` with the secret `test`;
    /// [`Millpond::advance`] and [`Millpond::reset`] work all the same, since they are no calls.
    #[must_use]
    pub fn enforced(mut self) -> Self {
        self.0.access = Arc::new(AccessConfig::for_tests(Enforcement::On));
        self.0.test_controls = false;
        self
    }

    /// Starts it in memory.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way, a declared queue that can't be, for example.
    pub fn start_in_memory(self) -> Result<Millpond, StartError> {
        Millpond::start(Settings { data: None, ..self.0 })
    }

    /// Starts it on a directory, which is created if need be: everything that was acknowledged is there again when it
    /// is started on the same one.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way: another service has the directory, for example.
    pub fn start_in(self, directory: impl Into<PathBuf>) -> Result<Millpond, StartError> {
        Millpond::start(Settings { data: Some(directory.into()), ..self.0 })
    }
}

impl Millpond {
    /// How it is to be; an empty one in memory unless more is said.
    #[must_use]
    pub fn builder() -> Builder {
        let limits = Limits { drain_secs: DRAIN_SECS, ..Limits::default() };
        Builder(Settings { limits, ..Settings::in_memory() })
    }

    /// Starts an empty one in memory.
    ///
    /// # Errors
    /// [`StartError`] says what stands in the way.
    pub fn start_in_memory() -> Result<Self, StartError> {
        Self::builder().start_in_memory()
    }

    fn start(settings: Settings) -> Result<Self, StartError> {
        let account = settings.account;
        let (started, has_started) = mpsc::channel();
        let (controls, asked) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("millpond".into())
            .spawn(move || {
                let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => return refuse(&started, system(&error)),
                };
                let ended = runtime.block_on(serve(settings, started, asked));
                if ended.is_err() {
                    // Whatever still waits for a disk.
                    runtime.shutdown_background();
                }
                ended
            })
            .map_err(|error| system(&error))?;
        let lost = || StartError::System("its thread has ended".to_owned());
        match has_started.recv().unwrap_or_else(|_| Err(lost())) {
            Ok(endpoint) => Ok(Self { endpoint, account, controls, thread: Some(thread) }),
            Err(error) => {
                // It has nothing more to say.
                let _ = thread.join();
                Err(error)
            }
        }
    }

    /// Where it is: scheme, host and port, for the endpoint of an SQS client.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The URL of a queue of the default account, whether it is there or not.
    #[must_use]
    pub fn url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.endpoint, self.account)
    }

    /// Lets so much time pass at once. When this returns, delayed messages have appeared, leases have ended, messages
    /// have expired, and long polls have been answered by then. Clients and other processes keep their own time.
    ///
    /// # Errors
    /// [`Ended`] when the service has died.
    pub fn advance(&self, by: Duration) -> Result<(), Ended> {
        self.ask(|done| Control::Advance(by, done))
    }

    /// Takes away all queues with their messages; those of the builder are there again, empty. The time stays.
    ///
    /// # Errors
    /// [`Ended`] when the service has died.
    pub fn reset(&self) -> Result<(), Ended> {
        self.ask(Control::Reset)
    }

    fn ask(&self, control: impl FnOnce(mpsc::Sender<()>) -> Control) -> Result<(), Ended> {
        let (done, is_done) = mpsc::channel();
        self.controls.send(control(done)).map_err(|_| Ended)?;
        is_done.recv().map_err(|_| Ended)
    }

    /// Ends it in order, as dropping it does, and tells whether it had ended by itself before.
    ///
    /// # Errors
    /// [`EndError`] says why it had.
    pub fn stop(mut self) -> Result<(), EndError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), EndError> {
        // A sender that nobody holds any more is what the service's thread takes for the end.
        self.controls = unbounded_channel().0;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(EndError::Panicked("its thread panicked".to_owned())))
    }
}

impl Drop for Millpond {
    fn drop(&mut self) {
        // Why it had ended before, if it had, was for `stop` to tell.
        let _ = self.end();
    }
}

type Started = mpsc::Sender<Result<String, StartError>>;

async fn serve(
    settings: Settings,
    started: Started,
    asked: UnboundedReceiver<Control>,
) -> Result<(), EndError> {
    let service = match Service::start(settings).await {
        Ok(service) => service,
        Err(error) => return refuse(&started, error),
    };
    let (engine, declared) = (service.engine().clone(), service.controls().clone());
    let access = service.access().clone();
    // Who started it waits for this.
    service.begin(Arc::new(QueuesOnly));
    let _ = started.send(Ok(service.endpoint().to_owned()));
    service.run(obey(engine, access, declared, asked)).await
}

/// Does what is asked until no one can ask any more.
async fn obey(
    engine: EngineHandle,
    access: Arc<Access>,
    declared: TestControls,
    mut asked: UnboundedReceiver<Control>,
) {
    while let Some(control) = asked.recv().await {
        let (result, done) = match control {
            Control::Advance(by, done) => (engine.advance_clock(by).await, done),
            Control::Reset(done) => (declared.reset(&engine, &access).await.map(drop), done),
        };
        if result.is_ok() {
            // Who asked waits for this; otherwise it learns that there is no answer.
            let _ = done.send(());
        }
    }
}

fn refuse(started: &Started, error: StartError) -> Result<(), EndError> {
    // Who started it waits for this.
    let _ = started.send(Err(error));
    Ok(())
}

fn system(error: &io::Error) -> StartError {
    StartError::System(error.to_string())
}
