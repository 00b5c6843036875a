//! Requests that are refused, each with the code and the text that AWS answers.

use aws_sigv4::http_request::SignableBody;
use millpond_iam::auth_error::AuthError;
use millpond_iam::sigv4::{self, Expected};

use crate::request::{Request, SECRET, service};
use crate::signer::{NOW_SECS, Signing, send};

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

fn check(request: &Request) -> Result<(), AuthError> {
    request.check(SECRET, service("sqs"), NOW_SECS)
}

fn wrong(text: &str) -> Result<(), AuthError> {
    Err(AuthError::WrongSignature(text.to_owned()))
}

fn incomplete(text: &str) -> Result<(), AuthError> {
    Err(AuthError::Incomplete(text.to_owned()))
}

fn signed() -> Request {
    Signing::default().sign(&send())
}

fn presigned(secs: u64) -> Request {
    Signing { presigned_secs: Some(secs), ..Signing::default() }.sign(&send())
}

fn authorization(request: &Request, edit: impl Fn(&str) -> String) -> Request {
    let mut edited = request.clone();
    let value = edit(request.header("authorization").unwrap());
    edited.set("authorization", &value);
    edited
}

fn query(request: &Request, from: &str, to: &str) -> Request {
    let mut edited = request.clone();
    edited.query = request.query.replace(from, to);
    assert_ne!(edited.query, request.query);
    edited
}

#[test]
fn clocks_may_differ_by_fifteen_minutes() {
    let signed = signed();
    let at = |now| signed.check(SECRET, service("sqs"), now);
    assert_eq!(at(NOW_SECS + 900), Ok(()));
    assert_eq!(at(NOW_SECS - 900), Ok(()));
    let late = "Signature expired: 20261121T190000Z is now earlier than 20261121T190001Z \
                (20261121T191501Z - 15 min.)";
    assert_eq!(at(NOW_SECS + 901), wrong(late));
    let early = "Signature not yet current: 20261121T190000Z is still later than 20261121T185959Z \
                 (20261121T184459Z + 15 min.)";
    assert_eq!(at(NOW_SECS - 901), wrong(early));
    assert!(at(0).is_err() && at(u64::MAX).is_err());
}

#[test]
fn a_presigned_request_is_good_for_as_long_as_it_says() {
    let day = presigned(86_400);
    let at = |request: &Request, now| request.check(SECRET, service("sqs"), now);
    assert_eq!(at(&day, NOW_SECS + 86_400), Ok(()));
    let late = "Signature expired: 20261121T190000Z is now earlier than 20261121T190001Z \
                (20261122T190001Z - 1440 min.)";
    assert_eq!(at(&day, NOW_SECS + 86_401), wrong(late));
    assert!(at(&day, NOW_SECS - 901).is_err());
    let short = presigned(30);
    assert_eq!(at(&short, NOW_SECS + 30), Ok(()));
    let late = "Signature expired: 20261121T190000Z is now earlier than 20261121T190001Z \
                (20261121T190031Z - 30 sec.)";
    assert_eq!(at(&short, NOW_SECS + 31), wrong(late));
}

#[test]
fn the_lifetime_of_a_presigned_request_is_bounded() {
    let expires =
        |text: &str| check(&query(&presigned(60), "X-Amz-Expires=60", &format!("X-Amz-Expires={text}")));
    let week = "X-Amz-Expires must be less than a week (in seconds) that is 604800";
    assert_eq!(expires("604801"), incomplete(week));
    assert_eq!(expires("99999999999999999999"), incomplete(week));
    assert_eq!(expires("0"), incomplete("X-Amz-Expires must be at least 1 (in seconds)"));
    for text in ["-1", "+60", "x", "6e1", "60%20"] {
        assert_eq!(expires(text), incomplete("X-Amz-Expires should be a number"), "{text}");
    }
    assert_eq!(expires("604800"), wrong(MISMATCH));
    assert_eq!(check(&presigned(604_800)), Ok(()));
    // Without one it is good as long as any request; the signature then is of something else.
    assert_eq!(check(&query(&presigned(60), "&X-Amz-Expires=60", "")), wrong(MISMATCH));
}

#[test]
fn the_scope_must_be_the_services_own() {
    let signed = signed();
    let iam = Expected { service: "iam", region: Some("us-east-1") };
    let both = "Credential should be scoped to a valid region, not 'eu-west-1'. \
                Credential should be scoped to correct service: 'iam'.";
    assert_eq!(signed.check(SECRET, iam, NOW_SECS), wrong(both));
    assert_eq!(
        signed.check(SECRET, service("sts"), NOW_SECS),
        wrong("Credential should be scoped to correct service: 'sts'.")
    );
    let region =
        |text: &'static str| check(&authorization(&signed, |value| value.replace("eu-west-1", text)));
    let text = "Credential should be scoped to a valid region, not '…'.";
    assert_eq!(region("K7MDENG+bPxRfiCYEXAMPLEKEY"), wrong(text), "a piece of a secret in the wrong place");
    assert_eq!(region("eu-central-1"), wrong(MISMATCH));
    let terminated = authorization(&signed, |value| value.replace("aws4_request", "aws5_request"));
    assert_eq!(
        check(&terminated),
        wrong("Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.")
    );
    let dated = authorization(&signed, |value| value.replace("/20261121/", "/20261120/"));
    assert_eq!(
        check(&dated),
        wrong(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20261120' != '20261121', from '20261121T190000Z'."
        )
    );
    let all = authorization(&signed, |value| value.replace("20261121/eu-west-1/sqs/aws4_request", "a/B/c/d"));
    assert_eq!(
        check(&all),
        wrong(
            "Credential should be scoped to a valid region, not '…'. \
             Credential should be scoped to correct service: 'sqs'. \
             Credential should be scoped with a valid terminator: 'aws4_request', not 'd'. \
             Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             'a' != '20261121', from '20261121T190000Z'."
        )
    );
}

#[test]
fn a_header_without_its_parameters_is_told_which() {
    let mut request = send();
    request.set("authorization", "AWS4-HMAC-SHA256 Credential=");
    let text = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
                parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires \
                existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) \
                Authorization=puxFDhQ/eGpt31ppycPPrbsvNsPVpNIV4CY9pqtYOr8=";
    assert_eq!(check(&request), incomplete(text));
    let AuthError::Incomplete(text) =
        check(&authorization(&signed(), |value| value.split(", Signature").next().unwrap().to_owned()))
            .unwrap_err()
    else {
        panic!("incomplete")
    };
    assert!(text.starts_with("Authorization header requires 'Signature' parameter. (Hashed"), "{text}");
    for scheme in ["Bearer wJalrXUtnFEMI", "Basic d0phbHJYVXRuRkVNSQ==", "wJalrXUtnFEMI", ""] {
        let mut request = signed();
        request.set("authorization", scheme);
        let Err(AuthError::Incomplete(text)) = check(&request) else { panic!("{scheme}") };
        assert!(text.starts_with("Authorization header requires 'Credential' parameter."), "{text}");
        assert!(!text.contains("wJalr") && !text.contains("d0phb"), "{text}");
    }
}

#[test]
fn a_malformed_header_is_refused() {
    let edited = |from: &'static str, to: &'static str| {
        check(&authorization(&signed(), |value| {
            assert!(value.contains(from));
            value.replace(from, to)
        }))
    };
    let Err(AuthError::Incomplete(text)) = edited("Credential=", "Credential ") else {
        panic!("no equal-sign")
    };
    let start = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and \
                 encoded with Base64): '";
    assert!(text.starts_with(start) && !text.contains("AKIA"), "{text}");
    let algorithm = "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512' (only AWS4-HMAC-SHA256 for now).";
    assert_eq!(edited("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), incomplete(algorithm));
    let five =
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
    for (from, to) in [("/sqs/", "/"), ("/sqs/", "//"), ("/sqs/", "/sqs/sqs/"), ("AKIAIOSFODNN7EXAMPLE", "")]
    {
        assert_eq!(edited(from, to), incomplete(five), "{from} {to}");
    }
    assert_eq!(
        edited("Signature=", "Signature=0, Signature="),
        incomplete("Authorization header has the parameter 'Signature' twice.")
    );
    assert_eq!(
        edited("Signature=", "Added=1, Signature="),
        incomplete("The Authorization header has a parameter that is not known.")
    );
    let names =
        "The names in 'SignedHeaders' must be in lower case, sorted, each once, with ';' between them.";
    for (from, to) in [
        ("host;", "Host;"),
        ("host;", ""),
        ("host;", "host;host;"),
        ("host;", "host;;"),
        ("host;", "x;host;"),
    ] {
        let result = edited(from, to);
        // Without the host the names are well formed, but not enough.
        let expected = if to.is_empty() {
            wrong("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        } else {
            incomplete(names)
        };
        assert_eq!(result, expected, "{from} {to}");
    }
    let key = "A".repeat(129);
    let long = authorization(&signed(), |value| value.replace("AKIAIOSFODNN7EXAMPLE", &key));
    assert_eq!(check(&long), Err(AuthError::UnknownKey));
    let long = authorization(&signed(), |value| format!("{value}{}", " ".repeat(5000)));
    assert_eq!(check(&long), incomplete("The Authorization header is longer than 4096 bytes."));
}

#[test]
fn a_date_must_be_one() {
    let mut request = signed();
    for date in ["201", "2026-11-21T19:00:00Z", "20261131T190000Z", "Sat, 21 Nov 2026 19:00:00 GMT"] {
        request.set("x-amz-date", date);
        let text = "Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601";
        assert_eq!(check(&request), incomplete(text), "{date}");
    }
}

#[test]
fn what_was_sent_must_be_what_was_signed() {
    type Edit = fn(&mut Request);
    let edits: [(&str, Edit); 12] = [
        ("method", |request| request.method = "PUT".to_owned()),
        ("path", |request| request.path = "/111122223333/other".to_owned()),
        ("query", |request| request.query = "Action=DeleteQueue".to_owned()),
        ("body", |request| request.body[3] ^= 1),
        ("shorter body", |request| request.body.truncate(5)),
        ("target", |request| request.set("x-amz-target", "AmazonSQS.DeleteQueue")),
        ("host", |request| request.set("host", "other.example.com")),
        ("forwarded host", |request| request.forwarded_host = Some("other.example.com".to_owned())),
        ("protocol", |request| request.set("content-type", "application/x-www-form-urlencoded")),
        ("date", |request| request.set("x-amz-date", "20261121T190001Z")),
        ("signature", |request| {
            *request = authorization(request, |value| value.replace("Signature=", "Signature=0"))
        }),
        ("signature in capitals", |request| {
            *request = authorization(request, |value| {
                let (before, signature) = value.split_once("Signature=").unwrap();
                format!("{before}Signature={}", signature.to_uppercase())
            });
        }),
    ];
    for (what, edit) in edits {
        let mut request = signed();
        edit(&mut request);
        assert_eq!(check(&request), wrong(MISMATCH), "{what}");
    }
    let mut request = signed();
    request.headers.retain(|(name, _)| name != "x-amzn-query-mode");
    assert_eq!(check(&request), wrong(MISMATCH), "a signed header is missing");
}

#[test]
fn headers_that_give_a_request_its_meaning_must_be_signed() {
    for name in ["x-amz-target", "x-amz-security-token", "x-amz-content-sha256", "x-amz-anything"] {
        let mut unsigned = send();
        unsigned.headers.retain(|(its, _)| its != name);
        let mut request = Signing::default().sign(&unsigned);
        request.set(name, "AmazonSQS.PurgeQueue");
        let text = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
        assert_eq!(check(&request), wrong(&text));
    }
    // What proxies add, and what gives no request its meaning.
    let mut request = signed();
    for name in ["x-amz-cf-id", "x-amzn-trace-id", "x-forwarded-for", "via"] {
        request.set(name, "1");
    }
    assert_eq!(check(&request), Ok(()));
}

#[test]
fn headers_that_count_come_once() {
    for name in ["host", "x-amz-date", "x-amz-target", "content-type", "content-length", "authorization"] {
        let mut request = signed();
        let value = request.header(name).unwrap().to_owned();
        request.headers.push((name.to_owned(), value.into_bytes()));
        assert_eq!(check(&request), incomplete(&format!("The header '{name}' must not be sent twice.")));
    }
}

#[test]
fn a_request_is_signed_in_one_place() {
    let mut request = signed();
    request.query = presigned(60).query;
    let text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
    assert_eq!(check(&request), wrong(text));
    request.query = "X-Amz-Security-Token=x".to_owned();
    assert_eq!(check(&request), wrong(text));
    request.query = "X%2dAmz-Signature=x".to_owned();
    assert_eq!(check(&request), wrong(text), "an escaped name is the same name");
    // A name in another case is a parameter like any other.
    request.query = "x-amz-signature=x".to_owned();
    assert_eq!(check(&request), wrong(MISMATCH));
    assert_eq!(check(&send()), Err(AuthError::MissingToken));
}

#[test]
fn a_malformed_query_is_refused() {
    let good = presigned(60);
    let names = ["Algorithm", "Credential", "Signature", "SignedHeaders", "Date"];
    for name in names {
        let kept: Vec<_> =
            good.query.split('&').filter(|piece| !piece.starts_with(&format!("X-Amz-{name}="))).collect();
        let mut request = good.clone();
        request.query = kept.join("&");
        let text = format!(
            "AWS query-string parameters must include 'X-Amz-{name}'. Re-examine the query-string parameters."
        );
        assert_eq!(check(&request), incomplete(&text));
    }
    let mut request = good.clone();
    request.query = "X-Amz-Signature=".to_owned();
    let all: String = names
        .iter()
        .map(|name| format!("AWS query-string parameters must include 'X-Amz-{name}'. "))
        .collect();
    assert_eq!(check(&request), incomplete(&format!("{all}Re-examine the query-string parameters.")));
    let mut request = good.clone();
    request.query.push_str("&X%2DAmz-Date=20261121T190000Z");
    assert_eq!(check(&request), incomplete("AWS query-string parameters have 'X-Amz-Date' twice."));
    let lower = query(&good, "%2F", "%2f");
    assert_eq!(check(&lower), Ok(()), "both spellings of an escape are one");
    assert_eq!(check(&query(&good, "%2F", "/")), Ok(()));
    let escaped = query(&good, "AKIAIOSFODNN7EXAMPLE", "AKI%41IOSFODNN7EXAMPLE");
    assert!(matches!(check(&escaped), Err(AuthError::Incomplete(_))));
    let mut many = send();
    many.query = "a&".repeat(5000);
    assert_eq!(check(&many), incomplete("The query has more than 4096 parameters."));
}

#[test]
fn what_is_said_of_a_body_must_be_true() {
    let with = |value: &str| {
        let mut request = send();
        request.set("x-amz-content-sha256", value);
        request
    };
    let hash = "f5ff42b9bba69f7c29ae0f8e7b26c9f5d3b7e3a6cf4ab9d0f9f1b1a0b4e25a4b";
    let text = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    assert_eq!(check(&Signing::default().sign(&with(hash))), wrong(text));
    assert_eq!(check(&Signing::default().sign(&with("UNSIGNED-payload"))), wrong(text));
    let pieces = "A body that is signed in pieces is not possible here.";
    for said in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        assert_eq!(check(&Signing::default().sign(&with(said))), wrong(pieces));
    }
    let unsigned = Signing::default().sign_body(&with("UNSIGNED-PAYLOAD"), SignableBody::UnsignedPayload);
    let text = "The body must be signed: 'UNSIGNED-PAYLOAD' is only possible over TLS.";
    assert_eq!(check(&unsigned), wrong(text));
    let mut over_tls = Request { over_tls: true, ..unsigned };
    assert_eq!(check(&over_tls), Ok(()));
    over_tls.body.clear();
    assert_eq!(check(&over_tls), Ok(()), "the body is not signed");
    // A body is left out of the signature only if the request says so.
    let silent = Signing::default().sign_body(&send(), SignableBody::UnsignedPayload);
    assert_eq!(check(&Request { over_tls: true, ..silent }), wrong(MISMATCH));
}

#[test]
fn a_proxy_may_change_the_host() {
    let mut request = signed();
    request.set("host", "10.0.0.7:8080");
    assert_eq!(check(&request), wrong(MISMATCH));
    request.forwarded_host = Some("sqs.example.com:9324".to_owned());
    assert_eq!(check(&request), Ok(()));
}

#[test]
fn the_date_header_will_do_if_it_is_signed() {
    // The signer writes no such header: it signs `x-amz-date`, which says the same.
    let mut request = signed();
    request.headers.retain(|(name, _)| name != "x-amz-date");
    request.set("date", "Sat, 21 Nov 2026 19:00:00 GMT");
    let text = "'Date' must be a 'SignedHeader' in the AWS Authorization.";
    assert_eq!(check(&request), wrong(text));
    let named = authorization(&request, |value| {
        let names = "SignedHeaders=content-length;content-type;date;host;x-amz-target;x-amzn-query-mode";
        let (before, rest) = value.split_once("SignedHeaders=").unwrap();
        format!("{before}{names}, {}", rest.split_once(", ").unwrap().1)
    });
    assert_eq!(check(&named), wrong(MISMATCH), "the date is taken from it");
}

#[test]
fn a_token_is_no_longer_than_ours_can_be() {
    let with = |bytes| Signing { token: Some("a".repeat(bytes)), ..Signing::default() }.sign(&send());
    assert_eq!(check(&with(16 * 1024)), Ok(()));
    assert_eq!(check(&with(16 * 1024 + 1)), Err(AuthError::UnknownKey));
}

#[test]
fn nothing_shows_what_a_claim_is_proven_with() {
    let signing = Signing { token: Some("FwoGZXIvYXdzE".to_owned()), ..Signing::default() };
    let request = signing.sign(&send());
    let signature = request.header("authorization").unwrap().split_once("Signature=").unwrap().1.to_owned();
    let shown = request.with_parts(|parts| {
        let claim = sigv4::claim(parts).unwrap().unwrap();
        assert_eq!(claim.session_token.as_deref(), Some("FwoGZXIvYXdzE"));
        format!("{claim:?} {:?}", sigv4::SigningKey::derive(SECRET, &claim.scope))
    });
    assert!(
        !shown.contains("FwoGZXIvYXdzE") && !shown.contains(&signature) && !shown.contains(SECRET),
        "{shown}"
    );
}

#[test]
fn errors_have_the_shapes_and_codes_of_aws() {
    let cases = [
        (AuthError::MissingToken, "MissingAuthenticationToken", 403),
        (AuthError::Incomplete("i".to_owned()), "IncompleteSignature", 400),
        (AuthError::UnknownKey, "InvalidClientTokenId", 403),
        (AuthError::WrongSignature("w".to_owned()), "SignatureDoesNotMatch", 403),
        (AuthError::ExpiredToken, "ExpiredToken", 403),
    ];
    for (error, code, status) in cases {
        let answered = error.to_api_error();
        assert_eq!(answered.query_error(), format!("{code};Sender"));
        assert_eq!(answered.status(), status);
    }
    let json = |error: AuthError| String::from_utf8(error.to_api_error().to_json()).unwrap();
    assert_eq!(
        json(AuthError::UnknownKey),
        r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
    );
    assert_eq!(
        json(AuthError::ExpiredToken),
        r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token included in the request is expired"}"#
    );
    assert_eq!(
        json(AuthError::MissingToken),
        r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}"#
    );
    let shape = json(AuthError::WrongSignature("w".to_owned()));
    assert!(shape.contains("#InvalidSignatureException\",\"message\":\"w\""), "{shape}");
}
