//! Reports as aligned text. First column to the left, figures to the right; times in the unit that fits.

use super::{Load, Pair, PairedReport, RunReport, SendReport};

const ABSENT: &str = "–";

pub(super) fn send(report: &SendReport) -> String {
    let mut text = heading(&report.endpoint, &report.queue_url, &report.load);
    text += &aligned(&[run_heading(), run_row("", &report.run)]);
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
    text +=
        &aligned(&[run_heading(), run_row("product", &report.product), run_row("ceiling", &report.ceiling)]);
    text += &format!(
        "\nratio of requests/s: median {}, from {} to {}\n",
        ratio(report.median_ratio),
        ratio(report.lowest_ratio),
        ratio(report.highest_ratio)
    );
    text += &remarks(&[("the product", &report.product), ("the ceiling", &report.ceiling)], &report.notes);
    text
}

fn heading(endpoint: &str, queue_url: &str, load: &Load) -> String {
    let messages = match load.messages_per_request {
        1 => "1 message".to_owned(),
        more => format!("{more} messages"),
    };
    format!(
        "{endpoint}, queue {queue_url}\n{} connections, {messages} of {} bytes a request, {} s after {} s of warm-up\n\n",
        load.connections,
        thousands(load.size_bytes as f64),
        load.duration_secs,
        load.warm_up_secs
    )
}

fn run_heading() -> Vec<String> {
    ["", "requests/s", "messages/s", "p50", "p99", "p99.9", "max", "errors", "server CPU", "generator CPU"]
        .map(String::from)
        .to_vec()
}

fn run_row(side: &str, run: &RunReport) -> Vec<String> {
    let latency =
        |of: fn(&super::Latency) -> u64| run.latency.as_ref().map_or(ABSENT.into(), |all| micros(of(all)));
    let cpu = |us: Option<f64>| us.map_or(ABSENT.into(), |us| format!("{us:.1} µs/request"));
    vec![
        side.to_owned(),
        thousands(run.requests_per_sec),
        thousands(run.messages_per_sec),
        latency(|all| all.p50_us),
        latency(|all| all.p99_us),
        latency(|all| all.p999_us),
        latency(|all| all.max_us),
        thousands(run.errors as f64),
        cpu(run.server_cpu_us_per_request),
        format!("{} ({:.0} %)", cpu(run.generator_cpu_us_per_request), run.generator_core_share * 100.0),
    ]
}

fn pair_row(number: usize, pair: &Pair) -> Vec<String> {
    vec![
        number.to_string(),
        if pair.product_first { "product" } else { "ceiling" }.to_owned(),
        thousands(pair.product.requests_per_sec),
        thousands(pair.ceiling.requests_per_sec),
        pair.ratio.map_or("void".into(), |value| ratio(Some(value))),
    ]
}

/// Failures, reasons why a side is void, and notes; nothing when there is nothing to say.
fn remarks(sides: &[(&str, &RunReport)], notes: &[String]) -> String {
    let mut lines = Vec::new();
    for (side, run) in sides {
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

fn ratio(value: Option<f64>) -> String {
    value.map_or(ABSENT.into(), |value| format!("{value:.3}"))
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
