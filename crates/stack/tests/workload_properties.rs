//! The properties of forms and sinks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{
    Context, FieldType, RecordFormat, StackState, Template, WorkloadProblem, mask_url, resolve,
};
use std::collections::BTreeMap;
use std::path::Path;
use support::{context, errors, form, resolved, sink, workload};

fn form_template(properties: &str) -> String {
    format!(
        "Resources:\n  Page:\n    Type: Millpond::Web::Form\n    Properties:\n      Queue: http://q\n      {properties}\n"
    )
}

fn sink_template(properties: &str) -> String {
    format!(
        "Resources:\n  Rows:\n    Type: Millpond::Sink::Table\n    Properties:\n      Queue: http://q\n      Table: t\n      {properties}\n"
    )
}

#[test]
fn a_form_with_everything() {
    let text = form_template(
        "Name: page-1\n      Title: T\n      Description: D\n      SubmitLabel: S\n      Format: json\n      Listen: '[::1]:9'\n      Fields:\n      \
         - {Name: a, Label: A, Type: email, Required: true, MaxLength: 5, Placeholder: p}\n      - {Name: b, Type: select, Options: [x, y]}",
    );
    let resolved = resolved(&text);
    assert_eq!(workload(&resolved, "Page").name.as_str(), "page-1");
    let form = form(&resolved, "Page");
    assert_eq!((form.title.as_deref(), form.description.as_deref()), (Some("T"), Some("D")));
    assert_eq!((form.submit_label.as_deref(), form.format), (Some("S"), RecordFormat::Json));
    assert_eq!(form.listen.to_string(), "[::1]:9");
    let [first, second] = form.fields.as_slice() else { panic!("{:?}", form.fields) };
    assert_eq!(
        (first.label.as_deref(), first.field_type, first.required),
        (Some("A"), FieldType::Email, true)
    );
    assert_eq!((first.length_max, first.placeholder.as_deref()), (Some(5), Some("p")));
    assert_eq!((second.field_type, second.options.join(",")), (FieldType::Select, "x,y".to_owned()));
}

#[test]
fn defaults_of_a_form() {
    let resolved = resolved(&form_template("Fields: [{Name: a}]"));
    assert_eq!(workload(&resolved, "Page").name.as_str(), "page");
    let form = form(&resolved, "Page");
    assert_eq!((form.listen.to_string().as_str(), form.format), ("127.0.0.1:8080", RecordFormat::Csv));
    assert_eq!((form.fields[0].field_type, form.fields[0].required), (FieldType::Text, false));
}

#[test]
fn every_type_of_field_is_known() {
    for field_type in ["text", "email", "number", "tel", "url", "date", "textarea", "checkbox"] {
        let form =
            form(&resolved(&form_template(&format!("Fields: [{{Name: a, Type: {field_type}}}]"))), "Page");
        assert_eq!(serde_json::to_value(form.fields[0].field_type).unwrap(), field_type);
    }
}

#[test]
fn mistakes_in_forms() {
    let cases = [
        ("Fields: []", "t.yaml:6:15: Fields is empty; it needs at least one"),
        ("Fields: [{Name: a}, {Name: a}]", "t.yaml:6:15: Fields has a twice"),
        ("Fields: [{Name: ''}]", "t.yaml:6:15: Fields has an empty name"),
        (
            "Fields: [{Name: a, Type: select}]",
            "t.yaml:6:16: field a is a select; it needs Options, a list of choices",
        ),
        (
            "Fields: [{Name: a, Options: [b]}]",
            "t.yaml:6:16: field a has Options; write Type: select to offer them",
        ),
        (
            "Fields: [{Name: a}]\n      Listen: localhost",
            "t.yaml:7:15: Listen must be an IP address and a port, such as 127.0.0.1:8080, not \"localhost\"",
        ),
        (
            "Fields: [{Name: a}]\n      Name: My Form",
            "t.yaml:7:13: Name \"My Form\" is not a workload name: use 1 to 63 lower-case letters, digits and hyphens, \
             beginning with a letter or digit",
        ),
    ];
    for (properties, expected) in cases {
        assert_eq!(errors(&form_template(properties)), expected);
    }
    assert_eq!(
        errors(
            "Resources:\n  F:\n    Type: Millpond::Web::Form\n    Properties: {Queue: customers, Fields: [{Name: a}]}\n"
        ),
        "t.yaml:4:25: Queue must be the URL of a queue, such as !Ref of an AWS::SQS::Queue, not \"customers\""
    );
}

#[test]
fn sinks() {
    let text = sink_template(
        "DatabaseUrl: mysql://u:p@h/d\n      Columns: [a, b]\n      Create: false\n      Format: json\n      Pollers: 3",
    );
    let full = sink(&resolved(&text), "Rows");
    assert_eq!((full.database_url.expose(), full.create, full.pollers), ("mysql://u:p@h/d", false, Some(3)));
    assert_eq!((full.columns.join(","), full.format), ("a,b".to_owned(), RecordFormat::Json));
    assert!(!format!("{full:?} {}", full.database_url).contains(":p@"), "{full:?}");
    let short = sink(&resolved(&sink_template("DatabaseUrl: sqlite://a.db\n      Columns: [a]")), "Rows");
    assert_eq!((short.create, short.pollers, short.format), (true, None, RecordFormat::Csv));
}

#[test]
fn mistakes_in_sinks() {
    let cases = [
        ("DatabaseUrl: sqlite://a.db\n      Columns: [a, a]", "t.yaml:8:16: Columns has a twice"),
        (
            "DatabaseUrl: postgres://u:secret@h/d\n      Columns: [a]",
            "t.yaml:7:20: DatabaseUrl must begin with sqlite://, mysql:// or mariadb://",
        ),
        (
            "DatabaseUrl: sqlite://a.db\n      Columns: [a]\n      Pollers: 0",
            "t.yaml:9:16: Pollers must be from 1 to 64, not 0",
        ),
    ];
    for (properties, expected) in cases {
        assert_eq!(errors(&sink_template(properties)), expected);
    }
}

#[test]
fn relative_databases_are_in_the_data_directory() {
    let url = |url: &str| {
        let sink =
            sink(&resolved(&sink_template(&format!("DatabaseUrl: {url}\n      Columns: [a]"))), "Rows");
        sink.database_url_in(Path::new("/data")).expose().to_owned()
    };
    assert_eq!(url("sqlite://a/b.db"), "sqlite:///data/a/b.db");
    assert_eq!(url("sqlite:///abs/b.db"), "sqlite:///abs/b.db");
    assert_eq!(url("mysql://h/d"), "mysql://h/d");
}

#[test]
fn what_the_program_says_gets_a_line() {
    let text = sink_template("DatabaseUrl: sqlite://a.db\n      Columns: [a]");
    let template = Template::parse("t.yaml", &text).unwrap();
    let with = |check_workload| Context { check_workload, ..context("shop") };
    let answer = |context: &Context| {
        resolve(&template, &BTreeMap::new(), &StackState::default(), context).unwrap_err().to_string()
    };
    let of_property =
        with(|_| Err(WorkloadProblem { property: Some("Table"), message: "t is taken".to_owned() }));
    assert_eq!(answer(&of_property), "t.yaml:6:14: Rows: t is taken");
    let of_all = with(|spec| Err(WorkloadProblem { property: None, message: format!("no {}", spec.name) }));
    assert_eq!(answer(&of_all), "t.yaml:2:3: Rows: no rows");
}

#[test]
fn passwords_in_urls_are_masked() {
    let cases = [
        ("mysql://user:secret@host:3306/db", "mysql://user:****@host:3306/db"),
        ("mysql://user:se@cr/et@host/db", "mysql://user:****@host/db"),
        ("mysql://user:se?c@host/db", "mysql://user:****@host/db"),
        ("mysql://user@host/db", "mysql://user@host/db"),
        ("mysql://host/db?password=secret&x=y", "mysql://host/db?password=****&x=y"),
        ("sqlite://customers.db", "sqlite://customers.db"),
        ("no url", "no url"),
    ];
    for (url, masked) in cases {
        assert_eq!(mask_url(url), masked);
    }
}

#[test]
fn a_sink_of_a_fifo_queue_is_refused_with_its_place() {
    let text = "Resources:
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: orders.fifo, FifoQueue: true}}
  Rows:
    Type: Millpond::Sink::Table
    Properties:
      Queue: !Ref Orders
      Table: t
      DatabaseUrl: sqlite://a.db
      Columns: [a]
";
    assert_eq!(
        errors(text),
        "t.yaml:6:14: orders.fifo is a FIFO queue, and a sink can't keep the order of a message group when a record \
         fails; use a standard queue"
    );
}
