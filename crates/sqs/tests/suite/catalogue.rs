//! The table of actions: complete and findable.

use millpond_sqs::catalogue::{ACTIONS, ResourceKind, find};

use crate::service::Service;

#[test]
fn the_table_is_in_order_and_each_action_is_found() {
    assert!(ACTIONS.is_sorted_by(|one, next| one.name < next.name));
    for action in &ACTIONS {
        assert_eq!(find(action.name).unwrap().name, action.name);
    }
    assert!(find("sendmessage").is_none());
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
fn an_unknown_action_is_refused() {
    for action in ["", "Foobar", "SENDMESSAGE"] {
        let error = Service::new().prepare(action, b"{}").unwrap_err();
        assert_eq!((error.kind().shape, error.status()), ("UnknownOperationException", 400));
    }
}
