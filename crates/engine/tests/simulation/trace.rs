//! What happened in a run, as one number, and as lines for people who ask for them.

use std::fmt::{self, Debug, Write};

/// Fowler–Noll–Vo, over words.
const PRIME: u64 = 0x0100_0000_01b3;

#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: u64,
    /// The last bytes, until they fill a word.
    word: u64,
    filled: u32,
    shown: bool,
}

impl Trace {
    pub(crate) const fn new(shown: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, word: 0, filled: 0, shown }
    }

    /// Makes something part of the trace.
    pub(crate) fn note(&mut self, step: u64, what: &dyn Debug) {
        if self.shown {
            println!("{step:>5} {what:?}");
        }
        let written = write!(self, "{step} {what:?}");
        debug_assert!(written.is_ok(), "a trace takes everything");
    }

    pub(crate) const fn finish(&self) -> u64 {
        (self.hash ^ self.word).wrapping_mul(PRIME)
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.word = (self.word << 8) | u64::from(byte);
            self.filled += 1;
            if self.filled == 8 {
                self.hash = (self.hash ^ self.word).wrapping_mul(PRIME);
                (self.word, self.filled) = (0, 0);
            }
        }
        Ok(())
    }
}
