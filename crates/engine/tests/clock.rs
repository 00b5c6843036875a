//! The clock of a service, over its restarts.

use millpond_core::outage::{BootReading, NotedReading};
use millpond_core::time::Timestamp;
use millpond_engine::clock::{Clock, SystemClock};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[test]
fn a_clock_that_was_ahead_goes_on_where_it_was() {
    let before = SystemClock::starting(START, None, [0; 16]);
    before.advance(86_400_000);
    let noted = NotedReading { at: before.now(), reading: before.reading() };
    // Time goes on while nobody looks at the clock.
    let seen = before.now();
    let after = SystemClock::starting(START, Some(&noted), [0; 16]);
    assert!(after.now() >= seen);
    let rebooted = NotedReading { reading: BootReading { boot_id: [9; 16], millis: 0 }, ..noted };
    assert!(
        SystemClock::starting(START, Some(&rebooted), [0; 16]).now() < seen,
        "another boot explains nothing"
    );
}
