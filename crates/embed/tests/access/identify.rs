//! Who calls: keys, secrets, dates, services, sessions, anonymous callers.

use std::time::{Duration, SystemTime};

use crate::support::{ACCOUNT, Keys, Request, enforced, in_both, send, sts, user};

#[test]
fn root_may_do_everything_in_both_protocols() {
    let pond = enforced();
    for reply in in_both(&pond, &Keys::root(), "ListQueues", &[]) {
        assert!(reply.ok().body.contains("/000000000000/jobs"));
    }
    send(&pond, "jobs").signed(pond.endpoint(), &Keys::root()).ok();
    let who = sts(&pond, &Keys::root(), "Action=GetCallerIdentity").ok();
    assert_eq!(who.element("Arn"), format!("arn:aws:iam::{ACCOUNT}:root"));
}

#[test]
fn an_unknown_key_and_a_wrong_secret_are_refused_in_the_words_of_each_protocol() {
    let pond = enforced();
    let [json, query] = in_both(&pond, &Keys::new("AKIAUNKNOWN", "test"), "ListQueues", &[]);
    let json = json.refused(403, "com.amazon.coral.service#UnrecognizedClientException");
    assert!(json.head.contains("x-amzn-query-error: invalidclienttokenid;sender"), "{}", json.head);
    assert!(json.head.contains("x-amzn-requestid: "));
    query.refused(403, "<Code>InvalidClientTokenId</Code>");
    let [json, query] = in_both(&pond, &Keys::new("test", "wrong"), "ListQueues", &[]);
    json.refused(403, "com.amazon.coral.service#InvalidSignatureException");
    query.refused(403, "<Code>SignatureDoesNotMatch</Code>");
}

#[test]
fn a_stale_date_a_wrong_service_and_a_changed_body_are_refused() {
    let pond = enforced();
    let stale = Request { at: SystemTime::now() - Duration::from_secs(16 * 60), ..send(&pond, "jobs") };
    stale.signed(pond.endpoint(), &Keys::root()).refused(403, "Signature expired");
    let elsewhere = Request { service: "iam", ..Request::form("sqs", "/", "Action=ListQueues") };
    // It is taken for a call of IAM, which has no such action.
    elsewhere.signed(pond.endpoint(), &Keys::root()).refused(400, "InvalidAction");
    let own = Request { service: "sqs", ..Request::own("GET", "queues", "") };
    own.signed(pond.endpoint(), &Keys::root()).refused(403, "correct service: 'millpond'");
    let mut changed = send(&pond, "jobs").sign(pond.endpoint(), &Keys::root());
    changed.body = changed.body.replace("hello", "jello");
    changed.unsigned(pond.endpoint()).refused(403, "InvalidSignatureException");
    let mut changed = Request::form("sqs", "/", "Action=ListQueues").sign(pond.endpoint(), &Keys::root());
    changed.path = "/?Action=ListQueues".to_owned();
    changed.unsigned(pond.endpoint()).refused(403, "SignatureDoesNotMatch");
}

#[test]
fn what_is_not_signed_is_anonymous_to_sqs_and_nobody_elsewhere() {
    let pond = enforced();
    let refused = send(&pond, "jobs").unsigned(pond.endpoint());
    let url = pond.url("jobs");
    let refused = refused.refused(403, &format!("Access to the resource {url} is denied."));
    assert!(refused.body.contains("com.amazon.coral.service#AccessDeniedException"), "{}", refused.body);
    // Whether a queue is there is not told either.
    let url = pond.url("nowhere");
    let refused = send(&pond, "nowhere").unsigned(pond.endpoint());
    refused.refused(403, &format!("Access to the resource {url} is denied."));
    for (service, version) in [("iam", "2010-05-08"), ("sts", "2011-06-15")] {
        let form = format!("Action=GetCallerIdentity&Version={version}");
        let refused = Request::form(service, "/", &form).unsigned(pond.endpoint());
        let refused = refused.refused(403, "<Code>MissingAuthenticationToken</Code>");
        assert!(refused.body.contains(&format!("https://{service}.amazonaws.com/doc/{version}/")));
    }
    Request::own("GET", "queues", "").unsigned(pond.endpoint()).refused(403, "\"error\"");
}

#[test]
fn a_session_is_who_it_is_of_and_ends_with_its_token() {
    let pond = enforced();
    let session = sts(&pond, &Keys::root(), "Action=GetSessionToken").ok().keys();
    assert!(session.id.starts_with("ASIA"), "{session:?}");
    send(&pond, "jobs").signed(pond.endpoint(), &session).ok();
    let without = Keys { token: None, ..session.clone() };
    send(&pond, "jobs").signed(pond.endpoint(), &without).refused(403, "UnrecognizedClientException");
    // A token belongs to its key.
    let other = Keys { id: "ASIAOTHER".to_owned(), ..session.clone() };
    send(&pond, "jobs").signed(pond.endpoint(), &other).refused(403, "UnrecognizedClientException");
    let both = Keys { token: session.token.clone(), ..Keys::root() };
    send(&pond, "jobs").signed(pond.endpoint(), &both).refused(403, "UnrecognizedClientException");
    let mut token = session.token.clone().unwrap();
    let last = token.pop().unwrap();
    token.push(if last == 'A' { 'B' } else { 'A' });
    let changed = Keys { token: Some(token), ..session };
    send(&pond, "jobs").signed(pond.endpoint(), &changed).refused(403, "UnrecognizedClientException");
}

#[test]
fn receivers_learn_the_unique_id_of_the_sender() {
    let pond = enforced();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", Some(&crate::support::allow("sqs:*", "*")));
    let id = sts(&pond, &jane, "Action=GetCallerIdentity").ok().element("UserId");
    assert!(id.starts_with("AIDA"), "{id}");
    for (keys, sender) in [(&jane, id.as_str()), (&root, ACCOUNT)] {
        send(&pond, "jobs").signed(pond.endpoint(), keys).ok();
        let body =
            format!(r#"{{"QueueUrl":"{}","MessageSystemAttributeNames":["SenderId"]}}"#, pond.url("jobs"));
        let received = Request::json("ReceiveMessage", &body).signed(pond.endpoint(), &root).ok();
        assert!(received.body.contains(&format!(r#""SenderId":"{sender}""#)), "{}", received.body);
    }
}

#[test]
fn a_proven_request_may_use_any_host_and_an_unproven_one_may_not() {
    let pond = enforced();
    let named = Request { host: Some("queue.example:4566"), ..send(&pond, "jobs") };
    named.signed(pond.endpoint(), &Keys::root()).ok();
    named.unsigned(pond.endpoint()).refused(403, "not a local name");
    named.signed(pond.endpoint(), &Keys::new("test", "wrong")).refused(403, "InvalidSignatureException");
    let foreign = send(&pond, "jobs").with("origin", "http://evil.example");
    foreign.unsigned(pond.endpoint()).refused(403, "another origin");
    let bearer = named.with("authorization", "Bearer x");
    bearer.unsigned(pond.endpoint()).refused(400, "IncompleteSignature");
}

#[test]
fn a_signed_address_tells_who_made_it() {
    let pond = enforced();
    let asked = Request { service: "sts", ..Request::get("/?Action=GetCallerIdentity&Version=2011-06-15") };
    let address = asked.presigned(pond.endpoint(), &Keys::root());
    let who = address.unsigned(pond.endpoint()).ok();
    assert_eq!(who.element("Arn"), format!("arn:aws:iam::{ACCOUNT}:root"));
    let longer = address.path.replace("X-Amz-Expires=", "X-Amz-Expires=1");
    Request { path: longer, ..address }.unsigned(pond.endpoint()).refused(403, "SignatureDoesNotMatch");
    let old = Request { at: SystemTime::now() - Duration::from_secs(301), ..asked };
    let old = old.presigned(pond.endpoint(), &Keys::root());
    old.unsigned(pond.endpoint()).refused(403, "Signature expired");
}
