//! A backup that is brought back is the state at its position, with every payload; one that is not whole is refused.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::message::MessageRef;
use millpond_keep::backup::{self, Origin, Totals};
use millpond_keep::restore::{RestoreError, restore, verify};
use millpond_keep::{Directory, check};
use millpond_log::{LogConfig, LogId, RealDisk};

use crate::directories::{files, flip, flip_all, left_behind, state_of};
use crate::life::{Life, log_config};
use crate::script;
use crate::support::{START, key};

fn origin() -> Origin {
    Origin { taken_at_millis: 1, program: "test".to_owned() }
}

/// A backup of a directory, in a file.
fn backed_up(directory: &Path, file: &Path) -> Totals {
    let mut bytes = Vec::new();
    let directory = Directory::open(directory).unwrap();
    let totals = backup::write_directory(&directory, origin(), &mut |piece| {
        bytes.extend_from_slice(&piece);
        Ok(())
    });
    std::fs::write(file, bytes).unwrap();
    totals.unwrap()
}

/// The state of a directory and the payloads of all its messages.
fn held(directory: &Path, config: LogConfig) -> (u64, Vec<(MessageRef, Vec<u8>)>) {
    let digest = state_of(directory, config);
    let disk = Arc::new(RealDisk::open(directory).unwrap());
    // Everything goes into the store, where payloads are found by name.
    let mut life = Life::open(disk, START.plus_secs(2));
    life.checkpoint();
    let state = life.service.engine.state();
    let messages = state.queues().flat_map(|queue| {
        let of_queue = |sequence| MessageRef { queue: queue.record.id, sequence };
        queue.messages.iter().map(move |(sequence, _)| of_queue(sequence)).collect::<Vec<_>>()
    });
    let messages: Vec<MessageRef> = messages.collect();
    let reader = life.service.store.reader();
    let payload = |message| (message, reader.payload(message).unwrap().unwrap().to_vec());
    (digest, messages.into_iter().map(payload).collect())
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn of(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn what_is_brought_back_is_what_was_there() {
    let (directory, place) = (left_behind(), Place::new());
    let before = files(directory.path());
    let totals = backed_up(directory.path(), &place.of("backup"));
    assert!(files(directory.path()) == before, "the directory is not changed");
    assert!(totals.batches > 10 && totals.messages > 10 && totals.documents == 3, "{totals:?}");
    let verified = restore(&place.of("backup"), &place.of("new"), LogId([2; 16]), &mut ()).unwrap();
    assert_eq!(verified.totals, totals);
    let report = check(&place.of("new"), &mut ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert!(!place.of("new.unfinished").exists());
    let (old, new) = (held(directory.path(), log_config()), held(&place.of("new"), LogConfig::default()));
    assert_eq!(new.0, old.0, "the states differ");
    assert!(new.1 == old.1 && new.1.len() > 20, "the payloads differ");
}

/// What comes in while a backup is taken is not in it; what was there before is, in store or log.
#[test]
fn a_backup_of_a_service_that_goes_on_is_the_state_where_it_began() {
    let place = Place::new();
    let data = place.of("data");
    let mut life = Life::open(Arc::new(RealDisk::open(&data).unwrap()), START);
    script::before_the_checkpoint(&mut life);
    script::behind_the_checkpoint(&mut life);
    let at_begin = life.service.engine.state().digest();
    let (through, snapshot) =
        (life.service.engine.durable(), life.service.store.reader().snapshot().unwrap());
    let log = life.service.log_reader.clone();
    let mut bytes = Vec::new();
    let mut pieces = 0;
    let taken = backup::write(origin(), &*snapshot, &*log, through, || {}, &mut |piece| {
        bytes.extend_from_slice(&piece);
        pieces += 1;
        // Between the pieces the service goes on, and the store follows.
        if pieces > 2 {
            life.carry(Command::PurgeQueue { key: key("orders") });
            life.carry(script::send("orders", [500]));
            life.checkpoint();
        }
        Ok(())
    });
    taken.unwrap();
    assert!(pieces > 3);
    assert_ne!(life.service.engine.state().digest(), at_begin);
    std::fs::write(place.of("backup"), bytes).unwrap();
    restore(&place.of("backup"), &place.of("new"), LogId([2; 16]), &mut ()).unwrap();
    assert_eq!(held(&place.of("new"), LogConfig::default()).0, at_begin);
}

#[test]
fn every_cut_and_every_flip_of_a_backup_is_refused_before_anything_is_written() {
    let (directory, place) = (left_behind(), Place::new());
    let file = place.of("backup");
    backed_up(directory.path(), &file);
    let whole = std::fs::read(&file).unwrap();
    let refused = |what: &str| {
        let result = restore(&file, &place.of("new"), LogId([2; 16]), &mut ());
        assert!(matches!(result, Err(RestoreError::Backup { .. })), "{what}: {result:?}");
        assert!(!place.of("new").exists() && !place.of("new.unfinished").exists(), "{what}");
    };
    for at in (0..whole.len()).step_by(997) {
        std::fs::write(&file, &whole[..at]).unwrap();
        refused(&format!("cut at {at}"));
        std::fs::write(&file, &whole).unwrap();
        flip(&file, at);
        refused(&format!("flipped at {at}"));
    }
    std::fs::write(&file, [&whole[..], b"x"].concat()).unwrap();
    refused("longer");
    std::fs::write(&file, &whole).unwrap();
    verify(&file, &mut ()).unwrap();
}

#[test]
fn a_place_that_is_not_empty_is_refused_and_an_empty_one_is_taken() {
    let (directory, place) = (left_behind(), Place::new());
    let (file, new) = (place.of("backup"), place.of("new"));
    backed_up(directory.path(), &file);
    std::fs::create_dir(&new).unwrap();
    std::fs::write(new.join("mine"), b"kept").unwrap();
    let refused = restore(&file, &new, LogId([2; 16]), &mut ()).unwrap_err();
    assert!(refused.to_string().contains("is not empty"), "{refused}");
    assert_eq!(files(&new).len(), 1);
    std::fs::remove_file(new.join("mine")).unwrap();
    restore(&file, &new, LogId([2; 16]), &mut ()).unwrap();
    assert!(check(&new, &mut ()).unwrap().is_sound());
}

#[test]
fn a_damaged_directory_gives_no_backup_and_says_so_in_its_bytes() {
    let (directory, place) = (left_behind(), Place::new());
    let store = directory.path().join("store.redb");
    flip_all(&store, b"orders-dead", 0);
    let mut bytes = Vec::new();
    let opened = Directory::open(directory.path()).unwrap();
    let taken = backup::write_directory(&opened, origin(), &mut |piece| {
        bytes.extend_from_slice(&piece);
        Ok(())
    });
    assert!(taken.unwrap_err().to_string().contains("table queues"));
    std::fs::write(place.of("backup"), bytes).unwrap();
    let refused = verify(&place.of("backup"), &mut ()).unwrap_err().to_string();
    assert!(refused.contains("not whole") && refused.contains("table queues"), "{refused}");
    let full = |_| Err(io::Error::from(io::ErrorKind::StorageFull));
    let directory = left_behind();
    let opened = Directory::open(directory.path()).unwrap();
    assert!(backup::write_directory(&opened, origin(), &mut { full }).is_err());
}
