//! Reports as aligned text. First column to the left, figures to the right; times in the unit that fits.

use super::{Latency, Load, LoadReport, Pair, PairedReport, RunReport, Spread};

const ABSENT: &str = "–";

pub(super) fn alone(report: &LoadReport) -> String {
    let mut text = heading(&report.endpoint, &report.queue_url, &report.load);
    let mut rows = vec![run_heading(), run_row("", &report.run)];
    rows.extend(action_rows(&report.run));
    text += &aligned(&rows);
    if !report.run.intervals.is_empty() {
        text += &format!("\n{}", aligned(&interval_rows(&report.run)));
    }
    text += &remarks(&[("the run", &report.run)], &report.notes);
    text
}

pub(super) fn paired(report: &PairedReport) -> String {
    let mut text = heading(&report.endpoint, &report.queue_url, &report.load);
    let disk = &report.disk;
    text += &format!(
        "disk alone: {} for a sync after 4 KiB, {} after 64 KiB (zero-filled file, median)\n\n",
        micros(disk.after_4_kib.median_us),
        micros(disk.after_64_kib.median_us)
    );
    let mut pairs = vec![["pair", "first", "product/s", "ceiling/s", "ratio"].map(String::from).to_vec()];
    pairs.extend(report.pairs.iter().enumerate().map(|(index, pair)| pair_row(index + 1, pair)));
    text += &aligned(&pairs);
    text += "\n";
    let mut rows = vec![run_heading(), run_row("product", &report.product)];
    rows.extend(action_rows(&report.product));
    rows.push(run_row("ceiling", &report.ceiling));
    rows.extend(action_rows(&report.ceiling));
    text += &aligned(&rows);
    text += &format!(
        "\nratio of messages/s: {}\nratio of p99: {}\nserver CPU beyond the ceiling's: {}\n",
        spread(report.ratio, 3, ""),
        spread(report.p99_ratio, 3, ""),
        spread(report.more_cpu_us_per_request, 1, " µs/request")
    );
    text += &remarks(&[("the product", &report.product), ("the ceiling", &report.ceiling)], &report.notes);
    text
}

fn heading(endpoint: &str, queue_url: &str, load: &Load) -> String {
    let queue = match load.queues {
        1 => format!("queue {queue_url}"),
        more => format!("{} queues like {queue_url}", thousands(more as f64)),
    };
    let messages = match load.messages_per_request {
        1 => "1 message".to_owned(),
        more => format!("{more} messages"),
    };
    let groups =
        load.groups.map_or_else(String::new, |groups| format!(" in {} groups", thousands(groups as f64)));
    let rate = load.scheduled_per_sec.map_or_else(String::new, |rate| {
        let share = load
            .share_of_maximum
            .map_or_else(String::new, |share| format!(" ({:.0} % of the maximum)", share * 100.0));
        format!(", {} operations/s on a schedule{share}", thousands(rate))
    });
    let pinned = if load.pinned { ", generator and server on cores of their own" } else { "" };
    format!(
        "{endpoint}, {queue}\n{}: {} connections, {messages} of {} bytes a request{groups}{rate}, {} s after {} s of \
         warm-up{pinned}\n\n",
        load.work,
        load.connections,
        thousands(load.size_bytes as f64),
        load.duration_secs,
        load.warm_up_secs
    )
}

fn run_heading() -> Vec<String> {
    let names = [
        "",
        "requests/s",
        "messages/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "errors",
        "server CPU",
        "generator CPU",
    ];
    names.map(String::from).to_vec()
}

fn run_row(side: &str, run: &RunReport) -> Vec<String> {
    let cpu = |us: Option<f64>| us.map_or(ABSENT.into(), |us| format!("{us:.1} µs/request"));
    let mut row = vec![side.to_owned(), thousands(run.requests_per_sec), thousands(run.messages_per_sec)];
    row.extend(latency_cells(run.latency.as_ref()));
    row.extend([
        thousands(run.errors as f64),
        cpu(run.server_cpu_us_per_request),
        format!("{} ({:.0} %)", cpu(run.generator_cpu_us_per_request), run.generator_core_share * 100.0),
    ]);
    row
}

/// The kinds of requests, when an operation has several.
fn action_rows(run: &RunReport) -> Vec<Vec<String>> {
    if run.actions.len() < 2 {
        return Vec::new();
    }
    let row = |action: &super::ActionReport| {
        let mut row = vec![format!("  {}", action.action), String::new(), String::new()];
        row.extend(latency_cells(Some(&action.latency)));
        row
    };
    run.actions.iter().map(row).collect()
}

fn interval_rows(run: &RunReport) -> Vec<Vec<String>> {
    let names = ["from", "messages/s", "p50", "p90", "p99", "p99.9", "max", "errors"];
    let mut rows = vec![names.map(String::from).to_vec()];
    rows.extend(run.intervals.iter().map(|interval| {
        let mut row = vec![format!("{} s", interval.from_secs), thousands(interval.messages_per_sec)];
        row.extend(latency_cells(interval.latency.as_ref()));
        row.push(thousands(interval.errors as f64));
        row
    }));
    rows
}

fn latency_cells(latency: Option<&Latency>) -> [String; 5] {
    match latency {
        None => [ABSENT; 5].map(String::from),
        Some(all) => [all.p50_us, all.p90_us, all.p99_us, all.p999_us, all.max_us].map(micros),
    }
}

fn pair_row(number: usize, pair: &Pair) -> Vec<String> {
    vec![
        number.to_string(),
        if pair.product_first { "product" } else { "ceiling" }.to_owned(),
        thousands(pair.product.messages_per_sec),
        thousands(pair.ceiling.messages_per_sec),
        pair.ratio.map_or("void".into(), |ratio| format!("{ratio:.3}")),
    ]
}

/// Failures, reasons why a side is void, and notes; nothing when there is nothing to say.
fn remarks(sides: &[(&str, &RunReport)], notes: &[String]) -> String {
    let mut lines = Vec::new();
    for (side, run) in sides {
        lines.extend(run.generator_late.iter().map(|late| {
            let [p50, _, p99, _, max] = latency_cells(late.latency.as_ref());
            format!(
                "in {side} the generator itself was late by {p50} (p50), {p99} (p99), {max} at most; {:.1} % of \
                 operations waited for a free connection",
                late.waited_share * 100.0
            )
        }));
        if run.empty_receives > 0 {
            lines.push(format!("in {side} {} receives got nothing", thousands(run.empty_receives as f64)));
        }
        if run.drained {
            lines.push(format!("{side} ended early: a queue was empty"));
        }
        lines.extend(run.void.iter().map(|reason| format!("{side} is void: {reason}")));
        lines.extend(
            run.error_texts
                .iter()
                .map(|error| format!("  {} × {}", thousands(error.count as f64), error.text)),
        );
    }
    lines.extend(notes.iter().map(|note| format!("note: {note}")));
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<0$}", widths[0]),
            _ => format!("  {cell:>0$}", widths[column]),
        });
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

fn spread(figures: Option<Spread>, digits: usize, unit: &str) -> String {
    figures.map_or(ABSENT.into(), |all| {
        let Spread { median, lowest, highest, .. } = all;
        format!("median {median:.digits$}{unit}, from {lowest:.digits$} to {highest:.digits$}")
    })
}

fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.2} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

/// A count to the nearest whole, in groups of three digits.
fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
