//! What is told of a disk that is full for a while.

use super::*;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_000 * (1_000_000 + secs))
}

#[test]
fn the_first_of_a_run_is_told_at_once_and_the_others_once_a_minute() {
    let mut disk = FullDisk::default();
    assert_eq!(disk.no_space(at(0)), Some(News::Begins));
    let told: Vec<(u64, News)> =
        (1..=150).filter_map(|secs| Some((secs, disk.no_space(at(secs))?))).collect();
    let goes_on = |secs, attempts| (secs, News::GoesOn { attempts, secs });
    assert_eq!(told, [goes_on(60, 61), goes_on(120, 121)]);
}

#[test]
fn the_end_of_a_run_is_told_once_with_all_that_failed() {
    let mut disk = FullDisk::default();
    assert_eq!(disk.written(at(0)), None, "it was not full");
    disk.no_space(at(1));
    disk.no_space(at(2));
    assert_eq!(disk.written(at(5)), Some(News::Ends { attempts: 2, secs: 4 }));
    assert_eq!(disk.written(at(6)), None);
}

#[test]
fn a_disk_that_is_full_again_begins_anew() {
    let mut disk = FullDisk::default();
    disk.no_space(at(0));
    disk.written(at(1));
    assert_eq!(disk.no_space(at(2)), Some(News::Begins));
    assert_eq!(disk.no_space(at(61)), None, "a minute counts from there");
    assert_eq!(disk.no_space(at(62)), Some(News::GoesOn { attempts: 3, secs: 60 }));
}
