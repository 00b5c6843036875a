//! Values with the place where they stand, and the mistakes that are found.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value and where it stands.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Collects mistakes.
pub(super) struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    /// Where each begins, in bytes, and what it is.
    found: Vec<(usize, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(name: &'t str, text: &'t str) -> Self {
        Self { name, text, found: Vec::new() }
    }

    /// All mistakes, in the order of the file.
    pub(super) fn mistakes(mut self) -> Vec<String> {
        self.found.sort();
        let told = |(start, what): &(usize, String)| {
            let before = self.text.get(..*start).unwrap_or(self.text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            format!("{}:{line}:{column}: {what}", self.name)
        };
        self.found.iter().map(told).collect()
    }

    pub(super) fn report(&mut self, span: &Range<usize>, what: String) {
        self.found.push((span.start, what));
    }

    fn unfit<T>(&mut self, value: &Value<'_>, wanted: &str) -> Option<T> {
        let is = value.get_ref().type_str();
        self.report(&value.span(), format!("this is {wanted}, not {} {is}", article(is)));
        None
    }

    pub(super) fn table<'v, 'i>(&mut self, value: &'v Value<'i>) -> Option<&'v DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.unfit(value, "a table"),
        }
    }

    pub(super) fn array<'v, 'i>(&mut self, value: &'v Value<'i>, wanted: &str) -> Option<&'v DeArray<'i>> {
        match value.get_ref() {
            DeValue::Array(array) => Some(array),
            _ => self.unfit(value, wanted),
        }
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        value.get_ref().as_bool().or_else(|| self.unfit(value, "true or false"))
    }

    pub(super) fn text<'v>(&mut self, value: &'v Value<'_>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.unfit(value, "a text in quotes"),
        }
    }

    /// A text that stands for something.
    pub(super) fn parsed<T>(
        &mut self,
        value: &Value<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(value)?;
        self.checked(value, parse(text))
    }

    /// A whole number, checked.
    pub(super) fn number<T>(
        &mut self,
        value: &Value<'_>,
        check: impl FnOnce(i64) -> Result<T, String>,
    ) -> Option<T> {
        let DeValue::Integer(written) = value.get_ref() else { return self.unfit(value, "a whole number") };
        // One that does not fit is out of every range.
        let number = i64::from_str_radix(written.as_str(), written.radix()).unwrap_or(i64::MAX);
        self.checked(value, check(number))
    }

    /// An amount: a whole number, or a text with a unit.
    pub(super) fn amount<T>(
        &mut self,
        value: &Value<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let parsed = match value.get_ref() {
            DeValue::String(text) => parse(text),
            DeValue::Integer(written) => match i64::from_str_radix(written.as_str(), written.radix()) {
                Ok(number) => parse(&number.to_string()),
                Err(_) => parse(written.as_str()),
            },
            _ => return self.unfit(value, "a whole number, or a text such as \"10GiB\""),
        };
        self.checked(value, parsed)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, value: &Value<'_>, words: &[(&str, T)]) -> Option<T> {
        self.parsed(value, |text| {
            let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
            let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            found.ok_or_else(|| format!("this is {}, not \"{text}\"", known.join(" or ")))
        })
    }

    fn checked<T>(&mut self, value: &Value<'_>, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|mistake| self.report(&value.span(), mistake)).ok()
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// The keys of a table: those that are asked for are known, the others are mistakes.
pub(super) struct Keys<'v, 't> {
    table: &'v DeTable<'t>,
    what: &'static str,
    known: BTreeSet<&'static str>,
}

impl<'v, 't> Keys<'v, 't> {
    /// `what` is what a key of this table stands for.
    pub(super) fn of(table: &'v DeTable<'t>, what: &'static str) -> Self {
        Self { table, what, known: BTreeSet::new() }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'v Value<'t>> {
        self.known.insert(key);
        self.table.iter().find(|(written, _)| written.get_ref() == key).map(|(_, value)| value)
    }

    pub(super) fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.iter().find(|(written, _)| written.get_ref() == key).map(|(written, _)| written.span())
    }

    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for (key, _) in self.table {
            let written = key.get_ref();
            if self.known.contains(written.as_ref()) {
                continue;
            }
            let hint = closest(written, &self.known);
            reader.report(&key.span(), format!("`{written}` is not {}; {hint}", self.what));
        }
    }
}

/// What was most likely meant, or what there is.
fn closest(written: &str, known: &BTreeSet<&'static str>) -> String {
    let plain = written.to_lowercase().replace('-', "_");
    let tolerance = (plain.chars().count() / 3).max(2);
    let edits = |name: &str| {
        // A name without its unit is the most likely slip.
        let stem = name.trim_end_matches("_secs").trim_end_matches("_bytes");
        strsim::damerau_levenshtein(&plain, name).min(strsim::damerau_levenshtein(&plain, stem))
    };
    let nearest = known.iter().map(|name| (edits(name), *name)).min();
    match nearest.filter(|(edits, _)| *edits <= tolerance) {
        Some((_, name)) => format!("did you mean {name}?"),
        None => format!("known are {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
    }
}
