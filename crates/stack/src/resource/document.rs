//! Policy documents: the elements that may be in one, and reading one out of a template.
//!
//! A document is written as a map, with functions in it wherever a value stands, or as a text of JSON. Names of elements
//! are checked here, each at its place; what they mean is checked by whoever knows policies
//! (`Context::check_policy`), for the statement that is wrong.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use crate::resolve::{Properties, Resolver, Within};
use crate::template::diagnostic::Position;
use crate::template::schema::{Kind, PropertySchema, optional, required};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a policy document is for; it decides which elements it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyUse {
    /// Says what a role, a user or a session may do.
    Identity,
    /// Says who may use a queue.
    Queue,
    /// Says who may assume a role.
    Trust,
}

/// The elements of a document.
pub(crate) static DOCUMENT: &[PropertySchema] = &[
    optional("Id", Kind::Text),
    required("Statement", Kind::OneOrList(&Kind::Object(STATEMENT))),
    optional("Version", Kind::OneOf(&["2012-10-17", "2008-10-17"])),
];

static STATEMENT: &[PropertySchema] = &[
    optional("Action", Kind::Json),
    optional("Condition", Kind::Json),
    required("Effect", Kind::OneOf(&["Allow", "Deny"])),
    optional("NotAction", Kind::Json),
    optional("NotPrincipal", Kind::Json),
    optional("NotResource", Kind::Json),
    optional("Principal", Kind::Json),
    optional("Resource", Kind::Json),
    optional("Sid", Kind::Text),
];

/// The document at `path`, which was shaped as `shaped`, as the text that the service takes.
pub(super) fn read(
    properties: &Properties<'_>,
    path: &[Within<'_>],
    shaped: &Value,
    policy_use: PolicyUse,
    resolver: &mut Resolver<'_>,
) -> Option<String> {
    let text = shaped.to_string();
    let Err(reason) = (resolver.context.check_policy)(policy_use, &text) else { return Some(text) };
    let position = place_of_mistake(properties, path, shaped, policy_use, resolver);
    resolver.report.error(position, format!("{}: {reason}", properties.logical_id));
    None
}

/// Where the mistake is: the first statement that is refused by itself, or the whole document.
fn place_of_mistake(
    properties: &Properties<'_>,
    path: &[Within<'_>],
    shaped: &Value,
    policy_use: PolicyUse,
    resolver: &Resolver<'_>,
) -> Position {
    const STATEMENT: &str = "Statement";
    let alone = |statement: &Value| {
        let mut document = shaped.as_object().cloned().unwrap_or_default();
        document.insert(STATEMENT.to_owned(), json!([statement]));
        (resolver.context.check_policy)(policy_use, &Value::Object(document).to_string())
    };
    let of = |end: &[Within<'_>]| properties.position_at(&[path, &[Within::Key(STATEMENT)], end].concat());
    match shaped.get(STATEMENT) {
        Some(Value::Array(statements)) => {
            let wrong = statements.iter().position(|statement| alone(statement).is_err());
            wrong.map_or_else(|| properties.position_at(path), |index| of(&[Within::Item(index)]))
        }
        Some(_) => of(&[]),
        None => properties.position_at(path),
    }
}

/// The document that `property` holds, which is required.
pub(super) fn of_property(
    properties: &Properties<'_>,
    property: &str,
    policy_use: PolicyUse,
    resolver: &mut Resolver<'_>,
) -> Option<String> {
    let shaped = properties.shaped.get(property)?;
    read(properties, &[Within::Key(property)], shaped, policy_use, resolver)
}

/// The inline policies that `Policies` lists, by name.
pub(super) fn inline_policies(
    properties: &Properties<'_>,
    resolver: &mut Resolver<'_>,
) -> Option<BTreeMap<String, String>> {
    const LIST: &str = "Policies";
    let mut policies = BTreeMap::new();
    let items = properties.shaped.get(LIST).and_then(Value::as_array);
    for (index, item) in items.into_iter().flatten().enumerate() {
        let name = item["PolicyName"].as_str().unwrap_or_default();
        let place = [Within::Key(LIST), Within::Item(index), Within::Key("PolicyName")];
        check_name(name, properties.position_at(&place), resolver)?;
        let place = [Within::Key(LIST), Within::Item(index), Within::Key("PolicyDocument")];
        let text = read(properties, &place, &item["PolicyDocument"], PolicyUse::Identity, resolver)?;
        if policies.insert(name.to_owned(), text).is_some() {
            resolver
                .report
                .error(properties.item_position(LIST, index), format!("{LIST} has {name} twice; rename one"));
            return None;
        }
    }
    Some(policies)
}

/// Checks the name of an inline policy.
pub(super) fn check_name(name: &str, position: Position, resolver: &mut Resolver<'_>) -> Option<()> {
    if super::name::is_identity_name(name, 128) {
        return Some(());
    }
    let message =
        format!("PolicyName must be 1 to 128 letters, digits and characters of _+=,.@-, not \"{name}\"");
    resolver.report.error(position, message);
    None
}

/// A document of one statement that allows `actions` on `resource`.
pub(super) fn allow(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// A document of these statements.
pub(super) fn of_statements(statements: Vec<Value>) -> Value {
    let mut document = Map::new();
    document.insert("Version".to_owned(), json!("2012-10-17"));
    document.insert("Statement".to_owned(), Value::Array(statements));
    Value::Object(document)
}
