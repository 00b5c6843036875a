//! Our own JSON API below `/_millpond/v1/`: what AWS has no call for.
//!
//! `GET queues` lists all queues with exact counts and the oldest expiry, `GET queues/ACCOUNT/REGION/NAME` tells the same
//! of one, `GET clock` whether expiry is held, and `GET status` how engine and log fare.
//! `POST console-sessions` with `{}` answers `{"url": …, "expires_in_secs": 60}`: opened once in a browser within that
//! time, the URL leads to the console as the caller.
//! `GET backup` answers with the bytes of a backup, see `docs/format/backup.md`.
//! `POST reset` and `POST clock/advance` are for tests.
//! Everything else is the platform's. `POST` needs `Content-Type: application/json`, which no web page can send
//! elsewhere without asking.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use millpond_core::command::Command;
use millpond_core::message::QueueId;
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use serde_json::{Value, json};

use crate::access::consoles::ADDRESS_SECS;
use crate::access::{Access, Authenticated};
use crate::backup::Backups;
use crate::behaviour::TestControls;

use crate::platform::{Platform, PlatformCall};
use crate::respond::{self, Reply};
use crate::{accounts, backup, controls};

pub(crate) const NO_SUCH_CALL: &str = "there is no such call; see docs/api.md";
const QUEUES_PER_CALL: usize = 1_000;

/// What answers calls.
pub(crate) struct Answering<'a> {
    pub(crate) engine: &'a EngineHandle,
    pub(crate) platform: &'a dyn Platform,
    pub(crate) controls: Option<&'a TestControls>,
    pub(crate) backups: &'a Backups,
    /// Scheme and host that the client used.
    pub(crate) base_url: &'a str,
}

/// Answers one call, whose sender is known and may make it.
pub(crate) async fn answer(with: &Answering<'_>, headers: &HeaderMap, call: PlatformCall) -> Reply {
    let &Answering { engine, platform, controls, backups, base_url } = with;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = content_type.split(';').next().unwrap_or_default().trim() == "application/json";
    if call.method != "GET" && !is_json {
        return respond::own_error(415, "send Content-Type: application/json");
    }
    if let ("GET", Some(place)) = (call.method.as_str(), call.path.strip_prefix("queues/")) {
        return queue(engine, place).await;
    }
    let access = &call.access;
    if let ("POST", Some(account)) = (call.method.as_str(), account_to_key(&call.path)) {
        return accounts::replace_key(access, account).await;
    }
    let result = match (call.method.as_str(), call.path.as_str()) {
        ("GET", "queues") => queues(engine, access, &call.who).await,
        ("GET", "status") => status(engine).await,
        ("GET", "clock") => clock(engine).await,
        ("POST", "clock/confirm") => confirm_clock(engine).await,
        ("GET", "backup") => return backup::answer(engine, backups).await,
        ("POST", "reset") => return controls::reset(engine, access, controls).await,
        ("POST", "clock/advance") => return controls::advance_clock(engine, controls, &call.body).await,
        ("POST", "why") => return said(access.why(&call.who, &call.body).await),
        ("POST", "accounts") => return accounts::create(access, &call.body).await,
        ("GET", "accounts") => return respond::own(200, &access.accounts()),
        ("POST", "console-sessions") => {
            let address = access.console_address(&call.who);
            let url = format!("{base_url}/console/?session={address}");
            return respond::own(200, &json!({ "url": url, "expires_in_secs": ADDRESS_SECS }));
        }
        _ => {
            return match platform.call(call).await {
                Some(reply) => respond::own(reply.status, &reply.body),
                None => respond::own_error(404, NO_SUCH_CALL),
            };
        }
    };
    match result {
        Ok(body) => respond::own(200, &body),
        Err(error) => respond::own_error(503, &error.to_string()),
    }
}

fn said(result: Result<Value, String>) -> Reply {
    match result {
        Ok(body) => respond::own(200, &body),
        Err(wrong) => respond::own_error(400, &wrong),
    }
}

/// All queues, in the order they were created.
pub(crate) async fn describe_queues(engine: &EngineHandle) -> Result<Vec<QueueDescription>, CallError> {
    let mut all = Vec::new();
    let mut after: Option<QueueId> = None;
    loop {
        let command = Command::DescribeQueues { after, limit: QUEUES_PER_CALL };
        let answer = engine.call(command, Wait::Secs(0), 0).await?;
        let Outcome::Descriptions { queues, more_after } = answer.outcome else { return Ok(all) };
        all.extend(queues);
        match more_after {
            Some(last) => after = Some(last),
            None => return Ok(all),
        }
    }
}

/// The queues that a caller sees: those of its account. With enforcement off an account is only a name, and all are seen.
pub(crate) async fn visible_queues(
    engine: &EngineHandle,
    access: &Access,
    who: &Authenticated,
) -> Result<Vec<QueueDescription>, CallError> {
    let mut queues = describe_queues(engine).await?;
    if access.is_enforced() {
        queues.retain(|queue| Some(queue.key.account) == who.caller.account());
    }
    Ok(queues)
}

async fn queues(engine: &EngineHandle, access: &Access, who: &Authenticated) -> Result<Value, CallError> {
    let queues: Vec<Value> = visible_queues(engine, access, who).await?.iter().map(queue_json).collect();
    let status = engine.status().await?;
    Ok(json!({
        "now_millis": status.now.as_millis(),
        "queues": queues,
        "expiry_hold": hold_json(status.expiry_hold),
    }))
}

/// One queue, by account, region and name.
async fn queue(engine: &EngineHandle, place: &str) -> Reply {
    let parts: Vec<&str> = place.split('/').collect();
    let key = match parts[..] {
        [account, region, name] => AccountId::parse(account)
            .zip(Region::parse(region))
            .zip(QueueName::parse(name))
            .map(|((account, region), name)| QueueKey { account, region, name }),
        _ => None,
    };
    let Some(key) = key else {
        return respond::own_error(404, "a queue is at queues/ACCOUNT/REGION/NAME; see docs/api.md");
    };
    let missing = format!("there is no queue {key}");
    let answered = engine.call(Command::DescribeQueue { key }, Wait::Secs(0), 0).await;
    let description = match answered.map(|answer| answer.outcome) {
        Ok(Outcome::Description(description)) => description,
        Ok(_) => return respond::own_error(404, &missing),
        Err(error) => return respond::own_error(503, &error.to_string()),
    };
    match engine.status().await {
        Ok(status) => respond::own(
            200,
            &json!({
                "now_millis": status.now.as_millis(),
                "queue": queue_json(&description),
                "expiry_hold": hold_json(status.expiry_hold),
            }),
        ),
        Err(error) => respond::own_error(503, &error.to_string()),
    }
}

pub(crate) async fn clock(engine: &EngineHandle) -> Result<Value, CallError> {
    let status = engine.status().await?;
    Ok(json!({ "now_millis": status.now.as_millis(), "expiry_hold": hold_json(status.expiry_hold) }))
}

async fn confirm_clock(engine: &EngineHandle) -> Result<Value, CallError> {
    let outcome = engine.call(Command::ConfirmClock, Wait::Secs(0), 0).await?.outcome;
    let confirmed = matches!(outcome, Outcome::ExpiryHold { confirmed: true, .. });
    let mut body = clock(engine).await?;
    body["confirmed"] = confirmed.into();
    Ok(body)
}

fn hold_json(hold: Option<ExpiryHold>) -> Value {
    let Some(ExpiryHold { from, up_at, until, reason }) = hold else { return Value::Null };
    let reason = match reason {
        HoldReason::Outage => "outage",
        HoldReason::ClockJump => "clock_jump",
    };
    json!({
        "reason": reason,
        "from_millis": from.as_millis(),
        "up_at_millis": up_at.as_millis(),
        "until_millis": until.as_millis(),
    })
}

fn queue_json(queue: &QueueDescription) -> Value {
    json!({
        "name": queue.key.name.as_str(),
        "account": queue.key.account.to_string(),
        "region": queue.key.region.as_str(),
        "visible": queue.counts.visible,
        "in_flight": queue.counts.in_flight,
        "delayed": queue.counts.delayed,
        "bytes": queue.usage.bytes,
        "expired": queue.expired,
        "oldest_expires_at_millis": queue.oldest_expires_at.map(millpond_core::time::Timestamp::as_millis),
        "outlived": queue.outlived,
        "retention_secs": queue.attributes.retention_secs,
    })
}

async fn status(engine: &EngineHandle) -> Result<Value, CallError> {
    let status = engine.status().await?;
    Ok(json!({
        "waiters": status.engine.waiters,
        "held_replies": status.engine.held_replies,
        "cached_bytes": status.engine.cached_bytes,
        "messages_in_memory": status.engine.messages_in_memory,
        "remembered_sends_in_memory": status.engine.sends_in_memory,
        "remembered_sends_at_rest": status.engine.sends_at_rest,
        "parked_commands": status.engine.parked,
        "events": status.engine.events,
        "quarantined": status.engine.quarantined,
        "durable_position": status.durable.0,
        "store_position": status.reflected.0,
        "log_used_bytes": status.space.used_bytes,
        "log_budget_bytes": status.space.budget_bytes,
        "disk_full": status.space.disk_full,
    }))
}

/// The account whose root key is to be replaced.
fn account_to_key(path: &str) -> Option<&str> {
    path.strip_prefix("accounts/")?.strip_suffix("/key")
}
