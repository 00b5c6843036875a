//! What the events of a sink mean for its condition.

use std::time::Duration;

use millpond_sink::Event;
use millpond_stack::driver::Condition;

use super::Known;

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
    events.iter().for_each(|event| known.note(event));
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
fn a_queue_that_is_missing_is_no_service_that_is_away() {
    let missing = Event::QueueDown { reason: "no such queue".into(), missing: true, retry_in: SECOND };
    assert_eq!(
        after(&[started(), missing]),
        waiting("the queue is missing; `millpond up` makes it again: no such queue")
    );
}
