//! Request ids as text.

use millpond_wire::request_id::RequestId;

#[test]
fn a_request_id_is_written_as_a_uuid() {
    let id = RequestId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
    assert_eq!(id.to_string(), "01234567-89ab-cdef-0011-223344556677");
    assert_eq!(RequestId(0).to_string(), "00000000-0000-0000-0000-000000000000");
}
