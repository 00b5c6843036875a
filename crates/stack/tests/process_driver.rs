//! Workloads as real processes: one at a time, found again, watched to their end, without secrets in sight.
//!
//! Waits for conditions only: the end of a process, or a line in its log.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use millpond_stack::WorkloadName;
use millpond_stack::driver::log::Follow;
use millpond_stack::driver::{
    Condition, Driver, DriverError, ExitKind, Launch, Process, ProcessDriver, Session, StopSignal,
    workload_side,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

const LOG_BYTES_MAX: u64 = 1000;
/// Far more than any of these programs takes between two lines.
const PATIENCE: Duration = Duration::from_secs(60);

fn name() -> WorkloadName {
    WorkloadName::new("work").unwrap()
}

fn shell(script: &str) -> Launch {
    Launch {
        program: "/bin/sh".into(),
        args: vec!["-c".to_owned(), script.to_owned()],
        environment: BTreeMap::new(),
        configuration: b"hunter2".to_vec(),
        session: Session::ProcessGroup,
    }
}

fn open(directory: &Path) -> ProcessDriver {
    ProcessDriver::open(directory, LOG_BYTES_MAX).unwrap()
}

/// Waits until the log of the workload has this line. Gives up when the workload can't be about to write it any more.
async fn await_line(directory: &Path, line: &str) {
    let path = directory.join("logs/work.log");
    let (lines, mut follow) = Follow::after_tail(path, 100).unwrap();
    let mut text = lines.join("\n") + "\n";
    while !text.lines().any(|found| found == line) {
        match tokio::time::timeout(PATIENCE, follow.next()).await {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes.unwrap())),
            Err(_) => panic!("no line {line:?} came; {}; it wrote:\n{text}", state(directory)),
        }
    }
}

/// What the system says of the recorded process.
fn state(directory: &Path) -> String {
    let Ok(record) = fs::read_to_string(record_path(directory)) else { return "no record".to_owned() };
    let record: Value = serde_json::from_str(&record).unwrap();
    let pid = &record["process"]["pid"];
    let of = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    format!("process {pid}: {} {} {}", of("stat").trim(), of("wchan"), of("syscall").trim())
}

/// Starts a workload. A process that another test starts at this instant holds copies of all locks until its program
/// runs, so a lock that should be free may be held a moment longer.
fn spawn(driver: &mut ProcessDriver, launch: &Launch) -> Process {
    let started = Instant::now();
    loop {
        match driver.spawn(&name(), launch) {
            Err(DriverError::StillRunning { .. }) if started.elapsed() < PATIENCE => std::thread::yield_now(),
            spawned => return spawned.unwrap(),
        }
    }
}

fn record_path(directory: &Path) -> std::path::PathBuf {
    directory.join("run/work.pid.json")
}

fn read_record(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(record_path(directory)).unwrap()).unwrap()
}

fn write_record(directory: &Path, record: &Value) {
    fs::write(record_path(directory), serde_json::to_vec(record).unwrap()).unwrap();
}

async fn end(driver: &mut ProcessDriver) -> ExitKind {
    driver.signal(&name(), StopSignal::Kill).unwrap();
    tokio::time::timeout(PATIENCE, driver.next_exit()).await.expect("a killed process ends").1
}

#[tokio::test]
async fn runs_to_its_end_and_cleans_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let script = "cat; echo out; echo err >&2; cat $MILLPOND_WORKLOAD_CONFIGURATION; exit 3";
    spawn(&mut driver, &shell(script));
    assert_eq!(driver.next_exit().await, (name(), ExitKind::Code(3)));
    let log = fs::read_to_string(driver.log_path(&name())).unwrap();
    assert_eq!(log, "out\nerr\nhunter2");
    let left: Vec<_> =
        fs::read_dir(directory.path().join("run")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["work.lock"]);
}

#[tokio::test]
async fn tells_which_signal_ended_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    spawn(&mut driver, &shell("echo ready; exec sleep 100"));
    await_line(directory.path(), "ready").await;
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    assert_eq!(driver.next_exit().await, (name(), ExitKind::Signal(15)));
    assert!(matches!(driver.signal(&name(), StopSignal::Terminate), Err(DriverError::NoProcess(_))));
}

#[tokio::test]
async fn what_ignores_the_request_can_be_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    spawn(&mut driver, &shell("trap '' TERM; echo ready; exec sleep 100"));
    await_line(directory.path(), "ready").await;
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    assert_eq!(end(&mut driver).await, ExitKind::Signal(9));
}

#[tokio::test]
async fn secrets_are_only_in_a_private_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let process = spawn(&mut driver, &shell("echo ready; exec sleep 100"));
    await_line(directory.path(), "ready").await;
    let configuration = directory.path().join("run/work.json");
    assert_eq!(fs::metadata(&configuration).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(directory.path().join("run")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(record_path(directory.path())).unwrap().permissions().mode() & 0o777, 0o600);
    let command_line = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap();
    assert!(!String::from_utf8_lossy(&command_line).contains("hunter2"));
    assert_eq!(end(&mut driver).await, ExitKind::Signal(9));
    assert!(!configuration.exists());
}

#[tokio::test]
async fn never_runs_twice() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    let launch = shell("exec sleep 100");
    spawn(&mut first, &launch);
    assert!(matches!(first.spawn(&name(), &launch), Err(DriverError::StillRunning { .. })));
    // Not even when all that is known of the process is lost.
    let mut second = open(directory.path());
    fs::remove_file(record_path(directory.path())).unwrap();
    assert_eq!(second.find().await.unwrap(), []);
    assert!(matches!(second.spawn(&name(), &launch), Err(DriverError::StillRunning { .. })));
    assert_eq!(end(&mut first).await, ExitKind::Signal(9));
    spawn(&mut second, &launch);
    assert_eq!(end(&mut second).await, ExitKind::Signal(9));
}

#[tokio::test]
async fn another_driver_adopts_what_runs() {
    let directory = tempfile::tempdir().unwrap();
    let launch = shell("echo ready; exec sleep 100");
    let mut first = open(directory.path());
    let process = spawn(&mut first, &launch);
    await_line(directory.path(), "ready").await;
    drop(first);
    let mut second = open(directory.path());
    assert_eq!(second.find().await.unwrap(), [(name(), process)]);
    second.adopt(&name()).unwrap();
    second.signal(&name(), StopSignal::Terminate).unwrap();
    assert_eq!(second.next_exit().await, (name(), ExitKind::Unknown));
    assert!(!record_path(directory.path()).exists());
}

#[tokio::test]
async fn a_process_whose_id_was_not_noted_is_found_by_its_token() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    let process = spawn(&mut first, &shell("exec sleep 100"));
    let mut record = read_record(directory.path());
    let noted = record["process"].take();
    assert_eq!(noted["pid"], process.pid);
    write_record(directory.path(), &record);
    let mut second = open(directory.path());
    assert_eq!(second.find().await.unwrap(), [(name(), process)]);
    assert_eq!(read_record(directory.path())["process"], noted, "it is noted now");
    second.adopt(&name()).unwrap();
    assert_eq!(end(&mut second).await, ExitKind::Unknown);
}

#[tokio::test]
async fn a_record_of_an_ended_process_is_discarded() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    spawn(&mut first, &shell("exec sleep 100"));
    let record = read_record(directory.path());
    assert_eq!(end(&mut first).await, ExitKind::Signal(9));
    let mut used_again = record.clone();
    used_again["process"]["pid"] = json!(std::process::id());
    let mut never_started = record.clone();
    never_started["process"] = Value::Null;
    let mut other_boot = record.clone();
    other_boot["boot_id"] = json!("other");
    for record in [record, used_again, never_started, other_boot, json!("damaged")] {
        write_record(directory.path(), &record);
        // It stays while another test's start holds a copy of the lock.
        let started = Instant::now();
        while record_path(directory.path()).exists() {
            assert!(started.elapsed() < PATIENCE, "it stays: {record}");
            assert_eq!(open(directory.path()).find().await.unwrap(), [], "{record}");
        }
    }
}

#[tokio::test]
async fn a_process_with_another_token_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    spawn(&mut first, &shell("exec sleep 100"));
    let record = read_record(directory.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let mut second = open(elsewhere.path());
    let mut stolen = record;
    stolen["token"] = json!("another");
    write_record(elsewhere.path(), &stolen);
    assert_eq!(second.find().await.unwrap(), []);
    assert_eq!(end(&mut first).await, ExitKind::Signal(9));
}

#[tokio::test]
async fn a_child_that_outlives_the_workload_is_not_taken_for_it_but_keeps_it_from_starting() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    spawn(&mut first, &shell("sh -c 'echo $$; echo ready; exec sleep 100'; exit"));
    await_line(directory.path(), "ready").await;
    let log = fs::read_to_string(directory.path().join("logs/work.log")).unwrap();
    let child: i32 = log.lines().next().unwrap().parse().unwrap();
    let record = read_record(directory.path());
    assert_eq!(end(&mut first).await, ExitKind::Signal(9));
    write_record(directory.path(), &record);
    let mut second = open(directory.path());
    assert_eq!(second.find().await.unwrap(), []);
    assert!(matches!(second.spawn(&name(), &shell("exit 0")), Err(DriverError::StillRunning { .. })));
    let child = rustix::process::Pid::from_raw(child).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    spawn(&mut second, &shell("exit 0"));
    assert_eq!(second.next_exit().await, (name(), ExitKind::Code(0)));
}

#[tokio::test]
async fn what_can_not_be_started_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let launch = Launch { program: "/nonexistent/program".into(), ..shell("") };
    let error = driver.spawn(&name(), &launch).unwrap_err().to_string();
    assert!(error.starts_with("workload work: could not start /nonexistent/program: "), "{error}");
    spawn(&mut driver, &shell("exit 0"));
    assert_eq!(driver.next_exit().await, (name(), ExitKind::Code(0)));
}

#[tokio::test]
async fn logs_are_bounded_and_append() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let log = driver.log_path(&name());
    let write = "head -c 800 /dev/zero | tr '\\0' x; echo";
    for _ in 0..3 {
        spawn(&mut driver, &shell(write));
        driver.next_exit().await;
    }
    assert_eq!(fs::metadata(&log).unwrap().len(), 801);
    assert_eq!(fs::metadata(directory.path().join("logs/work.log.1")).unwrap().len(), 1602);

    // A process that is running goes on in the file that begins anew.
    spawn(
        &mut driver,
        &shell(&format!("{write}; echo ready; trap 'echo after; exit 0' TERM; while :; do read x; done")),
    );
    await_line(directory.path(), "ready").await;
    driver.bound_log(&name()).unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    driver.next_exit().await;
    assert_eq!(fs::read_to_string(&log).unwrap(), "after\n");
}

fn waiting(reason: &str) -> Condition {
    Condition::Waiting { reason: reason.to_owned() }
}

/// Not a test by itself: what the next test runs as a workload.
#[test]
fn as_workload() {
    if !workload_side::is_workload() {
        return;
    }
    workload_side::enter_own_session().unwrap();
    workload_side::enter_own_session().unwrap();
    let configuration = String::from_utf8(workload_side::configuration().unwrap()).unwrap();
    workload_side::tell_address(&format!("http://{configuration}/")).unwrap();
    for reason in ["no queue", "no database"] {
        workload_side::tell_condition(&waiting(reason)).unwrap();
    }
    println!("\nready");
    let mut end = String::new();
    std::io::stdin().read_line(&mut end).unwrap();
    assert_eq!(end, "");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_program_reads_its_configuration_tells_how_it_fares_and_has_its_own_session() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let launch = Launch {
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "as_workload", "--nocapture"].map(str::to_owned).to_vec(),
        environment: BTreeMap::new(),
        configuration: b"127.0.0.1:8081".to_vec(),
        session: Session::EnteredByProgram,
    };
    assert_eq!((driver.address(&name()), driver.condition(&name())), (None, None));
    let process = spawn(&mut driver, &launch);
    await_line(directory.path(), "ready").await;
    assert_eq!(driver.address(&name()).as_deref(), Some("http://127.0.0.1:8081/"));
    assert_eq!(driver.condition(&name()), Some(waiting("no database")), "the last word counts");
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(session, process.pid.to_string());
    assert_eq!(end(&mut driver).await, ExitKind::Signal(9));
    assert_eq!(driver.address(&name()), None);
    assert_eq!(driver.condition(&name()), Some(waiting("no database")), "it may say why the process ended");
    spawn(&mut driver, &shell("exec sleep 100"));
    assert_eq!(driver.condition(&name()), None, "the next process has not told anything yet");
    end(&mut driver).await;
}
