//! The Prometheus text format, version 0.0.4.
//!
//! What always holds: a family is announced once, before its samples, which stand together; label values and help texts
//! are escaped; names come from the tables here and are never text of a caller.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use std::fmt::{self, Write as _};

/// The media type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the numbers of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows, from zero when the process begins.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many values were at most so large, and their sum.
    Histogram,
    /// A sum and a count.
    Summary,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        }
    }
}

/// A metric with all its samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    /// Its name; the unit stands last.
    pub(crate) name: &'static str,
    /// What its numbers are.
    pub(crate) kind: Kind,
    /// What it tells.
    pub(crate) help: &'static str,
}

/// A number, kept whole so that nothing is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    /// As it is.
    Whole(u64),
    /// Shown in seconds.
    Millis(u64),
    /// Shown in seconds.
    Micros(u64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Millis(millis) => write!(f, "{}.{:03}", millis / 1_000, millis % 1_000),
            Self::Micros(micros) => write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        }
    }
}

/// Text in the format, as it grows.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// Announces a family; its samples must follow at once.
    pub(crate) fn family(&mut self, family: &Family) {
        let Family { name, kind, help } = family;
        self.put(format_args!("# HELP {name} "));
        escape(&mut self.0, help, false);
        self.put(format_args!("\n# TYPE {name} {}\n", kind.as_str()));
    }

    /// A sample. `labels` is what [`labels`] made, or empty.
    pub(crate) fn sample(&mut self, name: &str, suffix: &str, labels: &str, number: Number) {
        if labels.is_empty() {
            self.put(format_args!("{name}{suffix} {number}\n"));
        } else {
            self.put(format_args!("{name}{suffix}{{{labels}}} {number}\n"));
        }
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, family: &Family, number: Number) {
        self.family(family);
        self.sample(family.name, "", "", number);
    }

    /// The samples of a histogram: how many values fell into each bucket and in no lower one, the bounds of all but the
    /// last, which has none, and the sum of the values.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        buckets: &[u64],
        bounds: impl IntoIterator<Item = Number>,
        sum: Option<Number>,
    ) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut total = 0;
        let mut bounds = bounds.into_iter();
        for (index, count) in buckets.iter().enumerate() {
            total += count;
            match bounds.next().filter(|_| index + 1 < buckets.len()) {
                Some(bound) => {
                    self.put(format_args!("{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}\n"));
                }
                None => self.put(format_args!("{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {total}\n")),
            }
        }
        if let Some(sum) = sum {
            self.sample(name, "_sum", labels, sum);
        }
        self.sample(name, "_count", labels, Number::Whole(total));
    }

    /// What there is, taken out.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string can't fail.
        let _ = self.0.write_fmt(text);
    }
}

/// Labels as they stand between the braces.
pub(crate) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        escape(&mut out, value, true);
        out.push('"');
    }
    out
}

fn escape(out: &mut String, text: &str, in_quotes: bool) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if in_quotes => out.push_str("\\\""),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests;
