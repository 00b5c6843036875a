//! The members that requests are made of.
//!
//! Each type takes exactly one kind of value and refuses the others in the words AWS uses. Text is borrowed from the
//! request where the codec can lend it. A list or map keeps a bounded number of items and counts the rest, so that a
//! small request can't ask for a large amount of memory.
//!
//! A codec whose bytes say what they hold (`Deserializer::is_human_readable`) is asked for whatever is there, so that
//! the refusal can name it; any other codec is told which kind is wanted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

const LIST: &str = "Start of list found where not expected";
const MAP: &str = "Start of structure or map found where not expected.";

/// Text: valid Unicode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextVisitor).map(Self)
        } else {
            deserializer.deserialize_str(TextVisitor).map(Self)
        }
    }
}

/// Text that may hold what Unicode does not allow, such as half of a surrogate pair: UTF-8 wherever it is valid.
///
/// It is for values whose characters the service judges itself, one message at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawText<'a>(pub Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for RawText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(RawTextVisitor).map(Self)
    }
}

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer(pub i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(IntegerVisitor).map(Self)
        } else {
            deserializer.deserialize_i64(IntegerVisitor).map(Self)
        }
    }
}

/// Bytes, written as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let decoded = STANDARD.decode(text.as_str());
        decoded.map(Self).map_err(|_| Error::custom("a binary value is not valid base64"))
    }
}

/// A structure: its members are `T`'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Structure<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(StructureVisitor(PhantomData)).map(Self)
        } else {
            T::deserialize(deserializer).map(Self)
        }
    }
}

/// A list that keeps its first `KEPT` items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const KEPT: usize = { usize::MAX }> {
    /// The first items.
    pub items: Vec<T>,
    /// How many items were sent.
    pub sent: usize,
}

impl<T, const KEPT: usize> Default for List<T, KEPT> {
    fn default() -> Self {
        Self { items: Vec::new(), sent: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const KEPT: usize> Deserialize<'de> for List<T, KEPT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ListVisitor(PhantomData);
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(visitor)
        } else {
            deserializer.deserialize_seq(visitor)
        }
    }
}

/// A map from text that keeps its first `KEPT` entries, in the order of their names. A `null` is no entry; of two
/// entries with one name the later counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<'a, T, const KEPT: usize = { usize::MAX }> {
    /// The first entries.
    pub entries: BTreeMap<Cow<'a, str>, T>,
    /// How many entries were sent.
    pub sent: usize,
}

impl<T, const KEPT: usize> Default for Map<'_, T, KEPT> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), sent: 0 }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>, const KEPT: usize> Deserialize<'de> for Map<'a, T, KEPT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = EntriesVisitor(PhantomData);
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(visitor)
        } else {
            deserializer.deserialize_map(visitor)
        }
    }
}

/// The refusals that a visitor of one wanted kind gives for all kinds it does not take.
macro_rules! refuse {
    ($($kind:ident)*; $wanted:literal) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str($wanted)
        }
        $(refuse!(@ $kind $wanted);)*
    };
    (@ boolean $wanted:literal) => {
        fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
            let found = if value { "TRUE_VALUE" } else { "FALSE_VALUE" };
            Err(E::custom(format_args!("{found} can not be converted to {}", $wanted)))
        }
    };
    (@ number $wanted:literal) => {
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(E::custom(concat!("NUMBER_VALUE can not be converted to ", $wanted)))
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            self.visit_i64(0)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            self.visit_i64(0)
        }
    };
    (@ string $wanted:literal) => {
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(E::custom(concat!("STRING_VALUE can not be converted to ", $wanted)))
        }
    };
    (@ scalar $wanted:literal) => {
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(E::custom(concat!("Expected ", $wanted, " or null")))
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            self.visit_bool(true)
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            self.visit_bool(true)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            self.visit_bool(true)
        }
        fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
            self.visit_bool(true)
        }
    };
    (@ null $wanted:literal) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Err(E::custom(concat!("NULL_VALUE can not be converted to ", $wanted)))
        }
    };
    (@ list $wanted:literal) => {
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(A::Error::custom(LIST))
        }
    };
    (@ map $wanted:literal) => {
        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(A::Error::custom(MAP))
        }
    };
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    refuse!(boolean number null list map; "a String");

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct RawTextVisitor;

impl<'de> Visitor<'de> for RawTextVisitor {
    type Value = Cow<'de, [u8]>;

    refuse!(boolean number null list map; "a String");

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(bytes))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(bytes.to_owned()))
    }
}

struct IntegerVisitor;

impl<'de> Visitor<'de> for IntegerVisitor {
    type Value = i64;

    refuse!(boolean string null list map; "an Integer");

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom("NUMBER_VALUE can not be converted to an Integer"))
    }
}

struct StructureVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for StructureVisitor<T> {
    type Value = T;

    refuse!(scalar null list; "structure");

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

struct ListVisitor<T, const KEPT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const KEPT: usize> Visitor<'de> for ListVisitor<T, KEPT> {
    type Value = List<T, KEPT>;

    refuse!(scalar null map; "list");

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut list = List::default();
        while list.items.len() < KEPT {
            let Some(item) = sequence.next_element()? else { return Ok(list) };
            list.items.push(item);
            list.sent += 1;
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            list.sent += 1;
        }
        Ok(list)
    }
}

struct EntriesVisitor<'a, T, const KEPT: usize>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>, const KEPT: usize> Visitor<'de> for EntriesVisitor<'a, T, KEPT> {
    type Value = Map<'a, T, KEPT>;

    refuse!(scalar null list; "map");

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut map = Map::default();
        while map.entries.len() < KEPT {
            let Some((Text(name), value)) = access.next_entry::<Text<'a>, Option<T>>()? else {
                return Ok(map);
            };
            if let Some(value) = value {
                map.entries.insert(name, value);
                map.sent += 1;
            }
        }
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            map.sent += 1;
        }
        Ok(map)
    }
}
