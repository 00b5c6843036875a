//! The table of policy cases: documents, a request, the expected decision, and the sentence of the AWS documentation that
//! decides it. Both evaluators must agree with it: the one that ships, and the plain one that was written from the
//! documentation beside it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::naive;
use crate::support::{self, Case};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/policy_decisions/cases")
}

/// All cases with the name of their file, in order.
fn cases() -> Vec<(String, Case)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths.iter().filter(|path| path.file_stem().is_some_and(|stem| stem != "sentences")) {
        let read: Vec<Case> = serde_json::from_str(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let group = path.file_stem().unwrap().to_string_lossy().into_owned();
        all.extend(read.into_iter().map(|case| (group.clone(), case)));
    }
    all
}

fn disagreements(decide: impl Fn(&Case) -> Result<&'static str, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (group, case) in cases() {
        let decided = decide(&case);
        if decided.as_deref() != Ok(case.expect.as_str()) {
            wrong.push(format!(
                "{group}: {}\n    expected {}, decided {decided:?}, because of: {}",
                case.name, case.expect, case.because
            ));
        }
    }
    wrong
}

#[test]
fn every_case_is_decided_as_the_documentation_says() {
    let wrong = disagreements(|case| support::decided(case).map_err(|error| error.to_string()));
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_plain_evaluator_decides_every_case_so_too() {
    let wrong = disagreements(|case| Ok(naive::decided(case)));
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_case_names_its_sentence_and_every_sentence_its_page() {
    #[derive(serde::Deserialize)]
    struct Sentence {
        page: String,
        sentence: String,
    }
    let text = fs::read_to_string(folder().join("sentences.json")).unwrap();
    let sentences: BTreeMap<String, Sentence> = serde_json::from_str(&text).unwrap();
    for (key, Sentence { page, sentence }) in &sentences {
        assert!(page.starts_with("https://docs.aws.amazon.com/") && sentence.len() > 20, "{key}");
    }
    let used: BTreeSet<String> = cases().into_iter().map(|(_, case)| case.because).collect();
    let known: BTreeSet<String> = sentences.into_keys().collect();
    assert_eq!(used, known);
}

#[test]
fn the_table_is_as_large_as_it_has_to_be() {
    let all = cases();
    let names: BTreeSet<_> = all.iter().map(|(group, case)| (group.clone(), case.name.clone())).collect();
    assert_eq!(names.len(), all.len(), "a name is used twice");
    assert!(all.len() >= 300, "{} cases", all.len());
    let in_groups =
        |groups: &[&str]| all.iter().filter(|(group, _)| groups.contains(&group.as_str())).count();
    assert!(in_groups(&["across_accounts", "boundaries", "sessions"]) >= 60);
}
