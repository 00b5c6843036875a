//! The console's page: queues with their counts, workloads, and the commands to try, as far as whoever looks may see them.
//!
//! Plain HTML without scripts; every text from outside is escaped.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use millpond_core::name::Region;
use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::outcome::QueueDescription;
use millpond_core::time::Timestamp;
use millpond_engine::EngineHandle;
use serde_json::Value;

use crate::access::consoles::COOKIE_SECS;
use crate::access::own::Resource;
use crate::access::{Access, Authenticated};
use crate::own::visible_queues;
use crate::platform::{Platform, PlatformCall};
use crate::respond::{self, Reply};

const STYLE: &str = include_str!("../assets/console.css");

/// The name of the cookie that says whose console it is.
const COOKIE: &str = "millpond-console";

/// The text that opens the console, in the query of its address.
pub(crate) fn address(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("session="))
}

/// The console's cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The address was good: from now on the cookie is.
pub(crate) fn entered(cookie: &str, over_tls: bool) -> Reply {
    let secure = if over_tls { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={cookie}; Path=/console/; Max-Age={COOKIE_SECS}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut reply = guarded(respond::redirect("/console/"));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().insert(header::SET_COOKIE, value);
    }
    reply
}

/// The page for who is not known.
pub(crate) fn closed() -> Reply {
    let html = format!(
        "{}<p>This page shows what you may see, so it has to know who you are. Run</p>\
         <pre>millpond console</pre><p>and open the address that it prints. It works once, within a minute.</p>\
         </main></body></html>",
        opening(false)
    );
    guarded(respond::with_body(403, "text/html; charset=utf-8", html.into_bytes()))
}

/// Renders the page as things are now, as far as `who` may see them.
pub(crate) async fn page(
    engine: &EngineHandle,
    platform: &dyn Platform,
    who: Authenticated,
    access: &Arc<Access>,
    region: &Region,
) -> Reply {
    let may = |action, resource| access.authorise_own(&who, action, &resource, region).decision.is_allowed();
    let sees_queues = may("millpond:ListQueues", Resource::OfCaller);
    let sees_workloads = may("millpond:ListWorkloads", Resource::OfService);
    let (queues, status) = match (visible_queues(engine, access, &who).await, engine.status().await) {
        (Ok(queues), Ok(status)) => (sees_queues.then_some(queues), status),
        (Err(error), _) | (_, Err(error)) => return respond::text(503, &error.to_string()),
    };
    let workloads = if sees_workloads { workloads(platform, who, access.clone()).await } else { None };
    let html = render(queues.as_deref(), workloads.as_ref(), status.expiry_hold, status.now);
    guarded(respond::with_body(200, "text/html; charset=utf-8", html.into_bytes()))
}

async fn workloads(platform: &dyn Platform, who: Authenticated, access: Arc<Access>) -> Option<Value> {
    let call = PlatformCall {
        method: "GET".into(),
        path: "workloads".into(),
        query: String::new(),
        body: Bytes::new(),
        who,
        access,
        authorization: None,
    };
    platform.call(call).await.map(|reply| reply.body)
}

/// No page of another site shows it or learns its address, and nothing keeps it.
fn guarded(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    reply
}

fn opening(refreshed: bool) -> String {
    let refresh = if refreshed { "<meta http-equiv=\"refresh\" content=\"2\">" } else { "" };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{refresh}\
         <title>Millpond</title><style>{STYLE}</style></head><body><main><h1>Millpond</h1>"
    )
}

fn render(
    queues: Option<&[QueueDescription]>,
    workloads: Option<&Value>,
    hold: Option<ExpiryHold>,
    now: Timestamp,
) -> String {
    let mut html = opening(true);
    html.push_str("<h2>Queues</h2>");
    let Some(queues) = queues else {
        html.push_str("<p>You may not list queues: that takes <code>millpond:ListQueues</code>.</p>");
        html.push_str(&rest(workloads));
        return html;
    };
    if queues.is_empty() {
        html.push_str("<p>No queues yet. Create one with <code>millpond queue create jobs</code>.</p>");
    } else {
        html.push_str(
            "<div class=\"wide\"><table><thead><tr><th>Queue</th><th class=\"n\">Visible</th><th class=\"n\">In flight</th>\
             <th class=\"n\">Delayed</th><th>Oldest expires in</th><th class=\"n\">Expired</th></tr></thead><tbody>",
        );
        queues.iter().for_each(|queue| queue_row(&mut html, queue, now));
        html.push_str("</tbody></table></div>");
    }
    if let Some(hold) = hold {
        hold_note(&mut html, queues, &hold, now);
    }
    html.push_str(&rest(workloads));
    html
}

/// What stands below the queues.
fn rest(workloads: Option<&Value>) -> String {
    let mut html = String::new();
    let workloads =
        workloads.and_then(|body| body["workloads"].as_array()).map(Vec::as_slice).unwrap_or_default();
    if !workloads.is_empty() {
        html.push_str(
            "<h2>Workloads</h2><div class=\"wide\"><table><thead><tr><th>Name</th><th>Kind</th><th>State</th>\
             <th>Stack</th><th>Where</th></tr></thead><tbody>",
        );
        workloads.iter().for_each(|row| workload_row(&mut html, row));
        html.push_str("</tbody></table></div>");
    }
    html.push_str(&format!("<h2>Try</h2><pre>{}</pre></main></body></html>", commands(workloads)));
    html
}

/// Why messages are there that should have expired, or none does.
fn hold_note(html: &mut String, queues: &[QueueDescription], hold: &ExpiryHold, now: Timestamp) {
    let outlived: usize = queues.iter().map(|queue| queue.outlived).sum();
    let rest = span(hold.until.millis_since(now) / 1000);
    // Writing to a string can't fail.
    let _ = match hold.reason {
        HoldReason::Outage if outlived == 0 => Ok(()),
        HoldReason::Outage => write!(
            html,
            "<p role=\"status\">Messages past their retention: {outlived}. They are kept for another {rest}, because the \
             service was down.</p>"
        ),
        HoldReason::ClockJump => write!(
            html,
            "<p role=\"alert\">The clock may have been set forward, so no message expires for another {rest}. If it is \
             right: <code>millpond clock confirm</code></p>"
        ),
    };
}

/// Commands that work with what is there.
fn commands(workloads: &[Value]) -> String {
    let first = "millpond queues\n";
    let last = "eval &quot;$(millpond env)&quot;";
    let Some(sink) = workloads.iter().find(|workload| workload["kind"] == "sink") else {
        let jobs = ["queue create jobs", "send jobs hello", "receive jobs --delete"];
        let lines: String = jobs.iter().map(|line| format!("millpond {line}\n")).collect();
        return format!("{first}{lines}{last}");
    };
    let text = |name: &str| escape(sink[name].as_str().unwrap_or_default());
    let (queue, example, name) = (text("queue"), text("example"), text("name"));
    format!(
        "{first}millpond send {queue} {example}\nmillpond rows {queue}\nmillpond stop {name}\n\
         millpond start {name}\n{last}"
    )
}

fn queue_row(html: &mut String, queue: &QueueDescription, now: Timestamp) {
    let expires =
        queue.oldest_expires_at.map_or_else(|| "–".to_owned(), |at| span(at.millis_since(now) / 1000));
    let number = |label: &str, count: u64| cell("n", label, &count.to_string());
    let cells = [
        cell("name", "Queue", &escape(queue.key.name.as_str())),
        number("Visible", queue.counts.visible as u64),
        number("In flight", queue.counts.in_flight as u64),
        number("Delayed", queue.counts.delayed as u64),
        cell("w", "Oldest expires in", &expires),
        number("Expired", queue.expired),
    ];
    html.push_str(&format!("<tr>{}</tr>", cells.concat()));
}

/// A cell that names its column, for screens too narrow for a heading. `content` is escaped already.
fn cell(class: &str, label: &str, content: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<td{class} data-label=\"{label}\">{content}</td>")
}

fn workload_row(html: &mut String, row: &Value) {
    let text = |name: &str| escape(row[name].as_str().unwrap_or_default());
    let (url, table, reason) = (text("url"), text("table"), text("reason"));
    let place = if url.starts_with("http://") {
        format!("<a href=\"{url}\">{url}</a>")
    } else if table.is_empty() {
        url
    } else {
        format!("table {table}")
    };
    let cells = [
        cell("name", "Workload", &text("name")),
        cell("", "Kind", &text("kind")),
        cell("", "State", &text("state")),
        cell("", "Stack", &text("stack")),
        cell("", "Where", &place),
    ];
    let cells = cells.concat();
    if reason.is_empty() {
        html.push_str(&format!("<tr>{cells}</tr>"));
    } else {
        html.push_str(&format!(
            "<tr class=\"waits\">{cells}</tr><tr class=\"why\"><td colspan=\"5\">{reason}</td></tr>"
        ));
    }
}

/// A span of time in its two largest units.
fn span(secs: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(size, _)| secs >= *size).unwrap_or(units.len() - 1);
    let (size, name) = units[first];
    let whole = format!("{} {name}", secs / size);
    match units.get(first + 1) {
        Some((next, next_name)) if secs % size >= *next => {
            format!("{whole} {} {next_name}", secs % size / next)
        }
        _ => whole,
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
