//! What a service may hold in memory, added up as `docs/operations.md` does.

use millpond_server::Limits;

use super::*;

/// What is known of a message, without its payload; the same page tells it.
const MESSAGE_BYTES: usize = 300;
const MOST_BYTES: usize = 400 << 20;

#[test]
fn all_that_is_bounded_by_bytes_fits_into_a_small_machine() {
    let (server, engine, store) = (Limits::default(), EngineConfig::default(), RedbConfig::default());
    let requests = server.bodies_total_bytes + UNDER_WAY_LIMIT_BYTES + engine.limits.pending_bytes;
    let replies = engine.limits.reply_bytes + UNDER_WAY_LIMIT_BYTES;
    let messages = engine.cache_bytes + engine.messages_in_memory * MESSAGE_BYTES;
    let together = requests + replies + messages + store.cache_bytes;
    assert!(together < MOST_BYTES, "{} MiB", together >> 20);
    assert_eq!(together >> 20, 388, "docs/operations.md says so, each part rounded up");
}
