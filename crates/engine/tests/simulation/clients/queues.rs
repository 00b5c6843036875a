//! Queues, their settings, tags and permissions, and documents.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, DocumentWrite, ExpectedRevision};
use millpond_core::name::{AccountId, QueueName, Region};
use millpond_core::queue::{
    AttributePatch, Policy, PolicyStatement, RedriveAllowPolicy, RedrivePolicy, Tags,
};
use millpond_engine::step::Wait;

use super::{About, What};
use crate::oracle::{Change, LABELS, Query};
use crate::support::{create, find, key};
use crate::topology::QUEUES;
use crate::world::{Halt, World};

const NOW: Wait = Wait::Secs(0);
const COLLECTION: &str = "stack";

fn creation(queue: usize) -> Command {
    let kind = &QUEUES[queue];
    let patch = AttributePatch {
        retention_secs: Some(kind.retention_secs),
        fifo_queue: kind.fifo.then_some(true),
        content_based_deduplication: kind.fifo.then_some(kind.content_based),
        ..AttributePatch::default()
    };
    create(kind.name, patch)
}

fn document(number: usize) -> DocumentKey {
    DocumentKey { collection: COLLECTION.to_owned(), name: ["one", "two", "three"][number].to_owned() }
}

impl World {
    pub(crate) fn create_queue(&mut self, queue: usize) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        self.ask(known, What::Plain, creation(queue), NOW, About::Change(Change::Create(queue))).map(drop)
    }

    pub(crate) fn delete_queue(&mut self, queue: usize) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        let command = Command::DeleteQueue { key: key(QUEUES[queue].name) };
        if self.ask(known, What::DeleteQueue, command, NOW, About::Change(Change::Delete(queue)))? {
            self.oracle.asks_to_empty(known);
            self.forget_tasks(queue);
        }
        Ok(())
    }

    pub(crate) fn purge(&mut self, queue: usize) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        let command = Command::PurgeQueue { key: key(QUEUES[queue].name) };
        if self.ask(known, What::Purge, command, NOW, About::Query(Query::Exists(queue)))? {
            self.oracle.asks_to_empty(known);
            if self.service().is_checkpointing() {
                self.marks.fire("a checkpoint raced a purge");
            }
        }
        Ok(())
    }

    /// Keeping to the waiting rules of Amazon SQS.
    pub(crate) fn ask_paced(&mut self, queue: usize) -> Result<(), Halt> {
        let deciding = self.deciding();
        let ends = |since: millpond_core::time::Timestamp| since.plus_secs(60);
        let is_open = self
            .oracle
            .catalogues
            .all()
            .flat_map(|catalogue| catalogue.waits())
            .any(|since| deciding.earliest < ends(since) && ends(since) <= deciding.latest);
        if is_open {
            return Ok(());
        }
        let known = self.oracle.asks(queue);
        let key = key(QUEUES[queue].name);
        let (command, what, about) = match self.random.u8(..5) {
            0 => (Command::DeleteQueue { key }, What::DeleteQueue, About::Paced(Change::Delete(queue))),
            1..3 => (creation(queue), What::Plain, About::Paced(Change::Create(queue))),
            _ => (Command::PurgeQueue { key }, What::Purge, About::PacedPurge),
        };
        let empties = !matches!(what, What::Plain);
        if self.ask(known, what, Command::Paced(Box::new(command)), NOW, about)? && empties {
            self.oracle.asks_to_empty(known);
            self.forget_tasks(queue);
        }
        Ok(())
    }

    /// All queues go.
    pub(crate) fn reset(&mut self) -> Result<(), Halt> {
        let known = self.oracle.asks(0);
        if self.ask(known, What::Reset, Command::Reset, NOW, About::Change(Change::Reset))? {
            for queue in 0..QUEUES.len() {
                self.oracle.asks_to_empty(crate::oracle::Known { queue, ..known });
                self.forget_tasks(queue);
            }
        }
        Ok(())
    }

    fn asks_query(&mut self, queue: usize, command: Command, query: Query) -> Result<(), Halt> {
        let known = self.oracle.asks(queue);
        self.ask(known, What::Plain, command, NOW, About::Query(query)).map(drop)
    }

    pub(crate) fn find(&mut self, queue: usize) -> Result<(), Halt> {
        self.asks_query(queue, find(QUEUES[queue].name), Query::Exists(queue))
    }

    pub(crate) fn describe(&mut self, queue: usize) -> Result<(), Halt> {
        self.expire_at_rest()?;
        let known = self.oracle.asks(queue);
        let deciding = self.deciding();
        let bounds = self.oracle.bounds(queue, deciding);
        let hidden = self.oracle.hidden(queue, deciding);
        let command = Command::DescribeQueue { key: key(QUEUES[queue].name) };
        let about = About::Query(Query::Describe(queue));
        self.ask(known, What::Describe { bounds, hidden }, command, NOW, about).map(drop)
    }

    pub(crate) fn describe_all(&mut self) -> Result<(), Halt> {
        let command = Command::DescribeQueues { after: None, limit: 20 };
        self.asks_query(0, command, Query::DescribeAll)
    }

    pub(crate) fn set_attributes(&mut self, queue: usize) -> Result<(), Halt> {
        let kind = &QUEUES[queue];
        let mut patch = AttributePatch::default();
        match self.random.u8(..8) {
            0 => patch.visibility_timeout_secs = Some(self.random.u32(..60)),
            1 => patch.receive_wait_secs = Some(self.random.u32(..20)),
            2 if self.random.bool() => {
                patch.maximum_message_bytes = Some([1_024, 1_048_576][self.random.usize(..2)]);
            }
            2 if !kind.fifo => patch.delay_secs = Some(self.random.u32(..8)),
            3 if queue == 2 => patch.retention_secs = Some(self.random.u32(60..90)),
            4 if kind.dead_letters.is_none() => patch.redrive_allow = Some(self.draw_allowance()),
            _ => {
                let target = kind.dead_letters.filter(|_| self.random.u8(..5) > 0);
                let max_receive_count = self.random.u32(1..4);
                let policy = target
                    .map(|target| RedrivePolicy { target: key(QUEUES[target].name), max_receive_count });
                if let Some(target) = target {
                    self.oracle.may_redrive(queue, target, max_receive_count);
                }
                patch.redrive = Some(policy);
            }
        }
        if let Some(secs) = patch.retention_secs {
            self.oracle.may_retain(queue, secs);
        }
        let known = self.oracle.asks(queue);
        let attributes = Box::new(patch);
        let command = Command::SetQueueAttributes { key: key(kind.name), attributes: attributes.clone() };
        self.ask(known, What::Plain, command, NOW, About::Change(Change::Set(queue, attributes))).map(drop)
    }

    fn draw_allowance(&mut self) -> Option<RedriveAllowPolicy> {
        match self.random.u8(..5) {
            0 => Some(RedriveAllowPolicy::DenyAll),
            1 => Some(RedriveAllowPolicy::AllowAll),
            2 => Some(RedriveAllowPolicy::ByQueue(vec![key(QUEUES[1].name), key(QUEUES[4].name)])),
            _ => None,
        }
    }

    pub(crate) fn tag(&mut self, queue: usize) -> Result<(), Halt> {
        let key = key(QUEUES[queue].name);
        let label = ["team", "cost", "stage"][self.random.usize(..3)].to_owned();
        let (command, change) = if self.random.u8(..3) > 0 {
            let tags = Tags::from([(label, self.random.u8(..3).to_string())]);
            (Command::TagQueue { key, tags: tags.clone() }, Change::Tag(queue, tags))
        } else {
            let keys = vec![label];
            (Command::UntagQueue { key, keys: keys.clone() }, Change::Untag(queue, keys))
        };
        let known = self.oracle.asks(queue);
        self.ask(known, What::Plain, command, NOW, About::Change(change)).map(drop)
    }

    pub(crate) fn list_tags(&mut self, queue: usize) -> Result<(), Halt> {
        let command = Command::ListQueueTags { key: key(QUEUES[queue].name) };
        self.asks_query(queue, command, Query::Tags(queue))
    }

    pub(crate) fn change_permissions(&mut self, queue: usize) -> Result<(), Halt> {
        let key = key(QUEUES[queue].name);
        let label = format!("label-{}", self.random.usize(..LABELS));
        let (command, change) = if self.random.u8(..3) > 0 {
            let statement =
                PolicyStatement { sid: Some(label.clone()), text: format!("{{\"Sid\":\"{label}\"}}") };
            let policy = Policy { head: "[".to_owned(), statements: vec![statement], tail: "]".to_owned() };
            let permission = Box::new(policy.clone());
            (Command::AddPermission { key, permission }, Change::Permit(queue, policy))
        } else {
            (Command::RemovePermission { key, label: label.clone() }, Change::Revoke(queue, label))
        };
        let known = self.oracle.asks(queue);
        self.ask(known, What::Plain, command, NOW, About::Change(change)).map(drop)
    }

    pub(crate) fn list_queues(&mut self) -> Result<(), Halt> {
        let prefix = ["", "", "d", "dead", "none"][self.random.usize(..5)].to_owned();
        let after = (self.random.u8(..3) == 0).then(|| QUEUES[self.random.usize(..QUEUES.len())].name);
        let limit = self.random.usize(1..7);
        let command = Command::ListQueues {
            account: AccountId::DEFAULT,
            region: Region::default(),
            prefix: prefix.clone(),
            after: after.and_then(QueueName::parse),
            limit,
        };
        self.asks_query(0, command, Query::Names { prefix, after: after.map(str::to_owned), limit })
    }

    pub(crate) fn list_sources(&mut self, queue: usize) -> Result<(), Halt> {
        if self.random.bool() {
            let known = self.oracle.asks(queue);
            let command = Command::ListOrigins { key: key(QUEUES[queue].name) };
            let about = About::Query(Query::Exists(queue));
            return self.ask(known, What::Origins, command, NOW, about).map(drop);
        }
        let command =
            Command::ListDeadLetterSources { key: key(QUEUES[queue].name), after: None, limit: 100 };
        self.asks_query(queue, command, Query::Sources(queue))
    }

    fn draw_expected(&mut self, key: &DocumentKey) -> ExpectedRevision {
        match self.random.u8(..6) {
            0 => ExpectedRevision::Absent,
            1..4 => {
                let catalogue = self.oracle.catalogues.all().next();
                let revision = catalogue.and_then(|catalogue| catalogue.revision(key));
                revision.map_or(ExpectedRevision::Absent, ExpectedRevision::Exactly)
            }
            4 => ExpectedRevision::Exactly(self.random.u64(..20)),
            _ => ExpectedRevision::Any,
        }
    }

    fn draw_write(&mut self, number: usize) -> DocumentWrite {
        let key = document(number);
        let value =
            (self.random.u8(..4) > 0).then(|| Bytes::from(vec![self.random.u8(..); self.random.usize(..60)]));
        DocumentWrite { expected: self.draw_expected(&key), key, value }
    }

    /// One document, or several that go together or not at all.
    pub(crate) fn write_documents(&mut self) -> Result<(), Halt> {
        let known = self.oracle.asks(0);
        let first = self.draw_write(self.random.clone().usize(..3));
        let (command, change) = match (self.random.u8(..3), first) {
            (0, DocumentWrite { key, expected, value: Some(value) }) => (
                Command::PutDocument { key: key.clone(), expected, value: value.clone() },
                Change::Put(key, expected, value),
            ),
            (0, DocumentWrite { key, expected, value: None }) => {
                (Command::RemoveDocument { key: key.clone(), expected }, Change::Remove(key, expected))
            }
            _ => {
                let from = self.random.usize(..3);
                let writes: Vec<DocumentWrite> = (from..3).map(|number| self.draw_write(number)).collect();
                (Command::WriteDocuments { writes: writes.clone() }, Change::Write(writes))
            }
        };
        self.ask(known, What::Write, command, NOW, About::Change(change)).map(drop)
    }

    pub(crate) fn read_documents(&mut self) -> Result<(), Halt> {
        if self.random.bool() {
            let command = Command::ListDocuments { collection: COLLECTION.to_owned() };
            return self.asks_query(0, command, Query::Documents);
        }
        let key = document(self.random.usize(..3));
        self.asks_query(0, Command::GetDocument { key: key.clone() }, Query::Document(key))
    }
}
