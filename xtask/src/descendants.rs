//! The processes below a process: shown when something hangs, and ended. Reads `/proc`; ends only what it listed.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// A process below the one that was asked about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Descendant {
    pid: u32,
    /// What it is and what it does, in one line.
    pub(crate) shown: String,
}

/// The process itself and all below it, parents first.
pub(crate) fn of(root: u32) -> Vec<Descendant> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in processes() {
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        found.push(Descendant { pid, shown: shown(pid) });
        open.extend(children.remove(&pid).unwrap_or_default());
    }
    found
}

/// Ends the processes in the order of the list: a parent that outlived its child would go on to its next step.
pub(crate) fn kill(descendants: &[Descendant]) {
    for descendant in descendants {
        // One that has ended meanwhile is as good as killed.
        let _ = Command::new("kill").args(["-KILL", &descendant.pid.to_string()]).status();
    }
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn parent(pid: u32) -> Option<u32> {
    // The name in parentheses may itself hold spaces and parentheses.
    let stat = read(pid, "stat");
    stat[stat.rfind(')')? + 1..].split_whitespace().nth(1)?.parse().ok()
}

fn shown(pid: u32) -> String {
    let stat = read(pid, "stat");
    let state = stat.rfind(')').and_then(|end| stat[end + 1..].split_whitespace().next());
    let command: String = read(pid, "cmdline").replace('\0', " ").chars().take(160).collect();
    format!("{pid} {} {} {}", state.unwrap_or("gone"), read(pid, "wchan"), command.trim())
}

fn read(pid: u32, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
