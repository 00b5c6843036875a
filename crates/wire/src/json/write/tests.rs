//! Replies are the bytes that `serde_json` writes.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use serde::Serialize;

use super::to_vec;

/// One of each kind that a reply may hold.
#[derive(Clone, Debug, Serialize)]
enum Kind {
    Unit,
    One(String),
    Two(i64, u64),
    Named { flag: bool, letter: char, nothing: () },
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    text: String,
    list: Vec<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    kinds: Vec<Kind>,
    #[serde(flatten)]
    flat: BTreeMap<String, i32>,
    tuple: (u16, Wrapped),
}

#[derive(Clone, Debug, Serialize)]
struct Wrapped(String);

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\\x00-\\x7f]{0,100}", "[a-z]{0,200}", any::<String>()]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        any::<()>().prop_map(|()| Kind::Unit),
        text().prop_map(Kind::One),
        any::<(i64, u64)>().prop_map(|(one, two)| Kind::Two(one, two)),
        any::<(bool, char)>().prop_map(|(flag, letter)| Kind::Named { flag, letter, nothing: () }),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let lists = (vec(option::of(text()), 0..4), vec(kind(), 0..5), btree_map(text(), any::<i32>(), 0..4));
    (text(), lists, any::<Option<u8>>(), any::<u16>(), text()).prop_map(
        |(text, (list, kinds, flat), left_out, number, wrapped)| Reply {
            text,
            list,
            left_out,
            kinds,
            flat,
            tuple: (number, Wrapped(wrapped)),
        },
    )
}

proptest! {
    #[test]
    fn replies_are_written_as_the_other_codec_writes_them(reply in reply()) {
        let wanted = serde_json::to_string(&reply).unwrap();
        assert_eq!(String::from_utf8(to_vec(&reply).unwrap()).unwrap(), wanted);
    }

    #[test]
    fn text_is_escaped_wherever_it_lies(before in 0..100_usize, escaped in any::<char>(), behind in 0..100_usize) {
        let text = format!("{}{escaped}{}", "a".repeat(before), "b".repeat(behind));
        assert_eq!(to_vec(&text).unwrap(), serde_json::to_vec(&text).unwrap());
    }
}

#[test]
fn every_ascii_character() {
    let text: String = (0..0x80_u8).map(char::from).collect();
    assert_eq!(to_vec(&text).unwrap(), serde_json::to_vec(&text).unwrap());
}

#[test]
fn what_no_reply_holds_is_refused() {
    assert!(to_vec(&1.5_f64).is_err());
    assert!(to_vec(&BTreeMap::from([(1, "a number is no key")])).is_err());
}
