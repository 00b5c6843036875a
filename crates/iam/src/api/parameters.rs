//! Parameters of IAM requests: which there are, and what each must satisfy.
//!
//! Lengths and values are told all at once, as AWS does; letters that do not belong into a name or path are told only
//! when all else is right.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>; texts as recorded in 2026.

use crate::identity::limits;

/// One parameter of text.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) chars: std::ops::RangeInclusive<usize>,
    pub(super) letters: Letters,
}

/// Which letters belong into a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Letters {
    /// `[\w+=,.@-]`.
    Name,
    /// Letters and digits.
    KeyId,
    /// A slash, or what begins and ends with one.
    Path,
    /// What begins with a slash.
    PathPrefix,
    /// What a policy document may hold.
    Document,
    /// What a description of a role may hold.
    Description,
    /// `v1`.
    Version,
    /// Lower-case letters, digits and dashes.
    Alias,
    /// One of these.
    OneOf(&'static [&'static str]),
    Any,
}

/// Why letters do not belong.
pub(super) enum Wrong {
    /// A constraint of the model; told with others.
    Constraint(String),
    /// Told by itself.
    Sentence(&'static str),
}

impl Letters {
    pub(super) fn check(self, text: &str) -> Result<(), Wrong> {
        let all = |allowed: fn(char) -> bool| text.chars().all(allowed);
        let graphic = |from: &str| from.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        let fits = match self {
            Self::Name => all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)),
            Self::KeyId => all(|letter| letter.is_ascii_alphanumeric() || letter == '_'),
            Self::Path => text.starts_with('/') && text.ends_with('/') && graphic(text),
            Self::PathPrefix => text.starts_with('/') && graphic(text),
            Self::Document => all(|letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}')),
            Self::Description => {
                all(|letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}'))
            }
            Self::Version => is_version(text),
            Self::Alias => is_alias(text),
            Self::OneOf(values) => values.contains(&text),
            Self::Any => true,
        };
        if fits { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(self) -> Wrong {
        let pattern = |pattern: &str| {
            Wrong::Constraint(format!("Member must satisfy regular expression pattern: {pattern}"))
        };
        match self {
            Self::Name => {
                Wrong::Sentence("It must contain only alphanumeric characters and/or the following: +=,.@_-")
            }
            Self::Path | Self::PathPrefix => Wrong::Sentence(
                "It must begin and end with / and contain only alphanumeric characters and/or / characters.",
            ),
            Self::Document => Wrong::Sentence("It must contain only printable ASCII characters."),
            Self::KeyId => pattern(r"[\w]+"),
            Self::Description => pattern(r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"),
            Self::Version => pattern(r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"),
            Self::Alias => pattern("^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"),
            Self::OneOf(values) => {
                Wrong::Constraint(format!("Member must satisfy enum value set: [{}]", values.join(", ")))
            }
            Self::Any => pattern(".*"),
        }
    }
}

fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (number, suffix) = rest.split_once('.').unwrap_or((rest, ""));
    !number.starts_with('0')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_alias(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-') && !text.contains("--")
}

const fn parameter(
    name: &'static str,
    chars: std::ops::RangeInclusive<usize>,
    letters: Letters,
) -> Parameter {
    Parameter { name, chars, letters }
}

const fn name(name: &'static str, most: usize) -> Parameter {
    parameter(name, 1..=most, Letters::Name)
}

pub(super) const NEW_USER: Parameter = name("UserName", limits::USER_OR_ROLE_NAME_CHARS);
pub(super) const USER: Parameter = name("UserName", limits::NAME_CHARS);
pub(super) const RENAMED_USER: Parameter = name("NewUserName", limits::USER_OR_ROLE_NAME_CHARS);
pub(super) const ROLE: Parameter = name("RoleName", limits::USER_OR_ROLE_NAME_CHARS);
pub(super) const POLICY_NAME: Parameter = name("PolicyName", limits::NAME_CHARS);
pub(super) const PATH: Parameter = parameter("Path", 1..=limits::PATH_CHARS, Letters::Path);
pub(super) const NEW_PATH: Parameter = parameter("NewPath", 1..=limits::PATH_CHARS, Letters::Path);
pub(super) const PATH_PREFIX: Parameter =
    parameter("PathPrefix", 1..=limits::PATH_CHARS, Letters::PathPrefix);
pub(super) const POLICY_ARN: Parameter = parameter("PolicyArn", 20..=2_048, Letters::Any);
pub(super) const BOUNDARY: Parameter = parameter("PermissionsBoundary", 20..=2_048, Letters::Any);
pub(super) const DOCUMENT: Parameter =
    parameter("PolicyDocument", 1..=limits::DOCUMENT_CHARS, Letters::Document);
pub(super) const TRUST: Parameter =
    parameter("AssumeRolePolicyDocument", 1..=limits::DOCUMENT_CHARS, Letters::Document);
pub(super) const DESCRIPTION: Parameter =
    parameter("Description", 0..=limits::DESCRIPTION_CHARS, Letters::Description);
pub(super) const POLICY_DESCRIPTION: Parameter =
    parameter("Description", 0..=limits::DESCRIPTION_CHARS, Letters::Any);
pub(super) const VERSION_ID: Parameter = parameter("VersionId", 0..=usize::MAX, Letters::Version);
pub(super) const KEY_ID: Parameter = parameter("AccessKeyId", 16..=128, Letters::KeyId);
pub(super) const KEY_STATUS: Parameter =
    parameter("Status", 0..=usize::MAX, Letters::OneOf(&["Active", "Inactive"]));
pub(super) const MARKER: Parameter = parameter("Marker", 1..=1_024, Letters::Any);
pub(super) const ALIAS: Parameter = parameter("AccountAlias", 3..=63, Letters::Alias);
pub(super) const SCOPE: Parameter =
    parameter("Scope", 0..=usize::MAX, Letters::OneOf(&["All", "AWS", "Local"]));
pub(super) const USAGE: Parameter = parameter(
    "PolicyUsageFilter",
    0..=usize::MAX,
    Letters::OneOf(&["PermissionsPolicy", "PermissionsBoundary"]),
);
pub(super) const ENTITY_FILTER: Parameter = parameter(
    "EntityFilter",
    0..=usize::MAX,
    Letters::OneOf(&["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]),
);
