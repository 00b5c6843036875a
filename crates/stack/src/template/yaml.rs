//! Reads YAML into nodes, from parser events, so that every node knows its line and column.
//!
//! Takes the YAML that CloudFormation takes: one document, short tags kept, no anchors, aliases or merge keys (so a
//! small file can't grow into a large one), no null values, no duplicate keys. Depth is bounded while events arrive.

use super::diagnostic::{Diagnostic, Position};
use super::node::{DEPTH_MAX, Entry, Key, Node, NodeKind};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use std::collections::BTreeMap;

/// The one document in `text`. Reading stops at the first mistake in the syntax.
pub(crate) fn read(text: &str) -> Result<Node, Diagnostic> {
    let mut reader = Reader { parser: Parser::new_from_str(text), last: Position::START };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err(wrong(place(span), "the template is empty; it needs a section Resources"));
            }
            (event, span) => {
                let node = reader.node(event, span, 0)?;
                reader.expect_end()?;
                return Ok(node);
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    last: Position,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.last = place(span);
                Ok((event, span))
            }
            Some(Err(error)) => {
                let marker = error.marker();
                let position = Position { line: marker.line().max(1), column: marker.col() + 1 };
                Err(wrong(position, format!("this is not valid YAML: {}", error.info())))
            }
            None => Err(wrong(self.last, "the template ends too early")),
        }
    }

    fn expect_end(&mut self) -> Result<(), Diagnostic> {
        loop {
            match self.next()? {
                (Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => {
                    return Err(wrong(place(span), "a template is one YAML document; remove the second one"));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Diagnostic> {
        let position = place(span);
        if depth > DEPTH_MAX {
            return Err(wrong(position, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_anchor(anchor, position)?;
                let tag = short_tag(tag.as_deref(), position)?;
                let untagged = matches!(tag, ShortTag::None);
                let kind = if untagged && style == ScalarStyle::Plain && is_null(&text) {
                    NodeKind::Null
                } else {
                    NodeKind::Scalar(text.into_owned())
                };
                Ok(Node { position, tag: tag.function(), kind })
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_anchor(anchor, position)?;
                let tag = short_tag(tag.as_deref(), position)?.function();
                let kind = NodeKind::List(self.items(depth)?);
                Ok(Node { position, tag, kind })
            }
            Event::MappingStart(anchor, tag) => {
                refuse_anchor(anchor, position)?;
                let tag = short_tag(tag.as_deref(), position)?.function();
                let kind = NodeKind::Map(self.entries(depth)?);
                Ok(Node { position, tag, kind })
            }
            Event::Alias(_) => Err(wrong(position, ALIASES_REFUSED)),
            other => Err(wrong(position, format!("this is not valid YAML: unexpected {other:?}"))),
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Diagnostic> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Diagnostic> {
        let mut entries = Vec::new();
        let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (event, span) => key(event, span)?,
            };
            if let Some(line) = first_lines.insert(key.text.clone(), key.position.line) {
                return Err(wrong(
                    key.position,
                    format!("{} is here twice; the first is on line {line}", key.text),
                ));
            }
            let (event, span) = self.next()?;
            entries.push(Entry { key, value: self.node(event, span, depth + 1)? });
        }
    }
}

const ALIASES_REFUSED: &str = "anchors and aliases (&name, *name) are not supported, as in CloudFormation; write the value out, or use a parameter";

fn key(event: Event<'_>, span: Span) -> Result<Key, Diagnostic> {
    let position = place(span);
    match event {
        Event::Scalar(text, style, anchor, tag) => {
            refuse_anchor(anchor, position)?;
            if tag.is_some() {
                return Err(wrong(position, "a key must be plain text, without a tag"));
            }
            if style == ScalarStyle::Plain && text == "<<" {
                return Err(wrong(position, "merge keys (<<) are not supported, as in CloudFormation"));
            }
            Ok(Key { text: text.into_owned(), position })
        }
        Event::Alias(_) => Err(wrong(position, ALIASES_REFUSED)),
        _ => Err(wrong(position, "a key must be plain text, not a list or a map")),
    }
}

fn refuse_anchor(anchor: usize, position: Position) -> Result<(), Diagnostic> {
    if anchor == 0 { Ok(()) } else { Err(wrong(position, ALIASES_REFUSED)) }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

enum ShortTag {
    None,
    Text,
    Function(String),
}

impl ShortTag {
    fn function(self) -> Option<String> {
        match self {
            ShortTag::Function(name) => Some(name),
            ShortTag::None | ShortTag::Text => None,
        }
    }
}

fn short_tag(tag: Option<&Tag>, position: Position) -> Result<ShortTag, Diagnostic> {
    match tag {
        None => Ok(ShortTag::None),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Ok(ShortTag::Text),
        Some(tag) if tag.handle == "!" && !tag.suffix.is_empty() => {
            Ok(ShortTag::Function(tag.suffix.clone()))
        }
        Some(tag) => {
            let written =
                if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
            Err(wrong(position, format!("the tag {written} is not supported; remove it")))
        }
    }
}

fn place(span: Span) -> Position {
    Position { line: span.start.line().max(1), column: span.start.col() + 1 }
}

fn wrong(position: Position, message: impl Into<String>) -> Diagnostic {
    Diagnostic { position, message: message.into() }
}
