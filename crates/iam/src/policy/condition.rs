//! The conditions of a statement, their operators and values read ahead.
//!
//! What always holds: a value that its operator can't compare is refused when the policy is read. Only texts, truths and ARNs
//! may hold policy variables.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::RawCondition;
use super::operator::{Operator, TestKind, TextTest};
use super::pattern::{self, Atom, Pattern, Segment, Syntax};
use super::values::{Decimal, Network, instant};
use super::{LEGACY, PolicyError, SYNTAX};

/// One key of one operator.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// In lower case up to a slash.
    pub(crate) key: Box<str>,
    pub(crate) values: Values,
}

/// The values, as their operator compares them.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Texts(Box<[Pattern]>),
    /// Checked to be numbers.
    Decimals(Box<[Box<str>]>),
    /// Nanoseconds since 1970.
    Instants(Box<[i128]>),
    Networks(Box<[Network]>),
    Bytes(Box<[Vec<u8>]>),
    Arns(Box<[ArnPattern]>),
    /// Whether the key has to be missing.
    Missing(Box<[bool]>),
}

/// A value of an ARN operator; each of the six parts is matched by itself.
#[derive(Clone, Debug)]
pub(crate) enum ArnPattern {
    Fixed([Box<[Atom]>; 6]),
    /// Its parts show once its variables have values.
    Variable(Box<[Segment]>),
    /// It has no six parts and matches nothing.
    Nothing,
}

impl Condition {
    pub(super) fn compile(raw: &RawCondition, variables: bool) -> Result<Self, PolicyError> {
        let place = |what: String| format!("{}: Condition: {what}", raw.place);
        let Some(operator) = Operator::parse(&raw.operator) else {
            return Err(PolicyError::new(SYNTAX, place(format!("there is no operator {}", raw.operator))));
        };
        if raw.key.is_empty() {
            return Err(PolicyError::new(SYNTAX, place(format!("a key of {} has no name", raw.operator))));
        }
        let values = values(operator.test, &raw.values, variables).map_err(|Fault { message, what }| {
            PolicyError::new(message, place(format!("{} of {}: {what}", raw.operator, raw.key)))
        })?;
        Ok(Self { operator, key: pattern::key(&raw.key), values })
    }
}

struct Fault {
    message: &'static str,
    what: String,
}

fn values(test: TestKind, texts: &[String], variables: bool) -> Result<Values, Fault> {
    let wildcards = matches!(test, TestKind::Text(TextTest::Like) | TestKind::Arn);
    let syntax = Syntax { wildcards, variables };
    Ok(match test {
        TestKind::Text(_) => Values::Texts(each(texts, |text| compile(text, syntax))?),
        TestKind::Bool => Values::Texts(each(texts, |text| truth(text, syntax))?),
        TestKind::Arn => Values::Arns(each(texts, |text| arn(text, syntax))?),
        TestKind::Numeric(_) => Values::Decimals(each(texts, |text| {
            read(text, SYNTAX, "number", Decimal::parse(text).map(|_| text.into()))
        })?),
        TestKind::Date(_) => Values::Instants(each(texts, |text| {
            read(text, LEGACY, "date of ISO 8601 and no seconds", instant(text))
        })?),
        TestKind::Address => Values::Networks(each(texts, |text| {
            read(text, SYNTAX, "range of addresses", Network::parse(text))
        })?),
        TestKind::Binary => {
            Values::Bytes(each(texts, |text| read(text, SYNTAX, "base64", STANDARD.decode(text).ok()))?)
        }
        TestKind::Null => {
            Values::Missing(each(texts, |text| read(text, SYNTAX, "true or false", as_truth(text)))?)
        }
    })
}

fn each<T>(texts: &[String], read: impl Fn(&str) -> Result<T, Fault>) -> Result<Box<[T]>, Fault> {
    texts.iter().map(|text| read(text)).collect()
}

fn read<T>(text: &str, message: &'static str, wanted: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault { message, what: format!("\"{text}\" is no {wanted}") })
}

fn compile(text: &str, syntax: Syntax) -> Result<Pattern, Fault> {
    Pattern::compile(text, syntax).map_err(|what| Fault { message: SYNTAX, what })
}

fn truth(text: &str, syntax: Syntax) -> Result<Pattern, Fault> {
    match compile(text, syntax)? {
        Pattern::Fixed(_) if as_truth(text).is_none() => read(text, SYNTAX, "true or false", None),
        pattern => Ok(pattern),
    }
}

fn arn(text: &str, syntax: Syntax) -> Result<ArnPattern, Fault> {
    Ok(match compile(text, syntax)? {
        Pattern::Fixed(atoms) => pattern::arn_parts(&atoms).map_or(ArnPattern::Nothing, ArnPattern::Fixed),
        Pattern::Variable(segments) => ArnPattern::Variable(segments),
    })
}

fn as_truth(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
