//! Faults: what is planned, what each may lead to, and the end of a service that dies of one.
//!
//! [`FAULTS`] is the whole list. An outcome that it does not allow is a broken promise.

use std::io::ErrorKind;

use millpond_log::Disk;
use millpond_store::RedbStore;

use super::{Halt, World};
use crate::support::service::Died;
use crate::topology::SEGMENT_BYTES;

/// A fault and the outcomes that are allowed after it, for people. What is not named here is not allowed.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) allowed: &'static str,
}

const fn fault(name: &'static str, what: &'static str, allowed: &'static str) -> Fault {
    Fault { name, what, allowed }
}

/// Every fault there is.
pub(crate) const FAULTS: [Fault; 13] = [
    fault(
        "power cut",
        "each sector and each name that is not synced is kept or lost by itself; another boot follows",
        "what had no reply is there or not, in the order it was asked; all else is there",
    ),
    fault("kill", "the process ends; what was written stays", "the same"),
    fault("cut in a call", "the power goes in the middle of a call that changes the disk", "the same"),
    fault("crash in recovery", "the same, while the service comes up", "the same, after one start more"),
    fault(
        "failing call",
        "a write, sync or rename fails; a failed sync has lost what it was to write",
        "the service ends; all that had a reply is there after the next start",
    ),
    fault(
        "full disk",
        "what would need more space fails, also in part",
        "commands are refused as retryable, checkpoints wait, reads go on; all goes on when space is back",
    ),
    fault("slow disk", "the log makes no progress for a while", "replies wait"),
    fault("reordered reads", "reads of bodies end in another order", "nothing shows"),
    fault(
        "bit flip",
        "one bit of a file of the log or of a payload file changes on the medium",
        "a body is never served with it: its message is taken out and told, or the service ends or is refused with the \
         place; a message that can't be read is left out of its reply and comes again, counted, perhaps behind others of \
         its group; behind what later frames prove durable, the end of the log may be cut. Then the run ends",
    ),
    fault(
        "lying sync",
        "syncs answer yes and do nothing",
        "nothing before a power cut; then a refused start, or a loss. Then the run ends",
    ),
    fault(
        "wall clock set",
        "the wall clock goes forward or back while the service is down",
        "time of the service never goes back; what would expire in time that nothing explains is kept",
    ),
    fault(
        "suspended machine",
        "hours pass at once, and the boot clock has seen them",
        "messages expire as they should",
    ),
    fault(
        "clock put forward",
        "a test puts the clock of the service forward",
        "the same, also after a restart",
    ),
];

/// What is planned and under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    failing_calls: Vec<u64>,
    /// The step in which space comes back.
    full_until: Option<u64>,
    honest_from: Option<u64>,
    pub(super) flipped: bool,
    pub(super) lied: bool,
}

impl Faults {
    pub(super) const fn is_full(&self) -> bool {
        self.full_until.is_some()
    }

    /// The disk has space again; answers whether it had none.
    pub(super) const fn take_full(&mut self) -> bool {
        self.full_until.take().is_some()
    }
}

impl World {
    /// Faults that last end.
    pub(super) fn end_faults(&mut self) {
        let step = self.step;
        if self.faults.full_until.is_some_and(|until| until <= step) {
            self.make_space();
        }
        if self.faults.honest_from.is_some_and(|from| from <= step) {
            self.faults.honest_from = None;
            self.disk.set_lying_sync(false);
        }
    }

    /// The power is off: nobody answers, and nobody hears.
    pub(crate) fn is_dark(&self) -> bool {
        self.disk.is_down()
    }

    /// Bodies may be damaged or can't be read.
    pub(crate) const fn has_flipped(&self) -> bool {
        self.faults.flipped
    }

    /// Answers whether there was none.
    pub(super) fn make_space(&mut self) -> bool {
        self.disk.set_capacity_bytes(None);
        self.faults.take_full()
    }

    pub(super) fn plan_fault(&mut self) {
        let (calls, step) = (self.disk.calls(), self.step);
        self.note(&"a fault is planned");
        if self.mood.flips && self.random.u8(..3) == 0 {
            self.flip_a_bit();
            return;
        }
        if self.mood.lies && self.random.u8(..8) == 0 {
            self.disk.set_lying_sync(true);
            self.faults.honest_from = Some(step + self.random.u64(5..100));
            self.faults.lied = true;
            return;
        }
        match self.random.u8(..20) {
            0..7 => self.disk.cut_at_call(calls + self.random.u64(1..=30)),
            7..9 => {
                let call = calls + self.random.u64(1..=8);
                self.faults.failing_calls.push(call);
                self.disk.fail_call(call, ErrorKind::Other);
            }
            9..13 => {
                let room_bytes = self.random.u64(..3 * SEGMENT_BYTES);
                self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + room_bytes));
                self.faults.full_until = Some(step + self.random.u64(40..200));
            }
            13..15 => {
                let millis = self.random.u64(1..3_000);
                let until = self.now.plus_millis(millis);
                self.service().slow_until = until;
                self.marks.fire("the disk was slow");
            }
            15..17 => {
                let millis = self.random.u64(..3 * 3_600_000);
                self.pass(millis);
                self.marks.fire("the machine was suspended");
            }
            _ => {
                let millis = self.random.u64(..400_000);
                self.pass(millis);
            }
        }
    }

    /// Somewhere in the log or in payloads of the store. Damage to the store's own file is for the store's own tests: its engine may abort the process.
    fn flip_a_bit(&mut self) {
        let names = self.disk.list().unwrap_or_default();
        let names: Vec<String> = names.into_iter().filter(|name| name != RedbStore::FILE).collect();
        if names.is_empty() {
            return;
        }
        let name = &names[self.random.usize(..names.len())];
        let content = self.disk.content(name).unwrap_or_default();
        // Zeros are mostly what nobody reads.
        let written: Vec<usize> = (0..content.len()).filter(|at| content[*at] != 0).collect();
        if !written.is_empty() {
            let (offset, bit) = (written[self.random.usize(..written.len())], self.random.u8(..8));
            self.disk.flip_bit(name, offset as u64, bit);
            self.faults.flipped = true;
            self.marks.fire("a bit flipped");
        }
    }

    /// A dead service is restarted, if a fault explains its death.
    pub(super) fn bury(&mut self, died: &Died) -> Result<(), Halt> {
        self.note(died);
        let call_failed = self.faults.failing_calls.iter().any(|call| *call <= self.disk.calls());
        let full = self.faults.is_full() && matches!(died, Died::Checkpoint(_));
        if call_failed {
            self.marks.fire("a call failed and the service died");
        } else if self.faults.flipped && !self.disk.is_down() {
            self.marks.fire("a flipped bit was reported");
            return Err(Halt::Over);
        } else if !self.disk.is_down() && !full {
            return Err(Halt::Broken(format!("the service died without a fault: {died:?}")));
        }
        self.crash()
    }

    /// The power goes, or the process is killed.
    pub(super) fn crash(&mut self) -> Result<(), Halt> {
        let is_cut = self.random.bool() || self.disk.is_down();
        // What was taken out may be durable although nobody has heard of it.
        self.note_quarantined();
        self.end_life();
        if is_cut {
            self.marks.fire("a power cut");
            self.disk.power_cut();
            self.machine.reboot();
        } else {
            self.marks.fire("a process kill");
            self.disk.kill();
        }
        if is_cut && self.faults.lied {
            return self.find_out();
        }
        self.reopen()
    }

    /// Nobody who waits for a reply will ever have one.
    pub(super) fn end_life(&mut self) {
        self.count();
        self.service = None;
        self.faults.failing_calls.clear();
        self.forget_asked();
        if self.oracle.died() > 1 {
            self.marks.fire("a crash left open what had changed");
        }
    }

    /// The power went after syncs that did nothing: the start is refused, or something may be lost.
    fn find_out(&mut self) -> Result<(), Halt> {
        self.disk.set_lying_sync(false);
        self.make_space();
        let opened = self.open();
        self.note(&opened.is_ok());
        let mark = if opened.is_ok() { "a lie went unnoticed" } else { "a lie was found out" };
        self.marks.fire(mark);
        Err(Halt::Over)
    }
}
