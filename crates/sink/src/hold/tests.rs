//! What holds about the claims on received messages.

use super::*;

const TIMEOUT: Duration = Duration::from_secs(30);

async fn held(hold: &Arc<Hold>, now: Instant) -> Arc<Held> {
    let room = hold.reserve(1).await;
    hold.hold("handle", 100, room, now)
}

#[tokio::test]
async fn a_lease_is_due_at_half_of_its_timeout_and_again_after_its_renewal() {
    let hold = Hold::new(10, 1_000);
    let start = Instant::now();
    let _held = held(&hold, start).await;
    assert!(hold.due(start + Duration::from_secs(14), TIMEOUT).is_empty());
    let due = hold.due(start + Duration::from_secs(15), TIMEOUT);
    assert_eq!((due.len(), due[0].timeout_secs), (1, 30));
    hold.renewed([due[0].key], start + Duration::from_secs(15));
    assert!(hold.due(start + Duration::from_secs(29), TIMEOUT).is_empty());
    assert_eq!(hold.due(start + Duration::from_secs(30), TIMEOUT).len(), 1);
}

#[tokio::test]
async fn a_lease_is_never_extended_past_twelve_hours() {
    let hold = Hold::new(10, 1_000);
    let start = Instant::now();
    let _held = held(&hold, start).await;
    assert_eq!(hold.due(start + Duration::from_secs(43_190), TIMEOUT)[0].timeout_secs, 10);
    assert!(hold.due(start + Duration::from_secs(43_200), TIMEOUT).is_empty());
    assert_eq!(hold.messages(), 0);
}

#[tokio::test]
async fn what_is_dropped_gives_its_room_and_bytes_back() {
    let hold = Hold::new(2, 150);
    let now = Instant::now();
    let (first, second) = (held(&hold, now).await, hold.reserve(1).await);
    let second = hold.hold("handle", 100, second, now);
    let waits = tokio::time::timeout(Duration::from_millis(20), hold.reserve(1)).await;
    assert!(waits.is_err(), "two messages are all that fits");
    drop(first);
    assert_eq!(hold.messages(), 1);
    drop(hold.reserve(1).await);
    drop(second);
    assert_eq!(*hold.bytes.borrow(), 0);
}
