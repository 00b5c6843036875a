//! What is believed of a proxy, and whom.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, HeaderValue};

use super::{Arrival, Malformed, Network, Peer, arrival};

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

fn from(peer: &str, given: &[(&'static str, &'static str)]) -> Result<Arrival, Malformed> {
    let trusted = [network("10.0.0.0/8"), network("192.0.2.1"), network("fd00::/8")];
    arrival(&trusted, Peer { address: ip(peer), over_tls: false }, &headers(given))
}

#[test]
fn a_network_holds_what_begins_as_it_does() {
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.129/25", "192.0.2.128", "192.0.2.127"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("::1", "::1", "::2"),
        ("::/0", "fd00::1", "10.0.0.1"),
    ] {
        assert!(network(text).holds(ip(inside)), "{text} {inside}");
        assert!(!network(text).holds(ip(outside)), "{text} {outside}");
    }
    assert!(network("0.0.0.0/0").holds(ip("203.0.113.9")));
    assert!(network("10.0.0.0/8").holds(ip("::ffff:10.1.2.3")), "as sockets for both families show it");
    for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "proxy", "10.0.0.0/8/8"]
    {
        assert!(bad.parse::<Network>().is_err(), "{bad}");
    }
}

#[test]
fn nobody_else_is_believed() {
    let told = from(
        "203.0.113.9",
        &[
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "mill.example"),
        ],
    )
    .unwrap();
    assert_eq!(told.source.ip, ip("203.0.113.9"));
    assert!(!told.source.over_tls);
    assert_eq!(told.forwarded_host, None);
    assert!(from("203.0.113.9", &[("x-forwarded-for", "no address")]).is_ok(), "nor asked to make sense");
}

#[test]
fn the_last_hop_that_is_no_proxy_is_the_client() {
    for (values, expected) in [
        (&[][..], "10.0.0.7"),
        (&["198.51.100.1"], "198.51.100.1"),
        (&["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        (&["1.1.1.1, 198.51.100.1, 10.0.0.9,192.0.2.1"], "198.51.100.1"),
        (&["1.1.1.1", "198.51.100.1", "10.0.0.9"], "198.51.100.1"),
        (&["10.0.0.3, 10.0.0.9"], "10.0.0.3"),
        (&["anything, 198.51.100.1"], "198.51.100.1"),
        (&["198.51.100.1:4711"], "198.51.100.1"),
        (&["[2001:db8::1]:4711"], "2001:db8::1"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["::ffff:198.51.100.1"], "198.51.100.1"),
    ] {
        let given: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
        assert_eq!(from("10.0.0.7", &given).unwrap().source.ip, ip(expected), "{values:?}");
    }
}

#[test]
fn scheme_and_host_are_those_of_the_client() {
    let told = from("fd00::1", &[("x-forwarded-proto", "https"), ("x-forwarded-host", "mill.example:8443")])
        .unwrap();
    assert!(told.source.over_tls);
    assert_eq!(told.base_url(&headers(&[("host", "10.0.0.7:4566")])), "https://mill.example:8443");
    let told = from("fd00::1", &[("x-forwarded-proto", "HTTP, http")]).unwrap();
    let mut own = HeaderMap::new();
    own.insert(HOST, HeaderValue::from_static("10.0.0.7:4566"));
    assert_eq!(told.base_url(&own), "http://10.0.0.7:4566");
}

#[test]
fn what_a_trusted_proxy_says_makes_sense_or_is_refused() {
    for (name, value, expected) in [
        ("x-forwarded-for", "unknown", Malformed::For),
        ("x-forwarded-for", "198.51.100.1,", Malformed::For),
        ("x-forwarded-for", "", Malformed::For),
        ("x-forwarded-for", "198.51.100.1, 10.0.0.300", Malformed::For),
        ("x-forwarded-proto", "ftp", Malformed::Proto),
        ("x-forwarded-proto", "https, http", Malformed::Proto),
        ("x-forwarded-proto", "", Malformed::Proto),
        ("x-forwarded-host", "a.example, b.example", Malformed::Host),
        ("x-forwarded-host", "a.example/path", Malformed::Host),
        ("x-forwarded-host", "", Malformed::Host),
    ] {
        assert_eq!(from("10.0.0.7", &[(name, value)]).unwrap_err(), expected, "{name}: {value:?}");
    }
}
