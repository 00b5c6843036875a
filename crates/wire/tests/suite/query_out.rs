//! AWS Query out: replies and errors in XML, and in the JSON that callers can ask for.

use std::collections::BTreeMap;

use millpond_wire::call::{Envelope, error_body};
use millpond_wire::error::{ApiError, ErrorKind, INTERNAL_FAILURE};
use millpond_wire::protocol::Protocol;
use millpond_wire::query::{Flattened, QueryService};
use millpond_wire::request_id::RequestId;
use proptest::prelude::*;
use serde::Serialize;

static SERVICE: QueryService = QueryService {
    namespace: "http://example/",
    flattened: &[
        Flattened::list("Messages", "Message").in_json("messages", "Act"),
        Flattened::list_of_action("Done", "ResultEntry"),
        Flattened::map("Attributes", "Attribute", "Name", "Value"),
    ],
};

const ID: RequestId = RequestId(5);
const METADATA: &str =
    "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000005</RequestId></ResponseMetadata>";

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    number: Option<u32>,
    flag: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Reply>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    done: Vec<Entry>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(rename = "Id")]
    id: &'static str,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Serialize)]
struct Rest {
    #[serde(rename = "Text")]
    text: &'static str,
}

fn envelope(protocol: Protocol) -> Envelope<'static> {
    Envelope { protocol, service: &SERVICE, action: "Act", request_id: ID }
}

fn written<T: Serialize>(protocol: Protocol, reply: &T) -> Result<String, ApiError> {
    envelope(protocol).reply(reply).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn xml(reply: &Reply) -> String {
    let whole = written(Protocol::QueryXml, reply).unwrap();
    let inner = whole.strip_prefix("<?xml version=\"1.0\"?><ActResponse xmlns=\"http://example/\">");
    let inner = inner.and_then(|inner| inner.strip_suffix("</ActResponse>"));
    inner.and_then(|inner| inner.strip_suffix(METADATA)).unwrap_or_else(|| panic!("{whole}")).to_owned()
}

#[test]
fn members_are_elements_and_absent_ones_are_left_out() {
    let reply = Reply { text: Some("a".into()), number: Some(5), flag: Some(true), ..Reply::default() };
    assert_eq!(xml(&reply), "<ActResult><Text>a</Text><Number>5</Number><Flag>true</Flag></ActResult>");
    assert_eq!(xml(&Reply::default()), "<ActResult/>");
}

#[test]
fn flattened_lists_repeat_their_element() {
    let message = |text: &str| Reply { text: Some(text.to_owned()), ..Reply::default() };
    let reply = Reply { messages: vec![message("a"), message(""), Reply::default()], ..Reply::default() };
    let expected =
        "<ActResult><Message><Text>a</Text></Message><Message><Text></Text></Message><Message/></ActResult>";
    assert_eq!(xml(&reply), expected);
}

#[test]
fn entries_are_called_after_the_action_and_their_own_members_are_inside() {
    let done = vec![Entry { id: "1", rest: Rest { text: "a" } }];
    let expected = "<ActResult><ActResultEntry><Id>1</Id><Text>a</Text></ActResultEntry></ActResult>";
    assert_eq!(xml(&Reply { done, ..Reply::default() }), expected);
}

#[test]
fn flattened_maps_are_names_and_values() {
    let attributes = [("a", [("Text", "1")].into()), ("b<", BTreeMap::new())].into();
    let expected = "<ActResult><Attribute><Name>a</Name><Value><Text>1</Text></Value></Attribute>\
         <Attribute><Name>b&lt;</Name><Value/></Attribute></ActResult>";
    assert_eq!(xml(&Reply { attributes, ..Reply::default() }), expected);
}

#[test]
fn an_action_without_a_result_has_only_metadata() {
    let bytes = envelope(Protocol::QueryXml).no_result().unwrap();
    let expected =
        format!("<?xml version=\"1.0\"?><ActResponse xmlns=\"http://example/\">{METADATA}</ActResponse>");
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(envelope(Protocol::Json10).no_result().unwrap(), b"{}");
}

#[test]
fn text_is_escaped_as_amazon_sqs_does() {
    let text = "<a href=\"x\">&amp;\t'\r\n\u{0}\u{1f}\u{fffe}\u{7f}é\u{10ffff}</a>";
    let expected =
        "&lt;a href=&quot;x&quot;&gt;&amp;amp;\t'&#xD;\n\u{fffd}\u{fffd}\u{fffd}\u{7f}é\u{10ffff}&lt;/a&gt;";
    let reply = Reply { text: Some(text.to_owned()), ..Reply::default() };
    assert_eq!(xml(&reply), format!("<ActResult><Text>{expected}</Text></ActResult>"));
}

#[test]
fn json_replies_have_the_same_outermost_members() {
    let attributes = [("a", [("Text", "1")].into())].into();
    let message = Reply { text: Some("x".into()), attributes, ..Reply::default() };
    let reply = Reply { messages: vec![message], ..Reply::default() };
    let expected = r#"{"ActResponse":{"ActResult":{"Number":null,"Flag":null,"messages":[{"Text":"x","Number":null,"Flag":null,"Attributes":[{"Name":"a","Value":{"Text":"1"}}]}]},"ResponseMetadata":{"RequestId":"00000000-0000-0000-0000-000000000005"}}}"#;
    assert_eq!(written(Protocol::QueryJson, &reply).unwrap(), expected);
    let empty = written(Protocol::QueryJson, &BTreeMap::<String, String>::new()).unwrap();
    assert!(empty.starts_with(r#"{"ActResponse":{"ActResult":{"messages":null},"#), "{empty}");
}

#[test]
fn what_has_no_element_is_a_failure_and_no_broken_reply() {
    #[derive(Serialize)]
    struct Wrong<T> {
        unnamed: T,
    }
    for error in [
        written(Protocol::QueryXml, &Wrong { unnamed: vec![1] }).unwrap_err(),
        written(Protocol::QueryXml, &Wrong { unnamed: (1, 2) }).unwrap_err(),
        written(Protocol::QueryXml, &Wrong { unnamed: serde_json::json!([1]) }).unwrap_err(),
    ] {
        assert_eq!(error.kind(), &INTERNAL_FAILURE);
        assert!(error.message().contains("has no element in XML"), "{error}");
    }
}

static MODELLED: ErrorKind = ErrorKind::new("com.example", "Broken", "Example.Broken").with_status(409);

#[test]
fn an_error_has_type_code_and_message() {
    let error = MODELLED.because("It is \"broken\".");
    let body = |protocol| String::from_utf8(error_body(&error, protocol, &SERVICE, ID)).unwrap();
    let expected = "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://example/\"><Error><Type>Sender</Type>\
         <Code>Example.Broken</Code><Message>It is &quot;broken&quot;.</Message><Detail/></Error>\
         <RequestId>00000000-0000-0000-0000-000000000005</RequestId></ErrorResponse>";
    assert_eq!(body(Protocol::QueryXml), expected);
    let expected = r#"{"Error":{"Code":"Example.Broken","Message":"It is \"broken\".","Type":"Sender"},"RequestId":"00000000-0000-0000-0000-000000000005"}"#;
    assert_eq!(body(Protocol::QueryJson), expected);
    let expected = r#"{"__type":"com.example#Broken","message":"It is \"broken\"."}"#;
    assert_eq!(body(Protocol::Json10), expected);
}

proptest! {
    /// What XML can hold comes back; the rest is replaced, and markup stays markup.
    #[test]
    fn text_can_be_read_back(text in any::<String>()) {
        let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        let expected: String = text.chars().map(|letter| if allowed(letter) { letter } else { '\u{fffd}' }).collect();
        let whole = xml(&Reply { text: Some(text), ..Reply::default() });
        let inner = whole.strip_prefix("<ActResult><Text>").unwrap().strip_suffix("</Text></ActResult>").unwrap();
        prop_assert!(!inner.contains(['<', '>', '"', '\r']));
        let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#xD;", "\r"), ("&amp;", "&")];
        let read = escapes.iter().fold(inner.to_owned(), |text, (escape, letter)| text.replace(escape, letter));
        prop_assert_eq!(read, expected);
    }
}
