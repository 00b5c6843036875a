//! Clocks that jump: what the boot clock does not account for takes no message away, and says so until it is confirmed.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::limits;
use millpond_core::outage::{BootReading, ExpiryHold, HoldReason};
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;

use crate::support::{Machine, START, reading};

const DAY_SECS: u64 = 86_400;

/// A machine that was begun, and has a message that is kept for a minute.
fn with_short_message() -> Machine {
    let attributes = AttributePatch { retention_secs: Some(60), ..Default::default() };
    let mut machine = Machine::with_settings("orders", attributes);
    machine.begin(reading(START));
    machine.send("orders", 1);
    machine
}

/// Starts again at a time, the boot clock having gone on by `boot_millis` since the start.
fn begin_at(machine: &mut Machine, now: Timestamp, boot_millis: u64) {
    machine.now = now;
    machine.begin(BootReading { millis: START.as_millis() + boot_millis, ..reading(START) });
}

fn hold(machine: &Machine) -> ExpiryHold {
    machine.state.instance().expiry_hold.unwrap()
}

fn confirm(machine: &mut Machine) -> (Option<ExpiryHold>, bool) {
    match machine.run(Command::ConfirmClock) {
        Outcome::ExpiryHold { hold, confirmed } => (hold, confirmed),
        other => panic!("not confirmed: {other:?}"),
    }
}

#[test]
fn a_clock_that_was_set_forward_holds_expiry_for_as_long_as_it_jumped() {
    let mut machine = with_short_message();
    let now = START.plus_secs(10 * DAY_SECS);
    begin_at(&mut machine, now, 5_000);
    let until = now.plus_millis(10 * DAY_SECS * 1_000 - 5_000);
    let expected = ExpiryHold { from: START, up_at: now, until, reason: HoldReason::ClockJump };
    assert_eq!(hold(&machine), expected);
    machine.advance_secs(9 * DAY_SECS);
    assert_eq!(machine.expire("orders"), 0);
    machine.now = until;
    assert_eq!(machine.expire("orders"), 1, "it lets go by itself");
}

#[test]
fn time_that_the_boot_clock_accounts_for_is_an_outage_with_its_grace() {
    let mut machine = with_short_message();
    let now = START.plus_secs(10 * DAY_SECS);
    begin_at(&mut machine, now, 10 * DAY_SECS * 1_000);
    assert_eq!(hold(&machine).reason, HoldReason::Outage);
    assert_eq!(hold(&machine).until, now.plus_secs(limits::EXPIRY_GRACE_SECS));
}

#[test]
fn after_a_reboot_an_hour_needs_no_explanation_and_more_does() {
    let rebooted = BootReading { boot_id: [9; 16], millis: 1 };
    for (secs, reason) in
        [(limits::CLOCK_JUMP_SECS, HoldReason::Outage), (limits::CLOCK_JUMP_SECS + 1, HoldReason::ClockJump)]
    {
        let mut machine = with_short_message();
        machine.advance_secs(secs);
        machine.begin(rebooted);
        assert_eq!(hold(&machine).reason, reason, "{secs}");
        assert!(hold(&machine).until >= machine.now.plus_secs(limits::EXPIRY_GRACE_SECS));
    }
}

#[test]
fn a_confirmed_clock_leaves_the_grace() {
    let mut machine = with_short_message();
    let now = START.plus_secs(10 * DAY_SECS);
    begin_at(&mut machine, now, 0);
    machine.advance_secs(60);
    let (held, confirmed) = confirm(&mut machine);
    assert!(confirmed);
    let grace_end = now.plus_secs(limits::EXPIRY_GRACE_SECS);
    assert_eq!(held.map(|hold| (hold.until, hold.reason)), Some((grace_end, HoldReason::Outage)));
    assert_eq!(machine.expire("orders"), 0);
    machine.now = grace_end;
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn a_clock_confirmed_after_the_grace_lets_go_at_once() {
    let mut machine = with_short_message();
    begin_at(&mut machine, START.plus_secs(10 * DAY_SECS), 0);
    machine.advance_secs(DAY_SECS);
    assert!(confirm(&mut machine).1);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn an_outage_while_the_clock_is_in_doubt_has_its_own_grace_when_that_is_confirmed() {
    let mut machine = with_short_message();
    let jumped_at = START.plus_secs(10 * DAY_SECS);
    begin_at(&mut machine, jumped_at, 0);
    let now = jumped_at.plus_secs(2 * limits::EXPIRY_GRACE_SECS);
    begin_at(&mut machine, now, 2_000 * limits::EXPIRY_GRACE_SECS);
    assert!(confirm(&mut machine).1);
    assert_eq!(machine.expire("orders"), 0);
    assert_eq!(hold(&machine).until, now.plus_secs(limits::EXPIRY_GRACE_SECS));
}

#[test]
fn there_is_nothing_to_confirm_in_an_outage_or_without_one() {
    let mut machine = with_short_message();
    assert_eq!(
        machine.run_without_effect(Command::ConfirmClock),
        Outcome::ExpiryHold { hold: None, confirmed: false }
    );
    begin_at(&mut machine, START.plus_secs(100), 100_000);
    let hold = Some(hold(&machine));
    assert_eq!(
        machine.run_without_effect(Command::ConfirmClock),
        Outcome::ExpiryHold { hold, confirmed: false }
    );
}

#[test]
fn a_restart_while_the_clock_is_in_doubt_confirms_nothing() {
    let mut machine = with_short_message();
    let now = START.plus_secs(10 * DAY_SECS);
    begin_at(&mut machine, now, 0);
    let before = hold(&machine);
    begin_at(&mut machine, now.plus_secs(5), 5_000);
    let after = hold(&machine);
    assert_eq!((after.from, after.until, after.reason), (before.from, before.until, before.reason));
}

#[test]
fn messages_past_their_retention_are_counted_while_they_are_kept() {
    let mut machine = with_short_message();
    machine.advance_secs(30);
    machine.send("orders", 2);
    assert_eq!(machine.describe("orders").outlived, 0);
    begin_at(&mut machine, START.plus_secs(70), 70_000);
    assert_eq!(machine.describe("orders").outlived, 1);
    machine.advance_secs(20);
    assert_eq!(machine.describe("orders").outlived, 3);
    machine.advance_secs(limits::EXPIRY_GRACE_SECS);
    assert_eq!(machine.describe("orders").outlived, 0, "they are expired now, not kept");
}

#[test]
fn the_clock_is_noted_when_the_last_batch_is_old_and_there_is_something_to_lose() {
    let note = |now, stopping| Command::NoteClock { reading: reading(now), stopping };
    let mut machine = with_short_message();
    machine.advance_secs(29 * 60);
    machine.run_without_effect(note(machine.now, false));
    machine.advance_secs(60);
    let (events, _) = machine.run_unsettled(note(machine.now, false));
    assert_eq!(events, [Event::ClockNoted { reading: reading(machine.now) }]);
    machine.run_without_effect(note(machine.now, true));
    machine.advance_secs(1);
    assert_eq!(machine.run_unsettled(note(machine.now, true)).0.len(), 1);
    let mut empty = Machine::with_queue("orders");
    empty.advance_secs(DAY_SECS);
    empty.run_without_effect(note(empty.now, true));
}

#[test]
fn a_jump_that_was_asked_for_is_explained_at_the_next_start() {
    let mut machine = with_short_message();
    machine.advance_secs(10 * DAY_SECS);
    // The boot clock has gone on by a second, the rest was a jump.
    let now = machine.now;
    let jumped = BootReading { millis: START.as_millis() + 1_000, ..reading(START) };
    assert_eq!(machine.run(Command::NoteJump { reading: jumped }), Outcome::Done);
    assert_eq!(machine.state.clock(), now);
    begin_at(&mut machine, now.plus_secs(5), 6_000);
    assert_eq!(hold(&machine).reason, HoldReason::Outage, "the clock is not in doubt");
}
