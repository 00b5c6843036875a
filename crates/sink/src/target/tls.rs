//! What a URL of MySQL or MariaDB asks of TLS, in the options that the clients of both know.
//!
//! What is asked for is kept or refused: an option that is not known, contradicts another or can't be kept is an error,
//! and no mode goes on unencrypted when the server offers no TLS. An error repeats no value of the URL.

use std::{
    ffi::OsString,
    io,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use mysql_async::SslOpts;
use percent_encoding::percent_decode_str;

const MODES: &str = "ssl-mode is DISABLED, REQUIRED (encrypted, to whoever answers) or VERIFY_IDENTITY (encrypted, to \
                     the host of the URL)";

/// Options that other clients know, and the driver's own names: all about TLS, so that each is refused with what to
/// write instead.
const OTHERS: [&str; 17] = [
    "built_in_roots",
    "require_ssl",
    "ssl-capath",
    "ssl-cert",
    "ssl-cipher",
    "ssl-crl",
    "ssl-crlpath",
    "ssl-fips-mode",
    "ssl-key",
    "ssl-verify-server-cert",
    "sslMode",
    "ssl_ca",
    "ssl_mode",
    "tls-ciphersuites",
    "tls-version",
    "verify_ca",
    "verify_identity",
];

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Not at all.
    Off,
    /// Encrypted, to whoever answers.
    Unverified,
    /// Encrypted, to the holder of a certificate for the URL's host: from an authority of this file, or without a file
    /// from a public one.
    Verified {
        /// An absolute path.
        authorities: Option<PathBuf>,
    },
}

enum Mode {
    Disabled,
    Required,
    VerifyIdentity,
}

impl Tls {
    /// Takes what is about TLS out of the options of a URL, which are what follows its `?`. Returns the others as they
    /// were, or what is wrong.
    pub(crate) fn take_from(options: &str) -> Result<(Self, String), String> {
        let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let again = match name {
                "ssl-mode" => mode.replace(read_mode(value)?).is_some(),
                "ssl-ca" => authorities.replace(read_path(value)?).is_some(),
                _ if OTHERS.contains(&name) => {
                    return Err(format!(
                        "has the option {name}, which is not supported; {MODES}, and ssl-ca=FILE names the \
                                        authorities to trust"
                    ));
                }
                _ => {
                    rest.push(option);
                    false
                }
            };
            if again {
                return Err(format!("has the option {name} twice; leave one"));
            }
        }
        Ok((Self::of(mode, authorities)?, rest.join("&")))
    }

    /// A file of authorities without a mode asks for the certificate to be checked.
    fn of(mode: Option<Mode>, authorities: Option<PathBuf>) -> Result<Self, String> {
        match (mode, authorities) {
            (Some(Mode::Disabled | Mode::Required), Some(_)) => Err("has ssl-ca, but its ssl-mode checks no \
                                                                     certificate; write ssl-mode=VERIFY_IDENTITY, or \
                                                                     leave ssl-ca out"
                .to_owned()),
            (Some(Mode::Required), None) => Ok(Self::Unverified),
            (Some(Mode::VerifyIdentity), authorities) | (None, authorities @ Some(_)) => {
                Ok(Self::Verified { authorities })
            }
            (Some(Mode::Disabled) | None, None) => Ok(Self::Off),
        }
    }

    /// The driver's options, `None` for a connection that is not encrypted. The file of authorities is read at each
    /// connection; the error says why it can't be used.
    pub(crate) async fn options(&self) -> Result<Option<SslOpts>, String> {
        let options = match self {
            Self::Off => return Ok(None),
            Self::Unverified => SslOpts::default().with_danger_accept_invalid_certs(true),
            Self::Verified { authorities: None } => SslOpts::default(),
            Self::Verified { authorities: Some(file) } => SslOpts::default()
                .with_disable_built_in_roots(true)
                .with_root_certs(vec![read_certificates(file).await?.into()]),
        };
        Ok(Some(options))
    }

    /// What a certificate must be to be accepted, for people.
    pub(crate) fn expectation(&self) -> String {
        match self {
            Self::Off | Self::Unverified => "the server's TLS must be version 1.2 or 1.3".to_owned(),
            Self::Verified { authorities: None } => "the server's certificate must be valid now, for the host in the \
                                                     URL, and from a public authority; ssl-ca=FILE names others to \
                                                     trust instead"
                .to_owned(),
            Self::Verified { authorities: Some(file) } => format!(
                "the server's certificate must be valid now, for the host in the URL, and from an authority in {}",
                file.display()
            ),
        }
    }
}

fn read_mode(value: &str) -> Result<Mode, String> {
    match value.to_ascii_uppercase().as_str() {
        "DISABLED" => Ok(Mode::Disabled),
        "REQUIRED" => Ok(Mode::Required),
        "VERIFY_IDENTITY" => Ok(Mode::VerifyIdentity),
        "PREFERRED" => Err(format!(
            "has ssl-mode=PREFERRED, which would go on unencrypted without a word and is not supported; {MODES}"
        )),
        "VERIFY_CA" => Err(format!(
            "has ssl-mode=VERIFY_CA, which would take the certificate of any host and is not supported; {MODES}"
        )),
        _ => Err(format!("has an ssl-mode that is not known; {MODES}")),
    }
}

fn read_path(value: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(OsString::from_vec(percent_decode_str(value).collect()));
    if path.is_absolute() {
        return Ok(path);
    }
    Err("has an ssl-ca that is no absolute path; write ssl-ca=/path/to/ca.pem".to_owned())
}

/// Read here and not by the driver, to which a file that is missing is a network that fails.
async fn read_certificates(file: &Path) -> Result<Vec<u8>, String> {
    let problem = |what: &str| {
        format!(
            "the file of ssl-ca, {}, {what}; it must hold the authorities' certificates, PEM",
            file.display()
        )
    };
    let content = tokio::fs::read(file)
        .await
        .map_err(|error: io::Error| problem(&format!("can't be read: {error}")))?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    if !content.windows(begin.len()).any(|window| window == begin) {
        return Err(problem("holds no certificate"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests;
