//! What each kind of field takes, changes and refuses.

use super::*;

fn check(kind: FieldKind, given: &str) -> Result<Value, String> {
    validate(&Field::new("f", kind), &Input::Text(given.to_owned()))
}

fn takes(kind: &FieldKind, given: &str, kept: &str) {
    let value = check(kind.clone(), given);
    assert!(
        matches!(&value, Ok(Value::Text(text) | Value::Number(text)) if text == kept),
        "{kind:?} {given:?}: {value:?}"
    );
}

fn refuses(kind: &FieldKind, given: &str) {
    let value = check(kind.clone(), given);
    assert!(value.is_err(), "{kind:?} {given:?}: {value:?}");
}

#[test]
fn text_is_kept_as_written_on_one_line() {
    for text in ["Jane", " Jane ", "a,\"b\"", "<script>", "\t", "🌊 Zoë", "O'Brien"] {
        if text.trim().is_empty() {
            assert_eq!(check(FieldKind::Text, text), Ok(Value::Missing));
        } else {
            takes(&FieldKind::Text, text, text);
        }
    }
    for text in ["a\nb", "a\r", "a\0", "a\u{1b}[31m", "a\u{ffff}"] {
        refuses(&FieldKind::Text, text);
    }
}

#[test]
fn text_areas_keep_lines_with_plain_endings() {
    takes(&FieldKind::TextArea, "a\r\nb\rc\nd", "a\nb\nc\nd");
    refuses(&FieldKind::TextArea, "a\u{0}b");
}

#[test]
fn emails_are_checked_as_browsers_check_them() {
    for email in ["a@b", "jane.doe+tag@mail.example.co.uk", "!#$%&'*+/=?^_`{|}~-@x.y"] {
        takes(&FieldKind::Email, email, email);
    }
    takes(&FieldKind::Email, " jane@example.com ", "jane@example.com");
    for email in ["jane", "@b", "a@", "a@b..c", "a@-b", "a@b-", "a@b@c", "a b@c", "a@b c", "jürgen@b"] {
        refuses(&FieldKind::Email, email);
    }
    refuses(&FieldKind::Email, &format!("a@{}", "b".repeat(64)));
}

#[test]
fn numbers_keep_their_digits() {
    for (given, kept) in [
        ("12", "12"),
        ("-0.50", "-0.50"),
        ("007", "7"),
        ("000", "0"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1E5", "1e5"),
        ("1e-5", "1e-5"),
        (" 3.14 ", "3.14"),
        ("1234567890123456789012345678901234.5", "1234567890123456789012345678901234.5"),
    ] {
        takes(&FieldKind::Number, given, kept);
        assert!(serde_json::from_str::<serde_json::Number>(kept).is_ok(), "{kept} is JSON");
    }
    for given in
        ["a", "1,5", "1.", ".", "-", "+1", "1e", "1e+", "0x10", "NaN", "inf", "1 2", "--1", "1.2.3", "١"]
    {
        refuses(&FieldKind::Number, given);
    }
}

#[test]
fn telephone_numbers_and_urls_are_checked_lightly() {
    takes(&FieldKind::Tel, "+44 (0)20 7946-0000 ext. 3", "+44 (0)20 7946-0000 ext. 3");
    refuses(&FieldKind::Tel, "none");
    takes(&FieldKind::Url, "https://example.com/a?b=c#d", "https://example.com/a?b=c#d");
    takes(&FieldKind::Url, "HTTP://localhost:1", "HTTP://localhost:1");
    for url in [
        "example.com",
        "javascript:alert(1)",
        "https://",
        "https:///a",
        "ftp://a",
        "http://a b",
        "http://a\"b",
    ] {
        refuses(&FieldKind::Url, url);
    }
}

#[test]
fn dates_exist_in_the_calendar() {
    for date in ["2026-01-31", "2024-02-29", "2000-02-29", "0001-12-31"] {
        takes(&FieldKind::Date, date, date);
    }
    for date in
        ["2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01"]
    {
        refuses(&FieldKind::Date, date);
    }
    for date in ["31.01.2026", "2026-1-31", "2026-01-31T00:00", "+026-01-01", "20é6-1-01", "2026/01/31"] {
        refuses(&FieldKind::Date, date);
    }
}

#[test]
fn a_select_takes_its_options_only() {
    let kind = FieldKind::Select { options: vec!["UK".to_owned(), "New Zealand".to_owned()] };
    takes(&kind, "New Zealand", "New Zealand");
    refuses(&kind, "uk");
    refuses(&kind, "FR");
}

#[test]
fn a_checkbox_is_yes_or_no_and_a_required_one_is_yes() {
    let mut field = Field::new("f", FieldKind::Checkbox);
    assert_eq!(validate(&field, &Input::Absent), Ok(Value::Flag(false)));
    assert_eq!(validate(&field, &Input::Flag(true)), Ok(Value::Flag(true)));
    field.required = true;
    assert!(validate(&field, &Input::Absent).is_err());
    assert!(validate(&field, &Input::Flag(false)).is_err());
    assert_eq!(validate(&field, &Input::Flag(true)), Ok(Value::Flag(true)));
}

#[test]
fn required_fields_take_no_spaces_alone() {
    let kinds = [FieldKind::Text, FieldKind::Email, FieldKind::TextArea, FieldKind::Date];
    for mut field in kinds.map(|kind| Field::new("f", kind)) {
        for nothing in [Input::Absent, Input::Text(String::new()), Input::Text(" \u{3000}\n".to_owned())] {
            field.required = true;
            assert_eq!(validate(&field, &nothing), Err("Fill in this field.".to_owned()));
            field.required = false;
            assert_eq!(validate(&field, &nothing), Ok(Value::Missing));
        }
    }
}

#[test]
fn lengths_count_characters() {
    let mut field = Field::new("f", FieldKind::Text);
    field.max_length = Some(3);
    assert!(validate(&field, &Input::Text("🌊🌊🌊".to_owned())).is_ok());
    let error = validate(&field, &Input::Text("🌊🌊🌊🌊".to_owned())).unwrap_err();
    assert_eq!(error, "Use 3 characters at most; these are 4.");
    let unbounded = Field::new("f", FieldKind::Text);
    assert!(validate(&unbounded, &Input::Text("a".repeat(201))).is_err(), "every text has a bound");
    let mut area = Field::new("f", FieldKind::TextArea);
    area.max_length = Some(3);
    assert!(validate(&area, &Input::Text("a\r\nb".to_owned())).is_ok(), "a line ending counts once");
}

#[test]
fn a_wrong_json_type_is_named() {
    let error = validate(&Field::new("f", FieldKind::Number), &Input::WrongType("a number")).unwrap_err();
    assert_eq!(error, "Give a number.");
}
