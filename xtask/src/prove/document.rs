//! The text of `docs/proof.md`: one section for each proof, replaced as a whole when the proof runs again.
//! Sections of other proofs stay as they are.

const OPENING: &str = "\
# Proof

Written by `cargo xtask prove`, which runs these proofs again; each section names the commit it is about.
";

/// One proof's record.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) claim: String,
    pub(super) passed: bool,
    pub(super) commit: String,
    pub(super) date: String,
    pub(super) machine: String,
    pub(super) duration_secs: u64,
    pub(super) figures: Vec<(String, String)>,
}

/// The document with this section in it, in place of the proof's older one; sections are ordered by name.
pub(super) fn with_section(document: &str, section: &Section) -> String {
    let mut sections: Vec<&str> = document.split("\n## ").skip(1).map(str::trim_end).collect();
    let new = rendered(section);
    sections.retain(|old| title(old) != section.name);
    sections.push(new.trim_end());
    sections.sort_by_key(|section| title(section));
    let mut text = OPENING.to_owned();
    for section in sections {
        text.push_str("\n## ");
        text.push_str(section);
        text.push('\n');
    }
    text
}

fn title(section: &str) -> &str {
    section.lines().next().unwrap_or_default().trim()
}

fn rendered(section: &Section) -> String {
    let result = if section.passed { "passed" } else { "**failed**" };
    let duration = format!("{} s", section.duration_secs);
    let about = [
        ("result", result),
        ("commit", &section.commit),
        ("date", &section.date),
        ("machine", &section.machine),
        ("duration", &duration),
    ];
    let figures = section.figures.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut text = format!("{}\n\n{}\n\n| figure | value |\n|---|---|\n", section.name, section.claim);
    for (name, value) in about.into_iter().chain(figures) {
        text.push_str(&format!("| {} | {} |\n", cell(name), cell(value)));
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests;
