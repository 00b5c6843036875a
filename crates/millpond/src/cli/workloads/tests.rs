//! What `ps` shows.

use serde_json::json;

use super::table;

#[test]
fn a_reason_stands_below_its_workload_and_makes_no_column_wider() {
    let workloads = [
        json!({ "name": "backend", "kind": "sink", "state": "waiting", "stack": "shop", "table": "sold", "pid": 7,
                "reason": "the database can't be reached: 127.0.0.1:1: connection refused" }),
        json!({ "name": "frontend", "kind": "form", "state": "running", "stack": "shop",
                "url": "http://127.0.0.1:8080/" }),
    ];
    assert_eq!(
        table(&workloads, Some(40)),
        "\
NAME      KIND  STATE    PID  FOR  STACK  WHERE
backend   sink  waiting    7  -    shop   table sold
    the database can't be reached:
    127.0.0.1:1: connection refused
frontend  form  running    -  -    shop   http://127.0.0.1:8080/
"
    );
}
