//! `cargo xtask prove`: the long proofs, each a Python program `conformance/prove/NAME.py`, and their record,
//! `docs/proof.md`.
//!
//! A proof states its claim in the first line of its docstring, runs against the release build named by
//! MILLPOND_BIN, may keep progress in the folder MILLPOND_PROVE_DIR, and prints as its last line a JSON object
//! `{"passed": true|false, "figures": {"NAME": VALUE, …}}`.
//!
//! What always holds: each result is recorded as soon as it is there, so an interrupted run loses at most the
//! proof it was in; run again, it goes on with those that have not passed for exactly this commit. Naming a proof
//! runs it in any case. Sections of proofs that were not run keep their older commit and date.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use serde_json::{Map, Value};

use crate::install::{self, Need};
use crate::{arguments, workspace};

mod document;
mod machine;

use document::Section;

const PROGRAMS: &str = "conformance/prove";
const DOCUMENT: &str = "docs/proof.md";

/// A long proof.
struct Proof {
    name: String,
    claim: String,
}

/// The code a proof ran on.
struct Code {
    commit: String,
    /// The working copy is not what the commit holds; what passes then is not remembered.
    changed: bool,
}

/// Runs the task.
pub(crate) fn run(options: &[String]) -> Result<ExitCode, String> {
    let options = arguments::parse(options, &["--list", "--yes", "NAME"])?;
    let proofs = proofs()?;
    if options.list || proofs.is_empty() {
        println!("{} proofs in {PROGRAMS}", proofs.len());
        for proof in &proofs {
            println!("  {:<16} {}", proof.name, proof.claim);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = options.names.iter().find(|name| proofs.iter().all(|proof| proof.name != **name)) {
        return Err(format!("there is no proof `{unknown}`; `cargo xtask prove --list` shows them"));
    }
    install::ensure(&[Need::Python, Need::ClientPackages, Need::MariaDb, Need::Strace], options.yes)?;
    build_release()?;
    let code = code()?;
    let mut state = State::read()?;
    let mut failed = 0_usize;
    for proof in &proofs {
        if !(options.names.is_empty() || options.names.contains(&proof.name)) {
            continue;
        }
        if options.names.is_empty() && state.has_passed(&proof.name, &code) {
            println!("{}: passed already for this commit", proof.name);
            continue;
        }
        let passed = prove(proof, &code, &mut state)?;
        failed += usize::from(!passed);
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The proofs there are: one for each program, by name.
fn proofs() -> Result<Vec<Proof>, String> {
    let folder = workspace::root().join(PROGRAMS);
    let mut proofs = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let path = entry.map_err(|error| format!("{PROGRAMS}: {error}"))?.path();
        let (Some(stem), Some("py")) = (path.file_stem(), path.extension().and_then(|part| part.to_str()))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        proofs.push(Proof { name: stem.to_string_lossy().into_owned(), claim: claim(&text)? });
    }
    proofs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(proofs)
}

/// The first line of a program's docstring.
fn claim(program: &str) -> Result<String, String> {
    let first = program.lines().next().and_then(|line| line.strip_prefix("\"\"\"")).unwrap_or_default();
    let claim = first.trim_end_matches("\"\"\"").trim();
    if claim.is_empty() {
        return Err(format!(
            "a program in {PROGRAMS} must open with a docstring whose first line is its claim"
        ));
    }
    Ok(claim.to_owned())
}

fn build_release() -> Result<(), String> {
    let mut build = workspace::cargo(&["build", "--locked", "--release", "--package", "millpond"]);
    println!("+ {}", workspace::shown(&build));
    match build.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the release build failed ({status})")),
        Err(error) => Err(format!("cargo can't be started: {error}")),
    }
}

fn code() -> Result<Code, String> {
    let git = |arguments: &[&str]| workspace::output(workspace::command("git").args(arguments));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    // The record itself changes with every proof and is no part of the code.
    let changes = git(&["status", "--porcelain", "--", ".", ":!docs/proof.md"])?;
    Ok(Code { commit, changed: !changes.is_empty() })
}

/// Runs one proof and records its result; returns whether it passed.
fn prove(proof: &Proof, code: &Code, state: &mut State) -> Result<bool, String> {
    println!("\n== {}: {}", proof.name, proof.claim);
    let start = Instant::now();
    let result = run_program(&proof.name)?;
    let duration_secs = start.elapsed().as_secs();
    println!("{}: {} after {duration_secs} s", proof.name, if result.passed { "passed" } else { "FAILED" });
    let section = Section {
        name: proof.name.clone(),
        claim: proof.claim.clone(),
        passed: result.passed,
        commit: if code.changed { format!("{} with changes", code.commit) } else { code.commit.clone() },
        date: workspace::output(workspace::command("date").args(["-u", "+%Y-%m-%d"]))?,
        machine: machine::describe(),
        duration_secs,
        figures: result.figures,
    };
    let path = workspace::root().join(DOCUMENT);
    let document = std::fs::read_to_string(&path).unwrap_or_default();
    write(&path, &document::with_section(&document, &section))?;
    state.record(&proof.name, code, result.passed)?;
    Ok(result.passed)
}

/// What a proof's program reported.
#[derive(Debug, PartialEq)]
struct ProofResult {
    passed: bool,
    figures: Vec<(String, String)>,
}

fn run_program(name: &str) -> Result<ProofResult, String> {
    let progress = prove_dir().join(name);
    std::fs::create_dir_all(&progress).map_err(|error| format!("{}: {error}", progress.display()))?;
    let mut program = workspace::command(install::python());
    program.arg(format!("{PROGRAMS}/{name}.py"));
    program.env("PYTHONPATH", workspace::root().join("conformance")).env("PYTHONUNBUFFERED", "1");
    program.env("MILLPOND_BIN", workspace::target_dir().join("release/millpond"));
    program.env("MILLPOND_PROVE_DIR", progress).stdout(Stdio::piped());
    let mut child = program.spawn().map_err(|error| format!("{name} can't be started: {error}"))?;
    let stdout = child.stdout.take().expect("standard output was just piped");
    let mut last = String::new();
    for line in BufReader::new(stdout).lines() {
        last = line.map_err(|error| format!("{name} can't be read: {error}"))?;
        println!("{last}");
    }
    let status = child.wait().map_err(|error| format!("{name} can't be awaited: {error}"))?;
    Ok(result(&last, status.success()))
}

/// Reads the last line of a proof. A proof that ends badly, or without a result, has failed.
fn result(last_line: &str, succeeded: bool) -> ProofResult {
    let Ok(Value::Object(said)) = serde_json::from_str(last_line) else {
        let figures = vec![("error".to_owned(), "ended without a result".to_owned())];
        return ProofResult { passed: false, figures };
    };
    let figures = said.get("figures").and_then(Value::as_object).into_iter().flatten();
    let figures = figures.map(|(name, value)| (name.clone(), shown(value))).collect();
    ProofResult { passed: succeeded && said.get("passed") == Some(&Value::Bool(true)), figures }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Which proofs have passed for which commit, kept in `target/prove/state.json`.
struct State {
    path: PathBuf,
    results: Map<String, Value>,
}

impl State {
    fn read() -> Result<Self, String> {
        Self::read_from(prove_dir().join("state.json"))
    }

    fn read_from(path: PathBuf) -> Result<Self, String> {
        let results = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| format!("{}: {error}; remove the file and run again", path.display()))?,
            Err(_) => Map::new(),
        };
        Ok(Self { path, results })
    }

    fn has_passed(&self, name: &str, code: &Code) -> bool {
        !code.changed && self.results.get(name).and_then(Value::as_str) == Some(code.commit.as_str())
    }

    fn record(&mut self, name: &str, code: &Code, passed: bool) -> Result<(), String> {
        if passed && !code.changed {
            self.results.insert(name.to_owned(), Value::String(code.commit.clone()));
        } else {
            self.results.remove(name);
        }
        write(&self.path, &format!("{}\n", Value::Object(self.results.clone())))
    }
}

fn prove_dir() -> PathBuf {
    workspace::target_dir().join("prove")
}

/// Replaces a file as a whole, so that an interruption leaves the old one or the new one.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let new = path.with_extension("new");
    std::fs::write(&new, text).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}

#[cfg(test)]
mod tests;
