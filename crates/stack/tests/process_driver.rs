//! Workloads as real processes: one at a time, found again, watched to their end, without secrets in sight.
//!
//! Waits for conditions only: the end of a process, or a line in its log.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use millpond_stack::WorkloadName;
use millpond_stack::driver::log::Follow;
use millpond_stack::driver::{
    Driver, DriverError, ExitKind, Launch, ProcessDriver, Session, StopSignal, workload_side,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const LOG_BYTES_MAX: u64 = 1000;

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

/// Waits until the log of the workload has this line.
async fn await_line(directory: &Path, line: &str) {
    let (lines, mut follow) = Follow::after_tail(directory.join("logs/work.log"), 100).unwrap();
    let mut text = lines.join("\n") + "\n";
    while !text.lines().any(|found| found == line) {
        text.push_str(&String::from_utf8_lossy(&follow.next().await.unwrap()));
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
    driver.next_exit().await.1
}

#[tokio::test]
async fn runs_to_its_end_and_cleans_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let script = "cat; echo out; echo err >&2; cat $MILLPOND_WORKLOAD_CONFIGURATION; exit 3";
    driver.spawn(&name(), &shell(script)).unwrap();
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
    driver.spawn(&name(), &shell("echo ready; exec sleep 100")).unwrap();
    await_line(directory.path(), "ready").await;
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    assert_eq!(driver.next_exit().await, (name(), ExitKind::Signal(15)));
    assert!(matches!(driver.signal(&name(), StopSignal::Terminate), Err(DriverError::NoProcess(_))));
}

#[tokio::test]
async fn what_ignores_the_request_can_be_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    driver.spawn(&name(), &shell("trap '' TERM; echo ready; exec sleep 100")).unwrap();
    await_line(directory.path(), "ready").await;
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    assert_eq!(end(&mut driver).await, ExitKind::Signal(9));
}

#[tokio::test]
async fn secrets_are_only_in_a_private_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let process = driver.spawn(&name(), &shell("echo ready; exec sleep 100")).unwrap();
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
    first.spawn(&name(), &launch).unwrap();
    assert!(matches!(first.spawn(&name(), &launch), Err(DriverError::StillRunning { .. })));
    // Not even when all that is known of the process is lost.
    let mut second = open(directory.path());
    fs::remove_file(record_path(directory.path())).unwrap();
    assert_eq!(second.find().await.unwrap(), []);
    assert!(matches!(second.spawn(&name(), &launch), Err(DriverError::StillRunning { .. })));
    assert_eq!(end(&mut first).await, ExitKind::Signal(9));
    second.spawn(&name(), &launch).unwrap();
    assert_eq!(end(&mut second).await, ExitKind::Signal(9));
}

#[tokio::test]
async fn another_driver_adopts_what_runs() {
    let directory = tempfile::tempdir().unwrap();
    let launch = shell("echo ready; exec sleep 100");
    let mut first = open(directory.path());
    let process = first.spawn(&name(), &launch).unwrap();
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
    let process = first.spawn(&name(), &shell("exec sleep 100")).unwrap();
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
    first.spawn(&name(), &shell("exec sleep 100")).unwrap();
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
        assert_eq!(open(directory.path()).find().await.unwrap(), [], "{record}");
        assert!(!record_path(directory.path()).exists(), "{record}");
    }
}

#[tokio::test]
async fn a_process_with_another_token_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = open(directory.path());
    first.spawn(&name(), &shell("exec sleep 100")).unwrap();
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
    first.spawn(&name(), &shell("sh -c 'echo $$; echo ready; exec sleep 100'; exit")).unwrap();
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
    while second.spawn(&name(), &shell("exit 0")).is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.next_exit().await, (name(), ExitKind::Code(0)));
}

#[tokio::test]
async fn what_can_not_be_started_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let launch = Launch { program: "/nonexistent/program".into(), ..shell("") };
    let error = driver.spawn(&name(), &launch).unwrap_err().to_string();
    assert!(error.starts_with("workload work: could not start /nonexistent/program: "), "{error}");
    driver.spawn(&name(), &shell("exit 0")).unwrap();
    assert_eq!(driver.next_exit().await, (name(), ExitKind::Code(0)));
}

#[tokio::test]
async fn logs_are_bounded_and_append() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let log = driver.log_path(&name());
    let write = "head -c 800 /dev/zero | tr '\\0' x; echo";
    for _ in 0..3 {
        driver.spawn(&name(), &shell(write)).unwrap();
        driver.next_exit().await;
    }
    assert_eq!(fs::metadata(&log).unwrap().len(), 801);
    assert_eq!(fs::metadata(directory.path().join("logs/work.log.1")).unwrap().len(), 1602);

    // A process that is running goes on in the file that begins anew.
    driver
        .spawn(
            &name(),
            &shell(&format!("{write}; echo ready; trap 'echo after; exit 0' TERM; while :; do read x; done")),
        )
        .unwrap();
    await_line(directory.path(), "ready").await;
    driver.bound_log(&name()).unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    driver.signal(&name(), StopSignal::Terminate).unwrap();
    driver.next_exit().await;
    assert_eq!(fs::read_to_string(&log).unwrap(), "after\n");
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
    println!("\nready");
    let mut end = String::new();
    std::io::stdin().read_line(&mut end).unwrap();
    assert_eq!(end, "");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_program_reads_its_configuration_tells_its_address_and_has_its_own_session() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = open(directory.path());
    let launch = Launch {
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "as_workload", "--nocapture"].map(str::to_owned).to_vec(),
        environment: BTreeMap::new(),
        configuration: b"127.0.0.1:8081".to_vec(),
        session: Session::EnteredByProgram,
    };
    assert_eq!(driver.address(&name()), None);
    let process = driver.spawn(&name(), &launch).unwrap();
    await_line(directory.path(), "ready").await;
    assert_eq!(driver.address(&name()).as_deref(), Some("http://127.0.0.1:8081/"));
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(session, process.pid.to_string());
    assert_eq!(end(&mut driver).await, ExitKind::Signal(9));
    assert_eq!(driver.address(&name()), None);
}
