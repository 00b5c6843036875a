//! The table of actions: complete, findable, and honest about what is not here.

use millpond_sqs::catalogue::{ACTIONS, ResourceKind, find};

use crate::service::{Service, shown};

#[test]
fn the_table_is_in_order_and_each_action_is_found() {
    assert!(ACTIONS.is_sorted_by(|one, next| one.name < next.name));
    for action in &ACTIONS {
        assert_eq!(find(action.name).unwrap().name, action.name);
    }
    assert!(find("sendmessage").is_none());
}

#[test]
fn twenty_of_23_actions_are_here() {
    assert_eq!(ACTIONS.iter().filter(|action| action.is_supported()).count(), 20);
}

#[test]
fn batches_need_the_permission_of_the_single_action() {
    for action in &ACTIONS {
        let single = action.name.strip_suffix("Batch").unwrap_or(action.name);
        assert_eq!(action.iam_action, format!("sqs:{single}"));
        let on_account = action.resource == ResourceKind::Account;
        assert_eq!(on_account, action.name == "ListQueues");
    }
}

#[test]
fn an_action_that_is_not_here_is_refused_by_name_with_those_that_are() {
    for action in ACTIONS.iter().filter(|action| !action.is_supported()) {
        let error = Service::new().prepare(action.name, b"{}").unwrap_err();
        let (shape, status, text) = shown(&error);
        assert_eq!((shape, status), ("UnsupportedOperation", 400));
        let start = format!(
            "The action {} is not supported by this version of Millpond. Supported are: ",
            action.name
        );
        assert!(text.starts_with(&start) && text.contains("SendMessageBatch"), "{text}");
    }
}

#[test]
fn an_unknown_action_is_refused() {
    for action in ["", "Foobar", "SENDMESSAGE"] {
        let error = Service::new().prepare(action, b"{}").unwrap_err();
        assert_eq!((error.kind().shape, error.status()), ("UnknownOperationException", 400));
    }
}
