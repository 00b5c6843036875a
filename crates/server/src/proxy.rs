//! Whence a request came: the other end of its connection, or what a trusted proxy in front of it says.
//!
//! What always holds: only proxies whose address the operator has named are believed, and of the hops they list only the
//! last one that is not itself such a proxy: everything before it was written by the client.
//!
//! Source: <https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For>, "Selecting an IP address".

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName};

use crate::access::Source;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a network is an address such as 10.0.0.7, or one with a number of bits such as 10.0.0.0/8 or fd00::/8"
)]
pub struct NotNetwork;

impl FromStr for Network {
    type Err = NotNetwork;

    fn from_str(text: &str) -> Result<Self, NotNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= most).ok_or(NotNetwork)?
            }
            Some(_) => return Err(NotNetwork),
        };
        Ok(Self { address, prefix_bits })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl Network {
    /// Whether the address is one of them.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => u128::from(own.to_bits() ^ other.to_bits()) << 96,
            (IpAddr::V6(own), IpAddr::V6(other)) => own.to_bits() ^ other.to_bits(),
            _ => return false,
        };
        differing.leading_zeros() >= u32::from(self.prefix_bits)
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) over_tls: bool,
}

/// How a request came to the service.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Where it came from.
    pub(crate) source: Source,
    /// The host that the client used, when a trusted proxy tells.
    pub(crate) forwarded_host: Option<String>,
}

/// What a trusted proxy says can't be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("the trusted proxy sent an X-Forwarded-For that holds something else than addresses")]
    For,
    #[error("the trusted proxy sent an X-Forwarded-Proto that is neither http nor https, or both")]
    Proto,
    #[error("the trusted proxy sent an X-Forwarded-Host that is no single host and port")]
    Host,
}

/// Tells how a request came, from its connection and, when a trusted proxy has sent it, from its headers.
pub(crate) fn arrival(trusted: &[Network], peer: Peer, headers: &HeaderMap) -> Result<Arrival, Malformed> {
    let direct = Source { ip: peer.address.to_canonical(), over_tls: peer.over_tls };
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    if !is_trusted(direct.ip) {
        return Ok(Arrival { source: direct, forwarded_host: None });
    }
    let over_tls = match one_of(headers, &FORWARDED_PROTO).map_err(|NotOne| Malformed::Proto)? {
        None => direct.over_tls,
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
        Some(_) => return Err(Malformed::Proto),
    };
    let host = one_of(headers, &FORWARDED_HOST).map_err(|NotOne| Malformed::Host)?;
    if host.is_some_and(|host| !is_host(host)) {
        return Err(Malformed::Host);
    }
    let ip = client(headers, direct.ip, is_trusted)?;
    Ok(Arrival { source: Source { ip, over_tls }, forwarded_host: host.map(str::to_owned) })
}

/// The last hop that is no trusted proxy, or the first of all when every one is.
fn client(
    headers: &HeaderMap,
    peer: IpAddr,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, Malformed> {
    let mut nearest = peer;
    // Each proxy adds its own at the end, as a further header or behind a comma.
    for value in headers.get_all(&FORWARDED_FOR).iter().rev() {
        let value = value.to_str().map_err(|_| Malformed::For)?;
        for hop in value.rsplit(',') {
            nearest = hop_address(hop.trim()).ok_or(Malformed::For)?;
            if !is_trusted(nearest) {
                return Ok(nearest);
            }
        }
    }
    Ok(nearest)
}

/// An address; some proxies add the port.
fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// There are several, and they say different things.
struct NotOne;

/// The one thing that a header says, however often it says it.
fn one_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, NotOne> {
    let mut said = None;
    for value in headers.get_all(name) {
        for part in value.to_str().map_err(|_| NotOne)?.split(',') {
            let part = part.trim();
            if said.is_some_and(|said: &str| !said.eq_ignore_ascii_case(part)) {
                return Err(NotOne);
            }
            said = Some(part);
        }
    }
    Ok(said)
}

fn is_host(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_letter)
}

impl Arrival {
    /// Scheme, host and port by which the client reaches the service: queue URLs begin so.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        let scheme = if self.source.over_tls { "https" } else { "http" };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        format!("{scheme}://{}", self.forwarded_host.as_deref().or(host).unwrap_or("127.0.0.1"))
    }
}

#[cfg(test)]
mod tests;
