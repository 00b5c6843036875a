//! AWS Query in: how parameters become a request, what is refused, and in which words.

use millpond_wire::call::Parameters;
use millpond_wire::error::ApiError;
use millpond_wire::query::{Flattened, Form, QueryService};
use millpond_wire::shape::{Blob, Integer, List, Map, RawText, Structure, Text};
use proptest::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};

static SERVICE: QueryService = QueryService {
    namespace: "http://example/",
    flattened: &[
        Flattened::list("Names", "Name"),
        Flattened::list("Same", "Same"),
        Flattened::list_of_action("Entries", "RequestEntry"),
        Flattened::map("Tags", "Tag", "Key", "Value"),
    ],
};

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Request {
    text: Option<String>,
    number: Option<i64>,
    flag: Option<bool>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    same: Vec<String>,
    #[serde(default)]
    entries: Vec<Entry>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
    inner: Option<Box<Entry>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shapes<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    raw: Option<RawText<'a>>,
    number: Option<Integer>,
    blob: Option<Blob>,
    #[serde(borrow)]
    names: Option<List<Text<'a>, 2>>,
    #[serde(borrow)]
    tags: Option<Map<'a, Structure<Value<'a>>, 2>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

fn form(body: &str) -> Form<'_> {
    Form::parse(b"", body.as_bytes()).unwrap()
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, ApiError> {
    let form = Form::parse(b"", body.as_bytes())?;
    Parameters::Query(&form).decode(&SERVICE, "Act")
}

fn request(body: &str) -> Request {
    read(body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn refused(body: &str) -> String {
    let error = read::<Request>(body).expect_err(body);
    assert_eq!((error.kind().query_code, error.status()), ("MalformedInput", 400));
    error.message().to_owned()
}

#[test]
fn members_are_found_by_name_and_unknown_ones_ignored() {
    let read = request("Version=2012-11-05&Text=a&Number=-5&Flag=true&Other.1.X=y&text=b&Textual=c");
    let expected =
        Request { text: Some("a".into()), number: Some(-5), flag: Some(true), ..Request::default() };
    assert_eq!(read, expected);
    assert_eq!(request(""), Request::default());
}

#[test]
fn escapes_are_undone() {
    let text = |body: &str| request(body).text.unwrap();
    assert_eq!(text("Text=a+b%20c%2B%26%3d%C3%A9"), "a b c+&=é");
    assert_eq!(text("Te%78t=a=b"), "a=b");
    assert_eq!(text("Text=100%&&"), "100%");
    assert_eq!(text("Text=%zz%4"), "%zz%4");
    assert_eq!(text("Text="), "");
    assert_eq!(text("Text"), "");
}

#[test]
fn query_string_and_form_are_one_request() {
    let form = Form::parse(b"Action=Act&Text=a", b"Number=5").unwrap();
    assert_eq!((form.text("Action"), form.text("Number"), form.text("Flag")), (Some("Act"), Some("5"), None));
    let read: Shapes<'_> = Parameters::Query(&form).decode(&SERVICE, "Act").unwrap();
    assert_eq!((read.text.unwrap().as_str(), read.number), ("a", Some(Integer(5))));
}

#[test]
fn flattened_lists_are_in_the_order_of_their_numbers_with_gaps() {
    assert_eq!(request("Name.10=c&Name.2=b&Name.1=a").names, ["a", "b", "c"]);
    assert_eq!(request("Name.007=b&Name.0=a").names, ["a", "b"]);
    assert_eq!(request("Same.1=a").same, ["a"]);
    let entries = request("ActRequestEntry.2.Id=b&ActRequestEntry.2.Name.1=x&ActRequestEntry.1.Id=a").entries;
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_deref().unwrap()).collect();
    assert_eq!((ids, entries[1].names.len()), (vec!["a", "b"], 1));
}

#[test]
fn flattened_maps_have_names_and_values() {
    let tags = request("Tag.2.Value=2&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b&Tag.3.Key=c").tags;
    let expected = [("a", "1"), ("b", "2"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_single_item_may_come_without_its_number() {
    assert_eq!(request("Name=All").names, ["All"]);
    assert_eq!(request("Tag.Key=a&Tag.Value=1").tags["a"], "1");
    assert_eq!(request("ActRequestEntry.Id=a").entries[0].id.as_deref(), Some("a"));
}

#[test]
fn an_empty_list_is_written_as_nothing() {
    for body in ["", "Name=", "Names=", "Entries=&Tags="] {
        assert_eq!(request(body), Request::default(), "{body}");
    }
}

#[test]
fn lists_spelled_the_long_way_are_refused_and_not_lost() {
    let list = "Start of list found where not expected";
    for body in ["Names.member.1=a", "Names.1=a", "Entries.1.Id=a", "Tags.entry.1.Key=a&Tags.entry.1.Value=b"]
    {
        assert_eq!(refused(body), list, "{body}");
    }
}

#[test]
fn a_name_that_only_begins_like_another_is_another() {
    assert_eq!(request("Name-x=a&Name.1=b&Name.10=d&Names2=c").names.len(), 2);
    assert_eq!(request("Name=&Name-x=a&Name.1=b").names, ["b"]);
    assert_eq!(request("Tag.1.Key=k&Tag-x=&Tag.1.Value=v&Tag.1.Key!=l").tags["k"], "v");
    assert_eq!(request("OtherRequestEntry.1.Id=a&ActRequestEntryX.1.Id=b&RequestEntry.1.Id=c").entries, []);
}

#[test]
fn wrong_types_are_refused() {
    let cases = [
        ("Number=x", "STRING_VALUE can not be converted to an Integer"),
        ("Number=", "STRING_VALUE can not be converted to an Integer"),
        ("Number=%2B5", "STRING_VALUE can not be converted to an Integer"),
        ("Number=1.5", "STRING_VALUE can not be converted to an Integer"),
        ("Flag=yes", "STRING_VALUE can not be converted to a Boolean"),
        ("Text.1=a", "Start of list found where not expected"),
        ("Text.a=a", "Start of structure or map found where not expected."),
        ("Name.1.x=a", "Start of structure or map found where not expected."),
        ("Name.1=a&Name.x=b", "Start of structure or map found where not expected."),
        ("Inner=a", "Expected structure or null"),
        ("Text=%ff", "A value is not valid UTF-8."),
    ];
    for (body, text) in cases {
        assert_eq!(refused(body), text, "{body}");
    }
}

#[test]
fn a_parameter_is_given_once() {
    assert_eq!(refused("Text=a&Number=5&Text=b"), "The parameter Text is given twice.");
    let twice = Form::parse(b"Text=a", b"Text=a").unwrap_err();
    assert_eq!(twice.kind().query_code, "MalformedInput");
}

#[test]
fn parameters_are_counted() {
    let body = |count: usize| (0..count).map(|number| format!("x{number}=&")).collect::<String>();
    assert_eq!(request(&body(4096)), Request::default());
    assert_eq!(refused(&body(4097)), "The request has more than 4096 parameters.");
}

#[test]
fn names_that_nothing_has_are_dropped() {
    let long = format!("{}=x&%ff=y&Text=a", "Text".repeat(10_000));
    assert_eq!(request(&long).text.as_deref(), Some("a"));
}

#[test]
fn numbers_beyond_64_bits_stay_beyond_every_limit() {
    assert_eq!(request("Number=18446744073709551616").number, Some(i64::MAX));
    assert_eq!(request("Number=-18446744073709551616").number, Some(-i64::MAX));
}

#[test]
fn shapes_are_read_as_from_json() {
    let form = form(
        "Text=plain&Raw=%ff&Number=7&Blob=AAEC&Name.1=a&Name.2=b&Name.3=c&Tag.1.Key=k&Tag.1.Value.Text=v\
         &Tag.2.Key=l&Tag.3.Key=m",
    );
    let read: Shapes<'_> = Parameters::Query(&form).decode(&SERVICE, "Act").unwrap();
    assert!(matches!(read.text.unwrap().0, std::borrow::Cow::Borrowed("plain")));
    assert_eq!(
        (&*read.raw.unwrap().0, read.number, read.blob),
        (&b"\xff"[..], Some(Integer(7)), Some(Blob(vec![0, 1, 2])))
    );
    let names = read.names.unwrap();
    assert_eq!((names.items.len(), names.sent), (2, 3));
    let tags = read.tags.unwrap();
    assert_eq!((tags.entries.len(), tags.sent), (2, 3));
    assert_eq!(tags.entries["k"].0.text.as_ref().unwrap().as_str(), "v");
    assert!(tags.entries["l"].0.text.is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&body);
    }

    #[test]
    fn any_paths_are_decoded_or_refused(parts in proptest::collection::vec((path(), any::<u8>()), 0..12)) {
        let body: Vec<u8> = parts.iter().flat_map(|(path, byte)| {
            let mut piece = format!("{path}=%{byte:02x}&").into_bytes();
            piece.push(b'&');
            piece
        }).collect();
        survives(&body);
    }

    #[test]
    fn text_comes_out_as_it_was_put_in(text in any::<String>()) {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        prop_assert_eq!(request(&format!("Text={escaped}")).text, Some(text));
    }
}

fn path() -> impl Strategy<Value = String> {
    let segments = vec![
        "Text",
        "Number",
        "Flag",
        "Name",
        "Names",
        "Same",
        "ActRequestEntry",
        "Entries",
        "Tag",
        "Tags",
        "Inner",
        "Id",
        "Key",
        "Value",
        "1",
        "2",
        "10",
        "01",
        "0",
        "99999999999999999999",
        "-1",
        "",
        "x",
    ];
    let segment = prop::sample::select(segments);
    proptest::collection::vec(segment, 1..5).prop_map(|segments| segments.join("."))
}

fn survives(body: &[u8]) {
    let Ok(form) = Form::parse(b"", body) else { return };
    for action in ["Act", ""] {
        let as_shapes = Parameters::Query(&form).decode::<Shapes<'_>>(&SERVICE, action);
        let as_request = Parameters::Query(&form).decode::<Request>(&SERVICE, action);
        let errors = [as_shapes.err(), as_request.err()].into_iter().flatten();
        errors.for_each(|error| assert!(!error.message().is_empty()));
    }
}
