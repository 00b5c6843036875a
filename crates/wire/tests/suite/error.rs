//! Errors as bytes and header.

use millpond_wire::error::{
    ACCESS_DENIED, CORAL_ERRORS, ErrorKind, INTERNAL_FAILURE, INVALID_PARAMETER_VALUE, SERVICE_UNAVAILABLE,
};

static MODELLED: ErrorKind = ErrorKind::new("com.example", "Broken", "Example.Broken").with_status(409);

#[test]
fn a_modelled_error_names_its_shape_and_its_query_code() {
    let error = MODELLED.because("It is \"broken\".");
    let body = String::from_utf8(error.to_json()).unwrap();
    assert_eq!(body, r#"{"__type":"com.example#Broken","message":"It is \"broken\"."}"#);
    assert_eq!(error.query_error(), "Example.Broken;Sender");
    assert_eq!(error.status(), 409);
    assert_eq!(error.to_string(), "Broken: It is \"broken\".");
}

#[test]
fn a_denial_has_a_capital_message() {
    let body = String::from_utf8(ACCESS_DENIED.because("no").to_json()).unwrap();
    assert_eq!(body, r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#);
    assert_eq!(ACCESS_DENIED.because("no").query_error(), "AccessDenied;Sender");
}

#[test]
fn failures_of_the_service_are_the_receivers() {
    assert_eq!(INTERNAL_FAILURE.because("x").query_error(), "InternalFailure;Receiver");
    assert_eq!(SERVICE_UNAVAILABLE.because("x").query_error(), "ServiceUnavailable;Receiver");
}

#[test]
fn the_shapes_of_every_service_have_their_query_codes() {
    let rows: Vec<_> = CORAL_ERRORS.iter().map(|kind| (kind.shape, kind.query_code, kind.status)).collect();
    let expected = [
        ("SerializationException", "SerializationException", 400),
        ("MalformedInputException", "MalformedInput", 400),
        ("RequestEntityTooLargeException", "RequestEntityTooLarge", 413),
        ("UnknownOperationException", "InvalidAction", 400),
        ("InvalidParameterValueException", "InvalidParameterValue", 400),
        ("MissingRequiredParameterException", "MissingParameter", 400),
        ("AccessDeniedException", "AccessDenied", 403),
        ("UnrecognizedClientException", "InvalidClientTokenId", 403),
        ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
        ("IncompleteSignatureException", "IncompleteSignature", 400),
        ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
        ("ExpiredTokenException", "ExpiredToken", 403),
        ("InternalFailure", "InternalFailure", 500),
        ("ServiceUnavailableException", "ServiceUnavailable", 503),
    ];
    assert_eq!(rows, expected);
    assert_eq!(INVALID_PARAMETER_VALUE.namespace, "com.amazon.coral.service");
}
