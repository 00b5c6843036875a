//! Without enforcement: any key is taken, a 12-digit one names its account, and a known one is whose it is.

use millpond_embed::Millpond;

use crate::support::{Keys, OTHER, Request, in_both, queue_policy, send, set_queue_policy, sts, user};

#[test]
fn any_key_is_taken_and_nothing_is_denied() {
    let pond = Millpond::builder().queue("jobs").start_in_memory().unwrap();
    let nobody = Keys::new("anything", "at all");
    send(&pond, "jobs").unsigned(pond.endpoint()).ok();
    send(&pond, "jobs").signed(pond.endpoint(), &nobody).ok();
    set_queue_policy(&pond, &nobody, "jobs", &queue_policy("Deny", "\"*\"", "sqs:*"));
    send(&pond, "jobs").signed(pond.endpoint(), &nobody).ok();
    let [list, _] = in_both(&pond, &Keys::new(OTHER, "x"), "ListQueues", &[]);
    assert!(!list.ok().body.contains("jobs"));
    Request::own("GET", "queues", "").unsigned(pond.endpoint()).ok();
    Request::get("/metrics").unsigned(pond.endpoint()).ok();
    assert!(Request::get("/console/").unsigned(pond.endpoint()).ok().body.contains("jobs"));
    let foreign = Request { host: Some("queue.example"), ..send(&pond, "jobs") };
    foreign.signed(pond.endpoint(), &nobody).refused(403, "not a local name");
}

#[test]
fn a_known_key_is_whose_it_is() {
    let pond = Millpond::builder().queue("jobs").start_in_memory().unwrap();
    let nobody = Keys::new("anything", "at all");
    let jane = user(&pond, &nobody, "jane", None);
    let arn = |keys: &Keys| sts(&pond, keys, "Action=GetCallerIdentity").ok().element("Arn");
    assert_eq!(arn(&jane), "arn:aws:iam::000000000000:user/jane");
    // It has no policy, and may all the same.
    send(&pond, "jobs").signed(pond.endpoint(), &jane).ok();
    Request::own("GET", "status", "").signed(pond.endpoint(), &jane).ok();
    assert_eq!(arn(&Keys::new(OTHER, "x")), format!("arn:aws:iam::{OTHER}:root"));
    assert_eq!(arn(&nobody), "arn:aws:iam::000000000000:root");
    let session = sts(&pond, &jane, "Action=GetSessionToken").ok().keys();
    assert_eq!(arn(&session), "arn:aws:iam::000000000000:user/jane");
}
