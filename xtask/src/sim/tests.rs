//! Arguments, and the proof that nothing that ships can have planted bugs in it.

use super::*;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn env(command: &Command, name: &str) -> Option<String> {
    let found = command.get_envs().find(|(key, _)| *key == name)?;
    found.1.map(|value| value.to_string_lossy().into_owned())
}

#[test]
fn without_arguments_it_runs_a_minute_from_a_fresh_seed() {
    let command = command(&parse(&[]).expect("nothing is needed"));
    assert_eq!(env(&command, "MILLPOND_SIM_SECONDS").as_deref(), Some("60"));
    assert!(env(&command, "MILLPOND_SIM_FIRST").is_some());
    assert!(!workspace::shown(&command).contains("simulation --features"));
}

#[test]
fn a_seed_runs_alone_and_with_its_trace() {
    let command = command(&parse(&words("12 --trace")).expect("both go together"));
    assert_eq!(env(&command, "MILLPOND_SIM_SEED").as_deref(), Some("12"));
    assert_eq!(env(&command, "MILLPOND_SIM_TRACE").as_deref(), Some("1"));
    assert_eq!(env(&command, "MILLPOND_SIM_SECONDS"), None);
}

#[test]
fn minutes_and_the_first_seed_are_handed_on() {
    let command = command(&parse(&words("--minutes 3 --first 7")).expect("both go together"));
    assert_eq!(env(&command, "MILLPOND_SIM_SECONDS").as_deref(), Some("180"));
    assert_eq!(env(&command, "MILLPOND_SIM_FIRST").as_deref(), Some("7"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in ["--fast", "1 2", "x", "--minutes", "--minutes x", "1 --minutes 2", "--trace", "1 --bugs"] {
        assert!(parse(&words(line)).is_err(), "{line}");
    }
}

/// Our crates below a package, each with the features that it is built with, as cargo resolves them.
fn crates_of(package: &[&str]) -> Vec<String> {
    let mut arguments = vec!["tree", "--offline", "--edges", "normal,build", "--prefix", "none"];
    arguments.extend(["--format", "{f} of {p}", "--package"]);
    arguments.extend(package);
    let tree = workspace::output(&mut workspace::cargo(&arguments)).expect("cargo shows its tree");
    tree.lines().filter(|line| line.contains(" of millpond-")).map(str::to_owned).collect()
}

#[test]
fn no_binary_that_ships_has_the_feature_with_the_planted_bugs() {
    let is_planted =
        |line: &String| line.split(" of ").next().is_some_and(|features| features.contains("simulation"));
    let planted = crates_of(&["millpond-engine", "--features", "simulation"]);
    assert!(planted.iter().any(|line| is_planted(line) && line.contains("millpond-log")), "{planted:?}");
    for package in ["millpond", "millpond-bench", "millpond-embed"] {
        let shipped = crates_of(&[package]);
        assert!(package == "millpond-bench" || shipped.iter().any(|line| line.contains("millpond-log")));
        assert!(!shipped.iter().any(is_planted), "{package}: {shipped:?}");
    }
}
