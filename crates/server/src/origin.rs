//! Keeps web pages out.
//!
//! Where a request is not proven by a signature, a browser is the way by which a stranger could reach a service on
//! loopback: any page can make it send requests there. A browser tells where a request comes from, and a name that leads to
//! loopback (DNS rebinding) shows in `Host`. SDKs and command lines send none of this and are not affected.
//!
//! Parameters in a form or an address need more care than JSON: a page, a mail or a bookmark can make a browser send
//! them without asking anybody. So an address that acts is not opened in a browser at all, and a browser that does not
//! tell where a request comes from is not believed to be none.
//!
//! A signature that proves a request proves that no page made it up, and covers the host that was meant. So where callers
//! are identified, what claims to be signed is not judged here: it is proven, or refused for its signature.
//!
//! Source: <https://www.w3.org/TR/fetch-metadata/> and <https://fetch.spec.whatwg.org/#origin-header>.

use std::net::IpAddr;

/// The parts of a request that show where it comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Provenance<'a> {
    /// The `Host` header, or the authority of the request's target.
    pub(crate) host: Option<&'a str>,
    /// Whether names that do not belong to this machine are good: the service listens beyond loopback.
    pub(crate) any_host: bool,
    /// The `Origin` header.
    pub(crate) origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub(crate) fetch_site: Option<&'a str>,
    /// The `Sec-Fetch-Mode` header.
    pub(crate) fetch_mode: Option<&'a str>,
    /// The `User-Agent` header.
    pub(crate) user_agent: Option<&'a str>,
    /// The `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    /// The client used a name that does not belong to this machine.
    #[error("the Host of this request is not a local name; use 127.0.0.1 or localhost")]
    Host,
    /// A page of another origin sent it.
    #[error("requests from web pages of another origin are refused")]
    Origin,
    /// A page of another site caused it.
    #[error("requests that web pages of another site cause are refused")]
    Site,
    /// A browser opened the address of an action.
    #[error(
        "an address that acts is not opened in a browser, since any link could lead there; use an AWS client or curl"
    )]
    Visit,
    /// A browser sent it and does not say from where.
    #[error(
        "this browser does not tell which page a request comes from, so it is refused; use an AWS client or curl"
    )]
    Unmarked,
}

/// Lets a request pass that no foreign web page can have caused.
///
/// # Errors
/// [`Foreign`] says what gave it away.
pub(crate) fn check(provenance: &Provenance<'_>) -> Result<(), Foreign> {
    let host = provenance.host.filter(|host| provenance.any_host || is_local(host)).ok_or(Foreign::Host)?;
    let own = |origin: &str| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    };
    if !provenance.origin.is_none_or(own) {
        return Err(Foreign::Origin);
    }
    match provenance.fetch_site {
        // `same-site` is another port of this machine: another program, with its own visitors.
        None | Some("none" | "same-origin") => Ok(()),
        Some(_) => Err(Foreign::Site),
    }
}

/// As [`check`], for a page that a person opens: a link from elsewhere may lead there, since it only shows something.
pub(crate) fn check_page(provenance: &Provenance<'_>) -> Result<(), Foreign> {
    let visited = Provenance { fetch_site: None, ..*provenance };
    check(&visited)
}

/// As [`check`], for a call whose parameters a browser would send for any page, in a form or an address.
pub(crate) fn check_parameters(provenance: &Provenance<'_>) -> Result<(), Foreign> {
    check(provenance)?;
    if provenance.fetch_mode == Some("navigate") {
        return Err(Foreign::Visit);
    }
    let is_browser = provenance.user_agent.is_some_and(|agent| agent.starts_with("Mozilla/"));
    // No form or address makes a browser send a signature, and a script of another origin would have to ask before. Some
    // programs call themselves a browser: Celery's own client does.
    let is_signed = provenance.authorization.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 "));
    if is_browser && !is_signed && provenance.fetch_site.is_none() && provenance.origin.is_none() {
        return Err(Foreign::Unmarked);
    }
    Ok(())
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
