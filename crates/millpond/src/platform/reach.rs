//! What workloads reach besides their queue: tables, databases and ports, which belong to the user of the service.
//!
//! What always holds: before a stack changes anything its deployer is allowed to write each table that its sinks write, and
//! to use the machine where a workload goes beyond a file of its own in the data directory or beyond loopback; no stack
//! writes a table in the file of another stack's sink, unless the account's root says so.
//!
//! It judges by what is written, not by what a name leads to elsewhere: links in the data directory are the user's own.

use std::path::{Path, PathBuf};

use millpond_iam::api::Authorisation;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Decision, ResourceKind};
use millpond_iam::facts::Given;
use millpond_stack::{
    FormSpec, ResolvedTemplate, Resource, SinkSpec, StackState, WorkloadKind, WorkloadName, WorkloadSpec,
};

use super::deployer::Deployer;
use super::{Refused, Stacks};

const WRITE_TABLE: &str = "millpond:WriteTable";
const USE_HOST: &str = "millpond:UseHost";

/// How names of SQLite files end that lie among the files of the service, which end otherwise.
const SQLITE_ENDINGS: [&str; 3] = [".db", ".sqlite", ".sqlite3"];

impl Stacks {
    /// Refuses what the deployer may not reach.
    pub(super) async fn refuse_what_is_out_of_reach(
        &self,
        name: &str,
        wanted: &ResolvedTemplate,
        deployer: &Deployer,
    ) -> Result<(), Refused> {
        let workloads: Vec<&WorkloadSpec> = workloads(wanted.resources().map(|(_, it)| it)).collect();
        for workload in &workloads {
            match &workload.kind {
                WorkloadKind::Sink(sink) => self.may_write(&workload.name, sink, deployer)?,
                WorkloadKind::Form(form) => may_listen(&workload.name, form, deployer)?,
            }
        }
        if deployer.may_share_tables() {
            return Ok(());
        }
        let mut stacks = self.documents.all::<StackState>("stack").await?;
        stacks.retain(|(other, _)| other != name);
        for (other, state) in &stacks {
            let known: Vec<Resource> = state.resources.values().flat_map(|record| record.known()).collect();
            for (workload, sink) in sinks(&workloads) {
                let theirs: Vec<&WorkloadSpec> = self::workloads(known.iter()).collect();
                if sinks(&theirs).any(|(_, theirs)| self.is_same_table(sink, theirs)) {
                    return Err(Refused::new(403, belongs_to_other(workload, sink, other)));
                }
            }
        }
        Ok(())
    }

    fn may_write(
        &self,
        workload: &WorkloadName,
        sink: &SinkSpec,
        deployer: &Deployer,
    ) -> Result<(), Refused> {
        let (region, account) = (&self.service.region, &self.service.account_id);
        let table = format!("arn:aws:millpond:{region}:{account}:rows/{}", sink.table);
        deployer.may(WRITE_TABLE, &table).map_err(|reason| denied(workload, &reason))?;
        if is_own_file(sink.database_url.expose()) {
            return Ok(());
        }
        let why = "its DatabaseUrl is not sqlite://NAME.db, a file directly in the data directory";
        deployer.may(USE_HOST, "*").map_err(|reason| denied(workload, &format!("{why}, and {reason}")))
    }

    /// SQLite takes names of tables for the same whatever their case.
    fn is_same_table(&self, one: &SinkSpec, other: &SinkSpec) -> bool {
        let file = |sink: &SinkSpec| sqlite_file(sink.database_url_in(&self.data).expose());
        one.table.eq_ignore_ascii_case(&other.table) && file(one).is_some_and(|own| Some(own) == file(other))
    }
}

impl Deployer {
    /// Whether they are allowed an action of Millpond's own, or the reason why not.
    fn may(&self, action: &'static str, resource: &str) -> Result<(), String> {
        let asked = Authorisation {
            action: action.into(),
            resource: resource.to_owned(),
            resource_account: self.access.default_account(),
            resource_kind: ResourceKind::Ordinary,
            resource_policy: None,
            facts: Given::default(),
        };
        match self.access.decide(&self.who, &asked) {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(denial) => Err(denial.text(&self.who.caller, action, resource)),
        }
    }

    fn may_share_tables(&self) -> bool {
        !self.access.is_enforced() || matches!(*self.who.caller, Caller::Root { .. })
    }
}

fn may_listen(workload: &WorkloadName, form: &FormSpec, deployer: &Deployer) -> Result<(), Refused> {
    if form.listen.ip().is_loopback() {
        return Ok(());
    }
    let why = format!("{} is not an address of this machine alone", form.listen);
    deployer.may(USE_HOST, "*").map_err(|reason| denied(workload, &format!("{why}, and {reason}")))
}

fn denied(workload: &WorkloadName, reason: &str) -> Refused {
    Refused::new(403, format!("workload {workload}: {reason}"))
}

fn workloads<'a>(resources: impl Iterator<Item = &'a Resource>) -> impl Iterator<Item = &'a WorkloadSpec> {
    resources.filter_map(|resource| match resource {
        Resource::Workload(workload) => Some(workload),
        _ => None,
    })
}

fn sinks<'a>(workloads: &[&'a WorkloadSpec]) -> impl Iterator<Item = (&'a WorkloadName, &'a SinkSpec)> {
    workloads.iter().filter_map(|workload| match &workload.kind {
        WorkloadKind::Sink(sink) => Some((&workload.name, sink)),
        WorkloadKind::Form(_) => None,
    })
}

/// Whether it is SQLite in a file directly inside the data directory, none of the service's own.
fn is_own_file(database_url: &str) -> bool {
    let Some(name) = database_url.strip_prefix("sqlite://") else { return false };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !name.starts_with('.')
        && name.chars().all(plain)
        && SQLITE_ENDINGS.iter().any(|ending| name.strip_suffix(ending).is_some_and(|rest| !rest.is_empty()))
}

/// The file of an absolute SQLite URL, without detours.
fn sqlite_file(database_url: &str) -> Option<PathBuf> {
    let path = Path::new(database_url.strip_prefix("sqlite://")?);
    let of_new = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(of_new).or_else(|| Some(path.to_owned()))
}

fn belongs_to_other(workload: &WorkloadName, sink: &SinkSpec, other: &str) -> String {
    format!(
        "workload {workload}: a sink of the stack {other} writes the table {} in the same file, so nothing was changed; name \
         another Table or DatabaseUrl, or have the account's root bring both stacks up",
        sink.table
    )
}

#[cfg(test)]
mod tests {
    use super::is_own_file;

    #[test]
    fn only_a_plain_name_is_a_file_of_its_own() {
        for own in ["sqlite://shop.db", "sqlite://a-b_c.1.sqlite", "sqlite://x.sqlite3"] {
            assert!(is_own_file(own), "{own}");
        }
        for beyond in [
            "sqlite:///srv/shop.db",
            "sqlite://../shop.db",
            "sqlite://run/shop.db",
            "sqlite://./shop.db",
            "sqlite://..db",
            "sqlite://.db",
            "sqlite://:x.db",
            "sqlite://file:x.db",
            "sqlite://store.redb",
            "sqlite://LOCK",
            "sqlite://segment-0000000000000009",
            "sqlite://shop.db-wal",
            "mysql://u:p@127.0.0.1/shop.db",
            "mariadb://host/shop.db",
        ] {
            assert!(!is_own_file(beyond), "{beyond}");
        }
    }
}
