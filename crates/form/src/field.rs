//! One field of a form: its name in the message, its words on the page, and the kind of value it takes.
//!
//! Its JSON form is flat (`{"name": "country", "type": "select", "options": ["UK"]}`); keys without effect for the
//! type are refused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The name that the hidden field of the page takes.
pub(crate) const SUBMISSION_ID_FIELD: &str = "submission_id";

const NAME_BYTES_MAX: usize = 64;
const LABEL_CHARACTERS_MAX: usize = 500;
const OPTIONS_MAX: usize = 1_000;
const OPTION_CHARACTERS_MAX: usize = 500;

/// The kind of value that a field takes. Lengths count characters (Unicode code points).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// An email address as browsers check it (WHATWG HTML, valid e-mail address).
    Email,
    /// A decimal number. It is text throughout and keeps all its digits.
    Number,
    /// A telephone number: at least one digit, else as it is written.
    Tel,
    /// An absolute `http` or `https` URL.
    Url,
    /// Several lines of text; line endings become `\n`.
    TextArea,
    /// One of the given texts.
    Select {
        /// What can be chosen, in order; 1 to 1,000, all different.
        options: Vec<String>,
    },
    /// Yes or no. When the field is required, only yes is taken.
    Checkbox,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
}

impl FieldKind {
    /// The largest length unless configured, in characters; `None` for kinds whose values need no bound.
    fn default_max_length(&self) -> Option<usize> {
        match self {
            Self::Text => Some(200),
            Self::Email => Some(254),
            Self::Number | Self::Tel => Some(40),
            Self::Url => Some(2_000),
            Self::TextArea => Some(5_000),
            Self::Select { .. } | Self::Checkbox | Self::Date => None,
        }
    }
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FlatField", into = "FlatField")]
pub struct Field {
    /// The key in requests and JSON messages: a letter or `_`, then letters, digits, `_` and `-`; at most 64.
    pub name: String,
    /// What the page calls it.
    pub label: String,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether an entry without it is refused.
    pub required: bool,
    /// Most characters; `None` for the kind's default (200 for text, 5,000 for text areas, and so on).
    pub max_length: Option<usize>,
    /// An example shown in the empty field; for a select, its empty choice.
    pub placeholder: Option<String>,
}

impl Field {
    /// An optional field, labelled after its name (`first_name` becomes "First name").
    pub fn new(name: &str, kind: FieldKind) -> Self {
        Self {
            name: name.to_owned(),
            label: label_from(name),
            kind,
            required: false,
            max_length: None,
            placeholder: None,
        }
    }

    /// Most characters that the field takes, when it bounds them.
    pub(crate) fn length_limit(&self) -> Option<usize> {
        self.max_length.or(self.kind.default_max_length())
    }

    /// Most characters that its value can have.
    pub(crate) fn characters_max(&self) -> usize {
        match &self.kind {
            FieldKind::Select { options } => {
                options.iter().map(|option| option.chars().count()).max().unwrap_or(0)
            }
            FieldKind::Checkbox | FieldKind::Date => "YYYY-MM-DD".len(),
            _ => self.length_limit().unwrap_or(0),
        }
    }

    /// Checks what the types can't hold. The error names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !is_name(name) {
            return Err(format!(
                "{name:?} is no name for a field; use a letter, then letters, digits, _ or -, {NAME_BYTES_MAX} at most"
            ));
        }
        if name == SUBMISSION_ID_FIELD {
            return Err(format!(
                "the name {SUBMISSION_ID_FIELD} is taken by the form itself; use another one"
            ));
        }
        if self.label.trim().is_empty() || self.label.chars().count() > LABEL_CHARACTERS_MAX {
            return Err(format!("the label of {name} needs 1 to {LABEL_CHARACTERS_MAX} characters"));
        }
        if self.max_length == Some(0) {
            return Err(format!("the maximum length of {name} is 0; give at least 1"));
        }
        if self.max_length.is_some() && self.kind.default_max_length().is_none() {
            return Err(format!("{name} has a maximum length, which its type does not use; remove it"));
        }
        if self.placeholder.is_some() && matches!(self.kind, FieldKind::Checkbox | FieldKind::Date) {
            return Err(format!("{name} has a placeholder, which its type does not show; remove it"));
        }
        match &self.kind {
            FieldKind::Select { options } => check_options(name, options),
            _ => Ok(()),
        }
    }
}

fn check_options(name: &str, options: &[String]) -> Result<(), String> {
    if !(1..=OPTIONS_MAX).contains(&options.len()) {
        return Err(format!("{name} has {} options; 1 to {OPTIONS_MAX} are possible", options.len()));
    }
    let mut seen = BTreeSet::new();
    for option in options {
        let plain = option.trim() == option && !option.is_empty() && !option.chars().any(char::is_control);
        if !plain || option.chars().count() > OPTION_CHARACTERS_MAX {
            return Err(format!(
                "the option {option:?} of {name} needs 1 to {OPTION_CHARACTERS_MAX} characters on one line, without \
                 spaces around them"
            ));
        }
        if !seen.insert(option) {
            return Err(format!("{name} has the option {option:?} twice; remove one"));
        }
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    starts
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn label_from(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut characters = words.trim().chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// The names of the kinds in JSON.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeName {
    Text,
    Email,
    Number,
    Tel,
    Url,
    TextArea,
    Select,
    Checkbox,
    Date,
}

/// A field as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlatField {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(rename = "type", default = "default_type")]
    type_name: TypeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    options: Option<Vec<String>>,
    #[serde(default)]
    required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
}

fn default_type() -> TypeName {
    TypeName::Text
}

impl TryFrom<FlatField> for Field {
    type Error = String;

    fn try_from(flat: FlatField) -> Result<Self, String> {
        let kind = match (flat.type_name, flat.options) {
            (TypeName::Select, options) => FieldKind::Select { options: options.unwrap_or_default() },
            (_, Some(_)) => return Err(format!("{} has options, which only a select takes", flat.name)),
            (TypeName::Text, None) => FieldKind::Text,
            (TypeName::Email, None) => FieldKind::Email,
            (TypeName::Number, None) => FieldKind::Number,
            (TypeName::Tel, None) => FieldKind::Tel,
            (TypeName::Url, None) => FieldKind::Url,
            (TypeName::TextArea, None) => FieldKind::TextArea,
            (TypeName::Checkbox, None) => FieldKind::Checkbox,
            (TypeName::Date, None) => FieldKind::Date,
        };
        let label = flat.label.unwrap_or_else(|| label_from(&flat.name));
        Ok(Self {
            name: flat.name,
            label,
            kind,
            required: flat.required,
            max_length: flat.max_length,
            placeholder: flat.placeholder,
        })
    }
}

impl From<Field> for FlatField {
    fn from(field: Field) -> Self {
        let (type_name, options) = match field.kind {
            FieldKind::Text => (TypeName::Text, None),
            FieldKind::Email => (TypeName::Email, None),
            FieldKind::Number => (TypeName::Number, None),
            FieldKind::Tel => (TypeName::Tel, None),
            FieldKind::Url => (TypeName::Url, None),
            FieldKind::TextArea => (TypeName::TextArea, None),
            FieldKind::Select { options } => (TypeName::Select, Some(options)),
            FieldKind::Checkbox => (TypeName::Checkbox, None),
            FieldKind::Date => (TypeName::Date, None),
        };
        Self {
            name: field.name,
            label: Some(field.label),
            type_name,
            options,
            required: field.required,
            max_length: field.max_length,
            placeholder: field.placeholder,
        }
    }
}
