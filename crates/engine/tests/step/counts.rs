//! The counts that people see follow the time, whether or not anyone touches the queue.

use millpond_core::command::Command;
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_core::queue::MessageCounts;

use crate::support::{Stage, key, receive_for, send, send_delayed};

fn listed(stage: &mut Stage) -> QueueDescription {
    let outcome = stage.carry(Command::DescribeQueues { after: None, limit: 100 });
    let Outcome::Descriptions { mut queues, .. } = outcome else { panic!("{outcome:?}") };
    queues.remove(0)
}

fn described(stage: &mut Stage) -> QueueDescription {
    let outcome = stage.carry(Command::DescribeQueue { key: key("q") });
    let Outcome::Description(description) = outcome else { panic!("{outcome:?}") };
    *description
}

#[test]
fn a_list_of_queues_shows_what_a_single_description_shows() {
    for describe_first in [false, true] {
        let mut stage = Stage::new();
        stage.carry(send_delayed("q", 1, 5));
        stage.carry(send("q", 2));
        stage.hand_out(receive_for("q", 1, 7));
        assert_eq!(listed(&mut stage).counts, MessageCounts { visible: 0, in_flight: 1, delayed: 1 });
        stage.pass_secs(5);
        if describe_first {
            described(&mut stage);
        }
        assert_eq!(listed(&mut stage).counts, MessageCounts { visible: 1, in_flight: 1, delayed: 0 });
        stage.pass_secs(2);
        assert_eq!(listed(&mut stage).counts, MessageCounts { visible: 2, in_flight: 0, delayed: 0 });
        assert_eq!(listed(&mut stage), described(&mut stage));
    }
}

#[test]
fn what_has_expired_is_not_listed() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.pass_secs(345_600);
    assert_eq!(listed(&mut stage).counts, MessageCounts::default());
    assert_eq!(listed(&mut stage).oldest_expires_at, None);
}
