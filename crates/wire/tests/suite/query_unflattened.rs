//! AWS Query of services that flatten nothing, in and out: `member`s and `entry`s.

use std::collections::BTreeMap;

use millpond_wire::call::{Envelope, Parameters, error_body};
use millpond_wire::error::ErrorKind;
use millpond_wire::protocol::Protocol;
use millpond_wire::query::{Form, QueryService};
use millpond_wire::request_id::RequestId;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

static SERVICE: QueryService = QueryService::unflattened("https://example/");

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct Thing {
    name: Option<String>,
    keys: Vec<String>,
    tags: Vec<Tag>,
    counts: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: Option<String>,
}

fn read(body: &str) -> Result<Thing, String> {
    let form = Form::parse(b"", body.as_bytes()).unwrap();
    let read = Parameters::Query(&form).decode(&SERVICE, "Act");
    read.map_err(|error| error.message().to_owned())
}

fn written(thing: &Thing) -> String {
    let envelope =
        Envelope { protocol: Protocol::QueryXml, service: &SERVICE, action: "Act", request_id: RequestId(0) };
    let whole = String::from_utf8(envelope.reply(thing).unwrap()).unwrap();
    let (_, inner) = whole.split_once("<ActResult>").unwrap();
    inner.split_once("</ActResult>").unwrap().0.to_owned()
}

#[test]
fn items_stand_below_member_in_the_order_of_their_numbers() {
    let read = read(
        "Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=1&Keys.member.10=y&Keys.member.9=x",
    )
    .unwrap();
    assert_eq!(read.keys, ["x", "y"]);
    let tag = |key: &str, value: Option<&str>| Tag { key: key.to_owned(), value: value.map(str::to_owned) };
    assert_eq!(read.tags, [tag("a", Some("1")), tag("b", None)]);
}

#[test]
fn entries_have_a_key_and_a_value() {
    let read =
        read("Counts.entry.1.key=a&Counts.entry.1.value=3&Counts.entry.2.key=b&Counts.entry.2.value=0");
    assert_eq!(read.unwrap().counts, [("a".to_owned(), 3), ("b".to_owned(), 0)].into());
}

#[test]
fn an_absent_list_and_one_written_as_nothing_are_empty() {
    for body in ["", "Keys=", "Keys=&Tags=&Counts=", "Keys.member="] {
        assert_eq!(read(body).unwrap(), Thing::default(), "{body}");
    }
}

#[test]
fn lists_spelled_in_another_way_are_refused_and_not_lost() {
    for body in ["Keys.1=a", "Keys=a", "Keys.item.1=a", "Keys.member=a", "Tags.1.Key=a", "Counts.1.key=a"] {
        assert!(read(body).is_err(), "{body}");
    }
}

#[test]
fn replies_have_an_element_around_their_members_even_when_there_are_none() {
    assert_eq!(written(&Thing::default()), "<Keys/><Tags/><Counts/>");
    let tag = Tag { key: "a".to_owned(), value: Some("<1>".to_owned()) };
    let thing = Thing {
        name: Some("n".to_owned()),
        keys: vec!["x".to_owned(), String::new()],
        tags: vec![tag],
        counts: [("c".to_owned(), 7)].into(),
    };
    let expected = "<Name>n</Name><Keys><member>x</member><member></member></Keys>\
         <Tags><member><Key>a</Key><Value>&lt;1&gt;</Value></member></Tags>\
         <Counts><entry><key>c</key><value>7</value></entry></Counts>";
    assert_eq!(written(&thing), expected);
}

#[test]
fn an_error_has_no_element_for_details() {
    static KIND: ErrorKind = ErrorKind::new("com.example", "Broken", "Broken");
    let body = error_body(&KIND.because("It is."), Protocol::QueryXml, &SERVICE, RequestId(0));
    let expected = "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"https://example/\"><Error><Type>Sender</Type>\
         <Code>Broken</Code><Message>It is.</Message></Error>\
         <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>";
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

proptest! {
    /// What is sent is read, whatever the order of its parameters.
    #[test]
    fn what_is_sent_is_read(keys in prop::collection::vec("[a-z0-9]{1,5}", 0..12), reversed in any::<bool>()) {
        let mut parameters: Vec<_> =
            keys.iter().enumerate().map(|(at, key)| format!("Keys.member.{}={key}", at + 1)).collect();
        if reversed {
            parameters.reverse();
        }
        prop_assert_eq!(read(&parameters.join("&")).unwrap().keys, keys);
    }
}
