//! Random bits for ids, from the operating system.
//!
//! Each thread keeps a small store, so that an id does not cost a system call.

use std::cell::RefCell;

const IDS: usize = 256;

struct Reserve {
    bytes: [u8; 16 * IDS],
    used: usize,
}

thread_local! {
    static RESERVE: RefCell<Reserve> = const { RefCell::new(Reserve { bytes: [0; 16 * IDS], used: 16 * IDS }) };
}

/// 128 bits that no one can foresee.
pub(crate) fn draw() -> u128 {
    RESERVE.with_borrow_mut(|reserve| {
        if reserve.used == reserve.bytes.len() {
            getrandom::fill(&mut reserve.bytes).expect("the operating system gives random bytes");
            reserve.used = 0;
        }
        let start = reserve.used;
        reserve.used += 16;
        let mut id = [0; 16];
        id.copy_from_slice(&reserve.bytes[start..start + 16]);
        u128::from_le_bytes(id)
    })
}
