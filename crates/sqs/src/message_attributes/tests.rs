//! The digest against known vectors, and what counts as a number.

use bytes::Bytes;
use millpond_core::payload::{AttributeValue, MessageAttribute};

use super::{digest, is_number};

fn attribute(name: &str, data_type: &str, value: AttributeValue) -> MessageAttribute {
    MessageAttribute { name: name.to_owned(), data_type: data_type.to_owned(), value }
}

fn text(name: &str, data_type: &str, value: &str) -> MessageAttribute {
    attribute(name, data_type, AttributeValue::Text(value.to_owned()))
}

#[test]
fn the_digest_is_the_one_that_sdks_compute() {
    let string = text("attribName1", "String", "attribValue 1");
    let number = text("customNumberTypeAttrib", "Number.float", "4563442423554324324264524243.32543234");
    let binary = attribute(
        "binaryAttribute",
        "Binary",
        AttributeValue::Binary(Bytes::from_static(b"Hello binary world!")),
    );
    let recorded = text("MyAttribute", "String", "foobar");
    let of = |attributes: &[&MessageAttribute]| {
        format!("{:032x}", u128::from_be_bytes(digest(attributes.iter().copied()).unwrap().0))
    };
    assert_eq!(of(&[&string]), "19e27d4e946b072f3f58da80d94fd778");
    assert_eq!(of(&[&number]), "9fe1b90bbd9965bdf77bac517c7d2495");
    assert_eq!(of(&[&binary]), "31a92b15d92f8db860eda32aceb656c3");
    assert_eq!(of(&[&string, &binary, &number]), "c932db14a896c663f83c260297d594ff");
    assert_eq!(of(&[&recorded]), "adb59cd4678ea5a855436b949cd07ab6");
}

#[test]
fn no_attributes_have_no_digest() {
    assert_eq!(digest([]), None);
}

#[test]
fn numbers_are_decimal() {
    for number in ["0", "-1", "+1", "1.5", ".5", "5.", "1e9", "-1.5E-7", "1234567890123456789012"] {
        assert!(is_number(number), "{number}");
    }
    for other in ["", ".", "-", "e1", "1e", "1e+", "world", "0x1", "1,5", "--1", "NaN", "inf", " 1", "٣"] {
        assert!(!is_number(other), "{other}");
    }
}
