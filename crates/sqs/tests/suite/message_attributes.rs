//! The rules of message attributes.

use serde_json::{Map, Value, json};

use crate::service::{Service, url};

fn send(attributes: Value) -> Value {
    json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "MessageAttributes": attributes })
}

fn error(attributes: Value) -> String {
    let (shape, status, text) = Service::with_queue().error("SendMessage", send(attributes));
    assert_eq!((shape, status), ("InvalidParameterValueException", 400), "{text}");
    text
}

fn string(value: &str) -> Value {
    json!({ "DataType": "String", "StringValue": value })
}

fn named(name: &str) -> Value {
    json!({ name: string("v") })
}

fn many(count: usize) -> Value {
    (0..count).map(|number| (format!("a{number}"), string("v"))).collect::<Map<_, _>>().into()
}

#[test]
fn a_message_has_at_most_ten() {
    Service::with_queue().ok("SendMessage", send(many(10)));
    assert_eq!(error(many(11)), "Number of message attributes [11] exceeds the allowed maximum [10].");
    assert_eq!(error(many(500)), "Number of message attributes [500] exceeds the allowed maximum [10].");
}

#[test]
fn names_are_of_few_letters() {
    let longest = "a".repeat(256);
    for name in ["a", "A.b-c_9", "a..b", "größe", "ø", "Amazonas", "aws", &longest] {
        Service::with_queue().ok("SendMessage", send(named(name)));
    }
    let letters = "Message (user) attributes name can only contain upper and lower score characters, digits, \
                   periods, hyphens and underscores. ";
    for name in ["a b", "a/b", "漢", "a\u{0}"] {
        assert_eq!(error(named(name)), letters, "{name}");
    }
    let reserved = "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are \
                    reserved for internal use. Additionally, they cannot start or end with '.'.";
    for name in ["AWS.x", "aws.x", "Amazon.x", "AMAZON.x", ".x", "x."] {
        assert_eq!(error(named(name)), reserved, "{name}");
    }
    assert_eq!(error(named("")), "The request must contain non-empty message (user) attribute names.");
    assert_eq!(
        error(named(&"a".repeat(257))),
        "Message (user) attribute name must be shorter than 256 bytes."
    );
}

#[test]
fn types_have_three_bases() {
    for data_type in ["String", "String.json", "String."] {
        let attributes = json!({ "a": { "DataType": data_type, "StringValue": "v" } });
        Service::with_queue().ok("SendMessage", send(attributes));
    }
    for data_type in ["string", "Strings", "StringList", ".String", "Text"] {
        let text = "The type of message (user) attribute 'a' is invalid. You must use only the following supported \
                    type prefixes: Binary, Number, String.";
        assert_eq!(error(json!({ "a": { "DataType": data_type, "StringValue": "v" } })), text);
    }
    let long = format!("String.{}", "a".repeat(250));
    let text = "Message (user) attribute type must be shorter than 256 bytes.";
    assert_eq!(error(json!({ "a": { "DataType": long, "StringValue": "v" } })), text);
    let text = "The message (user) attribute 'a' must contain a non-empty attribute type.";
    assert_eq!(error(json!({ "a": { "StringValue": "v" } })), text);
    let text = "The message (user) attribute 'a' must contain a non-empty message attribute value.";
    assert_eq!(error(json!({ "a": {} })), text);
}

#[test]
fn the_value_is_the_one_that_the_type_asks_for() {
    let empty = |of_type: &str| {
        format!("Message (user) attribute 'a' must contain a non-empty value of type '{of_type}'.")
    };
    assert_eq!(error(json!({ "a": { "DataType": "String", "StringValue": "" } })), empty("String"));
    assert_eq!(error(json!({ "a": { "DataType": "String", "BinaryValue": "AA==" } })), empty("String"));
    assert_eq!(error(json!({ "a": { "DataType": "Number.int" } })), empty("Number"));
    assert_eq!(error(json!({ "a": { "DataType": "Binary", "StringValue": "v" } })), empty("Binary"));
    assert_eq!(error(json!({ "a": { "DataType": "Binary", "BinaryValue": "" } })), empty("Binary"));
    let both = json!({ "a": { "DataType": "String", "StringValue": "v", "BinaryValue": "AA==" } });
    assert!(error(both).contains("both a StringValue and a BinaryValue"));
}

#[test]
fn numbers_are_numbers() {
    let number = |value: &str| json!({ "a": { "DataType": "Number", "StringValue": value } });
    Service::with_queue().ok("SendMessage", send(number("-1.5e3")));
    assert_eq!(error(number("world")), "Can't cast the value of message (user) attribute 'a' to a number.");
}

#[test]
fn text_obeys_the_letters_of_a_body() {
    let text = "Invalid characters found. Valid unicode characters are \
                #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
    assert_eq!(error(json!({ "a": string("\u{0}") })), text);
    assert_eq!(error(json!({ "a": { "DataType": "String.\u{1}", "StringValue": "v" } })), text);
}

#[test]
fn lists_of_values_are_refused() {
    let text = "Message attribute list values in SendMessage operation are not supported.";
    for member in ["StringListValues", "BinaryListValues"] {
        assert_eq!(
            error(json!({ "a": { "DataType": "String", "StringValue": "v", member: ["AA=="] } })),
            text
        );
    }
    let empty = json!({ "a": { "DataType": "String", "StringValue": "v", "StringListValues": [] } });
    Service::with_queue().ok("SendMessage", send(empty));
}

#[test]
fn a_binary_value_is_base64() {
    let body = send(json!({ "a": { "DataType": "Binary", "BinaryValue": "?" } }));
    let error = Service::with_queue().error("SendMessage", body);
    assert_eq!(error, ("SerializationException", 400, "a binary value is not valid base64".to_owned()));
}

#[test]
fn the_only_system_attribute_is_the_trace_header() {
    let of = |attributes: Value| {
        let body =
            json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "MessageSystemAttributes": attributes });
        Service::with_queue().error("SendMessage", body).2
    };
    assert_eq!(of(json!({ "Hello": string("v") })), "Message system attribute name 'Hello' is invalid.");
    let number = json!({ "AWSTraceHeader": { "DataType": "Number", "StringValue": "5" } });
    assert!(of(number).starts_with("The type of message (user) attribute 'AWSTraceHeader' is invalid."));
}
