//! A form as a workload.

use millpond_form::{Field, FieldKind, FormConfig, Format};
use millpond_stack::driver::{Condition, workload_side};
use millpond_stack::{FieldSpec, FieldType, FormSpec, RecordFormat, WorkloadProblem};
use tokio::sync::watch;

use super::{Job, condition};
use crate::failure::{DONE, Failure, Outcome};

/// The form's own configuration, or what it has against the specification.
pub(super) fn config(spec: &FormSpec) -> Result<FormConfig, WorkloadProblem> {
    let fields = spec.fields.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let mut config = FormConfig::new(&spec.queue_url, fields);
    if let Some(title) = &spec.title {
        config.title.clone_from(title);
    }
    if let Some(description) = &spec.description {
        config.description.clone_from(description);
    }
    if let Some(submit_label) = &spec.submit_label {
        config.submit_label.clone_from(submit_label);
    }
    config.format = match spec.format {
        RecordFormat::Csv => Format::Csv,
        RecordFormat::Json => Format::Json,
    };
    config.listen = spec.listen;
    config.allow_port_search = true;
    config.check().map_err(|error| problem(None, error.to_string()))?;
    Ok(config)
}

fn field(spec: &FieldSpec) -> Result<Field, WorkloadProblem> {
    let kind = match spec.field_type {
        FieldType::Text => FieldKind::Text,
        FieldType::Email => FieldKind::Email,
        FieldType::Number => FieldKind::Number,
        FieldType::Tel => FieldKind::Tel,
        FieldType::Url => FieldKind::Url,
        FieldType::Date => FieldKind::Date,
        FieldType::Textarea => FieldKind::TextArea,
        FieldType::Select => FieldKind::Select { options: spec.options.clone() },
        FieldType::Checkbox => FieldKind::Checkbox,
    };
    let too_long = |_| problem(Some("Fields"), format!("MaxLength of {} is too large", spec.name));
    let mut field = Field::new(&spec.name, kind);
    if let Some(label) = &spec.label {
        field.label.clone_from(label);
    }
    field.required = spec.required;
    field.max_length = spec.length_max.map(usize::try_from).transpose().map_err(too_long)?;
    field.placeholder.clone_from(&spec.placeholder);
    Ok(field)
}

fn problem(property: Option<&'static str>, message: String) -> WorkloadProblem {
    WorkloadProblem { property, message }
}

/// Serves the form until asked to stop.
pub(super) async fn run(spec: &FormSpec, job: &Job, mut stop: watch::Receiver<bool>) -> Outcome {
    let config = config(spec).map_err(|problem| Failure::new(problem.message))?;
    let bound = millpond_form::bind(config).await?;
    workload_side::tell_address(&format!("http://{}/", bound.addr()))?;
    if let Some(wanted) = bound.moved_from() {
        tracing::warn!("{wanted} is in use; the next free port was taken");
    }
    tracing::info!("the form listens on http://{}/", bound.addr());
    condition::tell(&Condition::Ready);
    let stopped = async move {
        // An error means that no one can ask any more, which is as good as being asked.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    millpond_form::serve(bound, job.sqs().await, stopped).await;
    Ok(DONE)
}
