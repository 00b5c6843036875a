//! What was given up with the identities of a service, in words.

use std::collections::BTreeMap;
use std::fmt;

use millpond_iam::identity::record::MASTER_KEY_CHECK;

/// How many identities of each kind were given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten(BTreeMap<String, usize>);

impl Forgotten {
    /// Of the names of their records: the kind, a slash, and what tells one from the other.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = BTreeMap::new();
        for name in names.filter(|name| *name != MASTER_KEY_CHECK) {
            let kind = name.split('/').next().unwrap_or(name).replace('-', " ");
            *counts.entry(kind).or_default() += 1;
        }
        Self(counts)
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("there were none");
        }
        let counts: Vec<String> = self.0.iter().map(|(kind, count)| counted(kind, *count)).collect();
        f.write_str(&counts.join(", "))
    }
}

fn counted(kind: &str, count: usize) -> String {
    match (count, kind.strip_suffix('y')) {
        (1, _) => format!("1 {kind}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::Forgotten;

    #[test]
    fn kinds_are_counted() {
        let names = ["master-key-check", "policy/A", "policy/B", "user/C", "instance-profile/D"];
        let forgotten = Forgotten::of(names.into_iter());
        assert_eq!(forgotten.to_string(), "1 instance profile, 2 policies, 1 user");
        assert_eq!(Forgotten::of(["master-key-check"].into_iter()).to_string(), "there were none");
    }
}
