//! The clients of the simulated service: how they ask, and how they hear what they are answered.
//!
//! What they ask is in one file per subject: messages (`sending.rs`, `receiving.rs`), queues and documents (`queues.rs`),
//! all that moves messages or time (`moving.rs`). What the oracle makes of replies is in `hearing.rs`.

mod hearing;
mod moving;
mod queues;
mod receiving;
mod sending;

use std::collections::BTreeMap;

use millpond_core::command::{Command, NewMessage};
use millpond_core::message::{AttemptKey, Receipt};
use millpond_core::queue::MoveTaskId;
use millpond_core::time::Timestamp;
use millpond_engine::step::{Input, Reply, RequestId, Wait};

use crate::oracle::{Between, Change, Expectation, Known, Moment, Query, Standing};
use crate::topology::QUEUES;
use crate::world::{Halt, World};

pub(crate) use moving::Task;

/// A request that has no reply yet.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) known: Known,
    pub(crate) what: What,
    expectation: Expectation,
    /// For a long poll that found nothing: its deadline.
    pub(crate) parked_until: Option<Timestamp>,
    decided: Between,
}

#[derive(Debug)]
pub(crate) enum What {
    /// The catalogue says all that there is to say.
    Plain,
    Origins,
    /// A document that was expected at a revision that it is not at.
    Write,
    DeleteQueue,
    Purge,
    Reset,
    Describe {
        bounds: (u64, u64),
        hidden: (u64, u64),
    },
    Send {
        /// By id, and whether the message is larger than its queue takes, where that is known.
        ids: Vec<(u128, Option<bool>)>,
        bounds: (u64, u64),
        must_of_all: u64,
    },
    Receive {
        visibility_timeout_secs: u32,
        attempt: Option<AttemptKey>,
        tried: Option<Moment>,
    },
    Delete {
        handles: Vec<(Handle, Standing)>,
    },
    ChangeLease {
        changes: Vec<LeaseChange>,
    },
    StartMove {
        task: MoveTaskId,
    },
    ListMoves {
        must: Vec<MoveTaskId>,
    },
    Clock,
}

/// A receipt in the hands of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    id: u128,
    queue: usize,
    receipt: Receipt,
    /// The life of the service that handed it out.
    life: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseChange {
    handle: Handle,
    standing: Standing,
    end: Timestamp,
}

/// What a command is to the catalogue.
pub(crate) enum About {
    Nothing,
    Query(Query),
    Change(Change),
    /// As a change, keeping to the waiting rules.
    Paced(Change),
    PacedPurge,
}

#[derive(Debug, Default)]
pub(crate) struct Clients {
    pub(crate) asked: BTreeMap<RequestId, Asked>,
    handles: Vec<Handle>,
    next_request: u64,
    next_id: u128,
    next_task: u128,
    tasks: Vec<Task>,
    /// The life in which each message was last handed out.
    handed_out: BTreeMap<u128, u64>,
}

impl Clients {
    /// Requests asked so far.
    pub(crate) const fn requests(&self) -> u64 {
        self.next_request
    }

    /// Receipts that clients hold.
    pub(crate) fn held(&self) -> usize {
        self.handles.len()
    }

    /// Forgets what was handed out, to see what is from now on.
    pub(crate) fn take_handed_out(&mut self) -> BTreeMap<u128, u64> {
        std::mem::take(&mut self.handed_out)
    }

    /// Messages that clients hold.
    pub(crate) fn was_handed_out(&self, id: u128) -> bool {
        self.handed_out.contains_key(&id)
    }
}

/// What clients can do, with how often they do it in ten thousand; each seed favours some.
type Deed = fn(&mut World, usize) -> Result<(), Halt>;
pub(crate) const DEEDS: [(u32, Deed); 24] = [
    (3_000, World::send),
    (2_400, World::receive),
    (1_300, |world, _| world.delete()),
    (700, |world, _| world.change_lease()),
    (300, World::create_queue),
    (90, World::delete_queue),
    (300, World::find),
    (400, World::describe),
    (60, |world, _| world.describe_all()),
    (110, World::purge),
    (120, World::ask_paced),
    (300, World::set_attributes),
    (100, World::tag),
    (100, World::list_tags),
    (120, World::change_permissions),
    (60, |world, _| world.list_queues()),
    (60, World::list_sources),
    (200, |world, _| world.write_documents()),
    (120, |world, _| world.read_documents()),
    (150, World::start_move),
    (80, World::look_after_move),
    (8, |world, _| world.reset()),
    (30, |world, _| world.confirm_clock()),
    (30, |world, _| world.advance_clock()),
];

impl World {
    /// Some client asks something.
    pub(crate) fn ask_something(&mut self) -> Result<(), Halt> {
        let queue = self.random.usize(..QUEUES.len());
        let queue = if self.mood.few_queues { self.mood.favourite } else { queue };
        if self.oracle.catalogues.exists(queue) != Some(true) && self.random.bool() {
            return self.create_queue(queue);
        }
        let deed = self.mood.draw_deed(&mut self.random);
        DEEDS[deed].1(self, queue)
    }

    /// Asks, and answers whether the command was let in.
    fn ask(
        &mut self,
        known: Known,
        what: What,
        command: Command,
        wait: Wait,
        about: About,
    ) -> Result<bool, Halt> {
        if self.mood.has_quotas {
            self.expire_at_rest()?;
        }
        self.clients.next_request += 1;
        let request = RequestId(self.clients.next_request);
        self.note_command(request, &command, wait);
        let now = self.now;
        let service = self.service();
        let (before, reads_before) = (service.engine.stats(), service.happened.backlogs_read);
        let asked_at = service.engine.state().clock().min(now);
        let taken = service.take(now, Input::Request { request, command, wait });
        // The oracle takes a command for decided when it is asked.
        let taken = taken.and_then(|()| service.fetch_what_is_needed(now));
        let denied = matches!(service.replies.back(), Some((last, Reply::Denied(_))) if *last == request);
        let after = service.engine.stats();
        let clock = service.engine.state().clock();
        // A receive that moves dead letters, or has more of a backlog read, may serve another waiter while it becomes one.
        let has_read = service.happened.backlogs_read > reads_before;
        let may_serve = wait != Wait::Secs(0) && (has_read || self.oracle.has_dead_letters(known.queue));
        let is_parked = after.waiters > before.waiters || (may_serve && after.waiters == before.waiters);
        let wait_secs = match wait {
            Wait::Secs(secs) => secs,
            Wait::QueueDefault => self.default_wait_secs(known.queue),
        };
        let parked_until = is_parked.then(|| now.plus_secs(u64::from(wait_secs)));
        let decided = if is_parked {
            Between { earliest: asked_at, latest: Timestamp::MAX }
        } else if after.events > before.events {
            Between { earliest: clock, latest: clock }
        } else {
            Between { earliest: clock, latest: clock.max(now) }
        };
        let expectation = if denied { Vec::new() } else { self.expect(known, about, decided.latest) };
        self.oracle.pending_receives += u64::from(matches!(what, What::Receive { .. }));
        self.clients.asked.insert(request, Asked { known, what, expectation, parked_until, decided });
        taken.map_err(Halt::Died)?;
        Ok(!denied)
    }

    /// What the catalogue says of a command that was let in.
    fn expect(&mut self, known: Known, about: About, at: Timestamp) -> Expectation {
        let catalogues = &mut self.oracle.catalogues;
        match about {
            About::Nothing => Vec::new(),
            About::Query(query) => catalogues.asks(&query),
            About::Change(change) => catalogues.asks_to_change(known.asked, change),
            About::Paced(change) => {
                catalogues.asks_to_change(known.asked, Change::Paced(Box::new(change), at))
            }
            About::PacedPurge => catalogues.asks_to_change(known.asked, Change::PacedPurge(known.queue, at)),
        }
    }

    /// The longest wait that a receive without one can have.
    fn default_wait_secs(&self, queue: usize) -> u32 {
        let attributes = self.oracle.catalogues.all().filter_map(|catalogue| catalogue.attributes(queue));
        attributes.map(|attributes| attributes.receive_wait_secs).max().unwrap_or(0)
    }

    /// Payloads would make up most of a trace, and their messages are named.
    fn note_command(&mut self, request: RequestId, command: &Command, wait: Wait) {
        if let Command::Send { key, messages } = command {
            let name = |message: &NewMessage| {
                (message.id, message.size_bytes, message.delay_secs, message.group, message.deduplication)
            };
            let messages: Vec<_> = messages.iter().map(name).collect();
            self.note(&(request, "send", &key.name, messages));
        } else {
            self.note(&(request, command, wait));
        }
    }

    /// Between which times a command is decided that leads to no event and is asked now.
    fn deciding(&mut self) -> Between {
        let now = self.now;
        let clock = self.service().engine.state().clock();
        Between { earliest: clock.min(now), latest: clock.max(now) }
    }

    /// A waiting caller goes away.
    pub(crate) fn close_one(&mut self) -> Result<(), Halt> {
        let mut requests = self.clients.asked.iter().filter(|(_, asked)| asked.parked_until.is_some());
        let Some(request) = requests.next().map(|(request, _)| *request) else { return Ok(()) };
        if let Some(asked) = self.clients.asked.remove(&request) {
            self.never_hears(&asked);
        }
        self.marks.fire("a waiting caller went away");
        let now = self.now;
        self.service().take(now, Input::Closed { request }).map_err(Halt::Died)
    }

    /// Whoever waits for a reply will never know.
    pub(crate) fn forget_asked(&mut self) {
        for asked in std::mem::take(&mut self.clients.asked).into_values() {
            self.never_hears(&asked);
        }
    }

    fn never_hears(&mut self, asked: &Asked) {
        if let What::Receive { .. } = asked.what {
            self.oracle.receive_ended(asked.known.asked);
            self.oracle.pending_receives -= 1;
            let fifo = QUEUES[asked.known.queue].fifo.then_some(asked.known.queue);
            self.oracle.never_sees_receive(fifo);
        }
    }
}
