//! Policy documents: JSON in, statements out, checked and compiled once.
//!
//! What always holds: a document that is read has no element, operator, principal or value that is not understood; so nothing in
//! a policy is passed over in silence.
//!
//! What it refuses to do: guess what a malformed document may have meant, count its length (the limits are the services').
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::sync::Arc;

pub(crate) mod budget;
mod check;
pub(crate) mod condition;
mod document;
mod json;
mod names;
pub(crate) mod operator;
pub(crate) mod pattern;
pub(crate) mod principal;
pub(crate) mod values;

use condition::Condition;
use document::{Listed, RawStatement};
pub(crate) use names::with_principals;
use pattern::{Pattern, Syntax};
use principal::{Principal, Principals};

/// Gives the principal that counts for one that is written and read so.
type Bind<'a> = &'a mut dyn FnMut(&str, Principal) -> Option<Principal>;

const INVALID_JSON: &str = "This policy contains invalid Json";
const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

/// What a document is for; it decides which elements it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Attached to a user, role or group, a boundary, or a session: no `Principal`.
    Identity,
    /// Attached to a resource, such as a queue: with `Principal`.
    Resource,
    /// Says who may assume a role: with `Principal`, without `Resource`.
    RoleTrust,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `2008-10-17`, also where a document says none: without policy variables.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// A policy, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Policy {
    version: Version,
    statements: Box<[Statement]>,
}

/// Why a text is no policy. `Display` says where and what, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({place})")]
pub struct PolicyError {
    /// What AWS answers to such a document.
    pub message: String,
    /// Where and what it is: `statement 2 (Sid "Read"): there is no element Actions`.
    pub place: String,
}

impl PolicyError {
    fn new(message: impl Into<String>, place: impl Into<String>) -> Self {
        Self { message: message.into(), place: place.into() }
    }
}

/// One statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) denies: bool,
    /// `None` in identity policies.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Patterns,
    /// `None` where it is the resource that the policy is attached to.
    pub(crate) resources: Option<Patterns>,
    pub(crate) conditions: Box<[Condition]>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct Patterns {
    pub(crate) negated: bool,
    pub(crate) any: Box<[Pattern]>,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "2008-10-17" => Some(Self::V2008),
            "2012-10-17" => Some(Self::V2012),
            _ => None,
        }
    }
}

impl Policy {
    /// Reads and compiles a document. Strict: an element, operator or principal that AWS refuses is refused.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &str, kind: DocumentKind) -> Result<Self, PolicyError> {
        Self::parse_bound(text, kind, &mut |_, principal| Some(principal))
    }

    /// As [`Policy::parse`], with other principals in the place of those that stand there. `bind` is given each as it is written
    /// and as it is read; one that it does not know is refused.
    pub(crate) fn parse_bound(text: &str, kind: DocumentKind, bind: Bind<'_>) -> Result<Self, PolicyError> {
        let document = document::read(text)?;
        check::check(&document, kind)?;
        let version = document.version.unwrap_or(Version::V2008);
        let statements = document.statements.into_iter().map(|raw| Statement::compile(raw, version, bind));
        Ok(Self { version, statements: statements.collect::<Result<_, _>>()? })
    }

    /// Its version. AWS takes managed policies only of 2012-10-17.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How many statements it has.
    #[must_use]
    pub const fn statement_count(&self) -> usize {
        self.statements.len()
    }

    pub(crate) const fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

impl Statement {
    fn compile(raw: RawStatement, version: Version, bind: Bind<'_>) -> Result<Self, PolicyError> {
        let place = raw.place;
        let variables = version == Version::V2012;
        let conditions = raw.conditions.iter().map(|condition| Condition::compile(condition, variables));
        let actions = raw.action.unwrap_or(Listed { negated: false, values: Vec::new() });
        Ok(Self {
            sid: raw.sid.filter(|sid| !sid.is_empty()).map(Into::into),
            denies: raw.denies,
            principals: raw.principal.map(|listed| principals(listed, &place, bind)).transpose()?,
            actions: patterns(&actions, false, &place)?,
            resources: raw.resource.as_ref().map(|listed| patterns(listed, variables, &place)).transpose()?,
            conditions: conditions.collect::<Result<_, _>>()?,
        })
    }
}

fn patterns(listed: &Listed<String>, variables: bool, place: &str) -> Result<Patterns, PolicyError> {
    let syntax = Syntax { wildcards: true, variables };
    let compile = |text: &String| {
        Pattern::compile(text, syntax).map_err(|what| PolicyError::new(SYNTAX, format!("{place}: {what}")))
    };
    let any = listed.values.iter().map(compile).collect::<Result<_, _>>()?;
    Ok(Patterns { negated: listed.negated, any })
}

fn principals(
    listed: Listed<(String, String)>,
    place: &str,
    bind: Bind<'_>,
) -> Result<Principals, PolicyError> {
    let read = |(kind, name): (String, String)| {
        Principal::parse(&kind, &name).and_then(|principal| bind(&name, principal)).ok_or_else(|| {
            PolicyError::new(format!("Invalid principal in policy: \"{kind}\":\"{name}\""), place)
        })
    };
    let named = listed.values.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Principals { negated: listed.negated, named })
}
