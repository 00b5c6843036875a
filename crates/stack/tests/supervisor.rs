//! The supervisor as its callers see it, over a driver in memory and with time that only moves when all wait.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use millpond_stack::driver::{
    Condition, Driver, DriverError, ExitKind, Launch, Process, Session, StopSignal,
};
use millpond_stack::supervise::{Policy, Shutdown, Supervisor, SupervisorError, WorkloadState};
use millpond_stack::{Desired, SinkSpec, Text, WorkloadKind, WorkloadName, WorkloadRecord, WorkloadSpec};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const POLICY: Policy = Policy {
    backoff_min: Duration::from_secs(1),
    backoff_max: Duration::from_secs(8),
    healthy_after: Duration::from_secs(60),
    stop_grace: Duration::from_secs(10),
};

/// What tests see of the driver and do to its processes.
#[derive(Clone)]
struct World {
    inner: Arc<Mutex<Inner>>,
    exits: mpsc::UnboundedSender<(WorkloadName, ExitKind)>,
    events: watch::Sender<Vec<(Duration, String)>>,
    origin: Instant,
}

#[derive(Default)]
struct Inner {
    found: Vec<(WorkloadName, Process)>,
    pids: u32,
    ignores_terminate: bool,
    fails_to_spawn: bool,
}

struct FakeDriver {
    world: World,
    exits: mpsc::UnboundedReceiver<(WorkloadName, ExitKind)>,
}

impl World {
    fn new() -> (World, FakeDriver) {
        let (sender, exits) = mpsc::unbounded_channel();
        let (events, _) = watch::channel(Vec::new());
        let world = World { inner: Arc::default(), exits: sender, events, origin: Instant::now() };
        (world.clone(), FakeDriver { world, exits })
    }

    fn event(&self, event: String) {
        self.events.send_modify(|events| events.push((self.origin.elapsed(), event)));
    }

    /// The events so far, once there are at least `count`.
    async fn events(&self, count: usize) -> Vec<String> {
        let mut receiver = self.events.subscribe();
        let events = receiver.wait_for(|events| events.len() >= count).await.unwrap();
        events.iter().map(|(at, event)| format!("{} {event}", at.as_secs())).collect()
    }

    fn end(&self, kind: ExitKind) {
        self.exits.send((name(), kind)).unwrap();
    }
}

impl Driver for FakeDriver {
    async fn find(&mut self) -> Result<Vec<(WorkloadName, Process)>, DriverError> {
        Ok(self.world.inner.lock().unwrap().found.clone())
    }

    fn adopt(&mut self, name: &WorkloadName) -> Result<(), DriverError> {
        self.world.event(format!("adopt {name}"));
        Ok(())
    }

    fn spawn(&mut self, name: &WorkloadName, launch: &Launch) -> Result<Process, DriverError> {
        let mut inner = self.world.inner.lock().unwrap();
        if inner.fails_to_spawn {
            self.world.event(format!("no {name}"));
            return Err(DriverError::NoProcess(name.clone()));
        }
        inner.pids += 1;
        self.world.event(format!("spawn {}", launch.program.display()));
        Ok(Process { pid: inner.pids, since_unix_ms: 0, digest: launch.digest() })
    }

    fn signal(&mut self, name: &WorkloadName, signal: StopSignal) -> Result<(), DriverError> {
        self.world.event(format!("{signal:?} {name}"));
        let ignores = self.world.inner.lock().unwrap().ignores_terminate;
        match signal {
            StopSignal::Terminate if ignores => {}
            StopSignal::Terminate => self.world.exits.send((name.clone(), ExitKind::Code(0))).unwrap(),
            StopSignal::Kill => self.world.exits.send((name.clone(), ExitKind::Signal(9))).unwrap(),
        }
        Ok(())
    }

    async fn next_exit(&mut self) -> (WorkloadName, ExitKind) {
        self.exits.recv().await.unwrap()
    }

    fn bound_log(&mut self, _: &WorkloadName) -> Result<(), DriverError> {
        Ok(())
    }

    fn address(&self, _: &WorkloadName) -> Option<String> {
        Some("http://127.0.0.1:8081/".to_owned())
    }

    fn condition(&self, _: &WorkloadName) -> Option<Condition> {
        Some(Condition::Waiting { reason: "no database".to_owned() })
    }

    fn log_path(&self, name: &WorkloadName) -> PathBuf {
        PathBuf::from(format!("{name}.log"))
    }
}

fn name() -> WorkloadName {
    WorkloadName::new("backend").unwrap()
}

/// A sink whose launch is told apart by its table.
fn record(table: &str, desired: Desired) -> WorkloadRecord {
    let sink = SinkSpec {
        queue_url: "http://q".to_owned(),
        database_url: Text::Plain("sqlite://a.db".to_owned()),
        table: table.to_owned(),
        columns: vec!["a".to_owned()],
        format: millpond_stack::RecordFormat::Csv,
        create: true,
        pollers: None,
    };
    WorkloadRecord {
        spec: WorkloadSpec {
            name: name(),
            role: "arn:aws:iam::012345678901:role/r".to_owned(),
            kind: WorkloadKind::Sink(sink),
        },
        desired,
        launch: String::new(),
    }
}

fn launch(record: &WorkloadRecord) -> Launch {
    let spec = &record.spec;
    let WorkloadKind::Sink(sink) = &spec.kind else { panic!("not a sink") };
    Launch {
        program: PathBuf::from(&sink.table),
        args: vec![],
        environment: BTreeMap::new(),
        configuration: vec![],
        session: Session::ProcessGroup,
    }
}

async fn start(driver: FakeDriver, records: Vec<WorkloadRecord>) -> Supervisor {
    Supervisor::start(driver, launch, records, POLICY).await.unwrap()
}

async fn state(supervisor: &Supervisor) -> WorkloadState {
    supervisor.status().await.unwrap()[0].state.clone()
}

#[tokio::test(start_paused = true)]
async fn starts_what_should_run_and_only_that() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Stopped)]).await;
    assert_eq!(state(&supervisor).await, WorkloadState::Stopped);
    supervisor.start_workload(name()).await.unwrap();
    assert_eq!(world.events(1).await, ["0 spawn t"]);
    assert_eq!(state(&supervisor).await, WorkloadState::Running { pid: 1, since_unix_ms: 0, restarts: 0 });
    let status = &supervisor.status().await.unwrap()[0];
    assert_eq!((status.kind, status.url.as_deref()), ("sink", Some("http://127.0.0.1:8081/")));
    assert_eq!(status.condition, Some(Condition::Waiting { reason: "no database".to_owned() }));
}

#[tokio::test(start_paused = true)]
async fn restarts_with_growing_waits_and_starts_small_after_a_healthy_life() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    for spawned in 1..6 {
        world.events(spawned).await;
        world.end(ExitKind::Code(1));
    }
    let expected = ["0 spawn t", "1 spawn t", "3 spawn t", "7 spawn t", "15 spawn t", "23 spawn t"];
    assert_eq!(world.events(6).await, expected);
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.end(ExitKind::Code(1));
    assert_eq!(world.events(7).await[6], "84 spawn t");
    assert!(matches!(state(&supervisor).await, WorkloadState::Running { restarts: 1, .. }));
}

#[tokio::test(start_paused = true)]
async fn waiting_to_restart_is_shown_with_the_reason() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    world.events(1).await;
    world.end(ExitKind::Code(3));
    let backoff = loop {
        if let WorkloadState::Backoff { restarts, last_exit, last_error, .. } = state(&supervisor).await {
            break (restarts, last_exit, last_error);
        }
    };
    assert_eq!(backoff, (1, ExitKind::Code(3), None));
    supervisor.start_workload(name()).await.unwrap();
    assert_eq!(world.events(2).await, ["0 spawn t", "0 spawn t"], "starting by hand does not wait");
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_started_is_tried_again() {
    let (world, driver) = World::new();
    world.inner.lock().unwrap().fails_to_spawn = true;
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    assert_eq!(world.events(3).await, ["0 no backend", "1 no backend", "3 no backend"]);
    let WorkloadState::Backoff {
        restarts: 3, last_exit: ExitKind::NotStarted, last_error: Some(error), ..
    } = state(&supervisor).await
    else {
        panic!("{:?}", state(&supervisor).await)
    };
    assert_eq!(error, "workload backend has no process");
    world.inner.lock().unwrap().fails_to_spawn = false;
    assert_eq!(world.events(4).await[3], "7 spawn t");
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_the_end() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    world.events(1).await;
    supervisor.stop_workload(name()).await.unwrap();
    assert_eq!(state(&supervisor).await, WorkloadState::Stopped);
    assert_eq!(world.events(2).await, ["0 spawn t", "0 Terminate backend"]);
    supervisor.stop_workload(name()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(world.events(2).await.len(), 2, "it stays stopped");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_killed() {
    let (world, driver) = World::new();
    world.inner.lock().unwrap().ignores_terminate = true;
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    supervisor.stop_workload(name()).await.unwrap();
    assert_eq!(world.events(3).await, ["0 spawn t", "0 Terminate backend", "10 Kill backend"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_workload_is_restarted_and_an_equal_one_is_not() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    supervisor.put(record("t", Desired::Running)).await.unwrap();
    supervisor.put(record("u", Desired::Running)).await.unwrap();
    assert_eq!(world.events(3).await, ["0 spawn t", "0 Terminate backend", "0 spawn u"]);
    assert_eq!(state(&supervisor).await, WorkloadState::Running { pid: 2, since_unix_ms: 0, restarts: 0 });
}

#[tokio::test(start_paused = true)]
async fn starting_while_it_stops_starts_it_after_its_end() {
    let (world, driver) = World::new();
    world.inner.lock().unwrap().ignores_terminate = true;
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    world.events(1).await;
    let stopping = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.stop_workload(name()).await }
    });
    world.events(2).await;
    assert_eq!(state(&supervisor).await, WorkloadState::Stopping { pid: 1 });
    supervisor.start_workload(name()).await.unwrap();
    world.end(ExitKind::Code(0));
    stopping.await.unwrap().unwrap();
    assert_eq!(world.events(3).await, ["0 spawn t", "0 Terminate backend", "0 spawn t"]);
}

#[tokio::test(start_paused = true)]
async fn adopts_what_runs_as_wanted() {
    let (world, driver) = World::new();
    let digest = launch(&record("t", Desired::Running)).digest();
    world.inner.lock().unwrap().found = vec![(name(), Process { pid: 77, since_unix_ms: 5, digest })];
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    assert_eq!(world.events(1).await, ["0 adopt backend"]);
    assert_eq!(state(&supervisor).await, WorkloadState::Running { pid: 77, since_unix_ms: 5, restarts: 0 });
    world.end(ExitKind::Unknown);
    assert_eq!(world.events(2).await[1], "1 spawn t");
}

#[tokio::test(start_paused = true)]
async fn ends_what_runs_otherwise_or_unwanted() {
    for (records, last) in [
        (vec![record("new", Desired::Running)], Some("0 spawn new")),
        (vec![record("t", Desired::Stopped)], None),
        (vec![], None),
    ] {
        let (world, driver) = World::new();
        let digest = launch(&record("t", Desired::Running)).digest();
        world.inner.lock().unwrap().found = vec![(name(), Process { pid: 77, since_unix_ms: 5, digest })];
        let _supervisor = start(driver, records).await;
        let mut expected = vec!["0 adopt backend", "0 Terminate backend"];
        expected.extend(last);
        assert_eq!(world.events(expected.len()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn removing_stops_and_forgets() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    supervisor.remove(name()).await.unwrap();
    assert_eq!(world.events(2).await, ["0 spawn t", "0 Terminate backend"]);
    assert_eq!(supervisor.status().await.unwrap(), []);
    supervisor.remove(name()).await.unwrap();
    let error = supervisor.stop_workload(name()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no workload backend; there are none");
}

#[tokio::test(start_paused = true)]
async fn unknown_names_are_refused_with_what_is_known() {
    let (_world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Stopped)]).await;
    let error = supervisor.start_workload(WorkloadName::new("bakend").unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no workload bakend; known: backend");
}

#[tokio::test(start_paused = true)]
async fn shutting_down_stops_all_or_leaves_all() {
    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    supervisor.shutdown(Shutdown::StopAll).await;
    assert_eq!(world.events(2).await, ["0 spawn t", "0 Terminate backend"]);
    assert_eq!(supervisor.status().await, Err(SupervisorError::ShuttingDown));

    let (world, driver) = World::new();
    let supervisor = start(driver, vec![record("t", Desired::Running)]).await;
    world.events(1).await;
    supervisor.shutdown(Shutdown::LeaveRunning).await;
    assert_eq!(supervisor.put(record("u", Desired::Running)).await, Err(SupervisorError::ShuttingDown));
    assert_eq!(world.events(1).await, ["0 spawn t"]);
}
