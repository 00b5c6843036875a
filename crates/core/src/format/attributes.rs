//! The settings of a queue, tagged one by one, so that a later version can add some without rewriting rows.
//!
//! What the value of a tag is, the tag says. A setting that is absent in the queue is not written; every other is, so
//! that later defaults change no queue that is already there.

use super::Malformed;
use super::codec::{Put, Take};
use super::name::{put_queue_key, take_queue_key};
use crate::queue::{
    DeduplicationScope, FifoAttributes, FifoThroughputLimit, Policy, PolicyStatement, QueueAttributes,
    RedriveAllowPolicy, RedrivePolicy,
};

const WHAT: &str = "queue setting";

const DELAY_SECS: u8 = 1;
const MAXIMUM_MESSAGE_BYTES: u8 = 2;
const RETENTION_SECS: u8 = 3;
const RECEIVE_WAIT_SECS: u8 = 4;
const VISIBILITY_TIMEOUT_SECS: u8 = 5;
const MANAGED_SSE_ENABLED: u8 = 6;
const CONTENT_BASED_DEDUPLICATION: u8 = 7;
const DEDUPLICATION_SCOPE: u8 = 8;
const FIFO_THROUGHPUT_LIMIT: u8 = 9;
const KMS_MASTER_KEY_ID: u8 = 10;
const KMS_DATA_KEY_REUSE_SECS: u8 = 11;
const POLICY: u8 = 12;
const REDRIVE_POLICY: u8 = 13;
const REDRIVE_ALLOW_POLICY: u8 = 14;

const ALLOW_ALL: u8 = 1;
const DENY_ALL: u8 = 2;
const BY_QUEUE: u8 = 3;

pub(super) fn put_attributes(out: &mut Vec<u8>, attributes: &QueueAttributes) {
    let QueueAttributes {
        delay_secs,
        maximum_message_bytes,
        retention_secs,
        receive_wait_secs,
        visibility_timeout_secs,
        managed_sse_enabled,
        kms_master_key_id,
        kms_data_key_reuse_secs,
        policy,
        redrive,
        redrive_allow,
        fifo,
    } = attributes;
    let mut settings = Settings::default();
    settings.number(DELAY_SECS, *delay_secs);
    settings.number(MAXIMUM_MESSAGE_BYTES, *maximum_message_bytes);
    settings.number(RETENTION_SECS, *retention_secs);
    settings.number(RECEIVE_WAIT_SECS, *receive_wait_secs);
    settings.number(VISIBILITY_TIMEOUT_SECS, *visibility_timeout_secs);
    settings.number(MANAGED_SSE_ENABLED, u32::from(*managed_sse_enabled));
    if let Some(FifoAttributes { content_based_deduplication, deduplication_scope, throughput_limit }) = fifo
    {
        settings.number(CONTENT_BASED_DEDUPLICATION, u32::from(*content_based_deduplication));
        let per_group = *deduplication_scope == DeduplicationScope::MessageGroup;
        settings.number(DEDUPLICATION_SCOPE, u32::from(per_group));
        let per_group = *throughput_limit == FifoThroughputLimit::PerMessageGroupId;
        settings.number(FIFO_THROUGHPUT_LIMIT, u32::from(per_group));
    }
    if let Some(key_id) = kms_master_key_id {
        settings.value(KMS_MASTER_KEY_ID, |out| out.put_byte_string(key_id.as_bytes()));
    }
    settings.number(KMS_DATA_KEY_REUSE_SECS, *kms_data_key_reuse_secs);
    if let Some(policy) = policy {
        settings.value(POLICY, |out| put_policy(out, policy));
    }
    if let Some(RedrivePolicy { target, max_receive_count }) = redrive {
        settings.value(REDRIVE_POLICY, |out| {
            put_queue_key(out, target);
            out.put_varint(u64::from(*max_receive_count));
        });
    }
    if let Some(policy) = redrive_allow {
        settings.value(REDRIVE_ALLOW_POLICY, |out| put_redrive_allow(out, policy));
    }
    settings.finish(out);
}

#[derive(Default)]
struct Settings {
    count: u64,
    bytes: Vec<u8>,
}

impl Settings {
    fn number(&mut self, tag: u8, value: u32) {
        self.value(tag, |out| out.put_varint(u64::from(value)));
    }

    fn value(&mut self, tag: u8, put: impl FnOnce(&mut Vec<u8>)) {
        self.count += 1;
        self.bytes.put_tag(tag);
        put(&mut self.bytes);
    }

    fn finish(self, out: &mut Vec<u8>) {
        out.put_varint(self.count);
        out.extend_from_slice(&self.bytes);
    }
}

pub(super) fn take_attributes(take: &mut Take) -> Result<QueueAttributes, Malformed> {
    let mut attributes = QueueAttributes::default();
    for _ in 0..take.count(WHAT)? {
        take_setting(take, &mut attributes)?;
    }
    Ok(attributes)
}

fn take_setting(take: &mut Take, attributes: &mut QueueAttributes) -> Result<(), Malformed> {
    let fifo = &mut attributes.fifo;
    match take.tag(WHAT)? {
        DELAY_SECS => attributes.delay_secs = take.varint_u32(WHAT)?,
        MAXIMUM_MESSAGE_BYTES => attributes.maximum_message_bytes = take.varint_u32(WHAT)?,
        RETENTION_SECS => attributes.retention_secs = take.varint_u32(WHAT)?,
        RECEIVE_WAIT_SECS => attributes.receive_wait_secs = take.varint_u32(WHAT)?,
        VISIBILITY_TIMEOUT_SECS => attributes.visibility_timeout_secs = take.varint_u32(WHAT)?,
        MANAGED_SSE_ENABLED => attributes.managed_sse_enabled = take_bool(take)?,
        CONTENT_BASED_DEDUPLICATION => {
            fifo.get_or_insert_default().content_based_deduplication = take_bool(take)?;
        }
        DEDUPLICATION_SCOPE => {
            fifo.get_or_insert_default().deduplication_scope =
                if take_bool(take)? { DeduplicationScope::MessageGroup } else { DeduplicationScope::Queue };
        }
        FIFO_THROUGHPUT_LIMIT => {
            fifo.get_or_insert_default().throughput_limit = if take_bool(take)? {
                FifoThroughputLimit::PerMessageGroupId
            } else {
                FifoThroughputLimit::PerQueue
            };
        }
        KMS_MASTER_KEY_ID => attributes.kms_master_key_id = Some(take.text(WHAT)?),
        KMS_DATA_KEY_REUSE_SECS => attributes.kms_data_key_reuse_secs = take.varint_u32(WHAT)?,
        POLICY => attributes.policy = Some(take_policy(take)?),
        REDRIVE_POLICY => {
            let target = take_queue_key(take)?;
            attributes.redrive = Some(RedrivePolicy { target, max_receive_count: take.varint_u32(WHAT)? });
        }
        REDRIVE_ALLOW_POLICY => attributes.redrive_allow = Some(take_redrive_allow(take)?),
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    }
    Ok(())
}

fn put_policy(out: &mut Vec<u8>, Policy { head, statements, tail }: &Policy) {
    out.put_byte_string(head.as_bytes());
    out.put_varint(statements.len() as u64);
    for PolicyStatement { sid, text } in statements {
        // No label is empty.
        out.put_byte_string(sid.as_deref().unwrap_or_default().as_bytes());
        out.put_byte_string(text.as_bytes());
    }
    out.put_byte_string(tail.as_bytes());
}

fn take_policy(take: &mut Take) -> Result<Policy, Malformed> {
    let head = take.text(WHAT)?;
    let statement = |take: &mut Take| {
        let sid = Some(take.text(WHAT)?).filter(|sid| !sid.is_empty());
        Ok(PolicyStatement { sid, text: take.text(WHAT)? })
    };
    let statements = (0..take.count(WHAT)?).map(|_| statement(take)).collect::<Result<_, _>>()?;
    Ok(Policy { head, statements, tail: take.text(WHAT)? })
}

fn put_redrive_allow(out: &mut Vec<u8>, policy: &RedriveAllowPolicy) {
    match policy {
        RedriveAllowPolicy::AllowAll => out.put_tag(ALLOW_ALL),
        RedriveAllowPolicy::DenyAll => out.put_tag(DENY_ALL),
        RedriveAllowPolicy::ByQueue(sources) => {
            out.put_tag(BY_QUEUE);
            out.put_varint(sources.len() as u64);
            for source in sources {
                put_queue_key(out, source);
            }
        }
    }
}

fn take_redrive_allow(take: &mut Take) -> Result<RedriveAllowPolicy, Malformed> {
    Ok(match take.tag(WHAT)? {
        ALLOW_ALL => RedriveAllowPolicy::AllowAll,
        DENY_ALL => RedriveAllowPolicy::DenyAll,
        BY_QUEUE => {
            let count = take.count(WHAT)?;
            RedriveAllowPolicy::ByQueue((0..count).map(|_| take_queue_key(take)).collect::<Result<_, _>>()?)
        }
        tag => return Err(Malformed::UnknownTag { what: "redrive permission", tag }),
    })
}

fn take_bool(take: &mut Take) -> Result<bool, Malformed> {
    match take.varint(WHAT)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::Impossible(WHAT)),
    }
}
