//! Requests that have one meaning pass; others are refused for what makes them ambiguous.

use hyper::Request;
use hyper::http::request::Parts;

use super::{Ambiguous, check};

fn parts(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn usual_requests_pass() {
    for (method, target, headers) in [
        ("POST", "/", &[("host", "localhost"), ("content-length", "3")][..]),
        ("POST", "/", &[("transfer-encoding", "Chunked")]),
        ("POST", "/000000000000/jobs", &[("expect", "100-continue")]),
        ("POST", "/queue/us-east-1/000000000000/jobs.fifo/", &[]),
        ("GET", "/_millpond/v1/rows/a%20b...c", &[]),
        ("GET", "http://LOCALHOST:4566/health", &[("host", "localhost:4566")]),
        ("GET", "/?Action=ListQueues&x=//../%00", &[]),
        ("GET", "/", &[("accept", "a"), ("accept", "b")]),
    ] {
        assert_eq!(check(&parts(method, target, headers)), Ok(()), "{method} {target} {headers:?}");
    }
}

#[test]
fn a_request_whose_end_is_in_doubt_is_refused() {
    for (headers, expected) in [
        (&[("content-length", "3"), ("transfer-encoding", "chunked")][..], Ambiguous::TwoLengths),
        (&[("transfer-encoding", "gzip, chunked")], Ambiguous::Encoding),
        (&[("transfer-encoding", "identity")], Ambiguous::Encoding),
        (&[("transfer-encoding", "chunked "), ("a", "b")], Ambiguous::Encoding),
        (
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            Ambiguous::Repeated("transfer-encoding"),
        ),
        (&[("content-length", "3"), ("content-length", "4")], Ambiguous::Repeated("content-length")),
        (&[("expect", "200-ok")], Ambiguous::Expectation),
    ] {
        assert_eq!(check(&parts("POST", "/", headers)), Err(expected), "{headers:?}");
    }
}

#[test]
fn headers_of_which_the_first_is_read_are_there_once() {
    for name in
        ["host", "authorization", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token"]
    {
        let found = check(&parts("POST", "/", &[(name, "a"), (name, "a")]));
        assert!(matches!(found, Err(Ambiguous::Repeated(_))), "{name}");
    }
}

#[test]
fn targets_of_proxies_are_refused() {
    assert_eq!(check(&parts("CONNECT", "localhost:80", &[])), Err(Ambiguous::Proxy));
    assert_eq!(check(&parts("OPTIONS", "*", &[])), Err(Ambiguous::Proxy));
    let other = parts("GET", "http://other.example/", &[("host", "localhost")]);
    assert_eq!(check(&other), Err(Ambiguous::Host));
    assert_eq!(check(&parts("GET", "http://localhost/", &[])), Err(Ambiguous::Host));
}

#[test]
fn a_path_has_one_form() {
    for path in [
        "//",
        "/000000000000//jobs",
        "/./",
        "/.",
        "/..",
        "/000000000000/../000000000000/jobs",
        "/000000000000/%2e%2E/jobs",
        "/%2e",
        "/.%2e/x",
        "/000000000000%2fjobs",
        "/000000000000/jobs%5c",
        "/000000000000/jobs%00",
        "/000000000000/jobs%0a",
        "/000000000000/jobs%7f",
        "/_millpond/v1/../v1/reset",
        "/100%",
        "/100%2",
        "/%zz",
    ] {
        assert_eq!(check(&parts("POST", path, &[])), Err(Ambiguous::Path), "{path}");
    }
    for path in ["/...", "/a..", "/.a", "/a/", "/%2e%2e%2e", "/a%25b"] {
        assert_eq!(check(&parts("POST", path, &[])), Ok(()), "{path}");
    }
}

#[test]
fn what_is_held_against_policies_is_short_or_refused() {
    for name in ["user-agent", "referer"] {
        let (most, more) = ("a".repeat(2_048), "a".repeat(2_049));
        assert_eq!(check(&parts("POST", "/", &[(name, &most)])), Ok(()), "{name}");
        assert_eq!(check(&parts("POST", "/", &[(name, &more)])), Err(Ambiguous::Long(name)));
        let second = check(&parts("POST", "/", &[(name, "a"), (name, &more)]));
        assert_eq!(second, Err(Ambiguous::Long(name)));
        assert_eq!(Ambiguous::Long(name).status(), 400);
    }
}
