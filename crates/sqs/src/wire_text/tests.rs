//! Digests and ids read as a formatter would write them.

use millpond_core::message::MessageId;
use proptest::prelude::{any, proptest};

use super::{Md5, Uuid};

proptest! {
    #[test]
    fn digests_and_ids_read_as_a_formatter_writes_them(bits in any::<u128>()) {
        let digest = serde_json::to_string(&Md5(bits.to_be_bytes())).expect("text is JSON");
        assert_eq!(digest, format!("\"{bits:032x}\""));
        let id = serde_json::to_string(&Uuid(MessageId(bits))).expect("text is JSON");
        assert_eq!(id, format!("\"{}\"", MessageId(bits)));
    }
}
