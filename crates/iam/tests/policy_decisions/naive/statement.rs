//! Whether a statement is about a request: its action, its resource and all of its conditions.

use serde_json::Value;

use super::Request;
use super::condition::holds;
use super::matching::{action_matches, expanded, glob};

/// The statements of a document: a list, or one alone.
pub(crate) fn all(document: &Value) -> Vec<&Value> {
    listed(&document["Statement"])
}

/// A value, or a list of values.
pub(crate) fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// Variables came with the version of 2012.
pub(crate) fn has_variables(document: &Value) -> bool {
    document["Version"] == "2012-10-17"
}

pub(crate) fn applies(statement: &Value, document: &Value, request: &Request<'_>) -> bool {
    let variables = has_variables(document);
    let action =
        |patterns: &Value| listed(patterns).into_iter().any(|one| action_matches(text(one), request.action));
    let acts = match statement.get("NotAction") {
        Some(patterns) => !action(patterns),
        None => action(&statement["Action"]),
    };
    acts && on_resource(statement, request, variables) && conditions(statement, request, variables)
}

/// A pattern whose variable has no value matches nothing. What an allow excepts by such a pattern is not known, so that allow
/// is void: the documentation calls the statement invalid. A deny stands.
fn on_resource(statement: &Value, request: &Request<'_>, variables: bool) -> bool {
    let (patterns, negated) = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(patterns), _) => (patterns, false),
        (None, Some(patterns)) => (patterns, true),
        // A trust policy belongs to its role.
        (None, None) => return request.is_trust,
    };
    let expanded: Vec<Option<Vec<char>>> =
        listed(patterns).into_iter().map(|one| expanded(text(one), request, variables)).collect();
    let matches = expanded.iter().flatten().any(|pattern| glob(pattern, request.resource));
    let is_known = statement["Effect"] == "Deny" || expanded.iter().all(Option::is_some);
    if negated { !matches && is_known } else { matches }
}

fn conditions(statement: &Value, request: &Request<'_>, variables: bool) -> bool {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else { return true };
    let denies = statement["Effect"] == "Deny";
    operators.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().all(|(key, values)| holds(operator, key, values, request, variables, denies))
        })
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
