//! Who is let in and who is not.

use super::{Foreign, Provenance, check, check_page, check_parameters};

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

#[test]
fn parameters_are_taken_from_programs_and_from_our_own_pages() {
    for agent in [None, Some("Boto3/1.34.0"), Some("curl/8.14.1"), Some("aws-cli/2.0")] {
        let program = Provenance { user_agent: agent, ..from("127.0.0.1:4566") };
        assert_eq!(check_parameters(&program), Ok(()), "{agent:?}");
    }
    let own_page = Provenance {
        fetch_site: Some("same-origin"),
        fetch_mode: Some("cors"),
        user_agent: Some("Mozilla/5.0"),
        ..from("127.0.0.1:4566")
    };
    assert_eq!(check_parameters(&own_page), Ok(()));
}

#[test]
fn parameters_that_a_foreign_page_caused_are_refused() {
    let image =
        Provenance { fetch_site: Some("cross-site"), fetch_mode: Some("no-cors"), ..from("127.0.0.1") };
    assert_eq!(check_parameters(&image), Err(Foreign::Site));
    let form = Provenance { origin: Some("http://evil.example"), ..from("127.0.0.1") };
    assert_eq!(check_parameters(&form), Err(Foreign::Origin));
    assert_eq!(check_parameters(&from("evil.example")), Err(Foreign::Host));
}

#[test]
fn an_address_that_acts_is_not_opened_in_a_browser() {
    // A link in a mail: the browser knows of no page it came from.
    let link = Provenance { fetch_site: Some("none"), fetch_mode: Some("navigate"), ..from("127.0.0.1") };
    assert_eq!(check_parameters(&link), Err(Foreign::Visit));
    assert_eq!(check(&link), Ok(()));
}

#[test]
fn a_browser_that_does_not_say_where_from_is_refused() {
    let agent = Some("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/15.6 Safari/605.1.15");
    let image = Provenance { user_agent: agent, ..from("127.0.0.1") };
    assert_eq!(check_parameters(&image), Err(Foreign::Unmarked));
    let own_form = Provenance { origin: Some("http://127.0.0.1"), ..image };
    assert_eq!(check_parameters(&own_form), Ok(()));
    let link_with_password = Provenance { authorization: Some("Basic dTpw"), ..image };
    assert_eq!(check_parameters(&link_with_password), Err(Foreign::Unmarked));
}

#[test]
fn a_program_that_signs_may_call_itself_a_browser() {
    let signature = "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0";
    let agent = Some("Mozilla/5.0 (compatible; pycurl)");
    let program = Provenance { user_agent: agent, authorization: Some(signature), ..from("127.0.0.1") };
    assert_eq!(check_parameters(&program), Ok(()));
    let page = Provenance { origin: Some("http://evil.example"), ..program };
    assert_eq!(check_parameters(&page), Err(Foreign::Origin));
    let visit = Provenance { fetch_mode: Some("navigate"), ..program };
    assert_eq!(check_parameters(&visit), Err(Foreign::Visit));
}
