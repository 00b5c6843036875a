//! CPU accounting: read past any command name, and in agreement with the work done.

use super::*;

#[test]
fn ticks_are_found_behind_any_command_name() {
    let stat = "77 (a) b (c) 9 9) S 1 77 77 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 5 0 1000 1 1\n";
    assert_eq!(ticks_of(stat), Some(281));
    assert_eq!(ticks_of("77 (name) S 1"), None);
    assert_eq!(ticks_of(""), None);
}

#[test]
fn own_time_grows_with_work_and_agrees_with_the_kernels_ticks() {
    let before = own();
    let mut value = 1_u64;
    while own() - before < Duration::from_millis(50) {
        value = std::hint::black_box(value.wrapping_mul(31));
    }
    let seen = of_process(std::process::id()).unwrap();
    assert!(seen + Duration::from_millis(20) >= Duration::from_millis(50));
}

#[test]
fn a_process_that_is_not_there_is_an_error() {
    assert!(of_process(u32::MAX).is_err());
}
