//! Bodies of messages, read back by independent parsers.

use super::*;
use crate::field::FieldKind;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn csv_of(values: &[Value]) -> String {
    body(Format::Csv, &[], values)
}

fn read_back(record: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(record.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1, "{record:?}");
    records[0].iter().map(str::to_owned).collect()
}

#[test]
fn plain_values_are_not_quoted() {
    assert_eq!(csv_of(&[text("Jane"), text("UK")]), "Jane,UK");
    assert_eq!(
        csv_of(&[text("O'Brien; x"), Value::Number("1.50".to_owned()), Value::Flag(true)]),
        "O'Brien; x,1.50,1"
    );
    assert_eq!(csv_of(&[text("a"), Value::Missing, Value::Flag(false)]), "a,,0");
}

#[test]
fn quoting_follows_rfc_4180() {
    assert_eq!(csv_of(&[text("Smith, Jane"), text("\"J\"")]), "\"Smith, Jane\",\"\"\"J\"\"\"");
}

#[test]
fn every_csv_record_reads_back_as_its_values() {
    let pieces = ["a", ",", "\"", "\n", "\r", " ", "é🌊", "\u{feff}", "\t", "#", "\"\""];
    let mut texts: Vec<String> = pieces.iter().map(|&piece| piece.to_owned()).collect();
    for first in pieces {
        for second in pieces {
            texts.extend(pieces.iter().map(|third| format!("{first}{second}{third}")));
        }
    }
    for window in texts.windows(3) {
        let values: Vec<Value> = window.iter().map(|value| text(value)).collect();
        assert_eq!(read_back(&csv_of(&values)), window);
        assert_eq!(read_back(&csv_of(&values[..1])), window[..1]);
    }
}

#[test]
fn one_empty_value_is_still_a_record() {
    assert_eq!(read_back(&csv_of(&[Value::Missing])), [""]);
    assert_eq!(read_back(&csv_of(&[Value::Missing, Value::Missing])), ["", ""]);
}

#[test]
fn json_has_the_fields_in_order_and_all_digits() {
    let fields = ["b", "a", "n", "f", "m"].map(|name| Field::new(name, FieldKind::Text));
    let number = Value::Number("12345678901234567890.10".to_owned());
    let values = [text("\"\\\n</script>"), text("é"), number, Value::Flag(true), Value::Missing];
    let body = body(Format::Json, &fields, &values);
    assert_eq!(
        body,
        "{\"b\":\"\\\"\\\\\\n</script>\",\"a\":\"é\",\"n\":12345678901234567890.10,\"f\":true,\"m\":null}"
    );
    let read: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(read["b"], "\"\\\n</script>");
}
