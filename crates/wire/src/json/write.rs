//! Writes replies as JSON.
//!
//! What always holds: the bytes are those that `serde_json` writes, which the tests compare. Most of a reply is text that needs
//! no escape, and it is looked at many bytes at a time and copied in pieces as long as possible.
//!
//! It refuses what no reply holds: fractions, bytes, and keys that are no text.

use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Why a reply can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unwritable(String);

impl serde::ser::Error for Unwritable {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A value as JSON.
pub(super) fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Unwritable> {
    let mut out = Vec::with_capacity(512);
    value.serialize(Value { out: &mut out })?;
    Ok(out)
}

/// The place of one value.
struct Value<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Value<'a> {
    fn put(self, text: &str) -> Result<(), Unwritable> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn put_number(self, number: impl Display) -> Result<(), Unwritable> {
        self.put(&number.to_string())
    }

    /// A list or a structure. Inside of a variant there is one more to close.
    fn begin(self, variant: Option<&str>, open: u8, closing: &'static str) -> Members<'a> {
        if let Some(variant) = variant {
            self.out.push(b'{');
            put_text(self.out, variant);
            self.out.push(b':');
        }
        self.out.push(open);
        Members { out: self.out, is_first: true, closing }
    }
}

impl<'a> Serializer for Value<'a> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Members<'a>;
    type SerializeTupleStruct = Members<'a>;
    type SerializeTupleVariant = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.put(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.put_number(value)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Unwritable> {
        Err(Unwritable::custom("a reply holds no fractions"))
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unwritable> {
        Err(Unwritable::custom("a reply holds no fractions"))
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        put_text(self.out, text);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritable> {
        Err(Unwritable::custom("a reply holds bytes as text only"))
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.put("null")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
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
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let mut members = self.begin(None, b'{', "}");
        members.put_member(variant, value)?;
        members.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(None, b'[', "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(None, b'[', "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(None, b'[', "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(Some(variant), b'[', "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(None, b'{', "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(None, b'{', "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, Unwritable> {
        Ok(self.begin(Some(variant), b'{', "}}"))
    }
}

/// A list or a structure that is being written.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    closing: &'static str,
}

impl Members<'_> {
    fn next(&mut self) -> Value<'_> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        Value { out: self.out }
    }

    fn put_item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        item.serialize(self.next())
    }

    fn put_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        let place = self.next();
        let start = place.out.len();
        key.serialize(place)?;
        match self.out.get(start) {
            Some(b'"') => Ok(()),
            _ => Err(Unwritable::custom("a key of a reply is no text")),
        }
    }

    fn put_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(b':');
        value.serialize(Value { out: self.out })
    }

    fn put_member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        put_text(self.next().out, name);
        self.put_value(value)
    }

    fn close(self) -> Result<(), Unwritable> {
        self.out.extend_from_slice(self.closing.as_bytes());
        Ok(())
    }
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeTuple for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeTupleStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeTupleVariant for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        self.put_item(item)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.put_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.put_value(value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.put_member(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

impl SerializeStructVariant for Members<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.put_member(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(plain_bytes(rest));
        out.extend_from_slice(plain);
        let Some((byte, behind)) = escaped.split_first() else { break };
        put_escape(out, *byte);
        rest = behind;
    }
    out.push(b'"');
}

const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes come before the first one that is written as an escape.
fn plain_bytes(bytes: &[u8]) -> usize {
    const CHUNK: usize = 32;
    // A chunk is looked at whole, so that the compiler can look at many bytes at once.
    let is_plain = |chunk: &[u8; CHUNK]| !chunk.iter().fold(false, |found, byte| found | is_escaped(*byte));
    let (chunks, _) = bytes.as_chunks::<CHUNK>();
    let start = CHUNK * chunks.iter().take_while(|chunk| is_plain(chunk)).count();
    let rest = &bytes[start..];
    start + rest.iter().position(|byte| is_escaped(*byte)).unwrap_or(rest.len())
}

fn put_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests;
