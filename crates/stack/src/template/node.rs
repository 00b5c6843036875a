//! The tree both readers (YAML and JSON) produce: scalars as the text that was written, lists and maps, each with its
//! position and, in YAML, its tag.
//!
//! Scalars stay text: `Yes`, `On`, `2010-09-09` and `012345678901` mean what they say, and only the type of a property
//! decides whether text is a number or a truth value. Map keys are unique and keep their order.

use super::diagnostic::{Position, Report};

/// Largest template, in bytes: what CloudFormation takes by URL.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of lists and maps.
pub(crate) const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) position: Position,
    /// The YAML short tag without its exclamation mark: `Ref` for `!Ref`.
    pub(crate) tag: Option<String>,
    pub(crate) kind: NodeKind,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
}

/// A key of a map with the place where it is written.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) position: Position,
}

impl Node {
    /// What this is, for messages.
    pub(crate) fn description(&self) -> &'static str {
        match (&self.tag, &self.kind) {
            (Some(_), _) => "a function",
            (None, NodeKind::Null) => "nothing",
            (None, NodeKind::Scalar(_)) => "a text",
            (None, NodeKind::List(_)) => "a list",
            (None, NodeKind::Map(_)) => "a map",
        }
    }
}

/// Text without a tag, or a report that says what was there instead.
pub(crate) fn expect_text<'a>(node: &'a Node, what: &str, report: &mut Report) -> Option<&'a str> {
    if let (None, NodeKind::Scalar(text)) = (&node.tag, &node.kind) {
        return Some(text);
    }
    report.error(node.position, format!("{what} must be a plain text, not {}", node.description()));
    None
}

/// The entries of a map without a tag, or a report that says what was there instead.
pub(crate) fn expect_map<'a>(node: &'a Node, what: &str, report: &mut Report) -> Option<&'a [Entry]> {
    if let (None, NodeKind::Map(entries)) = (&node.tag, &node.kind) {
        return Some(entries);
    }
    report
        .error(node.position, format!("{what} must be a map of names to values, not {}", node.description()));
    None
}
