//! Group commit: many requests, one write, one sync.
//!
//! Requests copy their bytes into the open group under a short lock and wait; one writer thread closes the group,
//! writes and syncs it, and wakes all that are in it, while the next group fills. An [`Appended`] is ready only after
//! the sync that covers its bytes has returned. After a failed write or sync no further group is taken and every
//! waiting and later append fails.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::segments::{SegmentFile, SegmentRing};

/// The side that requests append to.
pub(super) struct GroupCommit {
    open: Mutex<Open>,
    work: Condvar,
    /// All groups below this number are durable.
    durable_below: AtomicU64,
}

struct Open {
    group: Group,
    number: u64,
    writer_waits: bool,
    /// Stopped or failed: no further group is taken.
    ended: bool,
}

#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    waiting: Vec<Waker>,
}

/// The disk has failed or the ceiling is stopping: nothing may be said to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing more is written")]
pub(super) struct NotDurable;

impl GroupCommit {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(GroupCommit {
            open: Mutex::new(Open { group: Group::default(), number: 0, writer_waits: false, ended: false }),
            work: Condvar::new(),
            durable_below: AtomicU64::new(0),
        })
    }

    /// Puts `bytes` into the open group; the result is ready when they are durable.
    pub(super) fn append<'a>(&'a self, bytes: &'a [u8]) -> Appended<'a> {
        Appended { commit: self, bytes, place: None }
    }

    /// No further group is taken; what waits in the open one fails.
    pub(super) fn end(&self) {
        let mut open = self.lock();
        open.ended = true;
        open.group.waiting.drain(..).for_each(Waker::wake);
        self.work.notify_one();
    }

    /// The writer thread's work: groups, one after the other, until [`GroupCommit::end`] or a failed disk.
    pub(super) fn write_groups<F: SegmentFile>(&self, mut segments: SegmentRing<F>) -> io::Result<()> {
        let mut group = Group::default();
        while let Some(number) = self.close_group(&mut group) {
            let written = segments.append_and_sync(&group.bytes);
            if written.is_ok() {
                self.durable_below.store(number + 1, Ordering::Release);
            } else {
                self.end();
            }
            group.waiting.drain(..).for_each(Waker::wake);
            group.bytes.clear();
            written?;
        }
        Ok(())
    }

    /// Waits for bytes, then swaps the open group with the empty `next`. `None` when ended.
    fn close_group(&self, next: &mut Group) -> Option<u64> {
        let mut open = self.lock();
        while !open.ended && open.group.waiting.is_empty() {
            open.writer_waits = true;
            open = self.work.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        open.writer_waits = false;
        if open.ended {
            return None;
        }
        std::mem::swap(&mut open.group, next);
        open.number += 1;
        Some(open.number - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes on their way to the disk. Dropping it does not take them back.
pub(super) struct Appended<'a> {
    commit: &'a GroupCommit,
    bytes: &'a [u8],
    place: Option<Place>,
}

struct Place {
    group: u64,
    waker: Waker,
}

impl Future for Appended<'_> {
    type Output = Result<(), NotDurable>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let commit = this.commit;
        if let Some(place) = &this.place {
            if place.group < commit.durable_below.load(Ordering::Acquire) {
                return Poll::Ready(Ok(()));
            }
            if place.waker.will_wake(context.waker()) && !commit.lock().ended {
                return Poll::Pending;
            }
        }
        let mut open = commit.lock();
        if open.ended {
            return Poll::Ready(Err(NotDurable));
        }
        let group = match &this.place {
            None => {
                open.group.bytes.extend_from_slice(this.bytes);
                open.number
            }
            // The group under way holds the old waker: the new one is woken with the open group, one sync later.
            Some(place) => place.group,
        };
        open.group.waiting.push(context.waker().clone());
        this.place = Some(Place { group, waker: context.waker().clone() });
        let wake_writer = std::mem::take(&mut open.writer_waits);
        drop(open);
        if wake_writer {
            commit.work.notify_one();
        }
        Poll::Pending
    }
}
