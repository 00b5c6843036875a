//! Configurations that are read, and those that are refused with a reason.

use super::*;
use crate::field::FieldKind;

fn refusal(json: &str) -> String {
    FormConfig::from_json(json).unwrap_err().to_string()
}

fn with_fields(fields: &str) -> String {
    format!(r#"{{"queue": "customers", "fields": [{fields}]}}"#)
}

#[test]
fn little_has_to_be_said() {
    let config = FormConfig::from_json(&with_fields(r#"{"name": "first_name"}"#)).unwrap();
    assert_eq!(config, FormConfig::new("customers", vec![Field::new("first_name", FieldKind::Text)]));
    assert_eq!(config.fields[0].label, "First name");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((config.format, config.allow_port_search), (Format::Csv, false));
}

#[test]
fn everything_that_can_be_said_survives_writing_and_reading() {
    let json = r#"{
        "queue": "http://127.0.0.1:4566/000000000000/customers", "title": "T", "description": "D",
        "format": "json", "submit_label": "Go", "listen": "[::1]:0", "allow_port_search": true,
        "allowed_hosts": ["forms.example.com"],
        "fields": [
            {"name": "a", "label": "A", "type": "text", "required": true, "max_length": 5, "placeholder": "x"},
            {"name": "b", "type": "email"}, {"name": "c", "type": "number"}, {"name": "d", "type": "tel"},
            {"name": "e", "type": "url"}, {"name": "f", "type": "textarea"},
            {"name": "g", "type": "select", "options": ["UK", "FR"], "placeholder": "Pick one"},
            {"name": "h", "type": "checkbox"}, {"name": "i", "type": "date"}
        ]}"#;
    let config = FormConfig::from_json(json).unwrap();
    assert_eq!(config.fields[6].kind, FieldKind::Select { options: vec!["UK".to_owned(), "FR".to_owned()] });
    assert_eq!(config.fields[0].max_length, Some(5));
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(FormConfig::from_json(&written).unwrap(), config);
}

#[test]
fn what_would_have_no_effect_is_refused() {
    for (field, reason) in [
        (r#"{"name": "a", "options": ["x"]}"#, "which only a select takes"),
        (r#"{"name": "a", "type": "checkbox", "max_length": 3}"#, "has a maximum length"),
        (r#"{"name": "a", "type": "date", "placeholder": "x"}"#, "has a placeholder"),
        (r#"{"name": "a", "colour": "red"}"#, "unknown field `colour`"),
        (r#"{"name": "a", "type": "file"}"#, "unknown variant `file`"),
    ] {
        let refusal = refusal(&with_fields(field));
        assert!(refusal.contains(reason), "{field}: {refusal}");
    }
}

#[test]
fn fields_need_names_of_their_own_and_options() {
    for (fields, reason) in [
        ("", "it has 0 fields"),
        (r#"{"name": "1a"}"#, "is no name for a field"),
        (r#"{"name": "a b"}"#, "is no name for a field"),
        (r#"{"name": "submission_id"}"#, "taken by the form itself"),
        (r#"{"name": "a"}, {"name": "a"}"#, "two fields are named a"),
        (r#"{"name": "a", "label": " "}"#, "the label of a"),
        (r#"{"name": "a", "max_length": 0}"#, "is 0"),
        (r#"{"name": "a", "type": "select"}"#, "a has 0 options"),
        (r#"{"name": "a", "type": "select", "options": ["x", "x"]}"#, "twice"),
        (r#"{"name": "a", "type": "select", "options": [""]}"#, "without spaces around"),
    ] {
        let refusal = refusal(&with_fields(fields));
        assert!(refusal.contains(reason), "{fields}: {refusal}");
    }
}

#[test]
fn queues_and_hosts_are_checked() {
    let fields = r#""fields": [{"name": "a"}]"#;
    assert!(refusal(&format!(r#"{{"queue": "", {fields}}}"#)).contains("names no queue"));
    assert!(refusal(&format!(r#"{{"queue": "a.fifo", {fields}}}"#)).contains("FIFO"));
    let host = refusal(&format!(r#"{{"queue": "a", "allowed_hosts": ["https://x/"], {fields}}}"#));
    assert!(host.contains("no host name"), "{host}");
}

#[test]
fn the_largest_entry_has_to_fit_a_message_and_a_request() {
    let refusal = refusal(&with_fields(r#"{"name": "a", "max_length": 300000}"#));
    assert!(refusal.contains("add up to 300000 characters"), "{refusal}");
    let mut config = FormConfig::new("q", vec![Field::new("a", FieldKind::TextArea)]);
    config.fields[0].max_length = Some(200_000);
    config.check().unwrap();
    assert!(config.request_bytes_max() >= 200_000 * "%F0%9F%8C%8A".len());
}
