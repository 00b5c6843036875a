//! Which key makes room.

use super::{KEYS_PER_GROUP, KeyCache, lock};
use crate::secret::Secret;
use crate::sigv4::Scope;

const SCOPE: Scope<'_> = Scope { date: "20261121", region: "eu-west-1", service: "sqs" };

#[test]
fn the_key_that_was_not_used_for_longest_makes_room() {
    let cache = KeyCache::new(KEYS_PER_GROUP);
    let secret = Secret::new("secret");
    let ask = |name: &str| drop(cache.key(name, &secret, &SCOPE));
    let holds = |name: &str| lock(&cache.groups[0]).entries.iter().any(|entry| entry.is_named(name, &SCOPE));
    let names: Vec<String> = (0..KEYS_PER_GROUP).map(|number| format!("AKIA{number}")).collect();
    names.iter().for_each(|name| ask(name));
    ask(&names[0]);
    ask("AKIANEW1");
    assert!(holds(&names[0]) && !holds(&names[1]) && holds("AKIANEW1"));
    ask("AKIANEW2");
    assert!(holds(&names[0]) && !holds(&names[2]) && holds(&names[3]));
    assert_eq!(cache.keys(), KEYS_PER_GROUP);
}
