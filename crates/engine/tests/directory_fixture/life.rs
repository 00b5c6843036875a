//! A service on a directory, whose clock stands still unless it is put forward.

use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::outcome::Outcome;
use millpond_core::time::Timestamp;
use millpond_engine::step::{EngineConfig, Input, Reply, RequestId, Wait};
use millpond_log::{Disk, LogConfig, LogId, SegmentLog};
use millpond_store::{RedbConfig, RedbStore};

use crate::support::outcome;
use crate::support::service::Service;

/// Small files, so that several segments fit into a fixture.
pub(crate) fn log_config() -> LogConfig {
    LogConfig {
        segment_bytes: 32 << 10,
        budget_bytes: 1 << 20,
        block_bytes: 512,
        ready_segments: 1,
        recycled_segments_max: 0,
        ..LogConfig::default()
    }
}

pub(crate) struct Life {
    pub(crate) service: Service,
    pub(crate) now: Timestamp,
    next_request: u64,
}

impl Life {
    pub(crate) fn open(disk: Arc<dyn Disk>, now: Timestamp) -> Self {
        let (log, _) = SegmentLog::open_inline(disk.clone(), log_config(), LogId([5; 16])).unwrap();
        let store = RedbStore::open(disk, RedbConfig { cache_bytes: 1 << 20 }).unwrap();
        let config = EngineConfig::default();
        let service = Service::open(Box::new(log), Box::new(store), config, now).unwrap();
        let mut life = Self { service, now, next_request: 1 };
        life.service.settle(now).unwrap();
        life
    }

    pub(crate) fn pass_secs(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
        self.service.turn(self.now, true).unwrap();
        self.service.settle(self.now).unwrap();
    }

    pub(crate) fn reply(&mut self, command: Command) -> Reply {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.service.take(self.now, Input::Request { request, command, wait: Wait::Secs(0) }).unwrap();
        self.service.settle(self.now).unwrap();
        self.service.take_reply(request).unwrap()
    }

    pub(crate) fn carry(&mut self, command: Command) -> Outcome {
        outcome(&self.reply(command)).clone()
    }

    /// Everything so far goes into the store.
    pub(crate) fn checkpoint(&mut self) {
        self.service.checkpoint(self.service.engine.durable()).unwrap();
        self.service.hear_of_checkpoint(self.now).unwrap();
        self.service.settle(self.now).unwrap();
    }
}
