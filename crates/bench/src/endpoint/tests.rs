//! Endpoints: what is read from them, and what is refused with its reason.

use super::*;

#[test]
fn host_and_port_are_read() {
    let endpoint: Endpoint = "http://127.0.0.1:4566".parse().unwrap();
    assert_eq!((endpoint.host(), endpoint.port()), ("127.0.0.1", 4566));
    assert_eq!(endpoint.to_string(), "http://127.0.0.1:4566");

    let default_port: Endpoint = "http://queue.local/".parse().unwrap();
    assert_eq!(default_port.authority(), "queue.local:80");

    let six: Endpoint = "http://[::1]:9324".parse().unwrap();
    assert_eq!((six.host(), six.authority().as_str()), ("::1", "[::1]:9324"));
}

#[test]
fn what_cannot_be_reached_is_refused_with_its_reason() {
    let refusal = |text: &str| text.parse::<Endpoint>().unwrap_err();
    assert_eq!(refusal("https://sqs.us-east-1.amazonaws.com"), EndpointError::NotHttp);
    assert_eq!(refusal("127.0.0.1:4566"), EndpointError::NotHttp);
    assert_eq!(refusal("http://user:secret@host:1"), EndpointError::UserInformation);
    assert_eq!(refusal("http://host:1/000000000000/orders"), EndpointError::Path);
    for text in
        ["http://", "http://:80", "http://host:", "http://host:0", "http://host:99999", "http://::1:80"]
    {
        assert_eq!(refusal(text), EndpointError::HostOrPort, "{text}");
    }
    assert!(!refusal("http://user:secret@host:1").to_string().contains("secret"));
}
