//! Nothing is installed without consent, and a refusal says what to run.

use super::{DEBIAN_PACKAGES, Decision, Missing, PACKAGE_SETS, Place, Situation, announcement, decide};

const WILLING_ROOT: Situation = Situation { consented: true, can_ask: false, is_root: true, has_apt: true };

fn missing(debian: &[&'static str], sets: bool) -> Missing {
    let packages = if sets { &PACKAGE_SETS[..] } else { &[] };
    Missing { debian: debian.to_vec(), sets: packages.iter().collect() }
}

fn refusal(missing: &Missing, situation: Situation) -> String {
    match decide(missing, situation) {
        Decision::Refuse(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_missing_asks_nobody() {
    let stranger = Situation { consented: false, can_ask: false, is_root: false, has_apt: false };
    assert_eq!(decide(&missing(&[], false), stranger), Decision::Nothing);
}

#[test]
fn consent_installs_and_a_terminal_is_asked() {
    let lacking = missing(&["strace"], true);
    assert_eq!(decide(&lacking, WILLING_ROOT), Decision::Install);
    let at_terminal = Situation { consented: false, can_ask: true, ..WILLING_ROOT };
    assert_eq!(decide(&lacking, at_terminal), Decision::Ask);
}

#[test]
fn without_terminal_and_consent_it_names_the_command() {
    let silent = Situation { consented: false, ..WILLING_ROOT };
    assert!(refusal(&missing(&["strace"], false), silent).contains("cargo xtask test --yes"));
    assert!(refusal(&missing(&[], true), silent).contains("cargo xtask test --yes"));
}

#[test]
fn without_root_it_names_the_command_even_with_consent() {
    let user = Situation { is_root: false, ..WILLING_ROOT };
    let why = refusal(&missing(&["strace", "chromium"], false), user);
    assert!(why.contains("sudo sh -c 'apt-get update && apt-get install"), "{why}");
    assert!(why.contains("strace chromium"), "{why}");
}

#[test]
fn packages_of_a_language_need_no_root() {
    let user = Situation { is_root: false, ..WILLING_ROOT };
    assert_eq!(decide(&missing(&[], true), user), Decision::Install);
}

#[test]
fn without_apt_it_names_the_packages() {
    let elsewhere = Situation { has_apt: false, ..WILLING_ROOT };
    assert!(refusal(&missing(&["strace"], false), elsewhere).contains("strace"));
}

#[test]
fn everything_is_named_before_it_is_installed() {
    let text = announcement(&missing(&["strace", "chromium"], true));
    assert!(text.contains("strace chromium"), "{text}");
    for packages in &PACKAGE_SETS {
        assert!(text.contains(packages.requirements) && text.contains(packages.folder), "{text}");
    }
}

#[test]
fn the_environment_whose_programs_install_the_rest_comes_first() {
    let places = PACKAGE_SETS.each_ref().map(|packages| &packages.place);
    assert_eq!(places, [&Place::Environment, &Place::Folder, &Place::NodeModules]);
}

#[test]
fn no_package_brings_a_daemon() {
    for package in DEBIAN_PACKAGES.iter().map(|package| package.package) {
        assert!(!matches!(package, "mariadb-server" | "mysql-server" | "default-mysql-server"), "{package}");
    }
}
