//! Where the load goes: `http://HOST[:PORT]`.
//!
//! An [`Endpoint`] that exists can be connected to over plain TCP. It refuses other schemes, paths and user
//! information, and never repeats a URL's password.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// An SQS endpoint reached over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
}

/// Why a text is no endpoint, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The scheme is not `http`.
    #[error("the load generator speaks plain http only: give an endpoint such as http://127.0.0.1:4566")]
    NotHttp,
    /// The URL carries a user name or password.
    #[error("an endpoint has no user name or password: pass the keys apart from it")]
    UserInformation,
    /// The URL goes on after host and port.
    #[error("an endpoint ends after its port: give http://HOST:PORT and the queue apart from it")]
    Path,
    /// Host or port can't be read.
    #[error("host or port can't be read: give an endpoint such as http://127.0.0.1:4566")]
    HostOrPort,
}

impl Endpoint {
    /// The endpoint at a socket address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Endpoint { host: address.ip().to_string(), port: address.port() }
    }

    /// The host without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port; 80 when the URL names none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let rest = text.strip_prefix("http://").ok_or(EndpointError::NotHttp)?;
        if rest.contains('@') {
            return Err(EndpointError::UserInformation);
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(EndpointError::Path);
        }
        let (host, port) = split_port(authority).ok_or(EndpointError::HostOrPort)?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(EndpointError::HostOrPort);
        }
        Ok(Endpoint { host: host.to_owned(), port })
    }
}

fn split_port(authority: &str) -> Option<(&str, u16)> {
    let (host, after) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => match authority.split_once(':') {
            Some((host, _)) => (host, &authority[host.len()..]),
            None => (authority, ""),
        },
    };
    let port = match after.strip_prefix(':') {
        Some(digits) => digits.parse().ok().filter(|port| *port != 0)?,
        None if after.is_empty() => 80,
        None => return None,
    };
    Some((host, port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

#[cfg(test)]
mod tests;
