//! What SQLite's result codes call for. Source: <https://www.sqlite.org/rescode.html>.

use super::{CodeClass, FailureClass, TargetError};
use FailureClass::{Configuration, Outage, Poison, Transient};

/// The class of each primary result code that a sink can meet. Every other code is `Unclear`.
pub const SQLITE_CODES: &[CodeClass] = &[
    code(1, Configuration, "SQLITE_ERROR: no such table or column"),
    code(3, Configuration, "SQLITE_PERM: access denied"),
    code(5, Transient, "SQLITE_BUSY: another connection writes"),
    code(6, Transient, "SQLITE_LOCKED: a table is locked"),
    code(7, Outage, "SQLITE_NOMEM: out of memory"),
    code(8, Configuration, "SQLITE_READONLY: the file can't be written"),
    code(9, Transient, "SQLITE_INTERRUPT: interrupted"),
    code(10, Outage, "SQLITE_IOERR: the disk failed"),
    code(11, Configuration, "SQLITE_CORRUPT: the file is damaged"),
    code(13, Outage, "SQLITE_FULL: the disk is full"),
    code(14, Outage, "SQLITE_CANTOPEN: a file can't be opened"),
    code(15, Transient, "SQLITE_PROTOCOL: the lock could not be taken"),
    code(17, Transient, "SQLITE_SCHEMA: the schema changed"),
    code(18, Poison, "SQLITE_TOOBIG: a value is too long"),
    code(19, Poison, "SQLITE_CONSTRAINT: a constraint refuses the row"),
    code(20, Poison, "SQLITE_MISMATCH: a value has the wrong type"),
    code(23, Configuration, "SQLITE_AUTH: not authorised"),
    code(26, Configuration, "SQLITE_NOTADB: the file is not a database"),
];

const fn code(code: i32, class: FailureClass, meaning: &'static str) -> CodeClass {
    CodeClass { code, class, meaning }
}

/// The class of a primary or extended result code; the low byte of an extended one is its primary code.
fn class(extended_code: i32) -> FailureClass {
    let primary = extended_code & 0xff;
    SQLITE_CODES.iter().find(|known| known.code == primary).map_or(FailureClass::Unclear, |known| known.class)
}

/// A failure of SQLite, classed.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn failure(error: rusqlite::Error) -> TargetError {
    match error.sqlite_error() {
        Some(cause) => {
            let code = cause.extended_code;
            TargetError { class: class(code), text: format!("{error} (SQLite {code})") }
        }
        None => TargetError { class: FailureClass::Unclear, text: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_no_code_twice() {
        assert!(SQLITE_CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn an_extended_code_has_the_class_of_its_primary_code() {
        assert_eq!(class(19 | (8 << 8)), Poison);
        assert_eq!(class(10 | (13 << 8)), Outage);
        assert_eq!(class(99), FailureClass::Unclear);
    }

    #[test]
    fn real_errors_are_classed() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let class_of = |sql: &str| failure(connection.execute(sql, ()).unwrap_err()).class;
        connection.execute("CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0)) STRICT", ()).unwrap();
        assert_eq!(class_of("INSERT INTO t VALUES (NULL)"), Poison);
        assert_eq!(class_of("INSERT INTO t VALUES (-1)"), Poison);
        assert_eq!(class_of("INSERT INTO t VALUES ('x')"), Poison);
        assert_eq!(class_of("INSERT INTO missing VALUES (1)"), Configuration);
        assert_eq!(class_of("INSERT INTO t (b) VALUES (1)"), Configuration);
    }
}
