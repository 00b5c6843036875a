//! The names and places in the database that a target works with.

use crate::{config::SinkConfig, identifier::Identifier};

/// The table, its columns and the ledger.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) table: Identifier,
    pub(crate) columns: Vec<Identifier>,
    pub(crate) ledger_table: Identifier,
    /// Whether missing tables are created.
    pub(crate) create: bool,
}

impl Layout {
    pub(crate) fn of(config: &SinkConfig) -> Self {
        Self {
            table: config.table.clone(),
            columns: config.columns.clone(),
            ledger_table: config.ledger_table.clone(),
            create: config.create,
        }
    }
}

/// What a sink says that may not create what is missing; None when nothing is.
pub(crate) fn absent_tables(absent: &[(&Identifier, String)], to_whom: &str) -> Option<String> {
    let names: Vec<String> = absent.iter().map(|(table, _)| format!("table {table}")).collect();
    let sql: Vec<String> = absent.iter().map(|(_, sql)| format!("{sql};")).collect();
    let them = if absent.len() > 1 { "them" } else { "it" };
    (!absent.is_empty()).then(|| {
        format!(
            "there is no {}{to_whom}, and the sink may not create {them}. Create {them} with: {}",
            names.join(" and no "),
            sql.join(" ")
        )
    })
}

/// A column that a table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundColumn {
    pub(crate) name: String,
    /// An insert that does not name the column fails.
    pub(crate) required: bool,
    /// The database computes the column; it can't be inserted into.
    pub(crate) generated: bool,
}

/// Why rows of `wanted` columns can't be inserted into a table that has the columns `found`; None when they can.
pub(crate) fn mismatch(table: &Identifier, wanted: &[Identifier], found: &[FoundColumn]) -> Option<String> {
    let list = |names: Vec<&str>| names.join(", ");
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !found.iter().any(|f| name.is(&f.name)))
        .map(Identifier::as_str)
        .collect();
    if !missing.is_empty() {
        let have = list(found.iter().map(|column| column.name.as_str()).collect());
        return Some(format!(
            "table {table} has no column {}; it has {have}. Name columns that it has, name another table, or \
             add what is missing",
            list(missing)
        ));
    }
    let named = |column: &FoundColumn| wanted.iter().any(|name| name.is(&column.name));
    let generated: Vec<_> =
        found.iter().filter(|column| column.generated && named(column)).map(|c| c.name.as_str()).collect();
    if !generated.is_empty() {
        return Some(format!(
            "the column {} of table {table} is computed by the database and can't be inserted into; leave it out of \
             --columns",
            list(generated)
        ));
    }
    let unfilled: Vec<_> =
        found.iter().filter(|column| column.required && !named(column)).map(|c| c.name.as_str()).collect();
    if !unfilled.is_empty() {
        return Some(format!(
            "the column {} of table {table} is NOT NULL without a default and is not among --columns; name it there, \
             or give it a default",
            list(unfilled)
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, required: bool, generated: bool) -> FoundColumn {
        FoundColumn { name: name.into(), required, generated }
    }

    fn mismatch_of(found: &[FoundColumn]) -> Option<String> {
        let table = Identifier::new("t").unwrap();
        mismatch(&table, &Identifier::list("name,country").unwrap(), found)
    }

    #[test]
    fn a_table_with_more_columns_that_fill_themselves_fits() {
        let id = found("id", false, false);
        assert_eq!(mismatch_of(&[id, found("NAME", true, false), found("country", false, false)]), None);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let name = found("name", false, false);
        let text = mismatch_of(std::slice::from_ref(&name)).unwrap();
        assert!(text.contains("no column country") && text.contains("it has name"), "{text}");
        let text = mismatch_of(&[name.clone(), found("country", false, true)]).unwrap();
        assert!(text.contains("country of table t is computed"), "{text}");
        let text = mismatch_of(&[name, found("country", false, false), found("age", true, false)]).unwrap();
        assert!(text.contains("age of table t is NOT NULL"), "{text}");
    }
}
