//! What is written over a directory shows, and the directory stays as it is.
#![allow(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use super::*;
use crate::real_disk::RealDisk;

#[test]
fn writes_show_through_and_never_reach_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..10_000u32).map(|index| (index % 251) as u8).collect();
    std::fs::write(directory.path().join("file"), &content).unwrap();
    let disk = OverlayDisk::open(directory.path()).unwrap();
    let mut expected = content.clone();
    let mut random = fastrand::Rng::with_seed(7);
    let file = disk.open("file").unwrap();
    for _ in 0..400 {
        let from = random.usize(..expected.len() + 50);
        let data: Vec<u8> = (0..random.usize(1..6_000)).map(|_| random.u8(..)).collect();
        match random.u8(..5) {
            0 => {
                file.set_len(from as u64).unwrap();
                expected.resize(from, 0);
            }
            1..3 => {
                file.write_at(from as u64, &data).unwrap();
                expected.resize(expected.len().max(from + data.len()), 0);
                expected[from..from + data.len()].copy_from_slice(&data);
            }
            _ => {
                let mut read = vec![1; expected.len()];
                disk.open("file").unwrap().read_at(0, &mut read).unwrap();
                assert!(read == expected);
                assert!(file.read_at(1, &mut read).is_err(), "it ends before");
            }
        }
        if expected.is_empty() {
            expected = content.clone();
            file.write_at(0, &content).unwrap();
        }
    }
    disk.create("new").unwrap().write_at(3, b"x").unwrap();
    disk.rename("new", "other").unwrap();
    disk.remove("file").unwrap();
    assert_eq!(disk.list().unwrap(), ["other"]);
    assert!(std::fs::read(directory.path().join("file")).unwrap() == content);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no file came, not even a lock");
}

#[test]
fn a_directory_that_is_in_use_is_refused_with_its_holder() {
    let directory = tempfile::tempdir().unwrap();
    let disk = OverlayDisk::open(directory.path()).unwrap();
    drop(disk.lock().unwrap());
    let held = RealDisk::open(directory.path()).unwrap().lock().unwrap();
    let refused = disk.lock().unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    drop(held);
    let ours = disk.lock().unwrap();
    drop(disk.lock().unwrap());
    assert!(RealDisk::open(directory.path()).unwrap().lock().is_err(), "a service waits for us as well");
    drop(ours);
}
