//! The service comes up: after a crash, through crashes on the way, and after a stop that somebody asked for.

use std::sync::Arc;

use millpond_core::time::Timestamp;
use millpond_engine::step::Input;
use millpond_log::{Log, LogId, OpenReport, Position, SegmentLog};
use millpond_store::{RedbConfig, RedbStore, Store};

use super::machine::WallJump;
use super::{Halt, World};
use crate::oracle::Broken;
use crate::planted;
use crate::support::service::Service;
use crate::topology::log_config;

/// What a service stands on.
type Parts = (Box<dyn Log>, Box<dyn Store>, OpenReport);

/// A service that is up, and what it found.
pub(super) struct Up {
    service: Service,
    found: Found,
    report: OpenReport,
}

/// What recovery brought back.
struct Found {
    through: Position,
    digest: u64,
    last: Timestamp,
    now: Timestamp,
}

impl World {
    fn open_parts(&mut self) -> Result<Parts, Broken> {
        let disk = planted::disk(Arc::new(self.disk.clone()));
        let (log, report) = SegmentLog::open_inline(disk.clone(), log_config(), LogId([5; 16]))
            .map_err(|error| error.to_string())?;
        let store = RedbStore::open(
            disk,
            RedbConfig { cache_bytes: 16 << 10, payload_file_bytes: 4 << 10, ..RedbConfig::default() },
        )
        .map_err(|error| error.to_string())?;
        Ok((planted::log(Box::new(log)), planted::store(Box::new(store)), report))
    }

    /// One start.
    pub(super) fn open(&mut self) -> Result<Up, Broken> {
        let (log, store, report) = self.open_parts()?;
        let mut found = None;
        let machine = &mut self.machine;
        let service = Service::open_at(log, store, self.config, |state, through| {
            let now = machine.start(state);
            found = Some(Found { through, digest: state.digest(), last: state.clock(), now });
            (now, machine.boot)
        });
        let service = service.map_err(|error| error.to_string())?;
        let found = found.expect("a service that is up was started");
        Ok(Up { service, found, report })
    }

    /// The service comes up again, through crashes on the way.
    pub(super) fn reopen(&mut self) -> Result<(), Halt> {
        self.life += 1;
        let downtime_millis = if self.random.u8(..5) == 0 { 90_000 } else { 2_000 };
        let downtime_millis = self.random.u64(..downtime_millis);
        self.pass(downtime_millis);
        match self.machine.jump(&mut self.random) {
            WallJump::Forward => self.marks.fire("the wall clock was set forward"),
            WallJump::Back => self.marks.fire("the wall clock was set back"),
            WallJump::None => {}
        }
        let crashes = if self.mood.faults > 0 && !self.at_peace { 3 } else { 0 };
        for attempt in 0.. {
            if attempt < crashes && self.random.u8(..3) == 0 {
                self.disk.cut_at_call(self.disk.calls() + self.random.u64(1..=40));
            }
            match self.open() {
                Ok(up) => return self.is_up(up),
                Err(_) if self.disk.is_down() => {
                    self.marks.fire("a crash hit a recovery");
                    self.disk.power_cut();
                    self.machine.reboot();
                    if self.faults.lied {
                        return Err(Halt::Over);
                    }
                }
                Err(_) if self.make_space() => {}
                Err(error) if self.faults.flipped => {
                    self.note(&error);
                    self.marks.fire("a flipped bit was reported");
                    return Err(Halt::Over);
                }
                Err(error) => return Err(Halt::Broken(format!("it can't be opened again: {error}"))),
            }
        }
        Ok(())
    }

    fn is_up(&mut self, up: Up) -> Result<(), Halt> {
        let Up { service, found, report } = up;
        self.note(&(found.through, found.now));
        if self.faults.flipped && self.digests.last_key_value().is_some_and(|(last, _)| found.through < *last)
        {
            // It may be what was durable that was cut: no later frame has proven it.
            self.marks.fire("a flipped bit was cut off");
            return Err(Halt::Over);
        }
        if let Some(torn) = &report.torn {
            self.marks.fire("a torn end was cut");
            if torn.frames > 1 {
                self.marks.fire("whole frames behind a torn one were cut");
            }
        }
        self.check_recovered(&found)?;
        self.now = found.now;
        self.oracle.begins(found.last, found.now);
        self.service = Some(service);
        if self.oracle.outlives(self.now) {
            self.marks.fire("a message outlived its retention because expiry is held");
        }
        if self.oracle.leases(self.now) > 0 {
            self.marks.fire("a restart kept a lease");
        }
        Ok(())
    }

    /// The state that came back is the one that was there at the end of the same batch.
    fn check_recovered(&mut self, found: &Found) -> Result<(), Broken> {
        drop(self.digests.split_off(&found.through.next()));
        let known = self.digests.iter().rev().find_map(|(position, digest)| Some((*position, (*digest)?)));
        let Some((position, digest)) = known else { return Ok(()) };
        let between = self.digests.range(position..).count() as u64;
        let is_complete = found.through.0 - position.0 + 1 == between;
        if is_complete && self.holds_all() && digest != found.digest && !self.watch.oracle_only {
            return Err(format!("the state that came back is not the one of batch {position}"));
        }
        self.digests = self.digests.split_off(&position);
        Ok(())
    }

    /// States can be compared: no message is left to the store alone.
    pub(super) fn holds_all(&self) -> bool {
        self.config.messages_in_memory == usize::MAX
    }

    /// A stop as an operator asks for it. Nothing is lost, and no one is left without a reply.
    pub(super) fn restart(&mut self) -> Result<(), Halt> {
        let now = self.now;
        let waited = self.clients.asked.values().any(|asked| asked.parked_until.is_some());
        let reading = self.machine.boot.reading(now);
        self.service().take(now, Input::Stopping(reading)).map_err(Halt::Died)?;
        self.make_space();
        for _ in 0..3 {
            self.service().settle(now).map_err(Halt::Died)?;
            self.hear()?;
        }
        if self.is_dark() {
            return self.crash();
        }
        if !self.clients.asked.is_empty() {
            return Err(Halt::Broken(format!("after a stop: no reply to {:?}", self.clients.asked)));
        }
        if waited {
            self.marks.fire("a graceful stop answered a waiting receive");
        }
        let engine = &self.service().engine;
        let (durable, digest) = (engine.durable(), engine.state().digest());
        self.oracle.catalogues.stopped();
        self.end_life();
        self.disk.kill();
        self.digests.insert(durable, Some(digest));
        self.reopen()
    }
}
