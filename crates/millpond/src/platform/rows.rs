//! The rows that have landed, read for people: the database's address and password stay here.

use millpond_sink::{Identifier, TargetUrl, read_rows};
use millpond_stack::{SinkSpec, WorkloadKind, WorkloadRecord};
use serde_json::json;

use super::{Answered, Refused, Stacks};

const ROWS: usize = 100;
const ROWS_AT_MOST: usize = 10_000;

impl Stacks {
    /// The table that a table's, a sink's or a queue's name stands for. A table's name stands for that table, whatever sinks
    /// and queues are called.
    pub(super) async fn table_named(&self, name: &str) -> Result<String, Refused> {
        let sinks = self.sinks().await?;
        let by_table = || sinks.iter().find(|(_, sink)| sink.table == name);
        let by_sink = || sinks.iter().find(|(workload, _)| workload == name);
        let by_queue = || sinks.iter().find(|(_, sink)| sink.queue_url.rsplit('/').next() == Some(name));
        let found = by_table().or_else(by_sink).or_else(by_queue);
        Ok(found.map_or_else(|| name.to_owned(), |(_, sink)| sink.table.clone()))
    }

    async fn sinks(&self) -> Result<Vec<(String, SinkSpec)>, Refused> {
        let records = self.documents.all::<WorkloadRecord>("workload").await?;
        let sink = |(workload, record): (String, WorkloadRecord)| match record.spec.kind {
            WorkloadKind::Sink(sink) => Some((workload, sink)),
            WorkloadKind::Form(_) => None,
        };
        Ok(records.into_iter().filter_map(sink).collect())
    }

    /// Rows of a table. The caller may read those of this table: other names were resolved before that was asked.
    pub(super) async fn rows(&self, table: &str, query: &str) -> Answered {
        let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit="));
        let limit =
            limit.map_or(Some(ROWS), |limit| limit.parse().ok()).filter(|limit| *limit <= ROWS_AT_MOST);
        let limit = limit
            .ok_or_else(|| Refused::new(400, format!("limit is a number of rows, at most {ROWS_AT_MOST}")))?;
        let sinks = self.sinks().await?;
        let Some((_, sink)) = sinks.iter().find(|(_, sink)| sink.table == table) else {
            let known: Vec<&str> = sinks.iter().map(|(_, sink)| sink.table.as_str()).collect();
            let known = if known.is_empty() {
                "there are no sinks".into()
            } else {
                format!("known: {}", known.join(", "))
            };
            return Err(Refused::new(404, format!("no sink delivers into a table {table}; {known}")));
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
