//! A record that a sink can land, for commands to try.

use millpond_stack::{RecordFormat, SinkSpec};

use crate::terminal::quoted;

/// The record as arguments of `millpond send`.
pub(super) fn record(sink: &SinkSpec) -> String {
    let values = sink.columns.iter().enumerate().map(|(index, column)| (column, value(column, index)));
    match sink.format {
        RecordFormat::Csv => values.map(|(_, value)| value).collect::<Vec<_>>().join(","),
        RecordFormat::Json => {
            let field = |(column, value)| format!("--field {}", quoted(&format!("{column}={value}")));
            values.map(field).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A number fits most columns; those of the example read better with a word.
fn value(column: &str, index: usize) -> String {
    match column {
        "name" => "Jane".to_owned(),
        "country" => "UK".to_owned(),
        _ => (index + 1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use millpond_stack::{RecordFormat, SinkSpec, Text};

    use super::record;

    #[test]
    fn a_record_has_a_value_for_each_column() {
        let mut sink = SinkSpec {
            queue_url: String::new(),
            database_url: Text::Plain(String::new()),
            table: "sold".into(),
            columns: vec!["name".into(), "amount sold".into()],
            format: RecordFormat::Csv,
            create: true,
            pollers: None,
        };
        assert_eq!(record(&sink), "Jane,2");
        sink.format = RecordFormat::Json;
        assert_eq!(record(&sink), "--field 'name=Jane' --field 'amount sold=2'");
    }
}
