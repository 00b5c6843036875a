//! Parameters as the members of a request.
//!
//! A [`Node`] is all parameters at or below one path. Types ask for what they want, since parameters do not say what
//! they are: a number is text that reads as one. A flattened list that is absent is empty, as it is for AWS: there is
//! no other way to write that. One item may come without its number, as old documents have it.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::form::{Form, Parameter};
use super::{ENTRY, Flattened, Kind, MEMBER, Names, QueryService};
use crate::error::{ApiError, MALFORMED_INPUT};

const LIST: &str = "Start of list found where not expected";
const MAP: &str = "Start of structure or map found where not expected.";
const NOT_TEXT: &str = "A value is not valid UTF-8.";
const NOT_AN_INTEGER: &str = "STRING_VALUE can not be converted to an Integer";
const NOT_A_BOOLEAN: &str = "STRING_VALUE can not be converted to a Boolean";

/// Decodes a request.
///
/// # Errors
/// `MalformedInput` when a parameter is not of the type its member takes.
pub(crate) fn decode<'f, T: Deserialize<'f>>(
    form: &'f Form<'f>,
    service: &'static QueryService,
    action: &'f str,
) -> Result<T, ApiError> {
    let node = Node { parameters: form.parameters(), path_bytes: 0 };
    let value = Value { node, row: None, names: Names { service, action } };
    T::deserialize(value).map_err(|Refusal(text)| MALFORMED_INPUT.because(text))
}

/// Why a request is no request.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// All parameters whose names are, or begin with, one path of so many bytes.
#[derive(Clone, Copy)]
struct Node<'f> {
    parameters: &'f [Parameter<'f>],
    path_bytes: usize,
}

impl<'f> Node<'f> {
    const ABSENT: Self = Node { parameters: &[], path_bytes: 0 };

    /// The value at the path itself. The path without segments has none.
    fn own(self) -> Option<&'f [u8]> {
        let first = self.parameters.first()?;
        (self.path_bytes > 0 && first.name.len() == self.path_bytes).then_some(&*first.value)
    }

    /// The nodes one segment below.
    fn children(self) -> impl Iterator<Item = (&'f str, Self)> {
        let start = if self.path_bytes == 0 { 0 } else { self.path_bytes + 1 };
        let below = if self.own().is_some() { &self.parameters[1..] } else { self.parameters };
        below.chunk_by(move |one, next| segment(one, start) == segment(next, start)).map(move |parameters| {
            let segment = segment(&parameters[0], start);
            (segment, Node { parameters, path_bytes: start + segment.len() })
        })
    }

    fn child(self, is_it: impl Fn(&str) -> bool) -> Option<Self> {
        self.children().find(|(segment, _)| is_it(segment)).map(|(_, node)| node)
    }

    /// The bytes of a single value.
    fn bytes(self) -> Result<&'f [u8], Refusal> {
        match (self.own(), self.children().next()) {
            (Some(value), _) => Ok(value),
            (None, None) => Ok(b""),
            (None, Some((segment, _))) => {
                Err(Refusal(if is_number(segment) { LIST } else { MAP }.to_owned()))
            }
        }
    }

    fn text(self) -> Result<&'f str, Refusal> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Refusal(NOT_TEXT.to_owned()))
    }

    /// The items of a list or map that is not flattened: they are numbered below one element.
    fn below(self, element: &str) -> Result<Vec<Self>, Refusal> {
        let mut items = Vec::new();
        if self.own().is_some_and(|value| !value.is_empty()) {
            return Err(Refusal("Expected list or null".to_owned()));
        }
        for (segment, child) in self.children() {
            if segment != element {
                return Err(Refusal(if is_number(segment) { LIST } else { MAP }.to_owned()));
            }
            if child.own().is_some_and(|value| !value.is_empty()) {
                return Err(Refusal(LIST.to_owned()));
            }
            items = child.items()?;
        }
        Ok(items)
    }

    /// The items of a flattened list or map, in the order of their numbers.
    fn items(self) -> Result<Vec<Self>, Refusal> {
        let mut numbered = Vec::new();
        let mut has_others = self.own().is_some_and(|value| !value.is_empty());
        for (segment, child) in self.children() {
            match segment.parse::<u64>() {
                Ok(number) if is_number(segment) => numbered.push((number, child)),
                _ => has_others = true,
            }
        }
        match (numbered.is_empty(), has_others) {
            (true, true) => Ok(vec![self]),
            (false, true) => Err(Refusal(MAP.to_owned())),
            (_, false) => {
                numbered.sort_by_key(|(number, _)| *number);
                Ok(numbered.into_iter().map(|(_, child)| child).collect())
            }
        }
    }
}

/// The segment of a name that begins at a byte.
fn segment<'p>(parameter: &'p Parameter<'_>, start: usize) -> &'p str {
    let rest = parameter.name.get(start..).unwrap_or_default();
    rest.split('.').next().unwrap_or_default()
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// One value: its parameters and, for a flattened list or map, its row.
#[derive(Clone, Copy)]
struct Value<'f> {
    node: Node<'f>,
    row: Option<&'static Flattened>,
    names: Names<'f>,
}

impl<'f> Value<'f> {
    /// A value that is not flattened.
    fn plain(self, node: Node<'f>) -> Self {
        Self { node, row: None, names: self.names }
    }

    fn integer(self) -> Result<i64, Refusal> {
        let text = self.node.text()?;
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        if !is_number(digits) {
            return Err(Refusal(NOT_AN_INTEGER.to_owned()));
        }
        // A number that is too large stays beyond every limit.
        Ok(sign * digits.parse().unwrap_or(i64::MAX))
    }

    fn boolean(self) -> Result<bool, Refusal> {
        match self.node.text()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Refusal(NOT_A_BOOLEAN.to_owned())),
        }
    }
}

impl<'f> Deserializer<'f> for Value<'f> {
    type Error = Refusal;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.node.text()?)
    }

    fn deserialize_bytes<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_bytes(self.node.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_i64<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_i64(self.integer()?)
    }

    fn deserialize_bool<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_bool(self.boolean()?)
    }

    fn deserialize_option<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'f>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.row {
            Some(Flattened { kind: Kind::List, .. }) => {
                visitor.visit_seq(Items { nodes: self.node.items()?.into_iter(), of: self })
            }
            None if !self.names.service.flattens() => {
                visitor.visit_seq(Items { nodes: self.node.below(MEMBER)?.into_iter(), of: self })
            }
            _ => Err(Refusal(LIST.to_owned())),
        }
    }

    fn deserialize_map<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.row {
            Some(Flattened { kind: Kind::Map { key, value }, .. }) => {
                let nodes = self.node.items()?.into_iter();
                visitor.visit_map(Entries { nodes, of: self, names: (key, value), value: Node::ABSENT })
            }
            None if !self.names.service.flattens() => {
                let (entry, key, value) = ENTRY;
                let nodes = self.node.below(entry)?.into_iter();
                visitor.visit_map(Entries { nodes, of: self, names: (key, value), value: Node::ABSENT })
            }
            _ => Err(Refusal(MAP.to_owned())),
        }
    }

    fn deserialize_struct<V: Visitor<'f>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if self.node.own().is_some_and(|value| !value.is_empty()) {
            return Err(Refusal("Expected structure or null".to_owned()));
        }
        visitor.visit_map(Members { fields: fields.iter(), of: self, value: None })
    }

    fn deserialize_ignored_any<V: Visitor<'f>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'f>>
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct tuple tuple_struct enum identifier
    }
}

/// The items of a list.
struct Items<'f> {
    nodes: std::vec::IntoIter<Node<'f>>,
    of: Value<'f>,
}

impl<'f> SeqAccess<'f> for Items<'f> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'f>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        self.nodes.next().map(|node| seed.deserialize(self.of.plain(node))).transpose()
    }
}

/// The entries of a map.
struct Entries<'f> {
    nodes: std::vec::IntoIter<Node<'f>>,
    of: Value<'f>,
    names: (&'static str, &'static str),
    value: Node<'f>,
}

impl<'f> MapAccess<'f> for Entries<'f> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'f>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        let (key, value) = self.names;
        let part = |name: &str| node.child(|segment| segment == name).unwrap_or(Node::ABSENT);
        self.value = part(value);
        seed.deserialize(self.of.plain(part(key))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'f>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        seed.deserialize(self.of.plain(self.value))
    }
}

/// The members of a structure that are there.
struct Members<'f> {
    fields: std::slice::Iter<'static, &'static str>,
    of: Value<'f>,
    value: Option<Value<'f>>,
}

impl<'f> Members<'f> {
    fn member(&self, field: &str) -> Result<Option<Value<'f>>, Refusal> {
        let Value { node, names, .. } = self.of;
        let by_member = node.child(|segment| segment == field);
        let Some(row) = names.row(field) else { return Ok(by_member.map(|node| self.of.plain(node))) };
        let is_element = |segment: &str| row.is_element(names.action, segment);
        let spelled_out = by_member.filter(|_| !is_element(field));
        if spelled_out.is_some_and(|node| node.children().next().is_some()) {
            return Err(Refusal(LIST.to_owned()));
        }
        let absent = matches!(row.kind, Kind::List).then_some(Node::ABSENT);
        let found = node.child(is_element).or(absent);
        Ok(found.map(|node| Value { node, row: Some(row), names }))
    }
}

impl<'f> MapAccess<'f> for Members<'f> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'f>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        while let Some(field) = self.fields.next() {
            if let Some(value) = self.member(field)? {
                self.value = Some(value);
                let name: StrDeserializer<'_, Refusal> = (*field).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'f>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        seed.deserialize(self.value.unwrap_or_else(|| self.of.plain(Node::ABSENT)))
    }
}
