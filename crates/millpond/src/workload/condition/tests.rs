//! What the events of a sink mean for its condition.

use std::time::Duration;

use millpond_sink::Event;
use millpond_stack::driver::Condition;

use super::Known;

const NOW: u64 = 1_700_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn down(reason: &str) -> Event {
    Event::DatabaseDown { reason: reason.into(), retry_in: SECOND, held_messages: 0 }
}

fn started() -> Event {
    let text = String::new;
    Event::Started { queue_arn: text(), target: text(), table: text(), created: Vec::new() }
}

fn after(events: &[Event]) -> Option<Condition> {
    let mut known = Known::default();
    events.iter().for_each(|event| known.note(event, NOW));
    known.condition()
}

fn waiting(reason: &str) -> Option<Condition> {
    Some(Condition::Waiting { reason: reason.into() })
}

#[test]
fn a_sink_is_ready_once_queue_and_database_were_checked() {
    assert_eq!(after(&[]), None);
    assert_eq!(after(&[Event::Wrote { landed: 1, already_landed: 0 }]), None);
    assert_eq!(after(&[started()]), Some(Condition::Ready));
}

#[test]
fn a_database_that_is_away_is_waited_for_until_it_returns() {
    let refused = waiting("the database can't be reached: refused");
    assert_eq!(after(&[down("refused")]), refused, "also before the start is complete");
    assert_eq!(after(&[down("refused"), Event::DatabaseUp { after: SECOND }]), None);
    assert_eq!(
        after(&[started(), down("refused"), Event::DatabaseUp { after: SECOND }]),
        Some(Condition::Ready)
    );
    assert_eq!(after(&[started(), down("refused")]), refused);
}

#[test]
fn what_returns_first_does_not_hide_what_is_still_away() {
    let queue_down = Event::QueueDown { reason: "gone".into(), missing: false, retry_in: SECOND };
    let events = [started(), queue_down, down("refused"), Event::DatabaseUp { after: SECOND }];
    assert_eq!(after(&events), waiting("the queue service can't be reached: gone"));
}

#[test]
fn a_role_that_may_not_is_no_service_that_is_away() {
    let (user, queue) =
        ("arn:aws:sts::000000000000:assumed-role/weak/landing", "arn:aws:sqs:us-east-1:000000000000:jobs");
    let reason = format!(
        "http://127.0.0.1:1: User: {user} is not authorized to perform: sqs:receivemessage on resource: {queue} because no \
         identity-based policy allows the sqs:receivemessage action (AccessDenied)"
    );
    let denied = Event::QueueDown { reason, missing: false, retry_in: SECOND };
    let told = format!(
        "its role may not do what it needs: policies do not let the role weak sqs:receivemessage on {queue}; `millpond why \
         sqs:receivemessage {queue} --as {user}` tells which decides"
    );
    assert_eq!(after(&[started(), denied]), waiting(&told));
}

#[test]
fn a_queue_that_is_missing_is_no_service_that_is_away() {
    let missing = Event::QueueDown { reason: "no such queue".into(), missing: true, retry_in: SECOND };
    assert_eq!(
        after(&[started(), missing]),
        waiting("the queue is missing; `millpond up` makes it again: no such queue")
    );
}

fn unfit(message_id: &str) -> Event {
    let (message_id, reason) = (message_id.to_owned(), "no column country".to_owned());
    Event::Poison { message_id, receive_count: 1, reason, hidden_secs: 30 }
}

/// Which message is told of, and for how long, after these came at these times.
fn told_of(events: &[(u64, &str)]) -> (String, u64) {
    let mut known = Known::default();
    known.note(&started(), NOW);
    events.iter().for_each(|(after_ms, message)| known.note(&unfit(message), NOW + after_ms));
    let Some(Condition::ReadyExcept { reason, until_unix_ms }) = known.condition() else {
        panic!("{known:?}")
    };
    assert!(reason.contains("can't become a row: no column country"), "{reason}");
    (reason.split(' ').nth(1).unwrap().to_owned(), until_unix_ms - NOW)
}

#[test]
fn a_record_that_does_not_fit_is_told_until_it_should_have_come_again() {
    assert_eq!(told_of(&[(0, "a")]), ("a".to_owned(), 35_000));
    assert_eq!(told_of(&[(0, "a"), (30_000, "a")]), ("a".to_owned(), 65_000), "it came again");
    assert_eq!(told_of(&[(0, "a"), (1, "b")]), ("a".to_owned(), 35_000), "one at a time");
    assert_eq!(told_of(&[(0, "a"), (35_000, "b")]), ("b".to_owned(), 70_000), "a has gone");
    let outage = after(&[started(), unfit("a"), down("refused")]);
    assert_eq!(outage, waiting("the database can't be reached: refused"), "an outage matters more");
}
