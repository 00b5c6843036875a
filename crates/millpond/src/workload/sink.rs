//! A sink as a workload.

use std::path::Path;

use millpond_sink::{Event, Format, Identifier, SinkConfig, TargetUrl};
use millpond_stack::{RecordFormat, SinkSpec, WorkloadProblem};
use tokio::sync::watch;

use super::Job;
use super::condition::SinkCondition;
use crate::failure::{DONE, Failure, Outcome};

/// The sink's own configuration, or what it has against the specification.
pub(super) fn config(spec: &SinkSpec, data: &Path) -> Result<SinkConfig, WorkloadProblem> {
    let problem = |property, message| WorkloadProblem { property: Some(property), message };
    let url = spec.database_url_in(data);
    let target = TargetUrl::parse(url.expose()).map_err(|error| problem("DatabaseUrl", error.to_string()))?;
    let table = Identifier::new(&spec.table).map_err(|error| problem("Table", error))?;
    let columns = spec.columns.iter().map(|column| Identifier::new(column)).collect::<Result<Vec<_>, _>>();
    let columns = columns.map_err(|error| problem("Columns", error))?;
    let format = match spec.format {
        RecordFormat::Csv => Format::Csv,
        RecordFormat::Json => Format::Json,
    };
    let mut config = SinkConfig::new(&spec.queue_url, target, table, columns, format);
    config.create = spec.create;
    if let Some(pollers) = spec.pollers {
        config.pollers = pollers as usize;
    }
    config.check().map_err(|error| WorkloadProblem { property: None, message: error.to_string() })?;
    Ok(config)
}

/// Delivers until asked to stop.
pub(super) async fn run(spec: &SinkSpec, job: &Job, stop: watch::Receiver<bool>) -> Outcome {
    let config = config(spec, &job.data).map_err(|problem| Failure::new(problem.message))?;
    let condition = SinkCondition::new();
    finish(config, job.sqs().await, stop, move |event| condition.follow(event)).await
}

/// Runs a sink to its end, and tells in log lines what it does; `follow` sees every event too.
pub(crate) async fn finish(
    config: SinkConfig,
    client: aws_sdk_sqs::Client,
    stop: watch::Receiver<bool>,
    follow: impl Fn(&Event) + Send + Sync + 'static,
) -> Outcome {
    let report = move |event: &Event| {
        tell(event);
        follow(event);
    };
    let summary = millpond_sink::run(config, client, stop, report).await?;
    tracing::info!(
        "stopped; rows landed: {}, had landed before: {}, records that could not land: {}",
        summary.landed,
        summary.already_landed,
        summary.poison
    );
    Ok(DONE)
}

/// An event as a line for people.
fn tell(event: &Event) {
    match event {
        Event::DatabaseDown { .. }
        | Event::QueueDown { .. }
        | Event::TablesRecreated { .. }
        | Event::Poison { .. } => tracing::warn!("{event}"),
        Event::Started { .. } | Event::DatabaseUp { .. } | Event::QueueUp { .. } | Event::Wrote { .. } => {
            tracing::info!("{event}");
        }
    }
}
