//! Documents: replaced as a whole, with revisions that never name two contents.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::document::{Document, DocumentKey, DocumentWrite, ExpectedRevision};
use millpond_core::limits;
use millpond_core::outcome::{Outcome, Refusal};

use crate::support::{Machine, document_key};

fn get(machine: &mut Machine, key: &DocumentKey) -> Option<Document> {
    match machine.run_without_effect(Command::GetDocument { key: key.clone() }) {
        Outcome::Document(document) => document,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_is_read_with_its_revision() {
    let (mut machine, key) = (Machine::new(), document_key("stack", "customers"));
    assert_eq!(get(&mut machine, &key), None);
    let written = machine.put(&key, ExpectedRevision::Absent, "one").unwrap();
    assert_eq!(&written.value[..], b"one");
    assert_eq!(get(&mut machine, &key), Some(written.clone()));
    machine.restart();
    assert_eq!(get(&mut machine, &key), Some(written));
}

#[test]
fn each_write_has_a_higher_revision_than_any_before() {
    let mut machine = Machine::new();
    let [a, b] = ["a", "b"].map(|name| document_key("stack", name));
    let mut revisions = vec![machine.put(&a, ExpectedRevision::Any, "1").unwrap().revision];
    revisions.push(machine.put(&b, ExpectedRevision::Any, "1").unwrap().revision);
    machine.run(Command::RemoveDocument { key: a.clone(), expected: ExpectedRevision::Any });
    machine.restart();
    revisions.push(machine.put(&a, ExpectedRevision::Absent, "1").unwrap().revision);
    assert!(revisions.is_sorted_by(|earlier, later| earlier < later), "{revisions:?}");
}

#[test]
fn a_writer_that_saw_an_older_revision_is_refused() {
    let (mut machine, key) = (Machine::new(), document_key("workload", "backend"));
    let first = machine.put(&key, ExpectedRevision::Absent, "first").unwrap().revision;
    let second = machine.put(&key, ExpectedRevision::Exactly(first), "second").unwrap().revision;
    let refused = Err(Refusal::RevisionMismatch { current: Some(second) });
    assert_eq!(machine.put(&key, ExpectedRevision::Exactly(first), "lost"), refused);
    assert_eq!(machine.put(&key, ExpectedRevision::Absent, "lost"), refused);
    assert_eq!(&get(&mut machine, &key).unwrap().value[..], b"second");
}

#[test]
fn a_writer_that_expects_something_where_nothing_is_is_refused() {
    let (mut machine, key) = (Machine::new(), document_key("workload", "backend"));
    let refused = Err(Refusal::RevisionMismatch { current: None });
    assert_eq!(machine.put(&key, ExpectedRevision::Exactly(0), "lost"), refused);
}

#[test]
fn removing_checks_the_revision_as_well() {
    let (mut machine, key) = (Machine::new(), document_key("workload", "backend"));
    let revision = machine.put(&key, ExpectedRevision::Any, "value").unwrap().revision;
    let mut remove = |expected| machine.run(Command::RemoveDocument { key: key.clone(), expected });
    let refused = Outcome::Refused(Refusal::RevisionMismatch { current: Some(revision) });
    assert_eq!(remove(ExpectedRevision::Exactly(revision + 1)), refused);
    assert_eq!(remove(ExpectedRevision::Absent), refused);
    assert_eq!(remove(ExpectedRevision::Exactly(revision)), Outcome::Done);
    assert_eq!(get(&mut machine, &key), None);
    let again = Command::RemoveDocument { key, expected: ExpectedRevision::Any };
    assert_eq!(machine.run_without_effect(again), Outcome::Done);
}

#[test]
fn a_collection_is_listed_by_name_and_without_its_neighbours() {
    let mut machine = Machine::new();
    for (collection, name) in [("stack", "b"), ("stacks", "x"), ("stack", "a"), ("sta", "ck")] {
        machine.put(&document_key(collection, name), ExpectedRevision::Any, "value").unwrap();
    }
    let list = Command::ListDocuments { collection: "stack".to_owned() };
    let Outcome::Documents(documents) = machine.run_without_effect(list) else { panic!() };
    let keys: Vec<_> = documents.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [document_key("stack", "a"), document_key("stack", "b")]);
}

#[test]
fn a_document_may_be_as_large_as_the_limit_and_no_larger() {
    let (mut machine, key) = (Machine::new(), document_key("stack", "large"));
    let expected = ExpectedRevision::Any;
    let put =
        |length| Command::PutDocument { key: key.clone(), expected, value: Bytes::from(vec![b'x'; length]) };
    assert!(matches!(machine.run(put(limits::DOCUMENT_BYTES)), Outcome::Document(Some(_))));
    let refused = Refusal::DocumentTooLong { limit_bytes: limits::DOCUMENT_BYTES };
    let outcome = machine.run_without_effect(put(limits::DOCUMENT_BYTES + 1));
    assert_eq!(outcome, Outcome::Refused(refused));
}

fn write(name: &str, expected: ExpectedRevision, value: Option<&'static str>) -> DocumentWrite {
    DocumentWrite { key: document_key("identity", name), expected, value: value.map(Bytes::from) }
}

#[test]
fn several_writes_happen_together_in_one_batch_of_events() {
    let mut machine = Machine::new();
    machine.put(&document_key("identity", "old"), ExpectedRevision::Any, "old").unwrap();
    let writes = vec![
        write("a", ExpectedRevision::Absent, Some("1")),
        write("old", ExpectedRevision::Exactly(0), None),
        write("never-there", ExpectedRevision::Any, None),
        write("b", ExpectedRevision::Any, Some("2")),
    ];
    let (events, outcome) = machine.run_unsettled(Command::WriteDocuments { writes });
    assert_eq!((events.len(), outcome), (3, Outcome::Done));
    machine.restart();
    let mut read = |name: &str| get(&mut machine, &document_key("identity", name));
    let [a, b] = ["a", "b"].map(|name| read(name).unwrap());
    assert_eq!((&a.value[..], &b.value[..]), (&b"1"[..], &b"2"[..]));
    assert!(a.revision < b.revision, "{a:?} {b:?}");
    assert_eq!(read("old"), None);
}

#[test]
fn one_write_that_does_not_fit_refuses_them_all() {
    let mut machine = Machine::new();
    machine.put(&document_key("identity", "kept"), ExpectedRevision::Any, "kept").unwrap();
    let writes = vec![
        write("a", ExpectedRevision::Absent, Some("1")),
        write("kept", ExpectedRevision::Exactly(7), None),
        write("b", ExpectedRevision::Absent, Some("1")),
    ];
    let refused = Refusal::RevisionMismatch { current: Some(0) };
    let outcome = machine.run_without_effect(Command::WriteDocuments { writes });
    assert_eq!(outcome, Outcome::Refused(refused));
    assert_eq!(get(&mut machine, &document_key("identity", "a")), None);
}

#[test]
fn several_writes_are_together_no_longer_than_one_document() {
    let mut machine = Machine::new();
    let half = Bytes::from(vec![b'x'; limits::DOCUMENT_BYTES / 2]);
    let half = |name: &str| DocumentWrite {
        key: document_key("identity", name),
        expected: ExpectedRevision::Any,
        value: Some(half.clone()),
    };
    let mut writes = vec![half("a"), half("b")];
    assert_eq!(machine.run(Command::WriteDocuments { writes: writes.clone() }), Outcome::Done);
    writes.push(write("c", ExpectedRevision::Any, Some("x")));
    let refused = Refusal::DocumentTooLong { limit_bytes: limits::DOCUMENT_BYTES };
    let outcome = machine.run_without_effect(Command::WriteDocuments { writes });
    assert_eq!(outcome, Outcome::Refused(refused));
}

#[test]
fn documents_outlive_a_reset() {
    let (mut machine, key) = (Machine::new(), document_key("identity", "user"));
    let written = machine.put(&key, ExpectedRevision::Any, "value").unwrap();
    machine.run(Command::Reset);
    assert_eq!(get(&mut machine, &key), Some(written));
}
