//! The section `Parameters`: what a template may be asked for, and what values it takes.
//!
//! Types `String`, `Number` and `CommaDelimitedList`, with all their constraints. Defaults are checked when the
//! template is read. A message about a `NoEcho` parameter never shows its value.

use super::diagnostic::{Position, Report};
use super::node::{Entry, Node, NodeKind, expect_map, expect_text};
use super::suggest::hint;
use regex_lite::Regex;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterType {
    Text,
    Number,
    CommaDelimitedList,
}

const TYPES: [(&str, ParameterType); 3] = [
    ("String", ParameterType::Text),
    ("Number", ParameterType::Number),
    ("CommaDelimitedList", ParameterType::CommaDelimitedList),
];

#[derive(Debug, Clone)]
pub(crate) struct ParameterDeclaration {
    pub(crate) name: String,
    pub(crate) position: Position,
    pub(crate) parameter_type: ParameterType,
    pub(crate) default: Option<String>,
    pub(crate) no_echo: bool,
    pub(crate) description: Option<String>,
    constraints: Constraints,
}

#[derive(Debug, Clone, Default)]
struct Constraints {
    allowed_values: Option<Vec<String>>,
    allowed_pattern: Option<(String, Regex)>,
    length_min: Option<f64>,
    length_max: Option<f64>,
    value_min: Option<f64>,
    value_max: Option<f64>,
    description: Option<String>,
}

const ATTRIBUTES: [&str; 11] = [
    "Type",
    "Default",
    "AllowedValues",
    "AllowedPattern",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "NoEcho",
    "Description",
    "ConstraintDescription",
];

impl ParameterDeclaration {
    /// Whether `value` may be used. The error says what is wrong without the parameter's name.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        let result = match self.parameter_type {
            ParameterType::Text => self.check_text(value),
            ParameterType::Number => self.check_number(value),
            ParameterType::CommaDelimitedList => items(value).try_for_each(|item| self.check_text(item)),
        };
        result.map_err(|reason| match &self.constraints.description {
            Some(description) => format!("{reason} ({description})"),
            None => reason,
        })
    }

    fn shown(&self, value: &str) -> String {
        if self.no_echo { "****".to_owned() } else { format!("\"{value}\"") }
    }

    fn check_text(&self, value: &str) -> Result<(), String> {
        let length = value.chars().count() as f64;
        let Constraints { length_min, length_max, allowed_pattern, .. } = &self.constraints;
        if let Some(min) = length_min.filter(|min| length < *min) {
            return Err(format!("{} is shorter than {min} characters", self.shown(value)));
        }
        if let Some(max) = length_max.filter(|max| length > *max) {
            return Err(format!("{} is longer than {max} characters", self.shown(value)));
        }
        if let Some((pattern, regex)) = allowed_pattern
            && !regex.is_match(value)
        {
            return Err(format!("{} does not match the pattern {pattern}", self.shown(value)));
        }
        self.check_listed(value)
    }

    fn check_number(&self, value: &str) -> Result<(), String> {
        let Some(number) = value.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return Err(format!("{} is not a number", self.shown(value)));
        };
        let Constraints { value_min, value_max, .. } = &self.constraints;
        if let Some(min) = value_min.filter(|min| number < *min) {
            return Err(format!("{} is less than {min}", self.shown(value)));
        }
        if let Some(max) = value_max.filter(|max| number > *max) {
            return Err(format!("{} is more than {max}", self.shown(value)));
        }
        self.check_listed(value)
    }

    fn check_listed(&self, value: &str) -> Result<(), String> {
        match &self.constraints.allowed_values {
            Some(allowed) if !allowed.iter().any(|candidate| candidate == value) => {
                Err(format!("{} is not one of the allowed values: {}", self.shown(value), allowed.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

/// The items of a `CommaDelimitedList`, without the spaces around them.
pub(crate) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// One entry of the section `Parameters`; `None` when something was reported.
pub(crate) fn read(entry: &Entry, report: &mut Report) -> Option<ParameterDeclaration> {
    let name = entry.key.text.clone();
    let what = format!("parameter {name}");
    let attributes = expect_map(&entry.value, &what, report)?;
    for Entry { key, .. } in attributes.iter().filter(|entry| !ATTRIBUTES.contains(&entry.key.text.as_str()))
    {
        let message = format!("{what} has an unknown attribute {}{}", key.text, hint(&key.text, ATTRIBUTES));
        report.error(key.position, message);
    }
    let attribute =
        |name: &str| attributes.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
    let Some(type_node) = attribute("Type") else {
        report.error(entry.key.position, format!("{what} has no Type; write Type: String"));
        return None;
    };
    let type_name = expect_text(type_node, "Type", report)?;
    let Some((_, parameter_type)) = TYPES.iter().find(|(name, _)| *name == type_name) else {
        let known = TYPES.iter().map(|(name, _)| *name);
        report.error(
            type_node.position,
            format!("parameter type {type_name} is not supported{}", hint(type_name, known)),
        );
        return None;
    };
    let mut text =
        |name: &str| attribute(name).and_then(|node| expect_text(node, name, report)).map(str::to_owned);
    let default = text("Default");
    let description = text("Description");
    let constraint_description = text("ConstraintDescription");
    let no_echo = attribute("NoEcho").is_some_and(|node| truth(node, "NoEcho", report));
    let constraints = Constraints {
        description: constraint_description,
        ..constraints(*parameter_type, attributes, report)
    };
    let position = entry.key.position;
    let declaration = ParameterDeclaration {
        name,
        position,
        parameter_type: *parameter_type,
        default,
        no_echo,
        description,
        constraints,
    };
    if let (Some(default), Some(node)) = (&declaration.default, attribute("Default"))
        && let Err(reason) = declaration.check(default)
    {
        report.error(node.position, format!("the Default of {what} can't be used: {reason}"));
    }
    Some(declaration)
}

fn constraints(parameter_type: ParameterType, attributes: &[Entry], report: &mut Report) -> Constraints {
    let mut constraints = Constraints::default();
    for Entry { key, value } in attributes {
        let for_text = matches!(key.text.as_str(), "AllowedPattern" | "MinLength" | "MaxLength");
        let for_number = matches!(key.text.as_str(), "MinValue" | "MaxValue");
        if for_text && parameter_type == ParameterType::Number {
            report.error(
                key.position,
                format!("{} is for String parameters; use MinValue and MaxValue", key.text),
            );
        } else if for_number && parameter_type != ParameterType::Number {
            report.error(
                key.position,
                format!("{} is for Number parameters; use MinLength and MaxLength", key.text),
            );
        } else {
            match key.text.as_str() {
                "AllowedValues" => constraints.allowed_values = texts(value, report),
                "AllowedPattern" => constraints.allowed_pattern = pattern(value, report),
                "MinLength" => constraints.length_min = number(value, &key.text, report),
                "MaxLength" => constraints.length_max = number(value, &key.text, report),
                "MinValue" => constraints.value_min = number(value, &key.text, report),
                "MaxValue" => constraints.value_max = number(value, &key.text, report),
                _ => {}
            }
        }
    }
    constraints
}

fn texts(node: &Node, report: &mut Report) -> Option<Vec<String>> {
    let (None, NodeKind::List(items)) = (&node.tag, &node.kind) else {
        report.error(node.position, "AllowedValues must be a list");
        return None;
    };
    items.iter().map(|item| expect_text(item, "an allowed value", report).map(str::to_owned)).collect()
}

/// The pattern, anchored: CloudFormation lets it match the whole value only.
fn pattern(node: &Node, report: &mut Report) -> Option<(String, Regex)> {
    let text = expect_text(node, "AllowedPattern", report)?;
    match Regex::new(&format!("^(?:{text})$")) {
        Ok(regex) => Some((text.to_owned(), regex)),
        Err(error) => {
            report.error(node.position, format!("AllowedPattern is not a regular expression: {error}"));
            None
        }
    }
}

fn number(node: &Node, what: &str, report: &mut Report) -> Option<f64> {
    let text = expect_text(node, what, report)?;
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        report.error(node.position, format!("{what} must be a number, not \"{text}\""));
    }
    number
}

fn truth(node: &Node, what: &str, report: &mut Report) -> bool {
    match expect_text(node, what, report) {
        Some("true") => true,
        Some("false") | None => false,
        Some(other) => {
            report.error(node.position, format!("{what} must be true or false, not {other}"));
            false
        }
    }
}
