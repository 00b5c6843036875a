//! What a file says, and how its mistakes are told.

use std::path::Path;

use millpond_server::access::Enforcement;

use super::{FileSettings, parse};
use crate::queue::Queue;
use std::time::Duration;

fn mistakes(text: &str) -> Vec<String> {
    parse("m.toml", text).expect_err("the file has mistakes").0
}

#[test]
fn everything_can_be_said() {
    let text = r#"
        [service]
        listen = "127.0.0.1:0"
        data = "pond"
        region = "eu-west-1"
        account_id = "111122223333"
        auto_create = true
        aws_pacing = true
        test_controls = false
        update_queues = true
        auth = "off"
        allow_remote = true

        [[queue]]
        name = "jobs"
        delay_secs = 5
        maximum_message_bytes = 2048
        receive_wait_secs = 20
        retention_secs = 1_209_600
        visibility_timeout_secs = 120
        dead_letter_queue = "failed"
        max_receives = 3
        tags = { team = "mill", stage = "" }

        [[queue]]
        name = "orders.fifo"
        content_based_deduplication = true
        deduplication_scope = "message_group"
        fifo_throughput_limit = "per_message_group"
    "#;
    let said = parse("m.toml", text).expect("a good file");
    assert_eq!(said.listen.map(|listen| listen.port()), Some(0));
    assert_eq!(said.data.as_deref(), Some(Path::new("pond")));
    assert_eq!(said.region.map(|region| region.to_string()).as_deref(), Some("eu-west-1"));
    assert_eq!(said.account.map(|account| account.to_string()).as_deref(), Some("111122223333"));
    assert_eq!((said.auto_create, said.aws_pacing), (Some(true), Some(true)));
    assert_eq!((said.test_controls, said.update_queues, said.in_memory), (Some(false), Some(true), None));
    assert_eq!((said.auth, said.allow_remote), (Some(Enforcement::Off), Some(true)));
    let jobs = Queue::named("jobs")
        .delay(Duration::from_secs(5))
        .maximum_message_bytes(2048)
        .receive_wait(Duration::from_secs(20))
        .retention(Duration::from_secs(1_209_600))
        .visibility_timeout(Duration::from_secs(120))
        .dead_letter_queue("failed", 3)
        .tag("team", "mill")
        .tag("stage", "");
    assert_eq!(said.queues[0], jobs);
    let orders = &said.queues[1].patch;
    assert_eq!((orders.fifo_queue, orders.content_based_deduplication), (Some(true), Some(true)));
    assert!(orders.deduplication_scope.is_some() && orders.fifo_throughput_limit.is_some());
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(parse("m.toml", ""), Ok(FileSettings::default()));
    assert_eq!(parse("m.toml", "[service]\n"), Ok(FileSettings::default()));
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_what_was_meant() {
    let text = "[service]\nregoin = \"us-east-1\"\n\n[[queue]]\nname = \"jobs\"\n  visibility_timeout = 3\n";
    let expected = [
        "m.toml:2:1: `regoin` is not a setting of [service]; did you mean region?",
        "m.toml:6:3: `visibility_timeout` is not a setting of a queue; did you mean visibility_timeout_secs?",
    ];
    assert_eq!(mistakes(text), expected);
    let unlike = mistakes("[[queue]]\nname = \"jobs\"\nzzzzzzzz = 1\n").remove(0);
    assert!(unlike.contains("known are content_based_deduplication, dead_letter_queue"), "{unlike}");
    assert_eq!(mistakes("[service]\naccount-id = \"1\"\n").len(), 1);
}

#[test]
fn the_column_counts_letters() {
    let text = "[[queue]]\nname = \"jobs\"\ntags = { \"Zoë\" = 1 }\n";
    assert_eq!(mistakes(text), ["m.toml:3:18: this is a text in quotes, not an integer"]);
}

#[test]
fn each_mistake_is_told_in_the_order_of_the_file() {
    let text = r#"
[service]
listen = "here"
in_memory = true
data = "pond"
[[queue]]
name = "no such name"
[[queue]]
delay_secs = 1
[[queue]]
name = "jobs"
delay_secs = 901
max_receives = 3
deduplication_scope = "queue"
[[queue]]
name = "jobs"
dead_letter_queue = "jobs"
max_receives = 0
[[queue]]
name = "a.fifo"
deduplication_scope = "group"
dead_letter_queue = "jobs"
receive_wait_secs = 99999999999999999999
"#;
    let places: Vec<String> = mistakes(text)
        .iter()
        .map(|mistake| mistake.split(':').nth(1).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(places, ["3", "4", "7", "8", "12", "13", "14", "15", "17", "18", "21", "22", "23"]);
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let mistake = mistakes("[service]\nlisten = \n").remove(0);
    assert!(mistake.starts_with("m.toml:2:"), "{mistake}");
    let twice = mistakes("[service]\nlisten = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:1\"\n").remove(0);
    assert!(twice.starts_with("m.toml:3:1:"), "{twice}");
}

#[test]
fn whether_callers_are_identified_is_on_or_off() {
    let text = "[service]\nauth = \"of\"\nallow_remote = \"yes\"\n";
    let expected = [
        "m.toml:2:8: this is \"on\" or \"off\", not \"of\"",
        "m.toml:3:16: this is true or false, not a string",
    ];
    assert_eq!(mistakes(text), expected);
    assert_eq!(
        mistakes("[service]\nauth = false\n"),
        ["m.toml:2:8: this is a text in quotes, not a boolean"]
    );
}

#[test]
fn a_table_of_the_wrong_kind_is_told() {
    assert_eq!(
        mistakes("[queue]\nname = \"jobs\"\n"),
        ["m.toml:1:1: this is a list of tables, each under [[queue]], not a table"]
    );
    assert_eq!(mistakes("service = 1\n"), ["m.toml:1:11: this is a table, not an integer"]);
    assert!(mistakes("[queues.jobs]\n")[0].ends_with("did you mean queue?"));
}
