//! What `stacks` shows, and what `down` takes for agreed.

use serde_json::{Value, json};

use super::{chosen, messages_that_go, shown};

fn stack(name: &str, policy: &str) -> Value {
    json!({
        "stack": name,
        "resources": [
            { "kind": "queue", "name": "orders", "deletion_policy": policy },
            { "kind": "workload", "name": "backend", "deletion_policy": "Delete" },
            { "kind": "workload", "name": "frontend", "deletion_policy": "Delete" },
        ],
        "outputs": [
            { "name": "FormUrl", "value": "http://127.0.0.1:8080/", "description": "Where the form is." },
            { "name": "Arn", "value": "arn:x", "description": null },
        ],
    })
}

#[test]
fn a_stack_is_shown_with_what_belongs_to_it() {
    assert_eq!(
        shown(&stack("shop", "Delete")),
        "\
shop
  queues     orders
  workloads  backend, frontend
  outputs
    FormUrl  http://127.0.0.1:8080/  Where the form is.
    Arn      arn:x
"
    );
}

#[test]
fn the_stack_is_the_one_named_or_the_only_one() {
    let (shop, mill) = (stack("shop", "Delete"), stack("mill", "Delete"));
    let both = [shop.clone(), mill.clone()];
    assert_eq!(chosen(&both[..1], None).expect("the only one"), &shop);
    assert_eq!(chosen(&both, Some("mill")).expect("the one named"), &mill);
    let told = |stacks: &[Value], wanted| chosen(stacks, wanted).expect_err("none is meant").to_string();
    assert_eq!(told(&[], None), "there are no stacks");
    assert_eq!(told(&both, None), "there are several stacks, shop and mill; name one: millpond down shop");
    assert_eq!(told(&both, Some("x")), "there is no stack x; known: shop, mill");
}

#[test]
fn messages_that_would_be_deleted_are_counted() {
    let queue = |name: &str, in_flight: u64, delayed: u64| json!({ "name": name, "visible": 0, "in_flight": in_flight, "delayed": delayed });
    let others = [queue("orders", 0, 0), queue("others", 5, 5)];
    assert_eq!(messages_that_go(&stack("shop", "Delete"), &others), None);
    let held = [queue("orders", 1, 2)];
    assert_eq!(
        messages_that_go(&stack("shop", "Delete"), &held).as_deref(),
        Some("queue orders holds 3 messages")
    );
    assert_eq!(messages_that_go(&stack("shop", "Retain"), &held), None, "a retained queue keeps them");
}
