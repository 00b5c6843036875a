//! Which requests a form takes at all: those that name a host of its own, and posts that come from its own page or
//! from a program.
//!
//! It stops pages of other sites from posting in a visitor's name, and other names from being pointed at a loopback
//! address (DNS rebinding). It does not tell people from programs. Pure.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    HeaderMap,
    header::{HOST, HeaderName, ORIGIN},
    http::uri::Authority,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that names `host` is for the form at `listen`.
pub(crate) fn names_this_form(listen: SocketAddr, allowed_hosts: &[String], headers: &HeaderMap) -> bool {
    let loopback = listen.ip().is_loopback();
    if allowed_hosts.is_empty() && !loopback {
        return true;
    }
    let Some(authority) = host(headers) else {
        return false;
    };
    let name = authority.host();
    (loopback && is_loopback_name(name))
        || allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// Whether a post comes from the form's own page, or from a program that is no browser.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`, which no page can forge. They leave it out when the
/// form is reached over plain HTTP under a name other than localhost; then `Origin` has to name the same host.
/// Sources: W3C Fetch Metadata Request Headers; WHATWG Fetch, `Origin` header.
pub(crate) fn is_own_post(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let default_port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    match (authority.parse::<Authority>(), host(headers)) {
        (Ok(origin), Some(host)) => {
            origin.host().eq_ignore_ascii_case(host.host())
                && origin.port_u16().unwrap_or(default_port) == host.port_u16().unwrap_or(default_port)
        }
        _ => false,
    }
}

/// Whether `text` is a host name or address alone, as `allowed_hosts` wants it.
pub(crate) fn is_host_name(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| authority.host() == text)
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}

fn is_loopback_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let address = lower.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    lower == "localhost"
        || lower.ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
