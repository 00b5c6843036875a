//! Requests: well-formed, signed for their second and day, and without the secret key.

use super::*;
use crate::config::Credentials;

fn config() -> LoadConfig {
    let credentials = Credentials { access_key_id: "test".into(), secret_access_key: "hidden".into() };
    LoadConfig::new("http://127.0.0.1:4566".parse().unwrap(), "us-east-1".into(), credentials)
}

fn text_at(requests: &Requests, second: i64) -> String {
    let bytes = requests.signed_at(Timestamp::from_second(second).unwrap(), "SendMessage", b"{}");
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_request_has_its_action_date_scope_and_length() {
    let config = config();
    let text = text_at(&Requests::new(&config), 0);
    assert!(text.starts_with("POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\n"), "{text}");
    assert!(text.contains("X-Amz-Target: AmazonSQS.SendMessage\r\n"));
    assert!(text.contains("X-Amz-Date: 19700101T000000Z\r\n"));
    assert!(text.contains("Credential=test/19700101/us-east-1/sqs/aws4_request"));
    assert!(text.ends_with("\r\nContent-Length: 2\r\n\r\n{}"));
}

#[test]
fn a_kept_key_signs_as_a_fresh_one_on_every_second_and_day() {
    let config = config();
    let kept = Requests::new(&config);
    for second in [0, 0, 1, 86_399, 86_400, 86_401, 3] {
        assert_eq!(text_at(&kept, second), text_at(&Requests::new(&config), second), "second {second}");
    }
}

#[test]
fn the_secret_key_is_neither_sent_nor_shown() {
    let config = config();
    assert!(!text_at(&Requests::new(&config), 0).contains("hidden"));
    assert!(!format!("{config:?}").contains("hidden"));
}
