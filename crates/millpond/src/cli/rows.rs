//! `millpond rows`: what has landed in a table.

use clap::Args;
use serde_json::Value;

use super::workloads::path_segment;
use super::{Target, remark, say};
use crate::failure::{DONE, Outcome, nothing};
use crate::service::Service;
use crate::table::{Side, printable, render};

/// Show the rows that a sink has landed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond rows customers\n  millpond rows customers --limit 1000 --json")]
pub(crate) struct Rows {
    /// The table, or the sink or the queue that fills it.
    name: String,
    /// At most so many rows.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    target: Target,
}

impl Rows {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let path = format!("rows/{}?limit={}", path_segment(&self.name)?, self.limit);
        let body = service.call("GET", &path, None).await?;
        let rows = body["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        if self.target.json {
            say(&body.to_string());
        } else if rows.is_empty() {
            remark("no rows yet");
        } else {
            let columns: Vec<&str> =
                body["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let headings: Vec<(&str, Side)> = columns.into_iter().map(|name| (name, Side::Left)).collect();
            let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
            say(&render(&headings, &cells));
            let more = if body["more"] == true { "; there are more, see --limit" } else { "" };
            remark(&format!("{} row{}{more}", rows.len(), if rows.len() == 1 { "" } else { "s" }));
        }
        Ok(if rows.is_empty() { nothing() } else { DONE })
    }
}

fn cells(row: &Value) -> Vec<String> {
    let cell = |value: &Value| value.as_str().map_or_else(|| "NULL".to_owned(), printable);
    row.as_array().into_iter().flatten().map(cell).collect()
}
