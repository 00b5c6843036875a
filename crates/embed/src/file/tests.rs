//! What a file says, and how its mistakes are told.

use std::path::Path;

use millpond_server::access::Enforcement;
use millpond_server::audit::Recorded;

use super::{FileAudit, FileSettings, FileTls, parse};
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

#[test]
fn connections_and_the_audit_log_can_be_set() {
    let text = r#"
        [service]
        tls_cert = "cert.pem"
        tls_key = "key.pem"
        trusted_proxies = ["10.0.0.0/8", "fd00::1"]

        [audit]
        file = "audit.log"
        requests = "changes"
        max_bytes = "1MiB"
        keep = 3
    "#;
    let said = parse("m.toml", text).expect("a good file").transport;
    let files = FileTls::Files { certificate: "cert.pem".into(), key: "key.pem".into() };
    assert_eq!(said.tls, Some(files));
    let proxies: Vec<String> = said.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "fd00::1/128"]);
    let audit = FileAudit {
        file: Some("audit.log".into()),
        requests: Some(Recorded::Changes),
        max_bytes: Some(1 << 20),
        keep: Some(3),
    };
    assert_eq!(said.audit, Some(audit));
    let said = parse("m.toml", "[service]\ntls = \"self-signed\"").expect("a good file").transport;
    assert_eq!(said.tls, Some(FileTls::SelfSigned));
}

#[test]
fn mistakes_of_connections_and_the_audit_log_are_told() {
    for (text, expected) in [
        ("[service]\ntls = \"yes\"", "m.toml:2:7: this is \"self-signed\" or \"off\", not \"yes\""),
        ("[service]\ntls_cert = \"a\"", "m.toml:2:1: `tls_key` is missing; a certificate needs its key"),
        ("[service]\ntls_key = \"a\"", "m.toml:2:1: `tls_cert` is missing; a certificate needs its key"),
        (
            "[service]\ntls = \"off\"\ntls_key = \"a\"",
            "m.toml:2:1: there is `tls_cert` or `tls_key` too; remove one of them",
        ),
        ("[audit]\nfile = \"a\"\nmax_bytes = 1", "m.toml:3:13: a file takes 128 KiB at least"),
        ("[audit]\nkeep = -1", "m.toml:2:8: this is 0 to 1,000"),
        (
            "[audit]\nrequest = \"all\"",
            "m.toml:2:1: `request` is not a setting of [audit]; did you mean requests?",
        ),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
    let proxies = mistakes("[service]\ntrusted_proxies = [\"10.0.0.0/40\", \"proxy\"]");
    assert_eq!(proxies.len(), 2);
    assert!(proxies[0].starts_with("m.toml:2:20: a network is"), "{proxies:?}");
}
