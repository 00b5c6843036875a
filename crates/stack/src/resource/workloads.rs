//! `Millpond::Web::Form` and `Millpond::Sink::Table`: properties to workload specifications, each with its role.
//!
//! Checks what the schema can't say: names, addresses, unique fields and columns, choices of a `select`.

use super::{Described, PhysicalId, Place, Resource, known, own_role};
use crate::resolve::{Properties, Resolver};
use crate::state::OutputPiece;
use crate::template::diagnostic::{Position, Report};
use crate::template::schema::{Kind, PropertySchema, TypeSchema, optional, required};
use crate::text::Text;
use crate::workload::{
    FieldSpec, FieldType, FormSpec, RecordFormat, SinkSpec, WorkloadKind, WorkloadName, WorkloadSpec,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(super) static FORM: TypeSchema = TypeSchema {
    name: "Millpond::Web::Form",
    properties: &[
        optional("Description", Kind::Text),
        required("Fields", Kind::List(&Kind::Object(FIELD), 100)),
        optional("Format", Kind::OneOf(&["csv", "json"])),
        optional("Listen", Kind::Text),
        optional("Name", Kind::Text),
        required("Queue", Kind::Text),
        optional("Role", Kind::Text),
        optional("SubmitLabel", Kind::Text),
        optional("Title", Kind::Text),
    ],
    attributes: &["Url"],
    read: form,
};

static FIELD: &[PropertySchema] = &[
    optional("Label", Kind::Text),
    optional("MaxLength", Kind::Integer(1, 1_048_576)),
    required("Name", Kind::Text),
    optional("Options", Kind::List(&Kind::Text, 1000)),
    optional("Placeholder", Kind::Text),
    optional("Required", Kind::Boolean),
    optional(
        "Type",
        Kind::OneOf(&["text", "email", "number", "tel", "url", "date", "textarea", "select", "checkbox"]),
    ),
];

pub(super) static SINK: TypeSchema = TypeSchema {
    name: "Millpond::Sink::Table",
    properties: &[
        required("Columns", Kind::List(&Kind::Text, 1000)),
        optional("Create", Kind::Boolean),
        required("DatabaseUrl", Kind::SecretText),
        optional("Format", Kind::OneOf(&["csv", "json"])),
        optional("Name", Kind::Text),
        optional("Pollers", Kind::Integer(1, 64)),
        required("Queue", Kind::Text),
        optional("Role", Kind::Text),
        required("Table", Kind::Text),
    ],
    attributes: &["Table"],
    read: sink,
};

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
fn form(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let report = &mut resolver.report;
    let (name, name_generated) = name(properties, report)?;
    let read: FormProperties = read(properties, report)?;
    let fields_position = properties.position_of("Fields");
    unique(&read.fields, |field| &field.name, "Fields", fields_position, report);
    for (index, field) in read.fields.iter().enumerate() {
        let position = properties.item_position("Fields", index);
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
    finished(properties, name, name_generated, WorkloadKind::Form(spec), resolver)
}

/// The sink, and whether its name was made up; `None` when something was reported.
fn sink(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let report = &mut resolver.report;
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
    finished(properties, name, name_generated, WorkloadKind::Sink(spec), resolver)
}

/// The workload with its role: the one that it names, or one of its own.
fn finished(
    properties: &Properties<'_>,
    name: WorkloadName,
    name_generated: bool,
    kind: WorkloadKind,
    resolver: &mut Resolver<'_>,
) -> Option<(Resource, bool)> {
    let role = match properties.text("Role") {
        Some(role) => own_role::named(&role, properties, resolver)?,
        None => own_role::make(properties, &name, &kind, resolver),
    };
    Some((Resource::Workload(WorkloadSpec { name, role, kind }), name_generated))
}

impl Described for WorkloadSpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::Workload(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "Name"
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(self.name.as_str())
    }

    fn attribute(&self, attribute: &str, _place: &Place<'_>) -> Option<OutputPiece> {
        match (&self.kind, attribute) {
            (WorkloadKind::Sink(sink), "Table") => Some(known(&sink.table)),
            (WorkloadKind::Form(form), "Url") => {
                let configured = format!("http://{}/", form.listen);
                Some(OutputPiece::FormUrl { workload: self.name.clone(), configured })
            }
            _ => None,
        }
    }
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
