//! What is told of the service as a whole: log, engine, connections, and sums over all queues.

use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use millpond_engine::counters::BATCH_BUCKETS;

use super::text::{Family, Kind, Number, Text, labels};
use super::{Counted, Figures, Totals, Traffic};
use crate::audit::Counts;
use crate::guessing::Guessing;

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, help }
}

pub(super) fn write(text: &mut Text, figures: &Figures, counted: &Counted<'_>) {
    about(text, counted.traffic);
    sums(text, &figures.totals, figures.left_out);
    engine(text, figures);
    log(text, figures);
    expiry(text, figures);
    connections(text, counted.traffic);
    guessing(text, counted.guessing);
    if let Some(counts) = counted.audit {
        audit(text, counts);
    }
}

fn guessing(text: &mut Text, guessing: &Guessing) {
    let family = counter(
        "millpond_authentication_throttled_total",
        "Requests with a wrong key or signature whose source failed so often that it was told to slow down.",
    );
    text.single(&family, Number::Whole(guessing.throttled.load(Relaxed)));
}

fn audit(text: &mut Text, counts: &Counts) {
    for (family, number) in [
        (counter("millpond_audit_lines_total", "Lines of the audit log that were written."), &counts.written),
        (
            counter(
                "millpond_audit_lost_lines_total",
                "Lines of the audit log that could not be written, or not as fast as requests came.",
            ),
            &counts.lost,
        ),
    ] {
        text.single(&family, Number::Whole(number.load(Relaxed)));
    }
}

fn about(text: &mut Text, traffic: &Traffic) {
    let build = gauge("millpond_build_info", "Always 1; the label tells the version.");
    text.family(&build);
    text.sample(build.name, "", &labels(&[("version", env!("CARGO_PKG_VERSION"))]), Number::Whole(1));
    let since = traffic.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let started =
        gauge("process_start_time_seconds", "When the process began to listen, in seconds since 1970.");
    text.single(&started, Number::Millis(millis));
}

fn sums(text: &mut Text, totals: &Totals, left_out: u64) {
    let messages = gauge("millpond_messages", "Messages in all queues, by their state.");
    text.family(&messages);
    for (state, count) in
        [("visible", totals.visible), ("in_flight", totals.in_flight), ("delayed", totals.delayed)]
    {
        text.sample(messages.name, "", &labels(&[("state", state)]), Number::Whole(count));
    }
    for (family, number) in [
        (gauge("millpond_queues", "Queues in all accounts and regions."), totals.queues),
        (
            gauge("millpond_metrics_queues_left_out", "Queues that this scrape does not tell one by one."),
            left_out,
        ),
        (gauge("millpond_message_bytes", "Bytes that the messages of all queues take."), totals.bytes),
        (
            gauge(
                "millpond_expired_messages",
                "Messages of the queues there are that were dropped because their retention has passed.",
            ),
            totals.expired,
        ),
    ] {
        text.single(&family, Number::Whole(number));
    }
}

fn engine(text: &mut Text, figures: &Figures) {
    let engine = &figures.status.engine;
    for (family, number) in [
        (gauge("millpond_waiters", "Long polls that wait for a message."), engine.waiters as u64),
        (
            gauge("millpond_held_replies", "Replies that wait for the log or for messages to be read."),
            engine.held_replies as u64,
        ),
        (gauge("millpond_cached_bytes", "Message bytes in memory."), engine.cached_bytes as u64),
        (
            gauge("millpond_messages_in_memory", "Messages that do not rest in the store alone."),
            engine.messages_in_memory as u64,
        ),
        (
            gauge(
                "millpond_remembered_sends_in_memory",
                "Sends to FIFO queues that memory remembers as a whole.",
            ),
            engine.sends_in_memory as u64,
        ),
        (
            gauge("millpond_remembered_sends_at_rest", "Remembered sends that rest in the store."),
            engine.sends_at_rest,
        ),
        (
            counter("millpond_remembered_sends_reads_total", "Reads of remembered sends at rest."),
            engine.sends_read,
        ),
        (
            gauge("millpond_parked_commands", "Requests that wait for messages from the store."),
            engine.parked as u64,
        ),
        (
            gauge("millpond_requests_under_way_bytes", "Bytes of requests that are being answered."),
            figures.under_way_bytes as u64,
        ),
        (counter("millpond_events_total", "Events decided."), engine.events),
        (
            counter(
                "millpond_quarantined_messages_total",
                "Messages taken out because their bytes are damaged.",
            ),
            engine.quarantined,
        ),
    ] {
        text.single(&family, Number::Whole(number));
    }
    let batches = histogram("millpond_batch_events", "Events in the batches handed to the log.");
    text.family(&batches);
    let bounds = (0..BATCH_BUCKETS - 1).map(|bucket| Number::Whole(1 << (2 * bucket)));
    let sum = Number::Whole(engine.events);
    text.histogram(batches.name, "", &engine.batch_events, bounds, Some(sum));
}

fn log(text: &mut Text, figures: &Figures) {
    let (stats, space) = (&figures.status.log, &figures.status.space);
    for (family, number) in [
        (counter("millpond_log_batches_total", "Batches that became durable."), stats.batches),
        (counter("millpond_log_payload_bytes_total", "Bytes of events in them."), stats.payload_bytes),
        (
            counter("millpond_log_written_bytes_total", "Bytes written for them, with headers and padding."),
            stats.written_bytes,
        ),
        (gauge("millpond_log_used_bytes", "Bytes of the log in use."), space.used_bytes),
        (gauge("millpond_log_budget_bytes", "Bytes that the log may use."), space.budget_bytes),
        (
            gauge("millpond_log_disk_full", "1 while the disk has no room for the log."),
            u64::from(space.disk_full),
        ),
        (gauge("millpond_log_durable_position", "The last batch that is durable."), figures.status.durable.0),
        (
            gauge("millpond_store_position", "The last batch that is in the store."),
            figures.status.reflected.0,
        ),
    ] {
        text.single(&family, Number::Whole(number));
    }
    let syncs = histogram("millpond_log_sync_duration_seconds", "Time that syncs of the log took.");
    text.family(&syncs);
    let bounds = (0..stats.sync_histogram.len() - 1).map(|bucket| Number::Micros(1 << bucket));
    let sum = Number::Micros(stats.sync_total_micros);
    text.histogram(syncs.name, "", &stats.sync_histogram, bounds, Some(sum));
}

fn expiry(text: &mut Text, figures: &Figures) {
    let hold = figures.status.expiry_hold;
    let held =
        gauge("millpond_expiry_held", "1 while no message expires: after an outage, or a jump of the clock.");
    text.single(&held, Number::Whole(u64::from(hold.is_some())));
    if let Some(hold) = hold {
        let until = gauge(
            "millpond_expiry_held_until_timestamp_seconds",
            "When messages expire again, in seconds since 1970.",
        );
        text.single(&until, Number::Millis(hold.until.as_millis()));
    }
}

fn connections(text: &mut Text, traffic: &Traffic) {
    // What has ended first: a connection is never seen to end before it was accepted.
    let ended = traffic.ended.load(Relaxed);
    let accepted = traffic.accepted.load(Relaxed);
    for (family, number) in [
        (gauge("millpond_open_connections", "Connections that are open."), accepted.saturating_sub(ended)),
        (counter("millpond_connections_total", "Connections accepted."), accepted),
        (
            counter(
                "millpond_foreign_requests_total",
                "Requests refused because a foreign web page may have caused them.",
            ),
            traffic.foreign.load(Relaxed),
        ),
        (
            counter(
                "millpond_tls_handshake_failures_total",
                "Connections to the port with TLS that did not come to speak it.",
            ),
            traffic.handshakes_failed.load(Relaxed),
        ),
    ] {
        text.single(&family, Number::Whole(number));
    }
}
