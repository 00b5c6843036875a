//! A supervisor that is killed at any moment, again and again: its workload runs on, is adopted, and never runs twice.
//!
//! The supervisor is this test program itself, started as a process of its own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use millpond_stack::driver::{Launch, ProcessDriver, Session, log};
use millpond_stack::supervise::{Policy, Shutdown, Supervisor, WorkloadState};
use millpond_stack::{
    Desired, RecordFormat, SinkSpec, Text, WorkloadKind, WorkloadName, WorkloadRecord, WorkloadSpec,
};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const DIRECTORY_VARIABLE: &str = "TEST_DATA_DIRECTORY";

fn name() -> WorkloadName {
    WorkloadName::new("work").unwrap()
}

fn record() -> WorkloadRecord {
    let sink = SinkSpec {
        queue_url: "http://q".to_owned(),
        database_url: Text::Plain("sqlite://a.db".to_owned()),
        table: "t".to_owned(),
        columns: vec!["a".to_owned()],
        format: RecordFormat::Csv,
        create: true,
        pollers: None,
    };
    let spec = WorkloadSpec {
        name: name(),
        role: "arn:aws:iam::012345678901:role/r".to_owned(),
        kind: WorkloadKind::Sink(sink),
    };
    WorkloadRecord { spec, desired: Desired::Running, launch: String::new() }
}

/// A workload that says in its log when it finds another one alive.
fn launch(directory: &Path) -> Launch {
    let script = "mkdir alive 2>/dev/null || echo twice; echo started; trap 'rmdir alive; exit 0' TERM; while [ -d alive ]; do sleep 0.05; done";
    Launch {
        program: "/bin/sh".into(),
        args: vec!["-c".to_owned(), format!("cd '{}' && {{ {script}; }}", directory.display())],
        environment: BTreeMap::new(),
        configuration: vec![],
        session: Session::ProcessGroup,
    }
}

async fn start_supervisor(directory: PathBuf) -> Supervisor {
    let driver = ProcessDriver::open(&directory, 1_000_000).unwrap();
    Supervisor::start(driver, move |_| launch(&directory), vec![record()], Policy::default()).await.unwrap()
}

/// Not a test by itself: the supervisor that the next test starts and kills.
#[test]
fn as_supervisor() {
    let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("\nbegins");
        let _supervisor = start_supervisor(directory.into()).await;
        println!("\nsupervises");
        std::future::pending::<()>().await;
    });
}

/// Starts a supervisor, lets it get as far as `line`, waits `wait`, and kills it.
fn run_and_kill_supervisor(directory: &Path, line: &str, wait: Duration) {
    let mut supervisor = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "as_supervisor", "--nocapture"])
        .env(DIRECTORY_VARIABLE, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
    assert!(lines.any(|found| found.unwrap() == line), "the supervisor ended before it {line}");
    // Any moment is a good one to be killed; the assertions hold at each.
    std::thread::sleep(wait);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}

#[tokio::test]
async fn the_workload_runs_on_and_never_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for micros in (0..40).map(|step| step * 400) {
        run_and_kill_supervisor(path, "begins", Duration::from_micros(micros));
    }
    run_and_kill_supervisor(path, "supervises", Duration::ZERO);
    run_and_kill_supervisor(path, "supervises", Duration::ZERO);

    let (lines, mut follow) = log::Follow::after_tail(path.join("logs/work.log"), 1000).unwrap();
    let supervisor = start_supervisor(path.to_owned()).await;
    let mut text = lines.join("\n");
    while !text.contains("started") {
        text.push_str(&String::from_utf8_lossy(&follow.next().await.unwrap()));
    }
    let state = supervisor.status().await.unwrap()[0].state.clone();
    assert!(matches!(state, WorkloadState::Running { .. }), "{state:?}");
    supervisor.shutdown(Shutdown::StopAll).await;
    let lines = log::tail(&path.join("logs/work.log"), 1000).unwrap();
    assert_eq!(lines, ["started"]);
    assert!(!path.join("alive").exists());
}

#[tokio::test]
async fn a_killed_workload_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let driver = ProcessDriver::open(path, 1_000_000).unwrap();
    let script = "echo started $$; exec sleep 100";
    let launch = Launch { args: vec!["-c".to_owned(), script.to_owned()], ..launch(path) };
    let policy = Policy { backoff_min: Duration::from_millis(1), ..Policy::default() };
    let (_, mut follow) = log::Follow::after_tail(path.join("logs/work.log"), 0).unwrap();
    let supervisor =
        Supervisor::start(driver, move |_| launch.clone(), vec![record()], policy).await.unwrap();
    let mut pids: Vec<u32> = Vec::new();
    let mut text = String::new();
    while pids.len() < 3 {
        text.push_str(&String::from_utf8_lossy(&follow.next().await.unwrap()));
        while let Some((line, rest)) = text.split_once('\n') {
            let pid: u32 = line.strip_prefix("started ").unwrap().parse().unwrap();
            pids.push(pid);
            text = rest.to_owned();
            if pids.len() < 3 {
                let raw = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
                rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
            }
        }
    }
    let state = supervisor.status().await.unwrap()[0].state.clone();
    assert!(matches!(state, WorkloadState::Running { pid, .. } if pid == pids[2]), "{state:?} {pids:?}");
    supervisor.stop_workload(name()).await.unwrap();
    assert!(!Path::new(&format!("/proc/{}", pids[2])).exists());
    supervisor.shutdown(Shutdown::StopAll).await;
}
