//! Vectors from the AWS SigV4 test suite, as shipped in the crate `aws-sigv4` (Apache-2.0).

use super::*;

fn signature_of(headers: &[(&str, &str)], body: &[u8]) -> String {
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
    };
    let key = SigningKey::derive(&credentials, "us-east-1", "service", "20150830");
    key.authorization("20150830T123600Z", headers, body)
}

#[test]
fn post_vanilla() {
    assert_eq!(
        signature_of(&[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")], b""),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    );
}

#[test]
fn post_x_www_form_urlencoded() {
    let headers = [
        ("content-length", "13"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "example.amazonaws.com"),
        ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    assert!(
        signature_of(&headers, b"Param1=value1")
            .ends_with("Signature=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
    );
}

#[test]
fn a_key_longer_than_a_block_is_hashed_first() {
    // RFC 4231, test case 6.
    let mac =
        HmacKey::new(&[0xaa; 131]).authenticate(b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(hex(&mac), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
