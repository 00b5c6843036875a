//! Hosts and origins that a form takes, and those that it refuses.

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn named(listen: &str, allowed: &[&str], host: &str) -> bool {
    let allowed: Vec<String> = allowed.iter().map(|&name| name.to_owned()).collect();
    names_this_form(listen.parse().unwrap(), &allowed, &headers(&[("host", host)]))
}

#[test]
fn a_loopback_form_takes_loopback_names_only() {
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "form.localhost"]
    {
        assert!(named("127.0.0.1:8080", &[], host), "{host}");
    }
    for host in
        ["example.com", "localhost.example.com", "192.168.1.1", "10.0.0.1:8080", "", "a b", "notlocalhost"]
    {
        assert!(!named("127.0.0.1:8080", &[], host), "{host}");
    }
    assert!(!names_this_form("127.0.0.1:1".parse().unwrap(), &[], &HeaderMap::new()));
}

#[test]
fn allowed_hosts_add_to_loopback_and_bound_the_rest() {
    assert!(named("127.0.0.1:8080", &["forms.example.com"], "Forms.Example.com"));
    assert!(named("127.0.0.1:8080", &["forms.example.com"], "localhost"));
    assert!(!named("127.0.0.1:8080", &["forms.example.com"], "example.com"));
    assert!(named("0.0.0.0:80", &[], "anything.example.com"));
    assert!(!named("0.0.0.0:80", &["forms.example.com"], "anything.example.com"));
    assert!(!named("0.0.0.0:80", &["forms.example.com"], "localhost"));
}

#[test]
fn posts_of_other_sites_are_refused() {
    let post = |pairs: &[(&'static str, &str)]| {
        is_own_post(&headers(&[&[("host", "form.example.com:8080")], pairs].concat()))
    };
    assert!(post(&[]), "a program sends neither header");
    assert!(post(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
    assert!(post(&[("sec-fetch-site", "none")]));
    assert!(!post(&[("sec-fetch-site", "cross-site")]));
    assert!(!post(&[("sec-fetch-site", "same-site")]));
    assert!(!post(&[("sec-fetch-site", "cross-site"), ("origin", "http://form.example.com:8080")]));
    assert!(post(&[("origin", "http://form.example.com:8080")]));
    assert!(post(&[("origin", "https://FORM.example.com:8080")]));
    for origin in
        ["http://evil.example", "http://form.example.com", "http://form.example.com:8081", "null", ""]
    {
        assert!(!post(&[("origin", origin)]), "{origin}");
    }
}

#[test]
fn default_ports_match_a_host_without_one() {
    let plain = |origin: &str| is_own_post(&headers(&[("host", "form.example.com"), ("origin", origin)]));
    assert!(plain("http://form.example.com"));
    assert!(plain("http://form.example.com:80"));
    // Behind a proxy that ends TLS the host has no port either.
    assert!(plain("https://form.example.com"));
    assert!(!plain("http://form.example.com:8080"));
}

#[test]
fn host_names_stand_alone() {
    assert!(is_host_name("forms.example.com") && is_host_name("10.0.0.1") && is_host_name("[::1]"));
    for text in ["", "https://a", "a:80", "a/b", "user@a", "a b"] {
        assert!(!is_host_name(text), "{text}");
    }
}
