//! What the page shows.

use serde_json::json;

use super::{render, span};
use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::time::Timestamp;

#[test]
fn spans_show_their_two_largest_units() {
    let shown: Vec<String> = [0, 59, 60, 61, 3_600, 90_061, 1_209_600].into_iter().map(span).collect();
    assert_eq!(shown, ["0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 d 1 h", "14 d"]);
}

#[test]
fn text_from_outside_is_escaped() {
    let workloads = json!({ "workloads": [
        { "name": "<script>", "kind": "a&b", "state": "\"x\"", "url": "javascript:alert(1)" },
        { "name": "form", "kind": "form", "state": "running", "url": "http://127.0.0.1:8080" },
    ] });
    let html = render(Some(&[]), Some(&workloads), None, Timestamp::EPOCH);
    assert!(!html.contains("<script>"), "{html}");
    assert!(html.contains("&lt;script&gt;") && html.contains("a&amp;b"));
    assert!(!html.contains("href=\"javascript"));
    assert!(html.contains("<a href=\"http://127.0.0.1:8080\">"));
}

#[test]
fn the_commands_fit_what_runs() {
    let html = render(Some(&[]), None, None, Timestamp::EPOCH);
    assert!(html.contains("millpond queue create jobs\n") && !html.contains("customers"), "{html}");
    let workloads = json!({ "workloads": [
        { "name": "backend", "kind": "sink", "state": "waiting to restart", "reason": "exit code 1, no <table>",
          "queue": "orders", "table": "sold", "example": "--field 'id=1'" },
    ] });
    let html = render(Some(&[]), Some(&workloads), None, Timestamp::EPOCH);
    assert!(html.contains("millpond send orders --field &#39;id=1&#39;\nmillpond rows orders\n"), "{html}");
    assert!(
        html.contains("data-label=\"State\">waiting to restart</td>")
            && html.contains("data-label=\"Where\">table sold</td></tr>")
            && html.contains("<td colspan=\"5\">exit code 1, no &lt;table&gt;</td>"),
        "{html}"
    );
}

#[test]
fn a_clock_in_doubt_is_said() {
    let up_at = Timestamp::from_millis(1_000);
    let hold = ExpiryHold {
        from: Timestamp::EPOCH,
        up_at,
        until: up_at.plus_secs(90_000),
        reason: HoldReason::ClockJump,
    };
    let html = render(Some(&[]), None, Some(hold), up_at);
    assert!(
        html.contains("no message expires for another 1 d 1 h") && html.contains("millpond clock confirm"),
        "{html}"
    );
    let outage = ExpiryHold { reason: HoldReason::Outage, ..hold };
    assert!(
        !render(Some(&[]), None, Some(outage), up_at).contains("kept"),
        "nothing has outlived its retention"
    );
}
