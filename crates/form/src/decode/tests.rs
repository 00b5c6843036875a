//! Requests as they are read, and those that are refused because they would have to be guessed at.

use super::*;

fn fields() -> Vec<Field> {
    let kinds = [
        ("name", FieldKind::Text),
        ("amount", FieldKind::Number),
        ("news", FieldKind::Checkbox),
        ("country", FieldKind::Select { options: vec!["UK".to_owned()] }),
    ];
    kinds.map(|(name, kind)| Field::new(name, kind)).to_vec()
}

fn text(text: &str) -> Input {
    Input::Text(text.to_owned())
}

#[test]
fn a_browsers_post_is_read() {
    let body = b"submission_id=abc&name=J%C3%BCrgen+%26+Co%0D%0A&amount=&news=on&country=UK";
    let given = decode_urlencoded(&fields(), body).unwrap();
    assert_eq!(given.key.as_deref(), Some("abc"));
    assert_eq!(given.inputs, [text("Jürgen & Co\r\n"), text(""), Input::Flag(true), text("UK")]);
    let empty = decode_urlencoded(&fields(), b"").unwrap();
    assert_eq!(empty.inputs, vec![Input::Absent; 4]);
    let unticked = decode_urlencoded(&fields(), b"news=false").unwrap();
    assert_eq!(unticked.inputs[2], Input::Flag(false));
}

#[test]
fn posts_that_would_have_to_be_guessed_at_are_refused() {
    for (body, reason) in [
        (&b"name=a&name=b"[..], "given twice"),
        (b"nom=a", "\"nom\" is no field of this form; its fields are name, amount, news, country"),
        (b"name=%FF", "not UTF-8"),
        (b"name=\xff", "not UTF-8"),
    ] {
        let error = decode_urlencoded(&fields(), body).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn json_keeps_numbers_as_they_are_written() {
    let body =
        br#"{"name": "J\u00fcrgen", "amount": 12345678901234567890.10, "news": true, "country": null}"#;
    let given = decode_json(&fields(), body).unwrap();
    assert_eq!(
        given.inputs,
        [text("Jürgen"), text("12345678901234567890.10"), Input::Flag(true), Input::Absent]
    );
    assert_eq!(decode_json(&fields(), br#"{"amount": "-3"}"#).unwrap().inputs[1], text("-3"));
}

#[test]
fn json_of_another_type_is_named_not_converted() {
    let body = br#"{"name": 5, "amount": [1], "news": "yes", "country": {}}"#;
    let wanted = ["text", "a number", "true or false", "text"].map(Input::WrongType);
    assert_eq!(decode_json(&fields(), body).unwrap().inputs, wanted);
    assert!(matches!(
        decode_json(&fields(), br#"{"name": "\ud800"}"#).unwrap().inputs[0],
        Input::WrongType(_)
    ));
}

#[test]
fn json_that_is_no_object_of_fields_is_refused() {
    for (body, reason) in [
        (&br#"{"name": "a", "name": "b"}"#[..], "given twice"),
        (br#"{"nom": "a"}"#, "is no field"),
        (br#"["a"]"#, "no JSON object"),
        (br#"{"name": "a""#, "no JSON object"),
        (b"", "no JSON object"),
        (b"{\"name\": \"\xff\"}", "no JSON object"),
    ] {
        let error = decode_json(&fields(), body).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
    let deep = format!("{{\"name\": {}", "[".repeat(100_000));
    assert!(decode_json(&fields(), deep.as_bytes()).is_err());
}
