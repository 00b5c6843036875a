//! What the summary says of workloads, and which commands it gives.

use serde_json::{Value, json};

use super::{Summary, commands, is_moving};
use crate::cli::up::child::Ready;

fn sink() -> Value {
    json!({ "kind": "sink", "name": "backend", "stack": "shop", "state": "running", "desired": "running",
            "queue": "orders", "table": "sold", "example": "Jane,2" })
}

fn with(mut workload: Value, changes: &[(&str, &str)]) -> Value {
    for (name, value) in changes {
        workload[*name] = json!(value);
    }
    workload
}

/// The summary's lines, with the database's parameter or without it.
fn lines(workloads: &[Value], takes_database_url: bool) -> String {
    let ready = Ready {
        endpoint: "http://127.0.0.1:1".into(),
        found: "/data (new)".into(),
        pid: None,
        ca_bundle: None,
        auth: "on".into(),
        config: Some("./millpond.toml (1 queue)".into()),
    };
    let summary = Summary {
        ready: &ready,
        stack: "shop",
        started: true,
        again: "millpond up my.yaml".into(),
        takes_database_url,
    };
    summary.lines(workloads, None)
}

#[test]
fn the_lines_say_what_runs_where_and_for_whom() {
    let form = json!({ "kind": "form", "name": "frontend", "stack": "shop", "state": "running",
                       "listen": "127.0.0.1:8080", "url": "http://127.0.0.1:8081/" });
    let other = with(sink(), &[("name", "billing"), ("stack", "old"), ("table", "bills")]);
    assert_eq!(
        lines(&[sink(), form, other], false),
        "
  form     http://127.0.0.1:8081/, as 127.0.0.1:8080 is in use  (frontend)
  queues   http://127.0.0.1:1
  sink     into table sold  (backend)
  sink     into table bills  (billing of stack old)
  console  http://127.0.0.1:1/console/
  config   ./millpond.toml (1 queue)
  data     /data (new)
"
    );
}

#[test]
fn what_waits_is_said_with_its_reason_and_what_to_do() {
    let waiting = with(sink(), &[("state", "waiting"), ("reason", "the database can't be reached: refused")]);
    let expected = "
  queues   http://127.0.0.1:1
  sink     into table sold  (backend, waiting)
           the database can't be reached: refused
           It goes on by itself once that is put right. Until then messages wait in the queue orders; none is lost.
           To use another database, in a second terminal:
           millpond up my.yaml --parameter DatabaseUrl=mysql://USER:PASSWORD@HOST/DATABASE
  console";
    assert!(lines(std::slice::from_ref(&waiting), true).starts_with(expected));
    assert!(!lines(&[waiting], false).contains("--parameter"), "the template has no such parameter");
    let reason =
        "its role may not do what it needs: policies do not let the role weak sqs:receivemessage on orders";
    let denied = lines(&[with(sink(), &[("state", "waiting"), ("reason", reason)])], true);
    assert!(denied.contains(reason) && !denied.contains("--parameter"), "another database is of no use");
    let starting = lines(&[with(sink(), &[("state", "starting")])], true);
    assert!(starting.contains(
        "(backend, starting)\n           it has not said yet how it fares: millpond logs backend\n"
    ));
    let stopped = lines(&[with(sink(), &[("state", "stopped")])], true);
    assert!(stopped.contains("(backend, stopped: millpond start backend)"));
}

#[test]
fn the_commands_fit_what_the_stack_has() {
    let fit = |workloads: &[&Value], stack: &Value| commands(workloads, stack);
    let form = json!({ "kind": "form" });
    assert_eq!(fit(&[&form, &sink()], &Value::Null), ["send orders Jane,2", "rows orders", "stop backend"]);
    let stopped = with(sink(), &[("state", "stopped")]);
    assert_eq!(fit(&[&stopped], &Value::Null)[2], "start backend");
    let stack = |queue: &str| json!({ "resources": [{ "kind": "workload", "name": "a" }, { "kind": "queue", "name": queue }] });
    assert_eq!(fit(&[], &stack("jobs")), ["queues", "send jobs hello", "receive jobs --delete"]);
    assert_eq!(
        fit(&[], &stack("jobs.fifo")),
        ["queues", "send jobs.fifo hello --group a --deduplication-id 1", "receive jobs.fifo --delete"]
    );
}

#[test]
fn what_has_said_how_it_fares_is_not_waited_for() {
    for (state, moving) in [
        ("starting", true),
        ("stopping", true),
        ("running", false),
        ("waiting", false),
        ("waiting to restart", false),
    ] {
        assert_eq!(is_moving(&with(sink(), &[("state", state)])), moving, "{state}");
    }
    assert!(!is_moving(&with(sink(), &[("state", "stopped"), ("desired", "stopped")])));
    let away = "the queue service can't be reached: refused";
    assert!(is_moving(&with(sink(), &[("state", "waiting"), ("reason", away)])), "the service is there");
    let form = with(sink(), &[("kind", "form")]);
    assert!(is_moving(&form), "its address is still unknown");
    assert!(!is_moving(&with(form, &[("url", "http://127.0.0.1:8080/")])));
}
