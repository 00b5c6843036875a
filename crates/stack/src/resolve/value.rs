//! Evaluates expressions: parameters, pseudo parameters, attributes of resources, `Fn::Sub` and `Fn::Join`.
//!
//! A value remembers where it was written, whether a `NoEcho` parameter is part of it, and whether it holds an address
//! that is only known once a form runs.

use crate::resource::{Place, Resource};
use crate::state::{OutputPiece, ParameterValue};
use crate::template::diagnostic::{Position, Report};
use crate::template::expression::{Expression, ExpressionKind, SubPiece};
use crate::template::node::Key;
use crate::template::parameter::{self, ParameterDeclaration, ParameterType};
use crate::text::Text;
use std::collections::BTreeMap;

/// Longest text that functions may make.
const TEXT_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) position: Position,
    pub(crate) kind: ValueKind,
}

#[derive(Debug, Clone)]
pub(crate) enum ValueKind {
    Text(TextValue),
    List(Vec<Value>),
    Map(Vec<(Key, Value)>),
    /// `AWS::NoValue`: as if it had not been written.
    NoValue,
}

/// Text in pieces. The text inside a piece is always plain; `secret_of` says whether the whole is secret.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextValue {
    pub(super) pieces: Vec<OutputPiece>,
    /// The `NoEcho` parameter that is part of it.
    pub(super) secret_of: Option<String>,
}

impl TextValue {
    fn plain(text: impl Into<String>) -> TextValue {
        TextValue { pieces: vec![OutputPiece::Text(Text::Plain(text.into()))], secret_of: None }
    }

    /// Puts `other` at the end; neighbouring texts become one piece.
    fn append(&mut self, other: &TextValue) {
        for piece in &other.pieces {
            match (self.pieces.last_mut(), piece) {
                (Some(OutputPiece::Text(Text::Plain(before))), OutputPiece::Text(text)) => {
                    before.push_str(text.expose());
                }
                _ => self.pieces.push(piece.clone()),
            }
        }
        if self.secret_of.is_none() {
            self.secret_of.clone_from(&other.secret_of);
        }
    }

    fn bytes(&self) -> usize {
        let bytes = |piece: &OutputPiece| match piece {
            OutputPiece::Text(text) => text.expose().len(),
            OutputPiece::FormUrl { configured, .. } => configured.len(),
            OutputPiece::Made { .. } => 0,
        };
        self.pieces.iter().map(bytes).sum()
    }

    /// The text, unless it holds what is known only later.
    pub(super) fn known(&self) -> Option<String> {
        let known = |piece: &OutputPiece| match piece {
            OutputPiece::Text(text) => Some(text.expose().to_owned()),
            OutputPiece::FormUrl { .. } | OutputPiece::Made { .. } => None,
        };
        self.pieces.iter().map(known).collect()
    }

    /// What in it is known only later.
    pub(super) fn what_is_unknown(&self) -> &'static str {
        self.pieces.iter().find_map(OutputPiece::what_is_unknown).unwrap_or("this")
    }

    fn piece(piece: OutputPiece) -> TextValue {
        TextValue { pieces: vec![piece], secret_of: None }
    }
}

/// All that names in a template can stand for.
pub(crate) struct Scope<'a> {
    pub(super) declarations: &'a [ParameterDeclaration],
    pub(super) parameters: BTreeMap<String, ParameterValue>,
    /// The resources resolved so far, by logical id.
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) place: Place<'a>,
    pub(super) stack_name: &'a str,
    pub(super) stack_id: &'a str,
}

impl Scope<'_> {
    /// The value of `expression`; `None` when something was reported, here or where a name it uses was resolved.
    pub(super) fn evaluate(&self, expression: &Expression, report: &mut Report) -> Option<Value> {
        let position = expression.position;
        let kind = match &expression.kind {
            ExpressionKind::Text(text) => ValueKind::Text(TextValue::plain(text.clone())),
            ExpressionKind::List(items) => {
                let values: Vec<_> = items.iter().map(|item| self.evaluate(item, report)).collect();
                let values: Vec<Value> = values.into_iter().collect::<Option<_>>()?;
                ValueKind::List(
                    values.into_iter().filter(|value| !matches!(value.kind, ValueKind::NoValue)).collect(),
                )
            }
            ExpressionKind::Map(entries) => {
                let evaluate_entry =
                    |(key, value): &(Key, Expression)| Some((key.clone(), self.evaluate(value, report)?));
                let values: Vec<_> = entries.iter().map(evaluate_entry).collect();
                let values: Vec<(Key, Value)> = values.into_iter().collect::<Option<_>>()?;
                ValueKind::Map(
                    values
                        .into_iter()
                        .filter(|(_, value)| !matches!(value.kind, ValueKind::NoValue))
                        .collect(),
                )
            }
            ExpressionKind::Ref(name) => self.reference(name)?,
            ExpressionKind::GetAtt { resource, attribute } => {
                let piece = self.resources.get(resource)?.described().attribute(attribute, &self.place)?;
                ValueKind::Text(TextValue::piece(piece))
            }
            ExpressionKind::Sub { pieces, variables } => {
                ValueKind::Text(self.sub(pieces, variables, report)?)
            }
            ExpressionKind::Join { delimiter, items } => {
                let ValueKind::List(values) = self.evaluate(items, report)?.kind else {
                    report.error(items.position, "the second item of Fn::Join must be a list");
                    return None;
                };
                ValueKind::Text(join(&values, delimiter, report)?)
            }
        };
        Some(Value { position, kind })
    }

    fn sub(&self, pieces: &[SubPiece], variables: &[Expression], report: &mut Report) -> Option<TextValue> {
        let variables: Vec<_> = variables.iter().map(|variable| self.evaluate(variable, report)).collect();
        let variables: Vec<Value> = variables.into_iter().collect::<Option<_>>()?;
        let mut joined = Joined::new("Fn::Sub");
        for piece in pieces {
            match piece {
                SubPiece::Text(text) => joined.text.append(&TextValue::plain(text.as_str())),
                SubPiece::Variable(index) => joined.append(variables.get(*index)?, report)?,
                SubPiece::Name(name) => joined.append(&self.evaluate(name, report)?, report)?,
            }
        }
        Some(joined.text)
    }

    fn reference(&self, name: &str) -> Option<ValueKind> {
        let plain = |text: &str| Some(ValueKind::Text(TextValue::plain(text)));
        match name {
            "AWS::AccountId" => plain(self.place.account_id),
            "AWS::Region" => plain(self.place.region),
            "AWS::StackName" => plain(self.stack_name),
            "AWS::StackId" => plain(self.stack_id),
            "AWS::Partition" => plain("aws"),
            "AWS::URLSuffix" => plain("amazonaws.com"),
            "AWS::NoValue" => Some(ValueKind::NoValue),
            _ => match self.declarations.iter().find(|declaration| declaration.name == name) {
                Some(declaration) => Some(parameter_value(declaration, self.parameters.get(name)?)),
                None => {
                    let piece = self.resources.get(name)?.described().reference(&self.place);
                    Some(ValueKind::Text(TextValue::piece(piece)))
                }
            },
        }
    }
}

fn parameter_value(declaration: &ParameterDeclaration, value: &ParameterValue) -> ValueKind {
    let secret_of = declaration.no_echo.then(|| declaration.name.clone());
    let text = |text: &str| TextValue { secret_of: secret_of.clone(), ..TextValue::plain(text) };
    if declaration.parameter_type != ParameterType::CommaDelimitedList {
        return ValueKind::Text(text(value.value.expose()));
    }
    let item = |item: &str| Value { position: declaration.position, kind: ValueKind::Text(text(item)) };
    ValueKind::List(parameter::items(value.value.expose()).map(item).collect())
}

fn join(values: &[Value], delimiter: &str, report: &mut Report) -> Option<TextValue> {
    let delimiter = TextValue::plain(delimiter);
    let mut joined = Joined::new("Fn::Join");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            joined.text.append(&delimiter);
        }
        joined.append(value, report)?;
    }
    Some(joined.text)
}

/// A text that a function puts together. Bounded, because functions in functions could make it grow without end.
struct Joined {
    function: &'static str,
    text: TextValue,
    bytes: usize,
}

impl Joined {
    fn new(function: &'static str) -> Joined {
        Joined { function, text: TextValue::default(), bytes: 0 }
    }

    fn append(&mut self, value: &Value, report: &mut Report) -> Option<()> {
        let function = self.function;
        let ValueKind::Text(text) = &value.kind else {
            let found = describe(&value.kind);
            report.error(value.position, format!("{function} takes texts only, but this is {found}"));
            return None;
        };
        self.bytes += text.bytes();
        if self.bytes > TEXT_BYTES_MAX {
            report.error(
                value.position,
                format!("{function} makes a text of more than {TEXT_BYTES_MAX} bytes"),
            );
            return None;
        }
        self.text.append(text);
        Some(())
    }
}

/// What a value is, for messages.
pub(super) fn describe(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Text(_) => "a text",
        ValueKind::List(_) => "a list (Fn::Join makes a text of it)",
        ValueKind::Map(_) => "a map",
        ValueKind::NoValue => "AWS::NoValue",
    }
}
