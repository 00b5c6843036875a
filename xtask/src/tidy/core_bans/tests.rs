//! What the core may not name is found in code, and only in code.

use super::super::tree::Tree;
use super::check;

fn found(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn every_banned_thing_is_found() {
    let banned = [
        "let now = SystemTime::now();",
        "let now = std::time::Instant::now;",
        "use std::collections::HashMap;",
        "use std::collections::{BTreeMap, HashSet};",
        "let id = rand::random::<u64>();",
        "std::fs::read(path)?;",
        "use std::net::SocketAddr;",
        "use std::{fmt, thread};",
        "use std::{\n    collections::BTreeMap,\n    fs,\n};",
        "async fn decide() {}",
    ];
    for line in banned {
        assert!(found("crates/core/src/lib.rs", line) > 0, "{line}");
    }
}

#[test]
fn the_core_may_speak_of_them_and_name_its_own_things() {
    let fine = "// No HashMap and no async here.\nlet s = \"std::fs\";\nlet operand = brand;\n\
                use std::{collections::BTreeMap, fmt};\nuse std::time::Duration;\n";
    assert_eq!(found("crates/core/src/lib.rs", fine), 0);
}

#[test]
fn other_crates_may_use_them() {
    assert_eq!(found("crates/server/src/lib.rs", "use std::collections::HashMap;"), 0);
}
