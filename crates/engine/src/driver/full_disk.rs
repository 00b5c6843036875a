//! What operators are told of checkpoints that find no space: when that begins, once a minute while it lasts, when it ends.
//!
//! It only decides what is worth telling; a full disk is seen by whoever tries to write.

use millpond_core::time::Timestamp;

use crate::checkpoint::CheckpointError;

/// While a disk stays full, that is told again after this time.
const AGAIN_MILLIS: u64 = 60_000;

/// The run of checkpoints that found no space, if one is going on.
#[derive(Debug, Default)]
pub(super) struct FullDisk {
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    began_at: Timestamp,
    told_at: Timestamp,
    attempts: u64,
}

/// Something to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// A checkpoint found no space, and the one before it did.
    Begins,
    /// So many checkpoints have found no space, over so many seconds.
    GoesOn { attempts: u64, secs: u64 },
    /// A checkpoint found space again, after so many that did not.
    Ends { attempts: u64, secs: u64 },
}

impl FullDisk {
    /// A checkpoint found no space, as `error` says: tells what is worth telling.
    pub(super) fn warn_no_space(&mut self, now: Timestamp, error: &CheckpointError) {
        match self.no_space(now) {
            Some(News::Begins) => tracing::warn!(
                %error,
                "a checkpoint has to wait for space; it is tried again every second, and told once a minute"
            ),
            Some(News::GoesOn { attempts, secs }) => {
                tracing::warn!(%error, attempts, secs, "checkpoints still wait for space");
            }
            Some(News::Ends { .. }) | None => {}
        }
    }

    /// A checkpoint was written: tells if that ends a run.
    pub(super) fn warn_written(&mut self, now: Timestamp) {
        if let Some(News::Ends { attempts, secs }) = self.written(now) {
            tracing::warn!(attempts, secs, "a checkpoint found space again; nothing is lost");
        }
    }

    fn no_space(&mut self, now: Timestamp) -> Option<News> {
        let Some(run) = &mut self.run else {
            self.run = Some(Run { began_at: now, told_at: now, attempts: 1 });
            return Some(News::Begins);
        };
        run.attempts += 1;
        if now.millis_since(run.told_at) < AGAIN_MILLIS {
            return None;
        }
        run.told_at = now;
        Some(News::GoesOn { attempts: run.attempts, secs: now.millis_since(run.began_at) / 1_000 })
    }

    fn written(&mut self, now: Timestamp) -> Option<News> {
        let run = self.run.take()?;
        Some(News::Ends { attempts: run.attempts, secs: now.millis_since(run.began_at) / 1_000 })
    }
}

#[cfg(test)]
mod tests;
