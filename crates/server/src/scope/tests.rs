//! What a credential scope says.

use millpond_core::name::AccountId;

use millpond_wire::query::Form;

use super::Credential;

fn read(authorization: Option<&str>) -> (String, String, Option<String>) {
    read_credential(Credential::of_header(authorization))
}

fn read_credential(credential: Credential<'_>) -> (String, String, Option<String>) {
    let account = credential.access_key().and_then(AccountId::parse).unwrap_or(AccountId::DEFAULT);
    let region = credential.region().unwrap_or_default();
    (account.to_string(), region.to_string(), credential.service().map(str::to_owned))
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

#[test]
fn a_signed_address_has_its_scope_among_its_parameters() {
    let query =
        b"Action=ListQueues&X-Amz-Credential=123456789012%2F20261121%2Feu-west-1%2Fsqs%2Faws4_request";
    let form = Form::parse(query, b"").unwrap();
    let expected = ("123456789012".into(), "eu-west-1".into(), Some("sqs".into()));
    assert_eq!(read_credential(Credential::of_parameters(&form)), expected);
}

#[test]
fn an_old_signature_names_an_account_and_no_region() {
    let form = Form::parse(b"", b"AWSAccessKeyId=123456789012&SignatureVersion=2").unwrap();
    let expected = ("123456789012".into(), "us-east-1".into(), None);
    assert_eq!(read_credential(Credential::of_parameters(&form)), expected);
    let form = Form::parse(b"", b"AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE").unwrap();
    assert_eq!(read_credential(Credential::of_parameters(&form)).0, "000000000000");
}

#[test]
fn the_header_counts_before_the_parameters() {
    let header = "AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/sqs/aws4_request, SignedHeaders=host";
    let form = Form::parse(b"AWSAccessKeyId=123456789012", b"").unwrap();
    let both = Credential::of_header(Some(header)).or(Credential::of_parameters(&form));
    assert_eq!(read_credential(both).1, "eu-west-1");
    let only_parameters = Credential::of_header(None).or(Credential::of_parameters(&form));
    assert_eq!(read_credential(only_parameters).0, "123456789012");
}
