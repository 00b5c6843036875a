//! The `[[queue]]` tables.

use std::collections::BTreeMap;

use millpond_core::limits;
use millpond_core::queue::Tags;

use super::reader::{Keys, Reader, Value};
use crate::queue::{
    DeadLetters, MAX_RECEIVES_DEFAULT, NUMBERS, Queue, check_dead_letters, check_max_receives, check_name,
    check_tag,
};
use crate::words::{SCOPES, THROUGHPUT_LIMITS};

pub(super) fn read(reader: &mut Reader<'_>, given: &Value<'_>) -> Vec<Queue> {
    let wanted = "a list of tables, each under [[queue]]";
    let Some(tables) = reader.array(given, wanted) else { return Vec::new() };
    let mut queues = Vec::new();
    let mut names = BTreeMap::new();
    for table in tables {
        let Some(queue) = read_one(reader, table) else { continue };
        if names.insert(queue.name.clone(), ()).is_some() {
            reader.report(&table.span(), format!("there is a queue {} already", queue.name));
        }
        queues.push(queue);
    }
    queues
}

fn read_one(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Queue> {
    let table = reader.table(value)?;
    let mut keys = Keys::of(table, "a setting of a queue");
    let name = match keys.take("name") {
        None => {
            reader.report(&value.span(), "this queue has no name; give it one, name = \"jobs\"".to_owned());
            None
        }
        Some(name) => reader.parsed(name, |name| check_name(name).map(|()| name.to_owned())),
    };
    let mut queue = Queue::named(name.as_deref().unwrap_or_default());
    for number in &NUMBERS {
        let given = keys.take(number.name);
        let checked = given.and_then(|given| reader.number(given, |value| number.check(value)));
        *(number.given)(&mut queue.patch) = checked;
    }
    read_fifo(reader, &mut keys, &mut queue);
    read_dead_letters(reader, &mut keys, &mut queue);
    if let Some(tags) = keys.take("tags") {
        queue.tags = read_tags(reader, tags);
    }
    keys.finish(reader);
    name.map(|_| queue)
}

fn read_fifo(reader: &mut Reader<'_>, keys: &mut Keys<'_, '_>, queue: &mut Queue) {
    let by_content = keys.take("content_based_deduplication");
    let scope = keys.take("deduplication_scope");
    let limit = keys.take("fifo_throughput_limit");
    for given in [by_content, scope, limit].into_iter().flatten() {
        if !queue.name.is_empty() && queue.patch.fifo_queue.is_none() {
            reader.report(&given.span(), "only a FIFO queue has this; its name ends in .fifo".to_owned());
        }
    }
    queue.patch.content_based_deduplication = by_content.and_then(|value| reader.boolean(value));
    queue.patch.deduplication_scope = scope.and_then(|value| reader.word(value, &SCOPES));
    queue.patch.fifo_throughput_limit = limit.and_then(|value| reader.word(value, &THROUGHPUT_LIMITS));
}

fn read_dead_letters(reader: &mut Reader<'_>, keys: &mut Keys<'_, '_>, queue: &mut Queue) {
    let target = keys.take("dead_letter_queue");
    let count = keys.take("max_receives");
    if let (None, Some(count)) = (target, count) {
        let what = "max_receives says when a message goes to the dead_letter_queue, which is missing";
        reader.report(&count.span(), what.to_owned());
    }
    let max_receives = count.map(|count| reader.number(count, check_max_receives));
    let target = target.and_then(|target| {
        reader.parsed(target, |target| check_dead_letters(&queue.name, target).map(|()| target.to_owned()))
    });
    if let Some(target) = target {
        let max_receives = max_receives.flatten().unwrap_or(MAX_RECEIVES_DEFAULT);
        queue.dead_letters = Some(DeadLetters { queue: target, max_receives });
    }
}

fn read_tags(reader: &mut Reader<'_>, value: &Value<'_>) -> Tags {
    let Some(table) = reader.table(value) else { return Tags::default() };
    if table.len() > limits::QUEUE_TAGS {
        reader.report(&value.span(), format!("a queue has up to {} tags", limits::QUEUE_TAGS));
    }
    let mut tags = Tags::new();
    for (key, value) in table {
        let key = key.get_ref();
        let tag = reader.parsed(value, |text| check_tag(key, text).map(|()| text.to_owned()));
        tag.map(|text| tags.insert(key.to_string(), text));
    }
    tags
}
