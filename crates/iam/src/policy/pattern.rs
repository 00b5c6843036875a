//! Patterns: text with `*`, `?` and policy variables, compiled once.
//!
//! What always holds: the value of a variable is plain text, a `*` in it stands for itself; a variable without a value
//! makes its pattern match nothing. Comparing spends the budget of its evaluation and matches nothing once that is spent.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use std::borrow::Cow;

use super::budget::Budget;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    /// This text. Never empty.
    Text(Box<str>),
    /// `?`: one character.
    One,
    /// `*`: any characters, or none.
    Many,
}

/// A piece of a pattern with variables.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Atom(Atom),
    Variable(Variable),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    /// In lower case up to a slash.
    pub(crate) key: Box<str>,
    pub(crate) default: Option<Box<str>>,
}

/// A pattern.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Fixed(Box<[Atom]>),
    Variable(Box<[Segment]>),
}

/// What is special in a pattern's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    /// `*` and `?`.
    pub(crate) wildcards: bool,
    /// `${…}`; only since version 2012-10-17.
    pub(crate) variables: bool,
}

/// How letters compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Counts,
    Ignored,
}

/// What patterns are matched with: the values of variables, and how much it may cost.
pub(crate) trait Resolve {
    /// The value of a variable's key, if it has exactly one.
    fn resolve(&self, key: &str) -> Option<Cow<'_, str>>;

    /// What matching may still cost.
    fn budget(&self) -> &Budget;
}

/// Whether a text matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matched {
    Yes,
    No,
    /// A variable has no value.
    Unresolved,
}

impl Matched {
    pub(crate) const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// A key as it is compared: in lower case up to a slash.
pub(crate) fn key(text: &str) -> Box<str> {
    let (name, rest) = text.split_at(text.find('/').unwrap_or(text.len()));
    (name.to_ascii_lowercase() + rest).into()
}

impl Pattern {
    /// Compiles; the error says what is wrong with a variable.
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut segments = Compiler { syntax, segments: Vec::new(), text: String::new() };
        segments.read(text)?;
        let segments = segments.done();
        let mut atoms = Vec::with_capacity(segments.len());
        for segment in &segments {
            match segment {
                Segment::Atom(atom) => atoms.push(atom.clone()),
                Segment::Variable(_) => return Ok(Self::Variable(segments.into())),
            }
        }
        Ok(Self::Fixed(atoms.into()))
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str, case: Case, values: &impl Resolve) -> Matched {
        let budget = values.budget();
        let yes = match self {
            _ if !budget.spend(1) => false,
            Self::Fixed(atoms) => match &**atoms {
                // Most patterns are a text, a text and a star, or a star.
                [Atom::Text(whole)] => prefix(text, whole, case) == Some(text.len()),
                [Atom::Text(start), Atom::Many] => prefix(text, start, case).is_some(),
                atoms => glob(atoms, text, case, budget),
            },
            Self::Variable(segments) => match resolved(segments, values) {
                Some(atoms) => glob(&atoms, text, case, budget),
                None => return Matched::Unresolved,
            },
        };
        if yes { Matched::Yes } else { Matched::No }
    }
}

/// The pieces with the values of their variables; `None` when one has no value, or the budget is spent.
pub(crate) fn resolved(segments: &[Segment], values: &impl Resolve) -> Option<Vec<Atom>> {
    let mut atoms = Vec::with_capacity(segments.len());
    for segment in segments {
        match segment {
            Segment::Atom(atom) => atoms.push(atom.clone()),
            Segment::Variable(variable) => {
                let value = values.resolve(&variable.key);
                let text = value.as_deref().or(variable.default.as_deref())?;
                if !values.budget().spend_on(text) {
                    return None;
                }
                if !text.is_empty() {
                    atoms.push(Atom::Text(text.into()));
                }
            }
        }
    }
    Some(atoms)
}

struct Compiler {
    syntax: Syntax,
    segments: Vec<Segment>,
    text: String,
}

impl Compiler {
    fn read(&mut self, mut rest: &str) -> Result<(), String> {
        while let Some(next) = rest.chars().next() {
            if self.syntax.variables && rest.starts_with("${") {
                let Some(end) = rest.find('}') else {
                    return Err(format!("the policy variable {rest} has no end"));
                };
                self.variable(&rest[2..end])?;
                rest = &rest[end + 1..];
                continue;
            }
            match next {
                '*' if self.syntax.wildcards => self.push(Segment::Atom(Atom::Many)),
                '?' if self.syntax.wildcards => self.push(Segment::Atom(Atom::One)),
                other => self.text.push(other),
            }
            rest = &rest[next.len_utf8()..];
        }
        Ok(())
    }

    fn variable(&mut self, inner: &str) -> Result<(), String> {
        if matches!(inner, "*" | "?" | "$") {
            self.text.push_str(inner);
            return Ok(());
        }
        let (name, default) = match inner.split_once(',') {
            None => (inner, None),
            Some((name, default)) => {
                let quoted = default.trim();
                let bare = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let bare = bare.ok_or_else(|| {
                    format!("the default of the policy variable ${{{inner}}} does not stand in single quotes")
                })?;
                (name.trim(), Some(bare.into()))
            }
        };
        let allowed = |c: char| c.is_alphanumeric() || "_.:/=+-@ ".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(format!("${{{inner}}} is no policy variable"));
        }
        self.push(Segment::Variable(Variable { key: key(name), default }));
        Ok(())
    }

    fn push(&mut self, segment: Segment) {
        self.flush();
        let is_many = |segment: &Segment| matches!(segment, Segment::Atom(Atom::Many));
        if !(is_many(&segment) && self.segments.last().is_some_and(is_many)) {
            self.segments.push(segment);
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.segments.push(Segment::Atom(Atom::Text(std::mem::take(&mut self.text).into())));
        }
    }

    fn done(mut self) -> Vec<Segment> {
        self.flush();
        self.segments
    }
}

/// Whether a text matches the pieces, all of it. After each `*` the earliest place at which the pieces up to the next `*`
/// fit is the best, so no more than the last `*` is ever gone back to. That may still cost the text's length times the
/// pieces, so each comparison is paid for; nothing matches once the budget is spent.
pub(crate) fn glob(atoms: &[Atom], text: &str, case: Case, budget: &Budget) -> bool {
    let (mut atom, mut place) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    // What patterns differ in is mostly their end.
    if let (Some(Atom::Text(end)), Case::Counts) = (atoms.last(), case)
        && !text.ends_with(&**end)
    {
        return false;
    }
    if !budget.spend_on(text) {
        return false;
    }
    loop {
        let rest = &text[place..];
        let is_paid = match atoms.get(atom) {
            Some(Atom::Text(expected)) => budget.spend_on(expected),
            _ => budget.spend(1),
        };
        if !is_paid {
            return false;
        }
        let taken = match atoms.get(atom) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Atom::Many) if atom + 1 == atoms.len() => return true,
            Some(Atom::Many) => {
                last_star = Some((atom + 1, place));
                Some(0)
            }
            Some(Atom::One) => rest.chars().next().map(char::len_utf8),
            Some(Atom::Text(expected)) => prefix(rest, expected, case),
        };
        if let Some(taken) = taken {
            atom += 1;
            place += taken;
            continue;
        }
        let Some((after, from)) = last_star else { return false };
        let Some(next) = next_start(text, from, atoms.get(after), case) else { return false };
        place = next;
        atom = after;
        last_star = Some((after, place));
    }
}

/// The next place behind one at which the piece behind a star may fit.
fn next_start(text: &str, from: usize, piece: Option<&Atom>, case: Case) -> Option<usize> {
    let behind = from + text[from..].chars().next()?.len_utf8();
    match (piece, case) {
        (Some(Atom::Text(expected)), Case::Counts) => {
            let first = *expected.as_bytes().first()?;
            let found = text.as_bytes()[behind..].iter().position(|byte| *byte == first)?;
            Some(behind + found)
        }
        _ => Some(behind),
    }
}

/// How many bytes of the text are the expected beginning.
fn prefix(text: &str, expected: &str, case: Case) -> Option<usize> {
    let beginning = text.as_bytes().get(..expected.len());
    if case == Case::Counts || expected.is_ascii() {
        let alike = |beginning: &[u8]| match case {
            Case::Counts => beginning == expected.as_bytes(),
            Case::Ignored => beginning.eq_ignore_ascii_case(expected.as_bytes()),
        };
        return beginning.is_some_and(alike).then_some(expected.len());
    }
    let mut rest = text.chars();
    for wanted in expected.chars() {
        let found = rest.next()?;
        if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

/// The pieces cut at their first five colons, as the parts of an ARN; `None` when there are fewer.
pub(crate) fn arn_parts(atoms: &[Atom]) -> Option<[Box<[Atom]>; 6]> {
    let mut parts: [Vec<Atom>; 6] = Default::default();
    let mut at = 0;
    for atom in atoms {
        let Atom::Text(text) = atom else {
            parts[at].push(atom.clone());
            continue;
        };
        for (index, piece) in text.splitn(6 - at, ':').enumerate() {
            at += usize::from(index > 0);
            if !piece.is_empty() {
                parts[at].push(Atom::Text(piece.into()));
            }
        }
    }
    (at == 5).then(|| parts.map(Vec::into_boxed_slice))
}

#[cfg(test)]
mod tests;
