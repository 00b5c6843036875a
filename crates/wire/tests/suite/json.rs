//! AWS JSON in: what is taken, what is refused, and in which words.

use std::borrow::Cow;

use millpond_wire::json::decode;
use millpond_wire::shape::{Blob, Integer, List, Map, RawText, Structure, Text};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    raw: Option<RawText<'a>>,
    number: Option<Integer>,
    blob: Option<Blob>,
    #[serde(borrow)]
    list: Option<List<Text<'a>, 2>>,
    #[serde(borrow)]
    map: Option<Map<'a, Text<'a>, 2>>,
    inner: Option<Structure<Inner>>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    number: Integer,
}

fn refused(body: &[u8]) -> String {
    let error = decode::<Request<'_>>(body).unwrap_err();
    assert_eq!((error.kind().shape, error.status()), ("SerializationException", 400));
    error.message().to_owned()
}

fn text_of(body: &[u8]) -> Cow<'_, str> {
    decode::<Request<'_>>(body).unwrap().text.unwrap().0
}

#[test]
fn no_bytes_are_an_empty_structure() {
    for body in [&b""[..], b" \r\n", b"{}"] {
        assert_eq!(decode::<Request<'_>>(body), Ok(Request::default()));
    }
}

#[test]
fn null_is_absent_and_unknown_members_are_ignored() {
    let body = br#"{"text":null,"raw":null,"number":null,"list":null,"map":null,"other":{"text":[1,{}]}}"#;
    assert_eq!(decode::<Request<'_>>(body), Ok(Request::default()));
}

#[test]
fn text_without_escapes_is_lent() {
    assert!(matches!(text_of(br#"{"text":"plain"}"#), Cow::Borrowed("plain")));
    assert!(matches!(text_of(br#"{"text":"a\nb"}"#), Cow::Owned(text) if text == "a\nb"));
    let request: Request<'_> = decode(br#"{"raw":"plain"}"#).unwrap();
    assert!(matches!(request.raw.unwrap().0, Cow::Borrowed(b"plain")));
}

#[test]
fn raw_text_may_hold_half_a_surrogate_pair() {
    let request: Request<'_> = decode(br#"{"raw":"a\ud800"}"#).unwrap();
    assert!(std::str::from_utf8(&request.raw.unwrap().0).is_err());
    assert!(refused(br#"{"text":"a\ud800"}"#).starts_with("The request is not valid JSON: "));
}

#[test]
fn bytes_that_are_no_json_are_refused_with_their_place() {
    let bodies: [&[u8]; 9] = [
        b"{",
        b"nonsense",
        b"{\"text\":\"x\",}",
        b"{\"text\":\"x\"}}",
        b"{\"text\" \"x\"}",
        b"{'text':'x'}",
        b"{\"text\":\"\\x\"}",
        b"{\"number\":01}",
        b"{\"raw\":\"x",
    ];
    for body in bodies {
        let message = refused(body);
        assert!(message.starts_with("The request is not valid JSON: "), "{message}");
        assert!(message.contains(" at line 1 column "), "{message}");
    }
    assert_eq!(refused(b"{\"text\":\"\xff\"}"), "The request is not UTF-8: byte 9 is invalid.");
}

#[test]
fn control_characters_in_text_must_be_escaped() {
    for body in [&b"{\"raw\":\"a\nb\"}"[..], b"{\"raw\":\"a\tb\\n\"}", b"{\n\"raw\": \"\\\"\x01\"}"] {
        let message = refused(body);
        assert!(message.contains("control character") && message.ends_with("must be escaped."), "{message}");
    }
    let pretty = b"{\n\t\"raw\": \"a\\n\\\\\",\r\n\t\"text\": \"b\"\n}";
    assert_eq!(decode::<Request<'_>>(pretty).unwrap().raw.unwrap().0, &b"a\n\\"[..]);
}

#[test]
fn wrong_types_are_refused_in_the_words_of_aws() {
    let cases: [(&[u8], &str); 12] = [
        (b"[]", "Start of list found where not expected"),
        (b"\"x\"", "Expected structure or null"),
        (b"{\"text\":5}", "NUMBER_VALUE can not be converted to a String"),
        (b"{\"raw\":5}", "NUMBER_VALUE can not be converted to a String"),
        (b"{\"raw\":-1.5}", "NUMBER_VALUE can not be converted to a String"),
        (b"{\"raw\":false}", "FALSE_VALUE can not be converted to a String"),
        (b"{\"number\":\"5\"}", "STRING_VALUE can not be converted to an Integer"),
        (b"{\"list\":\"x\"}", "Expected list or null"),
        (b"{\"list\":{}}", "Start of structure or map found where not expected."),
        (b"{\"list\":[null]}", "NULL_VALUE can not be converted to a String"),
        (b"{\"inner\":[5]}", "Start of list found where not expected"),
        (b"{\"blob\":\"=\"}", "a binary value is not valid base64"),
    ];
    for (body, text) in cases {
        assert_eq!(refused(body), text, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn numbers_beyond_64_bits_stay_beyond_every_limit() {
    let number = |body: &[u8]| decode::<Request<'_>>(body).unwrap().number.unwrap().0;
    assert_eq!(number(b"{\"number\":18446744073709551615}"), i64::MAX);
    assert_eq!(number(b"{\"number\":-5}"), -5);
    assert_eq!(refused(b"{\"number\":1.5}"), "NUMBER_VALUE can not be converted to an Integer");
}

#[test]
fn lists_and_maps_keep_the_first_and_count_the_rest() {
    let request: Request<'_> = decode(br#"{"list":["a","b","c",5],"map":{"a":"1","b":"2","c":3}}"#).unwrap();
    let list = request.list.unwrap();
    assert_eq!((list.items.len(), list.sent), (2, 4));
    let map = request.map.unwrap();
    assert_eq!((map.entries.len(), map.sent), (2, 3));
}

#[test]
fn a_null_entry_is_none_and_the_later_of_two_counts() {
    let request: Request<'_> = decode(br#"{"map":{"a":null,"b":"1","b":"2"}}"#).unwrap();
    let map = request.map.unwrap();
    assert_eq!(map.entries.into_iter().collect::<Vec<_>>(), [("b".into(), Text("2".into()))]);
}

#[test]
fn structures_and_blobs_are_read() {
    let request: Request<'_> = decode(br#"{"inner":{"number":5},"blob":"AAEC"}"#).unwrap();
    assert_eq!(request.inner, Some(Structure(Inner { number: Integer(5) })));
    assert_eq!(request.blob, Some(Blob(vec![0, 1, 2])));
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(body in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Err(error) = decode::<Request<'_>>(&body) {
            prop_assert_eq!(error.kind().shape, "SerializationException");
        }
    }

    #[test]
    fn text_comes_out_as_it_was_put_in(text in any::<String>()) {
        let body = serde_json::json!({ "text": text, "raw": text }).to_string();
        let request: Request<'_> = decode(body.as_bytes()).unwrap();
        prop_assert_eq!(request.text, Some(Text((&*text).into())));
        prop_assert_eq!(&*request.raw.unwrap().0, text.as_bytes());
    }
}
