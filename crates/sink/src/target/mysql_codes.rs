//! What the error codes of MySQL and MariaDB call for. Sources: the server error references of MySQL 8.4 and of
//! MariaDB 10.11; the SQLSTATE classes of ISO/IEC 9075.

use mysql_async::{DriverError, Error, IoError, ServerError};

use super::{CodeClass, FailureClass, TargetError};
use FailureClass::{Configuration, Outage, Poison, Transient, Unclear};

/// What an account can log in with.
pub(crate) const METHODS: &str = "an account for the sink has the authentication method caching_sha2_password or \
                       mysql_native_password (ALTER USER … IDENTIFIED WITH … in MySQL, IDENTIFIED VIA … in MariaDB)";

/// The class of each server code that its SQLSTATE does not class as a sink must.
pub const MYSQL_CODES: &[CodeClass] = &[
    code(1020, Transient, "the record has changed since it was read"),
    code(1021, Outage, "the disk is full"),
    code(1030, Outage, "the storage engine failed"),
    code(1036, Outage, "the table is read only"),
    code(1037, Outage, "out of memory"),
    code(1038, Outage, "out of sort memory"),
    code(1040, Outage, "too many connections"),
    code(1041, Outage, "out of memory"),
    code(1044, Configuration, "the account may not use the database"),
    code(1045, Configuration, "wrong user or password"),
    code(1047, Outage, "the cluster node is not ready"),
    code(1048, Poison, "NULL for a NOT NULL column"),
    code(1049, Configuration, "unknown database"),
    code(1053, Outage, "the server is shutting down"),
    code(1054, Configuration, "unknown column"),
    code(1062, Poison, "a unique key of the table refuses the row"),
    code(1114, Outage, "the table or its tablespace is full"),
    code(1118, Poison, "the row is too large"),
    code(1129, Outage, "the host is blocked after many connection errors"),
    code(1130, Configuration, "this host may not connect"),
    code(1135, Outage, "the server can't start a thread"),
    code(1136, Configuration, "the column count does not match"),
    code(1142, Configuration, "the account lacks a right on the table"),
    code(1143, Configuration, "the account lacks a right on a column"),
    code(1146, Configuration, "no such table"),
    code(1153, Poison, "the record is larger than max_allowed_packet"),
    code(1180, Transient, "the commit failed"),
    code(1194, Outage, "the table is marked as crashed"),
    code(1195, Outage, "the table is marked as crashed and its repair failed"),
    code(1203, Outage, "too many connections of this user"),
    code(1205, Transient, "a lock was not granted in time"),
    code(1213, Transient, "deadlock"),
    code(1226, Outage, "a resource limit of this user is reached"),
    code(1227, Configuration, "the account lacks a privilege"),
    code(1243, Transient, "the prepared statement is unknown"),
    code(1251, Configuration, "the authentication protocol is not supported"),
    code(1264, Poison, "a number is out of range"),
    code(1265, Poison, "a value would be truncated"),
    code(1288, Configuration, "the table can't be inserted into"),
    code(1290, Outage, "the server is read only"),
    code(1292, Poison, "a value is incorrect"),
    code(1300, Poison, "a string is not valid in the column's character set"),
    code(1317, Transient, "the query was interrupted"),
    code(1364, Configuration, "a column without default is not filled"),
    code(1366, Poison, "a value is incorrect for its column"),
    code(1406, Poison, "a value is too long for its column"),
    code(1411, Poison, "a value is incorrect for a function"),
    code(1412, Transient, "the table definition changed"),
    code(1451, Poison, "a foreign key refuses the row"),
    code(1452, Poison, "a foreign key refuses the row"),
    code(1471, Configuration, "the table can't be inserted into"),
    code(1526, Poison, "no partition takes the value"),
    code(1615, Transient, "the prepared statement must be prepared again"),
    code(1637, Transient, "too many transactions"),
    code(1644, Poison, "a trigger refuses the row"),
    code(1665, Configuration, "binlog_format is STATEMENT, which rules out READ COMMITTED"),
    code(1690, Poison, "a computed value is out of range"),
    code(1698, Configuration, "the account can't log in with a password"),
    code(1792, Outage, "the server takes reads only"),
    code(1820, Configuration, "the password must be changed"),
    code(1836, Outage, "the server runs in read-only mode"),
    code(1862, Configuration, "the password has expired"),
    code(1906, Configuration, "a column is generated (MariaDB)"),
    code(1927, Outage, "the connection was killed (MariaDB)"),
    code(1969, Transient, "the statement took too long (MariaDB)"),
    code(3024, Transient, "the statement took too long (MySQL)"),
    code(3100, Transient, "a replication hook refused the commit (MySQL)"),
    code(3105, Configuration, "a column is generated (MySQL)"),
    code(3118, Configuration, "the account is locked (MySQL)"),
    code(3140, Poison, "a value is not valid JSON"),
    code(3159, Configuration, "the server takes encrypted connections only"),
    code(3819, Poison, "a CHECK constraint refuses the row (MySQL)"),
    code(4025, Poison, "a CHECK constraint refuses the row (MariaDB)"),
    code(4031, Outage, "the server closed an idle connection (MySQL)"),
    code(4151, Configuration, "the account is locked (MariaDB)"),
];

const fn code(code: i32, class: FailureClass, meaning: &'static str) -> CodeClass {
    CodeClass { code, class, meaning }
}

/// The class of a server error: by its code, else by the class of its SQLSTATE.
fn class(code: u16, sqlstate: &str) -> FailureClass {
    if let Some(known) = MYSQL_CODES.iter().find(|known| known.code == i32::from(code)) {
        return known.class;
    }
    match sqlstate.get(..2) {
        Some("08") => Outage,
        Some("40") => Transient,
        Some("22" | "23" | "45") => Poison,
        Some("28" | "3D" | "42") => Configuration,
        _ => Unclear,
    }
}

/// A failure of MySQL or MariaDB, classed.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(crate) fn failure(error: Error) -> TargetError {
    match &error {
        Error::Server(ServerError { code, state, message }) => TargetError {
            class: class(*code, state),
            text: format!("{message} (error {code}, SQLSTATE {state})"),
        },
        Error::Driver(driver @ DriverError::NoClientSslFlagFromServer) => {
            TargetError::configuration(driver.to_string())
        }
        Error::Io(IoError::Tls(tls)) => {
            TargetError::configuration(format!("the TLS handshake failed: {tls}"))
        }
        Error::Io(IoError::Io(io)) => TargetError::outage(io.to_string()),
        Error::Driver(DriverError::PacketTooLarge) => {
            TargetError { class: Poison, text: "the record is larger than max_allowed_packet".to_owned() }
        }
        Error::Driver(driver @ (DriverError::ConnectionClosed | DriverError::PacketOutOfOrder)) => {
            TargetError::outage(driver.to_string())
        }
        Error::Driver(
            driver @ (DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled),
        ) => TargetError::configuration(format!("{driver}; {METHODS}")),
        Error::Driver(driver) => TargetError { class: Unclear, text: driver.to_string() },
        Error::Other(_) | Error::Url(_) => TargetError { class: Unclear, text: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_no_code_twice() {
        assert!(MYSQL_CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn a_code_of_the_table_wins_over_its_sqlstate() {
        assert_eq!(class(1047, "08S01"), Outage);
        assert_eq!(class(1205, "HY000"), Transient);
        assert_eq!(class(1062, "23000"), Poison);
        assert_eq!(class(1114, "HY000"), Outage);
        assert_eq!(class(1045, "28000"), Configuration);
    }

    #[test]
    fn an_unlisted_code_is_classed_by_its_sqlstate() {
        assert_eq!(class(9_999, "22001"), Poison);
        assert_eq!(class(9_999, "40001"), Transient);
        assert_eq!(class(9_999, "08004"), Outage);
        assert_eq!(class(9_999, "42000"), Configuration);
        assert_eq!(class(9_999, "HY000"), Unclear);
        assert_eq!(class(9_999, ""), Unclear);
    }

    #[test]
    fn a_lost_connection_is_an_outage() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(failure(Error::Io(reset.into())).class, Outage);
        assert_eq!(failure(Error::Driver(DriverError::ConnectionClosed)).class, Outage);
        assert_eq!(failure(Error::Driver(DriverError::PacketTooLarge)).class, Poison);
    }
}
