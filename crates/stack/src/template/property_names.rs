//! Checks that every property a template writes exists in the schema of its resource, at every depth.
//!
//! Names need no values, so mistakes in them are told together, before any value is looked at.

use super::Template;
use super::diagnostic::Report;
use super::expression::{Expression, ExpressionKind};
use super::node::Key;
use super::schema::{Kind, PropertySchema};
use super::suggest::hint;
use crate::resource::document::DOCUMENT;

pub(super) fn check(template: &Template, report: &mut Report) {
    for resource in template.resources.iter().filter(|resource| resource.schema.is_known()) {
        check_names(resource.schema.properties, &resource.properties, resource.schema.name, report);
    }
}

/// The names of one map and of all maps in it; `owner` names it in messages.
fn check_names(schema: &[PropertySchema], entries: &[(Key, Expression)], owner: &str, report: &mut Report) {
    for (key, value) in entries {
        match schema.iter().find(|property| property.name == key.text) {
            Some(PropertySchema { kind: Kind::Refused(reason), .. }) => {
                report.error(key.position, format!("{owner} has no {} here: {reason}", key.text));
            }
            Some(property) => check_value(&property.kind, value, &key.text, report),
            None => {
                let hint = hint(&key.text, schema.iter().map(|property| property.name));
                report.error(key.position, format!("{owner} has no property {}{hint}", key.text));
            }
        }
    }
}

fn check_value(kind: &Kind, value: &Expression, owner: &str, report: &mut Report) {
    match (kind, &value.kind) {
        (Kind::List(item_kind, _), ExpressionKind::List(items)) => {
            items.iter().for_each(|item| check_value(item_kind, item, owner, report));
        }
        (Kind::OneOrList(kind), ExpressionKind::List(items)) => {
            items.iter().for_each(|item| check_value(kind, item, owner, report));
        }
        (Kind::OneOrList(kind), _) => check_value(kind, value, owner, report),
        (Kind::Object(schema), ExpressionKind::Map(entries)) => check_names(schema, entries, owner, report),
        (Kind::Policy, ExpressionKind::Map(entries)) => check_names(DOCUMENT, entries, owner, report),
        _ => {}
    }
}
