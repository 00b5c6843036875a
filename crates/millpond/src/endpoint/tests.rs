//! Which address is taken, and what is said when nothing answers there.

use super::{Endpoint, choose, is_amazon, is_loopback, parse, region_of_amazon};
use crate::note::Note;

fn note(port: u16) -> Note {
    Note {
        endpoint: format!("http://127.0.0.1:{port}"),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        enforced: true,
        root_key: None,
        ca_bundle: None,
        pid: 7,
        data: "/srv/pond".into(),
    }
}

fn variables<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn chosen(option: Option<&str>, queue: Option<&str>, set: &[(&str, &str)], notes: &[Note]) -> Endpoint {
    choose(option, queue, variables(set), notes.to_vec()).unwrap().unwrap()
}

#[test]
fn what_the_caller_names_comes_before_variables_and_notes() {
    let set = [("AWS_ENDPOINT_URL", "http://127.0.0.1:3"), ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2/")];
    let notes = [note(4)];
    let url = |option, queue, set: &[_]| chosen(option, queue, set, &notes).url;
    assert_eq!(url(Some("http://127.0.0.1:1"), None, &set), "http://127.0.0.1:1");
    assert_eq!(url(None, Some("http://127.0.0.1:5/000000000000/jobs"), &set), "http://127.0.0.1:5");
    assert_eq!(url(None, Some("jobs"), &set), "http://127.0.0.1:2");
    assert_eq!(url(None, None, &set[..1]), "http://127.0.0.1:3");
    assert_eq!(url(None, None, &[]), "http://127.0.0.1:4");
    assert_eq!(choose(None, None, variables(&[]), Vec::new()).unwrap(), None);
}

#[test]
fn a_queue_url_of_another_place_than_the_option_is_refused() {
    let refused = choose(
        Some("http://127.0.0.1:1"),
        Some("http://127.0.0.1:2/000000000000/jobs"),
        variables(&[]),
        Vec::new(),
    );
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("http://127.0.0.1:2") && text.contains("http://127.0.0.1:1"), "{text}");
    chosen(Some("http://127.0.0.1:1"), Some("http://localhost:1/000000000000/jobs"), &[], &[]);
}

#[test]
fn a_silent_address_is_told_with_who_named_it() {
    let set = [("AWS_ENDPOINT_URL", "http://127.0.0.1:3")];
    let text = chosen(None, None, &set, &[note(4)]).silent("Connection refused");
    assert!(text.contains("http://127.0.0.1:3: Connection refused"), "{text}");
    assert!(text.contains("unset AWS_ENDPOINT_URL") && text.contains("http://127.0.0.1:4"), "{text}");
    let text = chosen(None, None, &set, &[]).silent("Connection refused");
    assert!(text.contains("millpond serve"), "{text}");
    let text = chosen(Some("http://127.0.0.1:1"), None, &set, &[]).silent("Connection refused");
    assert!(text.contains("--endpoint") && !text.contains("unset"), "{text}");
    let text = chosen(None, None, &[], &[note(4)]).silent("Connection refused");
    assert!(text.contains("process 7") && text.contains("/srv/pond"), "{text}");
}

#[test]
fn a_choice_among_several_services_is_told() {
    assert_eq!(chosen(None, None, &[], &[note(4)]).remark(), None);
    assert_eq!(chosen(Some("http://127.0.0.1:5"), None, &[], &[note(4), note(5)]).remark(), None);
    let text = chosen(None, None, &[], &[note(4), note(5)]).remark().unwrap();
    assert!(text.contains("http://127.0.0.1:4") && text.contains("http://127.0.0.1:5"), "{text}");
}

#[test]
fn a_named_service_of_this_user_has_its_note() {
    assert_eq!(chosen(Some("http://localhost:5"), None, &[], &[note(4), note(5)]).note, Some(note(5)));
    assert_eq!(chosen(Some("http://127.0.0.1:6"), None, &[], &[note(4)]).note, None);
}

#[test]
fn an_endpoint_has_a_scheme_a_host_and_no_path() {
    for good in
        ["http://127.0.0.1:4566", "https://sqs.eu-west-1.amazonaws.com", "http://[::1]:4566", "http://[::1]"]
    {
        assert_eq!(parse(good).as_deref(), Ok(good));
    }
    assert_eq!(parse("http://localhost:4566/").as_deref(), Ok("http://localhost:4566"));
    for bad in [
        "",
        "127.0.0.1:4566",
        "ftp://a",
        "http://",
        "http://a/b",
        "http://a:0",
        "http://a:99999",
        "http://u@h",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn hosts_are_told_apart() {
    for here in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "http://sqs.localhost:1"] {
        assert!(is_loopback(here) && !is_amazon(here), "{here}");
    }
    for there in ["http://10.0.0.1:1", "https://localhost.example"] {
        assert!(!is_loopback(there) && !is_amazon(there), "{there}");
    }
    assert!(is_amazon("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com"));
    assert!(!is_amazon("https://amazonaws.com.example"));
    assert_eq!(region_of_amazon("https://sqs.eu-west-1.amazonaws.com"), Some("eu-west-1"));
    assert_eq!(region_of_amazon("https://sqs.example"), None);
}
