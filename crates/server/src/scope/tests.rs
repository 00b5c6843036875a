//! What a credential scope says.

use millpond_core::name::{AccountId, Region};

use super::scope;

fn read(authorization: Option<&str>) -> (String, String, Option<String>) {
    let region = Region::parse("us-east-1").unwrap();
    let scope = scope(authorization, AccountId::DEFAULT, &region);
    (scope.account.to_string(), scope.region.to_string(), scope.service)
}

#[test]
fn region_and_service_come_from_the_scope() {
    let header = "AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0";
    assert_eq!(read(Some(header)), ("000000000000".into(), "eu-west-1".into(), Some("sqs".into())));
}

#[test]
fn a_twelve_digit_key_names_its_account() {
    let header =
        "AWS4-HMAC-SHA256 Credential=123456789012/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host";
    assert_eq!(read(Some(header)).0, "123456789012");
}

#[test]
fn a_caller_without_a_usable_scope_gets_the_defaults() {
    for header in
        [None, Some(""), Some("Bearer x"), Some("AWS4-HMAC-SHA256 Credential="), Some("AWS4-HMAC-SHA256 x")]
    {
        let (account, region, service) = read(header);
        assert_eq!((account.as_str(), region.as_str()), ("000000000000", "us-east-1"), "{header:?}");
        assert_eq!(service, None, "{header:?}");
    }
}
