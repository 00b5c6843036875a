//! What machine a proof ran on, in a few words. A fact that the machine does not tell is left out.

use std::fs::read_to_string;

/// For example `2 cores (AMD EPYC), 24 GiB, Linux 6.1.0, Debian GNU/Linux 12 (bookworm)`.
pub(super) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model =
        field("/proc/cpuinfo", "model name", ':').map_or_else(String::new, |name| format!(" ({name})"));
    let memory = field("/proc/meminfo", "MemTotal", ':').and_then(|total| gibibytes(&total));
    let kernel = read_to_string("/proc/sys/kernel/osrelease").ok();
    let system = field("/etc/os-release", "PRETTY_NAME", '=').map(|name| name.trim_matches('"').to_owned());
    let parts = [
        Some(format!("{cores} cores{model}")),
        memory.map(|size| format!("{size} GiB")),
        kernel.map(|release| format!("Linux {}", release.trim())),
        system,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn field(path: &str, name: &str, separator: char) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let value =
        text.lines().filter_map(|line| line.split_once(separator)).find(|(key, _)| key.trim() == name)?.1;
    Some(value.trim().to_owned())
}

fn gibibytes(kibibytes: &str) -> Option<u64> {
    let kibibytes: u64 = kibibytes.split_whitespace().next()?.parse().ok()?;
    // Rounded: the kernel keeps a part of the memory for itself.
    Some((kibibytes + (1 << 19)) >> 20)
}
