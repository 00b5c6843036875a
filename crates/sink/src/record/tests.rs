//! How bodies are read: what becomes a row, and what is refused.

use proptest::prelude::*;

use super::*;

fn columns(names: &str) -> Vec<Identifier> {
    Identifier::list(names).unwrap()
}

fn csv(body: &str) -> Result<Row, RecordError> {
    parse(Format::Csv, &columns("name,country"), body)
}

fn json(body: &str) -> Result<Row, RecordError> {
    parse(Format::Json, &columns("name,country"), body)
}

fn row(cells: &[&str]) -> Row {
    Row(cells.iter().map(|cell| Some((*cell).to_owned())).collect())
}

#[test]
fn csv_fields_are_taken_in_the_order_of_the_columns() {
    assert_eq!(csv("Jane,UK"), Ok(row(&["Jane", "UK"])));
    assert_eq!(csv("Jane,UK\n"), Ok(row(&["Jane", "UK"])));
    assert_eq!(csv("Jane,UK\r\n"), Ok(row(&["Jane", "UK"])));
    assert_eq!(csv(" Jane , UK"), Ok(row(&[" Jane ", " UK"])));
    assert_eq!(csv(","), Ok(row(&["", ""])));
}

#[test]
fn csv_quotes_protect_commas_newlines_and_quotes() {
    assert_eq!(csv("\"Doe, Jane\",UK"), Ok(row(&["Doe, Jane", "UK"])));
    assert_eq!(csv("\"a\r\nb\",\"say \"\"hi\"\"\"\n"), Ok(row(&["a\r\nb", "say \"hi\""])));
    assert_eq!(csv("\"\",\"\""), Ok(row(&["", ""])));
}

#[test]
fn csv_of_another_shape_is_refused_with_its_reason() {
    let reason = csv("Jane").unwrap_err().to_string();
    assert_eq!(reason, "the CSV record has 1 field(s), the columns are 2 (name,country)");
    assert!(matches!(csv("a,b,c"), Err(RecordError::FieldCount { found: 3, .. })));
    assert!(matches!(csv(""), Err(RecordError::FieldCount { found: 1, .. })));
    assert_eq!(csv("a,b\nc,d"), Err(RecordError::SeveralRecords));
    assert_eq!(csv("a,b\n\n"), Err(RecordError::SeveralRecords));
    assert!(matches!(csv("\"a,b"), Err(RecordError::Quoting(_))));
    assert!(matches!(csv("\"a\"x,b"), Err(RecordError::Quoting(_))));
    assert!(matches!(csv("a\"b\",c"), Err(RecordError::Quoting(_))));
}

#[test]
fn json_keys_are_the_columns() {
    assert_eq!(json(r#"{"country":"UK","name":"Jane"}"#), Ok(row(&["Jane", "UK"])));
    assert_eq!(json(r#"{"name":"Jane","extra":1}"#), Ok(Row(vec![Some("Jane".into()), None])));
    assert_eq!(json(r#"{"name":null,"country":"UK"}"#), Ok(Row(vec![None, Some("UK".into())])));
}

#[test]
fn json_values_keep_their_text() {
    assert_eq!(json(r#"{"name":12,"country":true}"#), Ok(row(&["12", "true"])));
    let body = r#"{"name":12345678901234567890.10,"country":[1, {"a":2}]}"#;
    assert_eq!(json(body), Ok(row(&["12345678901234567890.10", r#"[1, {"a":2}]"#])));
    assert_eq!(json("{\"n\\u0061me\":\"\\u00e9\",\"country\":\"\"}"), Ok(row(&["é", ""])));
}

#[test]
fn json_of_another_shape_is_refused_with_its_reason() {
    assert!(matches!(json("{"), Err(RecordError::NotJson(_))));
    assert!(matches!(json(r#"{"name":"\ud800"}"#), Err(RecordError::NotJson(_))));
    assert_eq!(json("[]"), Err(RecordError::NotAnObject("array")));
    assert_eq!(json("{}").unwrap_err(), RecordError::NoColumn("name,country".into()));
    assert_eq!(json(r#"{"name":"a\u0000b"}"#).unwrap_err(), RecordError::Nul("name".into()));
}

proptest! {
    #[test]
    fn what_a_csv_writer_writes_is_read_back(cells in proptest::collection::vec("[^\0]{0,12}", 1..6)) {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        writer.write_record(&cells).unwrap();
        let body = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let names: Vec<String> = (0..cells.len()).map(|n| format!("c{n}")).collect();
        let read = parse(Format::Csv, &columns(&names.join(",")), &body);
        prop_assert_eq!(read, Ok(Row(cells.into_iter().map(Some).collect())));
    }

    #[test]
    fn no_body_makes_the_parser_fail_otherwise_than_by_an_error(body in any::<String>()) {
        let names = columns("a,b");
        for format in [Format::Csv, Format::Json] {
            if let Ok(row) = parse(format, &names, &body) {
                prop_assert_eq!(row.0.len(), 2);
            }
        }
    }
}
