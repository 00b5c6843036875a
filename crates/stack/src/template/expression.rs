//! The functions of a template: nodes become expressions that `resolve` can evaluate.
//!
//! Knows `Ref`, `Fn::GetAtt`, `Fn::Sub` and `Fn::Join`, in long form and as YAML tags; any other function is refused,
//! with what is known. Evaluates nothing.

use super::diagnostic::{Position, Report};
use super::node::{Key, Node, NodeKind, expect_text};
use super::suggest::hint;

#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) position: Position,
    pub(crate) kind: ExpressionKind,
}

#[derive(Debug, Clone)]
pub(crate) enum ExpressionKind {
    Text(String),
    List(Vec<Expression>),
    Map(Vec<(Key, Expression)>),
    /// A parameter, a pseudo parameter or a resource.
    Ref(String),
    GetAtt {
        resource: String,
        attribute: String,
    },
    Sub {
        /// In the order of the text.
        pieces: Vec<SubPiece>,
        /// The values that the text can use besides the names of the template.
        variables: Vec<Expression>,
    },
    Join {
        delimiter: String,
        items: Box<Expression>,
    },
}

/// A piece of the text of `Fn::Sub`. Variables are named by index, so that a value that is used often is not copied.
#[derive(Debug, Clone)]
pub(crate) enum SubPiece {
    Text(String),
    Variable(usize),
    /// A `Ref` or `Fn::GetAtt`.
    Name(Expression),
}

/// Names an expression uses, with the place of each use.
pub(crate) struct Reference<'a> {
    pub(crate) name: &'a str,
    pub(crate) attribute: Option<&'a str>,
    pub(crate) position: Position,
}

impl Expression {
    /// Calls `visit` for each `Ref` and `Fn::GetAtt` in it, also those inside `Fn::Sub`.
    pub(crate) fn references<'a>(&'a self, visit: &mut impl FnMut(Reference<'a>)) {
        let position = self.position;
        match &self.kind {
            ExpressionKind::Text(_) => {}
            ExpressionKind::List(items) => items.iter().for_each(|item| item.references(visit)),
            ExpressionKind::Sub { pieces, variables } => {
                variables.iter().for_each(|variable| variable.references(visit));
                for piece in pieces {
                    if let SubPiece::Name(name) = piece {
                        name.references(visit);
                    }
                }
            }
            ExpressionKind::Map(entries) => entries.iter().for_each(|(_, value)| value.references(visit)),
            ExpressionKind::Ref(name) => visit(Reference { name, attribute: None, position }),
            ExpressionKind::GetAtt { resource, attribute } => {
                visit(Reference { name: resource, attribute: Some(attribute), position });
            }
            ExpressionKind::Join { items, .. } => items.references(visit),
        }
    }
}

const FUNCTIONS: [&str; 4] = ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join"];
const FUNCTION_TAGS: [&str; 4] = ["!Ref", "!GetAtt", "!Sub", "!Join"];
/// Functions of CloudFormation that are known but not supported.
const UNSUPPORTED: [&str; 17] = [
    "If",
    "Equals",
    "And",
    "Or",
    "Not",
    "Condition",
    "FindInMap",
    "Select",
    "Split",
    "Base64",
    "GetAZs",
    "ImportValue",
    "Cidr",
    "Transform",
    "Length",
    "ToJsonString",
    "ForEach",
];

/// The expression in `node`; `None` when something was reported.
pub(crate) fn read(node: &Node, report: &mut Report) -> Option<Expression> {
    let position = node.position;
    if let Some(tag) = &node.tag {
        let argument = Node { tag: None, ..node.clone() };
        return call(&format!("!{tag}"), tag, position, &argument, report);
    }
    let kind = match &node.kind {
        NodeKind::Null => {
            report.error(position, "a value is missing here; null values are not allowed in templates");
            return None;
        }
        NodeKind::Scalar(text) => ExpressionKind::Text(text.clone()),
        NodeKind::List(items) => ExpressionKind::List(read_all(items, report)?),
        NodeKind::Map(entries) => {
            let function =
                entries.iter().find(|entry| entry.key.text == "Ref" || entry.key.text.starts_with("Fn::"));
            if let Some(entry) = function {
                let Key { text, position } = &entry.key;
                if entries.len() > 1 {
                    report.error(*position, format!("{text} must be the only key of its map"));
                    return None;
                }
                let name = text.strip_prefix("Fn::").unwrap_or(text);
                return call(text, name, *position, &entry.value, report);
            }
            let read_entry =
                |entry: &super::node::Entry| Some((entry.key.clone(), read(&entry.value, report)?));
            let all: Vec<_> = entries.iter().map(read_entry).collect();
            ExpressionKind::Map(all.into_iter().collect::<Option<_>>()?)
        }
    };
    Some(Expression { position, kind })
}

/// Reads every item, so that all mistakes are reported, before giving up on the list.
fn read_all(items: &[Node], report: &mut Report) -> Option<Vec<Expression>> {
    let all: Vec<_> = items.iter().map(|item| read(item, report)).collect();
    all.into_iter().collect()
}

fn call(
    written: &str,
    name: &str,
    position: Position,
    argument: &Node,
    report: &mut Report,
) -> Option<Expression> {
    let kind = match name {
        "Ref" => ExpressionKind::Ref(expect_text(argument, "the name in Ref", report)?.to_owned()),
        "GetAtt" => get_att(argument, report)?,
        "Sub" => sub(argument, report)?,
        "Join" => join(argument, report)?,
        other if UNSUPPORTED.contains(&other) => {
            let known = if written.starts_with('!') { FUNCTION_TAGS } else { FUNCTIONS };
            let message = format!("{written} is not supported yet; known: {}", known.join(", "));
            report.error(position, message);
            return None;
        }
        _ => {
            let known = if written.starts_with('!') { FUNCTION_TAGS } else { FUNCTIONS };
            report.error(position, format!("there is no function {written}{}", hint(written, known)));
            return None;
        }
    };
    Some(Expression { position, kind })
}

fn get_att(argument: &Node, report: &mut Report) -> Option<ExpressionKind> {
    let pair = match (&argument.tag, &argument.kind) {
        (None, NodeKind::Scalar(text)) => {
            text.split_once('.').map(|(resource, attribute)| (resource.to_owned(), attribute.to_owned()))
        }
        (None, NodeKind::List(items)) => match items.as_slice() {
            [resource, attribute] => {
                let resource = expect_text(resource, "the resource in Fn::GetAtt", report)?;
                let attribute = expect_text(attribute, "the attribute in Fn::GetAtt", report)?;
                Some((resource.to_owned(), attribute.to_owned()))
            }
            _ => None,
        },
        _ => None,
    };
    match pair {
        Some((resource, attribute)) if !resource.is_empty() && !attribute.is_empty() => {
            Some(ExpressionKind::GetAtt { resource, attribute })
        }
        _ => {
            report.error(argument.position, "Fn::GetAtt takes Resource.Attribute or [Resource, Attribute]");
            None
        }
    }
}

fn join(argument: &Node, report: &mut Report) -> Option<ExpressionKind> {
    if let (None, NodeKind::List(pair)) = (&argument.tag, &argument.kind)
        && let [delimiter, items] = pair.as_slice()
    {
        let delimiter = expect_text(delimiter, "the delimiter in Fn::Join", report)?.to_owned();
        let items = Box::new(read(items, report)?);
        return Some(ExpressionKind::Join { delimiter, items });
    }
    report.error(argument.position, "Fn::Join takes [delimiter, [value, …]]");
    None
}

fn sub(argument: &Node, report: &mut Report) -> Option<ExpressionKind> {
    let (template, variables) = match (&argument.tag, &argument.kind) {
        (None, NodeKind::Scalar(text)) => (text.as_str(), Vec::new()),
        (None, NodeKind::List(pair)) if pair.len() == 2 => {
            let text = expect_text(&pair[0], "the text in Fn::Sub", report)?;
            let map = read(&pair[1], report)?;
            let ExpressionKind::Map(variables) = map.kind else {
                report.error(map.position, "the second item of Fn::Sub must be a map of names to values");
                return None;
            };
            (text, variables)
        }
        _ => {
            report.error(argument.position, "Fn::Sub takes a text, or [text, {Name: value, …}]");
            return None;
        }
    };
    for (key, _) in &variables {
        if !template.contains(&format!("${{{}}}", key.text)) {
            report.error(key.position, format!("the text of Fn::Sub does not use ${{{}}}", key.text));
        }
    }
    let pieces = pieces(template, &variables, argument.position, report)?;
    Some(ExpressionKind::Sub { pieces, variables: variables.into_iter().map(|(_, value)| value).collect() })
}

fn pieces(
    template: &str,
    variables: &[(Key, Expression)],
    position: Position,
    report: &mut Report,
) -> Option<Vec<SubPiece>> {
    let name = |kind| SubPiece::Name(Expression { position, kind });
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        literal.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            report.error(position, "a ${ in Fn::Sub has no closing }; write ${!Name} for a literal ${Name}");
            return None;
        };
        let written = inside[..end].trim();
        rest = &inside[end + 1..];
        if let Some(escaped) = written.strip_prefix('!') {
            literal.push_str(&format!("${{{escaped}}}"));
            continue;
        }
        pieces.push(SubPiece::Text(std::mem::take(&mut literal)));
        let variable = variables.iter().position(|(key, _)| key.text == written);
        pieces.push(match (variable, written.split_once('.')) {
            (Some(index), _) => SubPiece::Variable(index),
            (None, Some((resource, attribute))) => name(ExpressionKind::GetAtt {
                resource: resource.to_owned(),
                attribute: attribute.to_owned(),
            }),
            (None, None) => name(ExpressionKind::Ref(written.to_owned())),
        });
    }
    literal.push_str(rest);
    pieces.push(SubPiece::Text(literal));
    Some(pieces)
}
