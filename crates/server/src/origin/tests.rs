//! Who is let in and who is not.

use super::{Foreign, Provenance, check, check_page};

fn from(host: &str) -> Provenance<'_> {
    Provenance { host: Some(host), ..Provenance::default() }
}

#[test]
fn an_sdk_is_let_in_by_every_local_name() {
    for host in [
        "127.0.0.1:4566",
        "127.0.0.1",
        "localhost:4566",
        "LOCALHOST",
        "[::1]:4566",
        "sqs.us-east-1.localhost",
    ] {
        assert_eq!(check(&from(host)), Ok(()), "{host}");
    }
}

#[test]
fn a_name_that_leads_here_by_rebinding_is_refused() {
    for host in ["evil.example:4566", "10.0.0.1:4566", "127.0.0.1.evil.example", "localhost.evil.example", ""]
    {
        assert_eq!(check(&from(host)), Err(Foreign::Host), "{host}");
    }
    assert_eq!(check(&Provenance::default()), Err(Foreign::Host));
}

#[test]
fn a_page_of_another_origin_is_refused() {
    for origin in ["http://evil.example", "null", "http://127.0.0.1:8080", "http://localhost:4566", "file://"]
    {
        let provenance = Provenance { origin: Some(origin), ..from("127.0.0.1:4566") };
        assert_eq!(check(&provenance), Err(Foreign::Origin), "{origin}");
    }
    let own = Provenance { origin: Some("http://127.0.0.1:4566"), ..from("127.0.0.1:4566") };
    assert_eq!(check(&own), Ok(()));
}

#[test]
fn a_request_that_another_site_caused_is_refused() {
    for site in ["cross-site", "same-site", "nonsense"] {
        let provenance = Provenance { fetch_site: Some(site), ..from("127.0.0.1:4566") };
        assert_eq!(check(&provenance), Err(Foreign::Site), "{site}");
        assert_eq!(check_page(&provenance), Ok(()), "{site}");
    }
    for site in ["none", "same-origin"] {
        let provenance = Provenance { fetch_site: Some(site), ..from("127.0.0.1:4566") };
        assert_eq!(check(&provenance), Ok(()), "{site}");
    }
}
