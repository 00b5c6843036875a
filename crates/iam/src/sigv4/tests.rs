//! The canonical requests of AWS's test vectors, byte for byte, those for services that normalise no paths included.

use super::canonical::{self, Payload};
use super::{SignedParts, claim};

const VECTORS: &str = include_str!("../../tests/vectors/aws-sigv4.json");

/// A request as a file has it: continued header lines belong to the value before them.
fn check(name: &str, signed: &str, expected: &str, service: &str) {
    let (head, body) = signed.split_once("\n\n").unwrap_or((signed, ""));
    let (line, headers) = head.split_once('\n').unwrap();
    let (method, target) = line.trim_end_matches(" HTTP/1.1").split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers.replace("\n ", "\r ");
    let headers: Vec<_> = headers.trim_end().lines().map(|line| line.split_once(':').unwrap()).collect();
    let lower: Vec<String> = headers.iter().map(|(name, _)| name.to_lowercase()).collect();
    let headers: Vec<(&str, &[u8])> =
        lower.iter().zip(&headers).map(|(name, (_, value))| (name.as_str(), value.as_bytes())).collect();
    let body = body.as_bytes();
    let parts =
        SignedParts { method, path, query, headers: &headers, forwarded_host: None, body, over_tls: false };
    let claim = claim(&parts).unwrap().unwrap();
    let hash = canonical::hex_of(ring::digest::digest(&ring::digest::SHA256, body).as_ref());
    let mut written = Vec::new();
    let names = &claim.rest.signed_headers;
    let payload = Payload::Digest(&hash);
    let done = canonical::write(&mut written, &parts, service, claim.presigned, names, &payload);
    assert!(done.is_ok(), "{name}: a signed header is missing");
    assert_eq!(String::from_utf8(written).unwrap(), expected, "{name}");
}

#[test]
fn every_canonical_request_is_the_published_one() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(VECTORS).unwrap();
    let mut checked = 0;
    for vector in &vectors {
        let name = vector["name"].as_str().unwrap();
        let service = if vector["normalize"] == true { "service" } else { "s3" };
        for place in ["header", "query"] {
            let of = |what: &str| vector[format!("{place}_{what}")].as_str();
            let (Some(signed), Some(expected)) = (of("signed"), of("canonical")) else { continue };
            // The token is put into the query of this one after it was signed.
            if (name, place) == ("post-sts-header-after", "query") {
                continue;
            }
            check(name, signed, expected, service);
            checked += 1;
        }
    }
    assert_eq!(checked, 76, "vectors went missing");
}
