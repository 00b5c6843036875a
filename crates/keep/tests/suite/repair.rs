//! What can be read of a damaged directory is in the new one, the rest is named, and the damaged one stays as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_core::message::QueueId;
use millpond_core::payload::Payload;
use millpond_keep::repair::{Loss, RepairError, Saved, UNPLACED_FILE, Watch, repair};
use millpond_keep::{RebuildError, check};
use millpond_log::{LogId, RealDisk};

use crate::directories::{
    files, flip, flip_all, flip_in, flip_payload, left_behind, left_behind_after, payload_file, segments,
    state_of,
};
use crate::life::{Life, log_config};
use crate::script;
use crate::support::{START, delete, receive_for};

struct Repaired {
    place: tempfile::TempDir,
    saved: Saved,
    losses: Vec<Loss>,
}

impl Repaired {
    fn path(&self) -> PathBuf {
        self.place.path().join("new")
    }

    fn text(&self) -> String {
        self.losses.iter().map(|loss| format!("{} {loss}\n", loss.kind)).collect()
    }

    /// The ids of all messages that a service on it would hold, each with a whole payload.
    fn messages(&self) -> BTreeSet<u128> {
        let disk = Arc::new(RealDisk::open(self.path()).unwrap());
        let mut life = Life::open(disk, START.plus_secs(2));
        life.checkpoint();
        let mut ids = BTreeSet::new();
        for queue in life.service.engine.state().queues() {
            for (sequence, _) in queue.messages.iter() {
                let message = millpond_core::message::MessageRef { queue: queue.record.id, sequence };
                let payload = life.service.store.reader().payload(message).unwrap().unwrap();
                ids.insert(Payload::decode(&payload).unwrap().message_id.0);
            }
        }
        ids
    }

    /// The file of messages without a queue.
    fn unplaced(&self) -> String {
        std::fs::read_to_string(self.path().join(UNPLACED_FILE)).unwrap_or_default()
    }
}

/// Everything that the directory held before it was damaged.
fn all_messages() -> BTreeSet<u128> {
    let ids = [1, 2, 3, 15, 6, 7, 9, 10, 11, 12, 13, 14, 20, 21, 22, 72, 80, 81, 82, 83, 84, 85, 90, 91];
    ids.into()
}

fn without(ids: impl IntoIterator<Item = u128>) -> BTreeSet<u128> {
    let gone: BTreeSet<u128> = ids.into_iter().collect();
    all_messages().difference(&gone).copied().collect()
}

fn repaired(damaged: &Path) -> Repaired {
    let before = files(damaged);
    let place = tempfile::tempdir().unwrap();
    let mut losses = Vec::new();
    let mut lost = |loss: &Loss| losses.push(loss.clone());
    let watch = Watch { lost: &mut lost, progress: &mut () };
    let saved = repair(damaged, &place.path().join("new"), LogId([3; 16]), watch).unwrap();
    assert!(files(damaged) == before, "the damaged directory was changed");
    let repaired = Repaired { place, saved, losses };
    let report = check(&repaired.path(), &mut ()).unwrap();
    assert!(report.is_sound(), "{:?} {}", report.findings, repaired.text());
    assert_eq!(repaired.saved.lost, repaired.losses.len() as u64);
    assert_eq!(repaired.saved.unplaced, repaired.unplaced().lines().count() as u64);
    repaired
}

#[test]
fn a_sound_directory_loses_nothing() {
    let directory = left_behind();
    let repaired = repaired(directory.path());
    assert_eq!(repaired.losses, []);
    assert_eq!(repaired.messages(), all_messages());
    let new = state_of(&repaired.path(), log_config());
    // Its messages were looked at by a service, which notes that it begins.
    let old = left_behind();
    let disk = Arc::new(RealDisk::open(old.path()).unwrap());
    Life::open(disk, START.plus_secs(2)).checkpoint();
    assert_eq!(new, state_of(old.path(), log_config()), "the states differ");
}

#[test]
fn what_is_behind_a_corrupt_batch_is_saved_as_far_as_it_stands_by_itself() {
    let directory = left_behind();
    let last = segments(directory.path()).pop().unwrap();
    // Messages 12 to 14 were sent in it, and nothing but that.
    flip_in(&last, &script::body(13), 3);
    let repaired = repaired(directory.path());
    assert!(repaired.text().contains("batches batch"), "{}", repaired.text());
    assert_eq!(repaired.messages(), without([12, 13, 14]));
    assert_eq!(repaired.losses.len(), 1, "{}", repaired.text());
    // The numbers of what is lost are not given out again.
    let disk = Arc::new(RealDisk::open(repaired.path()).unwrap());
    let mut life = Life::open(disk, START.plus_secs(2));
    let sent = format!("{:?}", life.carry(script::send("late", [500])));
    assert!(sent.contains("Sequence(3)"), "{sent}");
}

#[test]
fn messages_of_a_queue_that_is_lost_are_kept_beside_the_data() {
    let directory = left_behind();
    let last = segments(directory.path()).pop().unwrap();
    // The queue was created in a batch that rots; its messages came behind.
    flip_in(&last, b"\x04late", 1);
    let repaired = repaired(directory.path());
    assert_eq!(repaired.messages(), without([90, 91]));
    let unplaced = repaired.unplaced();
    assert_eq!(repaired.saved.unplaced, 2, "{unplaced}");
    let body = String::from_utf8(script::body(90)).unwrap();
    assert!(unplaced.contains(&format!("\"body\":\"{body}\"")), "{unplaced}");
    let id = "00000000-0000-0000-0000-00000000005a";
    assert!(
        repaired.text().contains(id) && repaired.text().contains("queue number 7"),
        "{}",
        repaired.text()
    );
}

#[test]
fn a_message_that_came_in_a_lost_batch_and_is_spoken_of_later_is_named() {
    let directory = left_behind_after(|life| {
        life.carry(script::send("late", [601]));
        life.carry(script::send("late", [602]));
        life.carry(script::send("late", [603, 604]));
        // 90 and 91 stay, 601 is received and 602 deleted.
        life.carry(receive_for("late", 4, 10_000));
        life.carry(delete("late", &[script::receipt(QueueId(7), 4)]));
    });
    let last = segments(directory.path()).pop().unwrap();
    flip_payload(&last, 601);
    flip_payload(&last, 602);
    let repaired = repaired(directory.path());
    let messages = repaired.messages();
    assert!([90, 91, 603, 604].iter().all(|id| messages.contains(id)), "{messages:?} {}", repaired.text());
    assert!(!messages.contains(&601) && !messages.contains(&602), "{messages:?}");
    let text = repaired.text();
    assert!(text.contains("message message 3 of queue late (number 7)"), "{text}");
    assert!(
        !text.contains("message message 4 of queue late"),
        "it was deleted, and is nobody's loss: {text}"
    );
}

#[test]
fn what_the_store_reflects_is_not_asked_of_the_log() {
    let directory = left_behind();
    flip_in(&segments(directory.path())[0], &script::body(69), 3);
    let repaired = repaired(directory.path());
    assert_eq!((repaired.losses.len(), repaired.messages()), (0, all_messages()));
}

#[test]
fn a_damaged_payload_costs_its_message_alone() {
    let directory = left_behind();
    flip_payload(&payload_file(directory.path()), 9);
    let repaired = repaired(directory.path());
    assert_eq!(repaired.messages(), without([9]));
    assert!(repaired.text().contains("of queue orders (number 0)"), "{}", repaired.text());
}

#[test]
fn a_damaged_queue_row_costs_the_queue_and_no_message_bytes() {
    let directory = left_behind();
    // Both the dead-letter queue and the queue whose policy names it.
    flip_all(&directory.path().join("store.redb"), b"orders-dead", 0);
    let repaired = repaired(directory.path());
    let text = repaired.text();
    assert!(text.contains("queue number 0") && text.contains("queue number 1"), "{text}");
    let placed = repaired.messages();
    assert!(placed.contains(&20) && placed.contains(&80), "{placed:?}");
    for id in [6, 7, 9, 10, 11, 12, 13, 14] {
        assert!(!placed.contains(&id));
        let shown = format!("\"message_id\":\"00000000-0000-0000-0000-{id:012x}\"");
        assert!(repaired.unplaced().contains(&shown), "message {id} is nowhere");
    }
}

#[test]
fn a_missing_store_leaves_what_the_log_still_has() {
    let directory = left_behind();
    std::fs::remove_file(directory.path().join("store.redb")).unwrap();
    let repaired = repaired(directory.path());
    assert!(repaired.text().contains("store"), "{}", repaired.text());
    // Only this queue was created in what is left of the log.
    assert_eq!(repaired.messages(), [90, 91].into());
    assert!(repaired.unplaced().contains("\"queue_number\":0"));
}

#[test]
fn a_missing_log_leaves_what_the_store_has() {
    let directory = left_behind();
    for file in segments(directory.path()).into_iter().chain([directory.path().join("log.superblock")]) {
        std::fs::remove_file(file).unwrap();
    }
    let repaired = repaired(directory.path());
    assert!(repaired.text().contains("log"), "{}", repaired.text());
    let messages = repaired.messages();
    assert!(messages.contains(&9) && messages.contains(&5) && !messages.contains(&90), "{messages:?}");
    assert_eq!(repaired.saved.batches, 0);
}

#[test]
fn a_missing_segment_is_told_and_the_next_one_used() {
    let directory = left_behind();
    let segments = segments(directory.path());
    std::fs::remove_file(&segments[0]).unwrap();
    let repaired = repaired(directory.path());
    assert!(repaired.messages().contains(&20));
    assert!(repaired.saved.batches > 0 || !repaired.losses.is_empty());
    let directory = left_behind();
    std::fs::remove_file(directory.path().join("log.superblock")).unwrap();
    let repaired = self::repaired(directory.path());
    assert_eq!((repaired.messages(), repaired.losses.len()), (all_messages(), 0));
}

#[test]
fn places_that_are_taken_or_within_the_damaged_directory_are_refused() {
    let directory = left_behind();
    let before = files(directory.path());
    let try_at = |place: &Path| {
        let watch = Watch { lost: &mut |_: &Loss| {}, progress: &mut () };
        repair(directory.path(), place, LogId([3; 16]), watch)
    };
    let within = try_at(&directory.path().join("new"));
    assert!(matches!(within, Err(RepairError::Within(_))), "{within:?}");
    let taken = try_at(directory.path());
    assert!(taken.is_err());
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("mine"), b"kept").unwrap();
    let taken = try_at(other.path());
    assert!(matches!(taken, Err(RepairError::Rebuild(RebuildError::NotEmpty { .. }))), "{taken:?}");
    assert!(files(directory.path()) == before);
}

/// Whatever rots: the new directory is sound, and a service starts on it.
#[test]
fn any_damage_leads_to_a_sound_directory() {
    let directory = left_behind();
    let sound = files(directory.path());
    let mut random = fastrand::Rng::with_seed(23);
    let mut lost = 0;
    for round in 0..60 {
        let names: Vec<&String> =
            sound.keys().filter(|name| !name.starts_with("spare-") && *name != "LOCK").collect();
        let name = names[random.usize(..names.len())];
        let file = directory.path().join(name);
        let content = &sound[name];
        let is_written = |at: &usize| content[*at..].iter().take(64).any(|byte| *byte != 0);
        let written: Vec<usize> = (0..content.len()).step_by(64).filter(is_written).collect();
        for _ in 0..random.usize(1..4) {
            flip(&file, written[random.usize(..written.len())] + random.usize(..64));
        }
        if round % 7 == 0 {
            std::fs::write(&file, &content[..random.usize(..content.len())]).unwrap();
        }
        let repaired = repaired(directory.path());
        let messages = repaired.messages();
        assert!(messages.len() >= 2 || !repaired.losses.is_empty());
        lost += usize::from(!repaired.losses.is_empty());
        std::fs::write(&file, content).unwrap();
    }
    assert!(lost > 10, "{lost}");
}
