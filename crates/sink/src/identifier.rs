//! A table or column name that is safe to quote: checked once, so that SQL built from it can't be broken out of.
//!
//! It refuses names with quotes, dots, `:`, `?` or control characters: no database needs them, and each of them
//! means something to a parser on the way.

use std::fmt;

/// The longest name that MySQL and MariaDB accept, in characters.
const MAX_CHARS: usize = 64;

/// The name of a table or column: 1 to 64 letters, digits, `_`, `$`, `-` or inner spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    /// Checks a name. The error text says which rule the name breaks.
    pub fn new(name: &str) -> Result<Self, String> {
        let count = name.chars().count();
        if count == 0 || count > MAX_CHARS {
            return Err(format!("the name {name:?} has {count} characters; 1 to {MAX_CHARS} are allowed"));
        }
        if name.trim() != name {
            return Err(format!("the name {name:?} begins or ends with a space"));
        }
        match name.chars().find(|&c| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | ' '))) {
            Some(c) => Err(format!(
                "the name {name:?} contains {c:?}; letters, digits, `_`, `$`, `-` and spaces are allowed"
            )),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// Checks a comma-separated list of names, as `--columns name,country` gives it: at least one, none twice
    /// (databases compare names without regard to case).
    pub fn list(names: &str) -> Result<Vec<Self>, String> {
        let list = names.split(',').map(|name| Self::new(name.trim())).collect::<Result<Vec<_>, _>>()?;
        for (index, name) in list.iter().enumerate() {
            if list[..index].iter().any(|earlier| earlier.is(name.as_str())) {
                return Err(format!("the column {:?} is named twice", name.as_str()));
            }
        }
        Ok(list)
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a database would take `name` for this one.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.to_lowercase() == name.to_lowercase()
    }

    /// The name between `quote` characters, ready for SQL.
    pub(crate) fn quoted(&self, quote: char) -> String {
        format!("{quote}{}{quote}", self.0)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_use_are_accepted() {
        for name in ["customers", "first name", "Größe", "order-lines", "_x", "a$b", "1st"] {
            assert_eq!(Identifier::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_could_break_out_of_quotes_are_refused() {
        for name in
            ["", "a`b", "a\"b", "a'b", "a.b", "a;b", "a\0b", "a:b", "a?b", " a", "a ", &"x".repeat(65)]
        {
            assert!(Identifier::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_list_is_trimmed_and_has_no_name_twice() {
        let names = Identifier::list("name, country").unwrap();
        assert_eq!(names.iter().map(Identifier::as_str).collect::<Vec<_>>(), ["name", "country"]);
        assert!(Identifier::list("name,NAME").unwrap_err().contains("twice"));
        assert!(Identifier::list("name,,country").is_err());
    }
}
