//! `AddPermission` and `RemovePermission`.

use serde_json::{Value, json};

use crate::service::{Service, url};

fn request(label: &str, accounts: &[&str], actions: &[&str]) -> Value {
    json!({ "QueueUrl": url("jobs"), "Label": label, "AWSAccountIds": accounts, "Actions": actions })
}

fn add(service: &mut Service, label: &str, accounts: &[&str], actions: &[&str]) {
    assert_eq!(service.ok("AddPermission", request(label, accounts, actions)), json!({}));
}

fn add_error(label: &str, accounts: &[&str], actions: &[&str]) -> (&'static str, u16, String) {
    Service::with_queue().error("AddPermission", request(label, accounts, actions))
}

fn remove(service: &mut Service, label: &str) {
    let body = json!({ "QueueUrl": url("jobs"), "Label": label });
    assert_eq!(service.ok("RemovePermission", body), json!({}));
}

fn set_policy(service: &mut Service, policy: &str) {
    let body = json!({ "QueueUrl": url("jobs"), "Attributes": { "Policy": policy } });
    service.ok("SetQueueAttributes", body);
}

fn policy(service: &mut Service) -> Option<Value> {
    let body = json!({ "QueueUrl": url("jobs"), "AttributeNames": ["Policy"] });
    let reply = service.ok("GetQueueAttributes", body);
    let text = reply.get("Attributes")?["Policy"].as_str().unwrap().to_owned();
    Some(serde_json::from_str(&text).unwrap())
}

fn invalid(text: &str) -> (&'static str, u16, String) {
    ("InvalidParameterValueException", 400, text.to_owned())
}

#[test]
fn one_account_and_action_are_text_and_several_are_lists() {
    let mut service = Service::with_queue();
    add(&mut service, "one", &["111122223333"], &["SendMessage"]);
    add(&mut service, "more", &["111122223333", "444455556666"], &["ReceiveMessage", "DeleteMessage"]);
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
    let one = json!({
        "Sid": "one",
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
        "Action": "SQS:SendMessage",
        "Resource": arn
    });
    let more = json!({
        "Sid": "more",
        "Effect": "Allow",
        "Principal": { "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"] },
        "Action": ["SQS:ReceiveMessage", "SQS:DeleteMessage"],
        "Resource": arn
    });
    let expected = json!({
        "Version": "2008-10-17",
        "Id": format!("{arn}/SQSDefaultPolicy"),
        "Statement": [one, more]
    });
    assert_eq!(policy(&mut service), Some(expected));
}

#[test]
fn the_last_permission_takes_the_policy_with_it() {
    let mut service = Service::with_queue();
    add(&mut service, "a", &["111122223333"], &["*"]);
    add(&mut service, "b", &["111122223333"], &["*"]);
    remove(&mut service, "a");
    assert_eq!(policy(&mut service).unwrap()["Statement"][0]["Sid"], "b");
    remove(&mut service, "b");
    assert_eq!(policy(&mut service), None);
}

#[test]
fn what_is_made_here_can_be_set_again() {
    let mut service = Service::with_queue();
    add(&mut service, "a", &["111122223333"], &["SendMessage"]);
    let made = policy(&mut service).unwrap().to_string();
    set_policy(&mut service, &made);
    remove(&mut service, "a");
    assert_eq!(policy(&mut service), None);
}

#[test]
fn a_statement_is_added_to_a_policy_that_was_set() {
    let mut service = Service::with_queue();
    let given = r#"{ "Statement" : {"Sid":"deny","Effect":"Deny","Principal":"*","Action":"*"} }"#;
    set_policy(&mut service, given);
    add(&mut service, "a", &["111122223333"], &["SendMessage"]);
    let policy = policy(&mut service).unwrap();
    assert_eq!(
        (&policy["Statement"][0]["Sid"], &policy["Statement"][1]["Sid"]),
        (&json!("deny"), &json!("a"))
    );
}

#[test]
fn labels_are_taken_once_and_found_or_not() {
    let mut service = Service::with_queue();
    add(&mut service, "a", &["111122223333"], &["*"]);
    let again = service.error("AddPermission", request("a", &["111122223333"], &["*"]));
    assert_eq!(again, invalid("Value a for parameter Label is invalid. Reason: Already exists."));
    let body = json!({ "QueueUrl": url("jobs"), "Label": "b" });
    let absent = invalid("Value b for parameter Label is invalid. Reason: can't find label.");
    assert_eq!(service.error("RemovePermission", body.clone()), absent);
    assert_eq!(Service::with_queue().error("RemovePermission", body), absent);
}

#[test]
fn a_label_has_1_to_80_letters_digits_hyphens_and_underscores() {
    let mut service = Service::with_queue();
    add(&mut service, &"a".repeat(80), &["111122223333"], &["*"]);
    add(&mut service, "A-b_9", &["111122223333"], &["*"]);
    let too_long = "a".repeat(81);
    for label in ["a b", "ä", "a.b", &too_long] {
        let (shape, _, text) = add_error(label, &["111122223333"], &["*"]);
        assert_eq!(shape, "InvalidParameterValueException");
        assert!(text.starts_with(&format!("Value {label} for parameter Label is invalid.")), "{text}");
    }
}

#[test]
fn label_and_actions_must_be_given() {
    let missing = |name: &str| {
        let text = format!("The request must contain the parameter {name}.");
        ("MissingRequiredParameterException", 400, text)
    };
    assert_eq!(add_error("", &["111122223333"], &["*"]), missing("Label"));
    assert_eq!(add_error("a", &["111122223333"], &[]), missing("Actions"));
    let body = json!({ "QueueUrl": url("jobs") });
    assert_eq!(Service::with_queue().error("RemovePermission", body), missing("Label"));
}

#[test]
fn accounts_are_numbers_of_twelve_digits() {
    let refused = |value: &str| {
        invalid(&format!("Value {value} for parameter PrincipalId is invalid. Reason: Unable to verify."))
    };
    assert_eq!(add_error("a", &[], &["*"]), refused("[]"));
    assert_eq!(add_error("a", &["111122223333", "1"], &["*"]), refused("[111122223333, 1]"));
}

#[test]
fn actions_are_those_that_an_owner_can_grant() {
    for action in
        ["AddPermission", "TagQueue", "DeleteQueue", "SendMessageBatch", "Foobar", "sendmessage", ""]
    {
        let text = format!(
            "Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner is allowed to \
             invoke this action."
        );
        assert_eq!(add_error("a", &["111122223333"], &[action]), invalid(&text));
    }
}

#[test]
fn a_permission_has_7_actions_at_most() {
    let actions = [
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "GetQueueUrl",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "ListDeadLetterSourceQueues",
    ];
    add(&mut Service::with_queue(), "a", &["111122223333"], &actions[..7]);
    let text = "8 Actions were found, maximum allowed is 7.".to_owned();
    assert_eq!(add_error("a", &["111122223333"], &actions), ("OverLimit", 403, text));
}

#[test]
fn a_policy_has_20_permissions_at_most() {
    let mut service = Service::with_queue();
    for number in 0..20 {
        add(&mut service, &format!("l{number}"), &["111122223333"], &["*"]);
    }
    let error = service.error("AddPermission", request("more", &["111122223333"], &["*"]));
    let text = "The policy of the queue would have more than 20 statements. Remove a permission first.";
    assert_eq!(error, ("OverLimit", 403, text.to_owned()));
}
