//! What the operating system tells of this process, where it does: memory and open files.
//!
//! Source: `proc(5)`; the names are those that Prometheus gives to every process.

use std::fs;

use super::text::{Family, Kind, Number, Text};

const RESIDENT: Family = Family {
    name: "process_resident_memory_bytes",
    kind: Kind::Gauge,
    help: "Memory of the process that is in RAM.",
};
const VIRTUAL: Family =
    Family { name: "process_virtual_memory_bytes", kind: Kind::Gauge, help: "Address space of the process." };
const OPEN_FILES: Family = Family {
    name: "process_open_fds",
    kind: Kind::Gauge,
    help: "Open files and connections of the process.",
};

/// Writes what is known; nothing where there is no `/proc`.
pub(crate) fn write(text: &mut Text) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (family, field) in [(&RESIDENT, "VmRSS:"), (&VIRTUAL, "VmSize:")] {
        if let Some(bytes) = kibibytes(&status, field) {
            text.single(family, Number::Whole(bytes));
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.single(&OPEN_FILES, Number::Whole(open.count() as u64));
    }
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(field))?;
    let number: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}
