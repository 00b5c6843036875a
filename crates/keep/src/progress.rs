//! How far the work is, for whoever watches it.

/// Who is told how far the work is.
pub trait Progress {
    /// `done` pieces of `what` are done; `total`, where it is known.
    fn at(&mut self, what: &'static str, done: u64, total: Option<u64>);
}

/// Nobody watches.
impl Progress for () {
    fn at(&mut self, _: &'static str, _: u64, _: Option<u64>) {}
}
