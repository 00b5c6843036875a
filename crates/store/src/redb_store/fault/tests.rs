//! What each failure of the file asks of the caller.

use std::io::ErrorKind;

use super::*;

fn answer(operation: Operation, kind: ErrorKind) -> StoreError {
    failed("store".to_owned(), Failure { operation, error: kind.into() })
}

#[test]
fn only_a_write_can_be_refused_for_want_of_space() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        assert!(matches!(answer(Operation::Write, kind), StoreError::Full { .. }));
        assert!(matches!(answer(Operation::SetLen, kind), StoreError::Full { .. }));
        // What was written since the last sync may be gone, though it can still be read.
        assert!(matches!(answer(Operation::Sync, kind), StoreError::Io { operation: "syncing", .. }));
    }
    assert!(matches!(answer(Operation::Write, ErrorKind::Other), StoreError::Io { .. }));
}

#[test]
fn a_file_that_ends_too_early_is_damage_and_an_unreadable_one_is_not() {
    assert!(matches!(answer(Operation::Read, ErrorKind::UnexpectedEof), StoreError::Damaged { .. }));
    assert!(matches!(answer(Operation::Read, ErrorKind::Other), StoreError::Io { operation: "reading", .. }));
}
