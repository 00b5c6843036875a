//! The table of our own API.

use super::{ACTIONS, Gate, Resource, gate, of_nothing_named};

#[test]
fn every_call_has_its_gate() {
    let named = |kind, name: &str| Resource::Named(kind, name.to_owned());
    for (method, path, expected) in [
        ("GET", "queues", Gate::Action("millpond:ListQueues", Resource::OfCaller)),
        ("GET", "clock", Gate::Action("millpond:GetClock", Resource::OfCaller)),
        ("POST", "clock/confirm", Gate::Action("millpond:ConfirmClock", Resource::OfService)),
        ("POST", "clock/advance", Gate::Action("millpond:AdvanceClock", Resource::OfService)),
        ("POST", "reset", Gate::Action("millpond:Reset", Resource::OfService)),
        ("GET", "backup", Gate::Action("millpond:Backup", Resource::OfService)),
        ("GET", "status", Gate::Action("millpond:GetStatus", Resource::OfService)),
        ("GET", "workloads", Gate::Action("millpond:ListWorkloads", Resource::OfService)),
        ("POST", "workloads/a/start", Gate::Action("millpond:StartWorkload", named("workload", "a"))),
        ("POST", "workloads/a/stop", Gate::Action("millpond:StopWorkload", named("workload", "a"))),
        ("GET", "workloads/a/credentials", Gate::Token),
        ("GET", "stacks", Gate::Action("millpond:ListStacks", Resource::OfService)),
        ("POST", "stacks/a", Gate::Action("millpond:DeployStack", named("stack", "a"))),
        ("DELETE", "stacks/a", Gate::Action("millpond:DeleteStack", named("stack", "a"))),
        ("GET", "rows/a", Gate::Action("millpond:ListRows", named("rows", "a"))),
        ("POST", "why", Gate::Action("millpond:ExplainDecision", Resource::OfCaller)),
        ("POST", "accounts", Gate::Action("millpond:CreateAccount", Resource::OfService)),
        ("POST", "accounts/111122223333/key", Gate::Action("millpond:CreateAccount", Resource::OfService)),
        ("GET", "accounts", Gate::Action("millpond:ListAccounts", Resource::OfService)),
        ("POST", "console-sessions", Gate::Known),
        ("GET", "queues/jobs", Gate::Known),
        ("GET", "nothing/here", Gate::Nowhere),
        ("POST", "workloads/a", Gate::Nowhere),
        // Only the one call that hands out credentials is let in by its token.
        ("POST", "workloads/a/credentials", Gate::Nowhere),
        ("GET", "workloads/a/b/credentials", Gate::Nowhere),
    ] {
        let found = gate(method, path);
        assert_eq!(found, expected, "{method} {path}");
        // What explains decisions knows it the same way.
        if let Gate::Action(action, resource) = found {
            let is_named = matches!(resource, Resource::Named(..) | Resource::Queue(_));
            assert_eq!(of_nothing_named(action), (!is_named).then_some(resource), "{action}");
        }
    }
}

#[test]
fn a_queue_is_described_by_who_may_on_that_queue() {
    let Gate::Action(action, Resource::Queue(key)) = gate("GET", "queues/111122223333/eu-west-1/jobs") else {
        panic!("no queue")
    };
    assert_eq!((action, key.to_string().as_str()), ("millpond:DescribeQueue", "111122223333/eu-west-1/jobs"));
    assert_eq!(gate("GET", "queues/1/eu-west-1/jobs"), Gate::Known);
}

#[test]
fn all_actions_are_listed_in_order() {
    assert!(ACTIONS.is_sorted());
}
