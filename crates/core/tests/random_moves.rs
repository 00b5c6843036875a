//! Random dead letters and move tasks, against the naive model: as `random_commands.rs`, but nearly every step is about
//! a message that goes from one queue to another and back.

use millpond_core::command::Command;
use millpond_core::queue::{AttributePatch, RedrivePolicy};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::random_commands::{Run, Step};
use crate::support::key;

/// What makes `orders` and `more` send their dead letters to `dead`.
fn setup() -> Vec<Command> {
    let policy = |max_receive_count| RedrivePolicy { target: key("dead"), max_receive_count };
    let set = |name, max_receive_count| Command::SetQueueAttributes {
        key: key(name),
        attributes: AttributePatch {
            redrive: Some(Some(policy(max_receive_count))),
            ..AttributePatch::default()
        }
        .into(),
    };
    vec![set("orders", 1), set("more", 2)]
}

fn step() -> impl Strategy<Value = Step> {
    let queue = any::<Index>;
    let rate = select(vec![None, Some(1), Some(120)]);
    let settings = prop_oneof![
        select(vec![60, 3_600])
            .prop_map(|secs| AttributePatch { retention_secs: Some(secs), ..AttributePatch::default() }),
        select(vec![0, 2])
            .prop_map(|secs| AttributePatch { delay_secs: Some(secs), ..AttributePatch::default() }),
    ];
    prop_oneof![
        8 => select(vec![1, 25, 1_000, 2_000, 61_000]).prop_map(|millis| Step::Advance { millis }),
        1 => Just(Step::EndBatch),
        1 => Just(Step::RestartFromRows),
        1 => Just(Step::RestartFromLog),
        12 => (queue(), 1..4usize)
            .prop_map(|(queue, count)| Step::Send { queue, messages: vec![(1, None); count] }),
        24 => (queue(), 1..=10usize, select(vec![0, 0, 0, 1]))
            .prop_map(|(queue, limit, secs)| Step::Receive { queue, limit, timeout_secs: Some(secs) }),
        2 => (queue(), vec(any::<Index>(), 1..4)).prop_map(|(queue, receipts)| Step::Delete { queue, receipts }),
        2 => vec(any::<Index>(), 1..4).prop_map(|receipts| Step::GiveBack { receipts }),
        2 => queue().prop_map(|queue| Step::Expire { queue }),
        1 => (queue(), settings).prop_map(|(queue, attributes)| Step::Set { queue, attributes }),
        1 => queue().prop_map(|queue| Step::DeleteQueue { queue }),
        1 => queue().prop_map(|queue| Step::Create { queue, attributes: AttributePatch::default() }),
        1 => queue().prop_map(|queue| Step::Purge { queue }),
        2 => queue().prop_map(|queue| Step::Describe { queue }),
        8 => (queue(), option::of(queue()), rate)
            .prop_map(|(queue, destination, rate)| Step::StartMove { queue, destination, rate }),
        1 => (queue(), 0..4u128).prop_map(|(queue, id)| Step::CancelMove { queue, id }),
        2 => (queue(), 1..12usize).prop_map(|(queue, limit)| Step::ListMoves { queue, limit }),
        24 => queue().prop_map(|queue| Step::GoOnMoving { queue }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_that_goes_from_queue_to_queue_is_what_the_rules_say(steps in vec(step(), 1..250)) {
        let mut run = Run::new(vec![key("orders"), key("dead"), key("dead"), key("more")]);
        for command in setup() {
            run.execute(&command);
        }
        for step in &steps {
            run.take(step);
        }
        run.end_batch();
    }
}
