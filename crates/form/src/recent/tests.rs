//! The memory of submissions: one send at a time, bounded in number and age.

use super::*;
use crate::submission::{Submission, SubmissionKey};

const WINDOW: Duration = Duration::from_secs(60);

fn id(text: &str) -> SubmissionId {
    let key = SubmissionKey::parse(text).unwrap();
    Submission::new(&key, String::new()).id().clone()
}

fn accept(recent: &mut RecentSubmissions, text: &str, now: Instant) {
    let Begin::Send(sender) = recent.begin(&id(text), now) else { panic!("{text} is not new") };
    let outcome = Ok(MessageId(format!("message-{text}")));
    recent.finish(&id(text), &outcome, now);
    sender.send_replace(Some(outcome));
}

fn is_new(recent: &mut RecentSubmissions, text: &str, now: Instant) -> bool {
    matches!(recent.begin(&id(text), now), Begin::Send(_))
}

#[test]
fn an_accepted_submission_is_answered_from_memory() {
    let (mut recent, now) = (RecentSubmissions::new(10, WINDOW), Instant::now());
    accept(&mut recent, "a", now);
    let again = recent.begin(&id("a"), now + WINDOW / 2);
    assert!(matches!(again, Begin::Accepted(message) if message.0 == "message-a"));
}

#[test]
fn one_that_is_under_way_is_waited_for() {
    let (mut recent, now) = (RecentSubmissions::new(10, WINDOW), Instant::now());
    let Begin::Send(sender) = recent.begin(&id("a"), now) else { panic!("it is new") };
    // Even when the window has passed.
    let Begin::Wait(pending) = recent.begin(&id("a"), now + 2 * WINDOW) else { panic!("it is under way") };
    sender.send_replace(Some(Ok(MessageId("m".to_owned()))));
    assert_eq!(*pending.borrow(), Some(Ok(MessageId("m".to_owned()))));
}

#[test]
fn a_failed_one_is_forgotten_and_sent_again() {
    let (mut recent, now) = (RecentSubmissions::new(10, WINDOW), Instant::now());
    let Begin::Send(_sender) = recent.begin(&id("a"), now) else { panic!("it is new") };
    recent.finish(&id("a"), &Err(SendError::Unavailable("down".to_owned())), now);
    assert!(recent.entries.is_empty(), "an outage fills no memory");
    assert!(is_new(&mut recent, "a", now));
}

#[test]
fn one_whose_send_died_is_sent_again() {
    let (mut recent, now) = (RecentSubmissions::new(10, WINDOW), Instant::now());
    drop(recent.begin(&id("a"), now));
    assert!(is_new(&mut recent, "a", now));
}

#[test]
fn accepted_ones_are_forgotten_by_age_and_number() {
    let (mut recent, now) = (RecentSubmissions::new(2, WINDOW), Instant::now());
    accept(&mut recent, "a", now);
    accept(&mut recent, "b", now);
    accept(&mut recent, "c", now + WINDOW / 2);
    assert_eq!(recent.entries.len(), 2, "the oldest made room");
    assert!(matches!(recent.begin(&id("b"), now), Begin::Accepted(_)));
    accept(&mut recent, "a", now + WINDOW);
    assert!(is_new(&mut recent, "b", now + WINDOW));
    assert!(matches!(recent.begin(&id("c"), now + WINDOW), Begin::Accepted(_)));
}
