//! Where rows go, as a URL: `sqlite:///abs/path.db`, `sqlite://relative/path.db` or
//! `mysql://user:password@host:port/database` (`mariadb://` means the same). The password is in no `Debug` or `Display` output and no error.

use std::{fmt, path::PathBuf, time::Duration};

use mysql_async::{Opts, OptsBuilder};
use percent_encoding::percent_decode_str;

use super::{mysql_server::MysqlServer, tls::Tls};
use crate::error::SinkError;

const SUPPORTED: &str = "sqlite:///absolute/path.db, sqlite://relative/path.db and \
                         mysql://user:password@host:3306/database (MySQL and MariaDB) are supported";

/// Whether a connection is alive is asked after this much silence, so that one that died quietly is noticed.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// A database that rows can be delivered into.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl(pub(crate) TargetKind);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Sqlite(PathBuf),
    Mysql { server: Box<MysqlServer>, shown: String },
}

impl TargetUrl {
    /// Reads a URL. The error names what is wrong and what is supported, and never repeats a password.
    pub fn parse(url: &str) -> Result<Self, SinkError> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(configuration(format!("the database URL has no `scheme://`; {SUPPORTED}")));
        };
        match scheme {
            "sqlite" => sqlite(rest),
            "mysql" | "mariadb" => mysql(rest),
            other => Err(configuration(format!("the database URL begins with {other:?}; {SUPPORTED}"))),
        }
    }
}

fn sqlite(path: &str) -> Result<TargetUrl, SinkError> {
    if path.is_empty() || path.ends_with('/') || path == ":memory:" || path.contains('?') {
        return Err(configuration(format!(
            "sqlite://{path} names no file (options after `?` are not supported); {SUPPORTED}"
        )));
    }
    Ok(TargetUrl(TargetKind::Sqlite(PathBuf::from(path))))
}

fn mysql(rest: &str) -> Result<TargetUrl, SinkError> {
    let shown = format!("mysql://{}", mask(rest));
    let unreadable = |reason: &str| {
        configuration(format!(
            "the database URL {shown} can't be read: {reason}; characters such as `@`, `/`, `#`, `?` or `%` in a user or \
             password are written percent-encoded (`%40`, `%2F`, `%23`, `%3F`, `%25`)"
        ))
    };
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    // Either is part of a password: no option may be read from it, and none after it may be overlooked.
    if rest.contains('#') || options.contains('@') {
        return Err(unreadable("it is not a URL of this form"));
    }
    let (tls, options) = Tls::take_from(options)
        .map_err(|reason| configuration(format!("the database URL {shown} {reason}")))?;
    check_options(&options).map_err(|reason| configuration(format!("the database URL {shown} {reason}")))?;
    // The driver's text can repeat a value of the URL.
    let parsed = Opts::from_url(&format!("mysql://{place}?{options}"))
        .map_err(|_| unreadable("it is not a URL of this form"))?;
    if parsed.db_name().is_none_or(str::is_empty) {
        return Err(configuration(format!(
            "the database URL {shown} names no database; add it at the end: mysql://user:password@host:3306/database"
        )));
    }
    if parsed.socket().is_some() && tls != Tls::Off {
        return Err(configuration(format!(
            "the database URL {shown} asks for TLS through a socket of this machine, where there is none; leave out \
             either socket or ssl-mode and ssl-ca"
        )));
    }
    let shown = shown_place(&shown, &parsed);
    let server = Box::new(MysqlServer { opts: with_defaults(parsed), tls });
    Ok(TargetUrl(TargetKind::Mysql { server, shown }))
}

fn with_defaults(parsed: Opts) -> Opts {
    let socket = parsed.socket().is_some();
    let keepalive = parsed.tcp_keepalive().unwrap_or(TCP_KEEPALIVE);
    // A URL writes an address of IPv6 in brackets; resolvers and certificates do not.
    let host = parsed.ip_or_hostname();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
    // A server behind a forwarded port reports a socket path that may belong to another server here, so the driver
    // must not switch to it by itself.
    OptsBuilder::from_opts(parsed)
        .ip_or_hostname(bare)
        .prefer_socket(socket)
        .tcp_keepalive(Some(keepalive))
        .stmt_cache_size(64)
        .into()
}

/// What remains of the options without those of TLS. The driver knows many more, some of which weaken what this sink
/// promises, so only what is documented is passed on.
fn check_options(options: &str) -> Result<(), String> {
    let mut sockets = 0;
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        if name != "socket" {
            return Err(format!(
                "has the option {name:?}, which is not known; known are ssl-mode, ssl-ca and socket"
            ));
        }
        if !percent_decode_str(value).collect::<Vec<u8>>().starts_with(b"/") {
            return Err("has the option socket without an absolute path; write socket=/path".to_owned());
        }
        sockets += 1;
    }
    if sockets > 1 { Err("has the option socket twice; leave one".to_owned()) } else { Ok(()) }
}

/// A URL without password and options, with host and port even where the URL leaves them to their defaults.
fn shown_place(masked: &str, parsed: &Opts) -> String {
    let user = masked.strip_prefix("mysql://").and_then(|rest| rest.rsplit_once('@'));
    let user = user.map_or_else(String::new, |(user, _)| format!("{user}@"));
    let database = parsed.db_name().unwrap_or_default();
    match parsed.socket() {
        Some(socket) => format!("mysql://{user}{socket}/{database}"),
        None => format!("mysql://{user}{}:{}/{database}", parsed.ip_or_hostname(), parsed.tcp_port()),
    }
}

/// The part of a URL after `://` without its password and options. The last `@` ends the user information, so that a
/// password with an `@` that should have been percent-encoded is hidden as well.
fn mask(rest: &str) -> String {
    let without_options = rest.split(['?', '#']).next().unwrap_or_default();
    let cut_short =
        without_options.len() < rest.len() && rest.contains('@') && !without_options.contains('@');
    if cut_short {
        return "***".to_owned();
    }
    match without_options.rsplit_once('@') {
        None => without_options.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            None => without_options.to_owned(),
            Some((name, _)) => format!("{name}:***@{host}"),
        },
    }
}

fn configuration(text: String) -> SinkError {
    SinkError::Configuration(text)
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            TargetKind::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            TargetKind::Mysql { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        match TargetUrl::parse(url) {
            Err(SinkError::Configuration(text)) => text,
            other => panic!("{url} gave {other:?}"),
        }
    }

    #[test]
    fn paths_are_absolute_or_relative() {
        assert!(
            matches!(TargetUrl::parse("sqlite:///a/b.db").unwrap().0, TargetKind::Sqlite(p) if p.is_absolute())
        );
        assert!(
            matches!(TargetUrl::parse("sqlite://a/b.db").unwrap().0, TargetKind::Sqlite(p) if p.is_relative())
        );
    }

    #[test]
    fn other_urls_are_refused_with_what_is_supported() {
        for url in ["postgres://u:secret@h/db", "/a/b.db", "sqlite://", "sqlite://:memory:", "sqlite:///a/"] {
            let text = refused(url);
            assert!(text.contains("are supported") && !text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let url = TargetUrl::parse("mysql://jane:s3cret@db.example:3307/shop?ssl-mode=REQUIRED").unwrap();
        assert_eq!(url.to_string(), "mysql://jane:***@db.example:3307/shop");
        assert!(!format!("{url:?}").contains("s3cret"));
        for wrong in [
            "mysql://jane:s3cret@db.example:3307",
            "mysql://jane:s3cret@db.example:port/shop",
            "mysql://jane:p@s3cret@db.example:port/shop",
            "mysql://jane:p/s3cret@db.example/shop",
            "mysql://jane:p#s3cret@db.example/shop",
            "mysql://jane:p?s3cret@db.example/shop",
            "mysql://jane:x@db.example/shop?password=s3cret",
            "mysql://jane:x@db.example/shop?pool_min=s3cret",
            "mysql://jane:12?s3cret@db.example/shop",
            "mysql://jane:12?s3cret=1@db.example/shop",
            "mysql://jane:x@db.example/shop?ssl-mode=s3cret",
        ] {
            let text = refused(wrong);
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn where_the_server_is_shows_even_by_default() {
        for (url, shown) in [
            ("mysql://jane:x@db/shop", "mysql://jane:***@db:3306/shop"),
            ("mariadb://db/shop?ssl-mode=REQUIRED", "mysql://db:3306/shop"),
            ("mysql://jane@[::1]:3307/shop", "mysql://jane@[::1]:3307/shop"),
            ("mysql://jane:x@localhost/shop?socket=%2Frun%2Fdb.sock", "mysql://jane:***@/run/db.sock/shop"),
        ] {
            assert_eq!(TargetUrl::parse(url).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn only_options_that_are_documented_reach_the_driver() {
        for option in [
            "enable_cleartext_plugin=true",
            "tcp_nodelay=true",
            "prefer_socket=true",
            "s%6Fcket=/a",
            "socket",
            "socket=a",
        ] {
            let text = refused(&format!("mysql://u:p@h/d?{option}"));
            assert!(text.contains("socket"), "{text}");
        }
        assert!(refused("mysql://u:p@h/d?socket=/a&socket=/b").contains("twice"));
    }

    #[test]
    fn hosts_are_names_and_addresses_of_both_kinds() {
        for (host, expected) in [("[::1]", "::1"), ("127.0.0.1", "127.0.0.1"), ("db.example", "db.example")] {
            let TargetKind::Mysql { server, .. } =
                TargetUrl::parse(&format!("mysql://u:p@{host}:3307/d")).unwrap().0
            else {
                panic!("{host} is no server");
            };
            assert_eq!((server.opts.ip_or_hostname(), server.opts.tcp_port()), (expected, 3307));
        }
    }

    #[test]
    fn what_is_asked_of_tls_is_never_overlooked() {
        let tls = |url: &str| match TargetUrl::parse(url).unwrap().0 {
            TargetKind::Mysql { server, .. } => server.tls,
            TargetKind::Sqlite(_) => panic!("{url} is no server"),
        };
        assert_eq!(tls("mysql://u:p@h/d"), Tls::Off);
        assert_eq!(tls("mariadb://u:p@h/d?&ssl-mode=REQUIRED"), Tls::Unverified);
        for (url, part) in [
            ("mysql://u:p@h/d?socket=/run/s&ssl-mode=REQUIRED", "through a socket"),
            ("mysql://u:p@h/d?socket=/run/s&ssl-ca=/ca.pem", "through a socket"),
            ("mysql://u:p@h/d#?ssl-mode=REQUIRED", "can't be read"),
            ("mysql://u:p@h/d?socket=/run/s#&ssl-mode=REQUIRED", "can't be read"),
            ("mysql://u:p@h/d?ssl%2Dmode=REQUIRED", "known are ssl-mode, ssl-ca and socket"),
            ("mysql://u:p@h/d?SSL-MODE=REQUIRED", "not known"),
            ("mysql://u:p@h/d?ssl-mode=REQUIRED;ssl-ca=/ca.pem", "not known"),
        ] {
            let text = refused(url);
            assert!(text.contains(part), "{url}: {text}");
        }
    }
}
