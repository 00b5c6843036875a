//! The rows that have landed, read for people: the database's address and password stay here.

use millpond_sink::{Identifier, TargetUrl, read_rows};
use millpond_stack::{SinkSpec, WorkloadKind, WorkloadRecord};
use serde_json::json;

use super::{Answered, Refused, Stacks};

const ROWS: usize = 100;
const ROWS_AT_MOST: usize = 10_000;

impl Stacks {
    /// Rows of a table, named by table, by sink or by queue.
    pub(super) async fn rows(&self, name: &str, query: &str) -> Answered {
        let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit="));
        let limit =
            limit.map_or(Some(ROWS), |limit| limit.parse().ok()).filter(|limit| *limit <= ROWS_AT_MOST);
        let limit = limit
            .ok_or_else(|| Refused::new(400, format!("limit is a number of rows, at most {ROWS_AT_MOST}")))?;
        let records = self.documents.all::<WorkloadRecord>("workload").await?;
        let sinks: Vec<(&str, &SinkSpec)> = records
            .iter()
            .filter_map(|(workload, record)| match &record.spec.kind {
                WorkloadKind::Sink(sink) => Some((workload.as_str(), sink)),
                WorkloadKind::Form(_) => None,
            })
            .collect();
        let is_named = |(workload, sink): &&(&str, &SinkSpec)| {
            sink.table == name || *workload == name || sink.queue_url.rsplit('/').next() == Some(name)
        };
        let Some((_, sink)) = sinks.iter().find(is_named) else {
            let known: Vec<&str> = sinks.iter().map(|(_, sink)| sink.table.as_str()).collect();
            let known = if known.is_empty() {
                "there are no sinks".into()
            } else {
                format!("known: {}", known.join(", "))
            };
            return Err(Refused::new(404, format!("no sink delivers into a table {name}; {known}")));
        };
        let url = sink.database_url_in(&self.data);
        let target = TargetUrl::parse(url.expose()).map_err(|error| Refused::new(400, error.to_string()))?;
        let table = Identifier::new(&sink.table).map_err(|error| Refused::new(400, error))?;
        let rows = read_rows(&target, &table, limit).await.map_err(|error| {
            Refused::new(409, format!("the rows of table {} can't be read now: {error}", sink.table))
        })?;
        Ok(
            json!({ "table": sink.table, "columns": rows.columns, "rows": rows.rows, "more": rows.more, "first": rows.first }),
        )
    }
}
