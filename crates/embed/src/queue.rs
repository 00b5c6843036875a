//! A queue as it is declared: before a service is there, by people.
//!
//! Settings are named as in `millpond.toml`, in snake case and with their units. One that is not given is the default
//! of a new queue, and whatever it is of a queue that is there.

use std::ops::RangeInclusive;
use std::time::Duration;

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::queue::{AttributePatch, QueueAttributes, RedrivePolicy, Tags};

/// A message goes to the dead-letter queue after so many receives, unless it is said otherwise.
pub(crate) const MAX_RECEIVES_DEFAULT: u32 = 10;

/// A setting that is a number.
pub(crate) struct Number {
    /// Its name, unit last.
    pub(crate) name: &'static str,
    pub(crate) range: RangeInclusive<u32>,
    pub(crate) given: fn(&mut AttributePatch) -> &mut Option<u32>,
    pub(crate) current: fn(&QueueAttributes) -> u32,
}

/// All settings that are numbers.
pub(crate) const NUMBERS: [Number; 5] = [
    Number {
        name: "delay_secs",
        range: limits::DELAY_SECS,
        given: |patch| &mut patch.delay_secs,
        current: |attributes| attributes.delay_secs,
    },
    Number {
        name: "maximum_message_bytes",
        range: limits::MAXIMUM_MESSAGE_BYTES,
        given: |patch| &mut patch.maximum_message_bytes,
        current: |attributes| attributes.maximum_message_bytes,
    },
    Number {
        name: "receive_wait_secs",
        range: limits::RECEIVE_WAIT_SECS,
        given: |patch| &mut patch.receive_wait_secs,
        current: |attributes| attributes.receive_wait_secs,
    },
    Number {
        name: "retention_secs",
        range: limits::RETENTION_SECS,
        given: |patch| &mut patch.retention_secs,
        current: |attributes| attributes.retention_secs,
    },
    Number {
        name: "visibility_timeout_secs",
        range: limits::VISIBILITY_TIMEOUT_SECS,
        given: |patch| &mut patch.visibility_timeout_secs,
        current: |attributes| attributes.visibility_timeout_secs,
    },
];

impl Number {
    /// Whether the setting can have the value.
    pub(crate) fn check(&self, value: i64) -> Result<u32, String> {
        let fits = u32::try_from(value).ok().filter(|value| self.range.contains(value));
        let (name, least, most) = (self.name, self.range.start(), self.range.end());
        fits.ok_or_else(|| format!("{name} is from {least} to {most}, not {value}"))
    }
}

/// Where the messages of a queue go that are received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetters {
    pub(crate) queue: String,
    pub(crate) max_receives: u32,
}

/// A queue that is to be there.
///
/// ```
/// use millpond_embed::Queue;
/// use std::time::Duration;
/// let orders = Queue::named("orders").visibility_timeout(Duration::from_secs(120)).dead_letter_queue("failed", 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub(crate) name: String,
    /// All settings but the dead-letter queue, which needs a full name.
    pub(crate) patch: AttributePatch,
    pub(crate) tags: Tags,
    pub(crate) dead_letters: Option<DeadLetters>,
}

impl From<&str> for Queue {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

impl Queue {
    /// A queue with the default settings. A name that ends in `.fifo` makes a FIFO queue.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        let fifo_queue = name.ends_with(".fifo").then_some(true);
        let patch = AttributePatch { fifo_queue, ..AttributePatch::default() };
        Self { name, patch, tags: Tags::default(), dead_letters: None }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long a received message is hidden; up to 12 hours, in whole seconds.
    #[must_use]
    pub fn visibility_timeout(mut self, timeout: Duration) -> Self {
        self.patch.visibility_timeout_secs = Some(secs(timeout));
        self
    }

    /// How long a message is hidden after it was sent; up to 15 minutes, in whole seconds.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.patch.delay_secs = Some(secs(delay));
        self
    }

    /// How long a message is kept; a minute to 14 days, in whole seconds.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.patch.retention_secs = Some(secs(retention));
        self
    }

    /// How long a receive waits that does not say; up to 20 seconds, in whole seconds.
    #[must_use]
    pub fn receive_wait(mut self, wait: Duration) -> Self {
        self.patch.receive_wait_secs = Some(secs(wait));
        self
    }

    /// The largest message, in bytes; 1 KiB to 1 MiB.
    #[must_use]
    pub fn maximum_message_bytes(mut self, bytes: u32) -> Self {
        self.patch.maximum_message_bytes = Some(bytes);
        self
    }

    /// Messages of this FIFO queue that name no deduplication id take the digest of their body for one.
    #[must_use]
    pub fn content_based_deduplication(mut self) -> Self {
        self.patch.content_based_deduplication = Some(true);
        self
    }

    /// Messages that were received `max_receives` times go to this queue, which must be there or be declared too.
    #[must_use]
    pub fn dead_letter_queue(mut self, queue: impl Into<String>, max_receives: u32) -> Self {
        self.dead_letters = Some(DeadLetters { queue: queue.into(), max_receives });
        self
    }

    /// Marks the queue.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// What is wrong with it, as far as that shows without the others.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        let mut patch = self.patch.clone();
        for number in &NUMBERS {
            if let Some(value) = *(number.given)(&mut patch) {
                number.check(i64::from(value))?;
            }
        }
        if let Some(setting) = self.patch.only_for_fifo().filter(|_| !self.name.ends_with(".fifo")) {
            return Err(format!("only a FIFO queue, whose name ends in .fifo, has {}", setting.as_str()));
        }
        if let Some(DeadLetters { queue, max_receives }) = &self.dead_letters {
            check_dead_letters(&self.name, queue)?;
            check_max_receives(i64::from(*max_receives))?;
        }
        self.tags.iter().try_for_each(|(key, value)| check_tag(key, value))
    }

    /// Its settings, in the account and region where it is to be.
    pub(crate) fn settings(&self, account: AccountId, region: &Region) -> Option<(QueueKey, AttributePatch)> {
        let key = |name: &str| {
            let name = QueueName::parse(name)?;
            Some(QueueKey { account, region: region.clone(), name })
        };
        let mut patch = self.patch.clone();
        if let Some(DeadLetters { queue, max_receives }) = &self.dead_letters {
            let policy = RedrivePolicy { target: key(queue)?, max_receive_count: *max_receives };
            patch.redrive = Some(Some(policy));
        }
        Some((key(&self.name)?, patch))
    }

    /// What creates it.
    pub(crate) fn create(&self, account: AccountId, region: &Region) -> Option<Command> {
        let (key, patch) = self.settings(account, region)?;
        Some(Command::CreateQueue { key, attributes: patch.into(), tags: self.tags.clone() })
    }
}

fn secs(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = QueueName::parse(name).map(drop);
    fits.ok_or_else(|| {
        format!(
            "a queue's name has 1 to 80 letters, digits, hyphens and underscores, and may end in .fifo; not \"{name}\""
        )
    })
}

pub(crate) fn check_dead_letters(queue: &str, dead_letter_queue: &str) -> Result<(), String> {
    check_name(dead_letter_queue)?;
    if queue == dead_letter_queue {
        return Err("a queue can't be its own dead-letter queue".to_owned());
    }
    if queue.ends_with(".fifo") == dead_letter_queue.ends_with(".fifo") {
        Ok(())
    } else {
        Err("the dead-letter queue of a FIFO queue is a FIFO queue, and of no other".to_owned())
    }
}

pub(crate) fn check_max_receives(count: i64) -> Result<u32, String> {
    let fits = u32::try_from(count).ok().filter(|count| limits::MAX_RECEIVE_COUNT.contains(count));
    let (least, most) = (limits::MAX_RECEIVE_COUNT.start(), limits::MAX_RECEIVE_COUNT.end());
    fits.ok_or_else(|| format!("max_receives is from {least} to {most}, not {count}"))
}

pub(crate) fn check_tag(key: &str, value: &str) -> Result<(), String> {
    let key_fits = limits::TAG_KEY_CHARS.contains(&key.chars().count()) && !key.starts_with("aws:");
    if !key_fits {
        let most = limits::TAG_KEY_CHARS.end();
        return Err(format!("the key of a tag has 1 to {most} letters and does not begin with aws:"));
    }
    if value.chars().count() > limits::TAG_VALUE_CHARS {
        return Err(format!("the value of a tag has up to {} letters", limits::TAG_VALUE_CHARS));
    }
    Ok(())
}
