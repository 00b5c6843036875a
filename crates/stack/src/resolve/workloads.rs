//! `Millpond::Web::Form` and `Millpond::Sink::Table`: properties to workload specifications.
//!
//! Checks what the schema can't say: names, addresses, unique fields and columns, choices of a `select`.

use super::Properties;
use super::value::ValueKind;
use crate::state::Resource;
use crate::template::diagnostic::{Position, Report};
use crate::text::Text;
use crate::workload::{
    FieldSpec, FieldType, FormSpec, RecordFormat, SinkSpec, WorkloadKind, WorkloadName, WorkloadSpec,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FormProperties {
    description: Option<String>,
    fields: Vec<FieldProperties>,
    #[serde(default)]
    format: RecordFormat,
    listen: Option<String>,
    queue: String,
    submit_label: Option<String>,
    title: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FieldProperties {
    label: Option<String>,
    max_length: Option<u64>,
    name: String,
    #[serde(default)]
    options: Vec<String>,
    placeholder: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default, rename = "Type")]
    field_type: FieldType,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SinkProperties {
    columns: Vec<String>,
    create: Option<bool>,
    database_url: Text,
    #[serde(default)]
    format: RecordFormat,
    pollers: Option<u32>,
    queue: String,
    table: String,
}

/// The form, and whether its name was made up; `None` when something was reported.
pub(super) fn form(properties: &Properties<'_>, report: &mut Report) -> Option<(Resource, bool)> {
    let (name, name_generated) = name(properties, report)?;
    let read: FormProperties = read(properties, report)?;
    let fields_position = properties.position_of("Fields");
    unique(&read.fields, |field| &field.name, "Fields", fields_position, report);
    for (index, field) in read.fields.iter().enumerate() {
        let position = item_position(properties, "Fields", index);
        let is_select = field.field_type == FieldType::Select;
        if is_select && field.options.is_empty() {
            report.error(
                position,
                format!("field {} is a select; it needs Options, a list of choices", field.name),
            );
        }
        if !is_select && !field.options.is_empty() {
            report.error(
                position,
                format!("field {} has Options; write Type: select to offer them", field.name),
            );
        }
    }
    let listen = read.listen.map_or(Some(LISTEN_DEFAULT), |listen| address(&listen, properties, report))?;
    check_queue(properties, &read.queue, report);
    let field = |field: FieldProperties| FieldSpec {
        name: field.name,
        label: field.label,
        field_type: field.field_type,
        required: field.required,
        length_max: field.max_length,
        options: field.options,
        placeholder: field.placeholder,
    };
    let spec = FormSpec {
        queue_url: read.queue,
        title: read.title,
        description: read.description,
        submit_label: read.submit_label,
        fields: read.fields.into_iter().map(field).collect(),
        format: read.format,
        listen,
    };
    Some((Resource::Workload(WorkloadSpec { name, kind: WorkloadKind::Form(spec) }), name_generated))
}

/// The sink, and whether its name was made up; `None` when something was reported.
pub(super) fn sink(properties: &Properties<'_>, report: &mut Report) -> Option<(Resource, bool)> {
    let (name, name_generated) = name(properties, report)?;
    let read: SinkProperties = read(properties, report)?;
    unique(&read.columns, |column| column, "Columns", properties.position_of("Columns"), report);
    if read.table.is_empty() {
        report.error(properties.position_of("Table"), "Table is empty; name the table to write");
    }
    let scheme = read.database_url.expose().split_once("://").map(|(scheme, _)| scheme);
    check_queue(properties, &read.queue, report);
    let is_fifo = read.queue.ends_with(".fifo");
    if is_fifo {
        let queue = read.queue.rsplit('/').next().unwrap_or_default();
        let message = format!(
            "{queue} is a FIFO queue, and a sink can't keep the order of a message group when a record fails; use a \
             standard queue"
        );
        report.error(properties.position_of("Queue"), message);
    }
    let is_known = matches!(scheme, Some("sqlite" | "mysql" | "mariadb"));
    if !is_known {
        let message = "DatabaseUrl must begin with sqlite://, mysql:// or mariadb://";
        report.error(properties.position_of("DatabaseUrl"), message);
    }
    if is_fifo || !is_known {
        return None;
    }
    let spec = SinkSpec {
        queue_url: read.queue,
        database_url: read.database_url,
        table: read.table,
        columns: read.columns,
        format: read.format,
        create: read.create.unwrap_or(true),
        pollers: read.pollers,
    };
    Some((Resource::Workload(WorkloadSpec { name, kind: WorkloadKind::Sink(spec) }), name_generated))
}

fn name(properties: &Properties<'_>, report: &mut Report) -> Option<(WorkloadName, bool)> {
    let written = properties.shaped.get("Name").and_then(Value::as_str);
    let name = written.map_or_else(|| properties.logical_id.to_lowercase(), str::to_owned);
    match WorkloadName::new(name) {
        Ok(name) => Some((name, written.is_none())),
        Err(error) => {
            report.error(properties.position_of("Name"), format!("Name {error}"));
            None
        }
    }
}

/// Reads the shaped properties. The schema admits nothing that the structure does not take; should both ever drift
/// apart, that is reported like any mistake.
fn read<T: DeserializeOwned>(properties: &Properties<'_>, report: &mut Report) -> Option<T> {
    serde_json::from_value(Value::Object(properties.shaped.clone()))
        .map_err(|error| report.error(properties.position, format!("{}: {error}", properties.logical_id)))
        .ok()
}

fn unique<T>(items: &[T], name: impl Fn(&T) -> &String, what: &str, position: Position, report: &mut Report) {
    if items.is_empty() {
        report.error(position, format!("{what} is empty; it needs at least one"));
    }
    for (index, item) in items.iter().enumerate() {
        if name(item).is_empty() {
            report.error(position, format!("{what} has an empty name"));
        } else if items[..index].iter().any(|before| name(before) == name(item)) {
            report.error(position, format!("{what} has {} twice", name(item)));
        }
    }
}

fn item_position(properties: &Properties<'_>, property: &str, index: usize) -> Position {
    let written = properties.values.iter().find(|(key, _)| key.text == property);
    match written.map(|(_, value)| &value.kind) {
        Some(ValueKind::List(items)) => items.get(index).map_or(properties.position, |item| item.position),
        _ => properties.position,
    }
}

fn address(listen: &str, properties: &Properties<'_>, report: &mut Report) -> Option<SocketAddr> {
    let address = listen.parse().ok();
    if address.is_none() {
        let message =
            format!("Listen must be an IP address and a port, such as {LISTEN_DEFAULT}, not \"{listen}\"");
        report.error(properties.position_of("Listen"), message);
    }
    address
}

fn check_queue(properties: &Properties<'_>, queue: &str, report: &mut Report) {
    if !queue.starts_with("http://") && !queue.starts_with("https://") {
        let message =
            format!("Queue must be the URL of a queue, such as !Ref of an AWS::SQS::Queue, not \"{queue}\"");
        report.error(properties.position_of("Queue"), message);
    }
}
