//! Receipt handles: what is encoded comes back, nothing else does.

use millpond_core::message::{QueueId, Receipt, Sequence};
use millpond_sqs::ReceiptCodec;
use proptest::prelude::*;

fn receipts() -> impl Strategy<Value = Receipt> {
    any::<(u64, u64, u32)>().prop_map(|(queue, sequence, delivery)| Receipt {
        queue: QueueId(queue),
        sequence: Sequence(sequence),
        delivery,
    })
}

proptest! {
    #[test]
    fn a_handle_names_its_delivery(key: [u8; 16], receipt in receipts()) {
        let codec = ReceiptCodec::new(key);
        prop_assert_eq!(codec.decode(&codec.encode(receipt)), Some(receipt));
    }

    #[test]
    fn a_handle_is_good_under_its_key_only(key: [u8; 16], other: [u8; 16], receipt in receipts()) {
        prop_assume!(key != other);
        prop_assert_eq!(ReceiptCodec::new(other).decode(&ReceiptCodec::new(key).encode(receipt)), None);
    }

    #[test]
    fn a_handle_with_any_other_letter_is_none(
        receipt in receipts(),
        position in 0_usize..50,
        letter in proptest::char::range('\u{0}', '\u{ff}'),
    ) {
        let codec = ReceiptCodec::new([7; 16]);
        let handle = codec.encode(receipt);
        let mut letters: Vec<char> = handle.chars().collect();
        prop_assume!(letters[position] != letter);
        letters[position] = letter;
        let changed: String = letters.iter().collect();
        prop_assert_eq!(codec.decode(&changed), None);
    }

    #[test]
    fn other_text_is_none(text in any::<String>()) {
        prop_assert_eq!(ReceiptCodec::new([7; 16]).decode(&text), None);
    }

    #[test]
    fn a_shorter_or_longer_handle_is_none(receipt in receipts(), cut in 0_usize..50, tail in "[A-Za-z0-9_-]{1,9}") {
        let codec = ReceiptCodec::new([7; 16]);
        let handle = codec.encode(receipt);
        prop_assert_eq!(codec.decode(&handle[..cut]), None);
        prop_assert_eq!(codec.decode(&format!("{handle}{tail}")), None);
    }
}

#[test]
fn a_handle_is_50_letters_that_need_no_escape() {
    let handle = ReceiptCodec::new([0xff; 16]).encode(Receipt {
        queue: QueueId(u64::MAX),
        sequence: Sequence(u64::MAX),
        delivery: u32::MAX,
    });
    assert_eq!(handle.len(), 50);
    assert!(handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
}

#[test]
fn the_format_of_handles_stays_as_it_is() {
    let receipt = Receipt { queue: QueueId(1), sequence: Sequence(2), delivery: 3 };
    let handle = ReceiptCodec::new(*b"sixteen byte key").encode(receipt);
    assert!(handle.starts_with("AQEAAAAAAAAAAgAAAAAAAAADAAAA"), "{handle}");
}

#[test]
fn a_key_is_not_shown() {
    assert_eq!(format!("{:?}", ReceiptCodec::new([7; 16])), "ReceiptCodec { key: *** }");
}
