//! Replies as XML.
//!
//! Each member is an element; a flattened list repeats its element, and a flattened map repeats it with a name and a
//! value inside. A map without a row is a structure whose members are only known when it is written. A member without a
//! value is left out. In a service that flattens nothing a list is an element with `member`s inside, also when it is
//! empty, and a map one with `entry`s.
//!
//! Source: <https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings>. Text escapes also `"` and the carriage
//! return, as Amazon SQS does: old clients check digests over what they read.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::{ENTRY, Flattened, Kind, MEMBER, Names, QueryService};

/// Writes a reply as the element `name`.
pub(super) fn write<T: Serialize>(
    out: &mut String,
    name: &str,
    reply: &T,
    service: &'static QueryService,
    action: &str,
) -> Result<(), Unwritable> {
    reply.serialize(Element { out, name, row: None, names: Names { service, action } })
}

/// Writes text with everything escaped that must be. Characters that XML has no way to write are replaced.
pub fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(position) = rest.find(is_special) {
        let (plain, after) = rest.split_at(position);
        out.push_str(plain);
        let mut characters = after.chars();
        out.push_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\r') => "&#xD;",
            _ => "\u{fffd}",
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
}

fn is_special(character: char) -> bool {
    match character {
        '\t' | '\n' => false,
        '&' | '<' | '>' | '"' | '\u{fffe}' | '\u{ffff}' => true,
        _ => character < '\u{20}',
    }
}

struct Escaped<'o>(&'o mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// A reply that this codec has no element for.
#[derive(Debug)]
pub(crate) struct Unwritable(String);

impl Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn no_element(what: &str, name: &str) -> Unwritable {
    Unwritable(format!("{name}: {what} has no element in XML"))
}

/// Writes one value as an element of a name; a flattened list or map as many of the name in its row.
struct Element<'w> {
    out: &'w mut String,
    name: &'w str,
    row: Option<&'static Flattened>,
    names: Names<'w>,
}

impl<'w> Element<'w> {
    fn shown(self, value: impl Display) -> Result<(), Unwritable> {
        let name = self.name;
        let written = write!(self.out, "<{name}>")
            .and_then(|()| write!(Escaped(self.out), "{value}"))
            .and_then(|()| write!(self.out, "</{name}>"));
        written.map_err(|_| no_element("a value that can't be shown", name))
    }

    fn members(self) -> Members<'w> {
        let map = match self.row {
            Some(Flattened { kind: Kind::Map { key, value }, .. }) => Some((*key, *value)),
            _ => None,
        };
        if map.is_none() {
            open(self.out, self.name);
        }
        Members { start: self.out.len(), element: self, map, entries: false, key: String::new() }
    }
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

/// Closes an element that was opened up to `start`.
fn close(out: &mut String, name: &str, start: usize) {
    if out.len() == start {
        out.pop();
        out.push_str("/>");
        return;
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

macro_rules! shown {
    ($($method:ident $kind:ty)*) => {$(
        fn $method(self, value: $kind) -> Result<(), Unwritable> {
            self.shown(value)
        }
    )*};
}

impl<'w> Serializer for Element<'w> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'w>;
    type SerializeMap = Members<'w>;
    type SerializeStruct = Members<'w>;
    type SerializeTuple = Impossible<(), Unwritable>;
    type SerializeTupleStruct = Impossible<(), Unwritable>;
    type SerializeTupleVariant = Impossible<(), Unwritable>;
    type SerializeStructVariant = Impossible<(), Unwritable>;

    shown! {
        serialize_bool bool
        serialize_i8 i8
        serialize_i16 i16
        serialize_i32 i32
        serialize_i64 i64
        serialize_u8 u8
        serialize_u16 u16
        serialize_u32 u32
        serialize_u64 u64
        serialize_f32 f32
        serialize_f64 f64
        serialize_char char
        serialize_str &str
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        self.shown(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        Err(no_element("a value of bytes", self.name))
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unwritable> {
        self.shown(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: &T,
    ) -> Result<(), Unwritable> {
        Err(no_element("a variant", name))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w>, Unwritable> {
        match self.row {
            Some(row) if matches!(row.kind, Kind::List) => {
                let name = row.element(self.names.action);
                Ok(Items { name, out: self.out, names: self.names, whole: None })
            }
            None if !self.names.service.flattens() => {
                open(self.out, self.name);
                let whole = Some((self.name, self.out.len()));
                Ok(Items { name: MEMBER.into(), out: self.out, names: self.names, whole })
            }
            _ => Err(no_element("a list without a row", self.name)),
        }
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'w>, Unwritable> {
        let unflattened = !self.names.service.flattens();
        Ok(Members { entries: unflattened, ..self.members() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'w>, Unwritable> {
        Ok(self.members())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(no_element("a tuple", self.name))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(no_element("a tuple", name))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(no_element("a variant", name))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(no_element("a variant", name))
    }
}

/// The items of a list; of one that is not flattened also the element around them, and where it was opened.
struct Items<'w> {
    out: &'w mut String,
    name: std::borrow::Cow<'static, str>,
    names: Names<'w>,
    whole: Option<(&'w str, usize)>,
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(Element { out: self.out, name: &self.name, row: None, names: self.names })
    }

    fn end(self) -> Result<(), Unwritable> {
        if let Some((name, start)) = self.whole {
            close(self.out, name, start);
        }
        Ok(())
    }
}

/// The members of a structure, or the entries of a flattened map with the elements of their name and value, or those of
/// a map that is not flattened.
struct Members<'w> {
    element: Element<'w>,
    start: usize,
    map: Option<(&'static str, &'static str)>,
    entries: bool,
    key: String,
}

impl Members<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unwritable> {
        let Element { out, names, row, .. } = &mut self.element;
        let names = *names;
        if self.entries {
            let (entry, key_name, value_name) = ENTRY;
            open(out, entry);
            Element { out, name: key_name, row: None, names }.shown(key)?;
            value.serialize(Element { out, name: value_name, row: None, names })?;
            close(out, entry, 0);
            return Ok(());
        }
        match (self.map, row) {
            (Some((key_name, value_name)), Some(row)) => {
                let entry = row.element(names.action);
                open(out, &entry);
                Element { out, name: key_name, row: None, names }.shown(key)?;
                value.serialize(Element { out, name: value_name, row: None, names })?;
                close(out, &entry, 0);
                Ok(())
            }
            _ => value.serialize(Element { out, name: key, row: names.row(key), names }),
        }
    }

    fn close(self) {
        if self.map.is_none() {
            close(self.element.out, self.element.name, self.start);
        }
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(key)) => {
                self.key = key;
                Ok(())
            }
            _ => Err(no_element("a member whose name is no text", self.element.name)),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let key = std::mem::take(&mut self.key);
        self.member(&key, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}
