//! One number for a whole state: equal states have equal digests, derived parts included.

use ring::digest::{Context, SHA256};

use super::record::Record;
use super::{Change, Identities};
use crate::evaluate::Policies;

impl Identities {
    /// All records, by name, as they would be written.
    #[must_use]
    pub fn records(&self) -> Vec<Change> {
        let check = self.checked.iter().map(|record| Record::from((**record).clone()));
        let accounts = self.accounts.values().map(|record| Record::from((**record).clone()));
        let users = self.users.all().map(|user| Record::from((*user.record).clone()));
        let groups = self.groups.all().map(|group| Record::from((*group.record).clone()));
        let roles = self.roles.all().map(|role| Record::from((*role.record).clone()));
        let profiles = self.instance_profiles.all().map(|profile| Record::from((*profile.record).clone()));
        let policies = self.policies.all().map(|policy| Record::from((*policy.record).clone()));
        let all =
            check.chain(accounts).chain(groups).chain(profiles).chain(policies).chain(roles).chain(users);
        let mut records: Vec<_> = all.map(Record::put).collect();
        records.sort_by(|one, other| name(one).cmp(name(other)));
        records
    }

    /// A digest over the records and everything that was derived from them: access keys, links, compiled policies of
    /// identities and of trust.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &[u8]| {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        };
        for record in self.records() {
            add(name(&record).as_bytes());
            if let Change::Put { value, .. } = &record {
                add(value);
            }
        }
        for (id, key) in &*self.keys {
            add(id.as_bytes());
            add(key.caller.arn().as_bytes());
            add(key.secret.expose().as_bytes());
            add(&[u8::from(key.active)]);
        }
        for links in [&self.attached, &self.bounded, &self.members, &self.profiles] {
            add(format!("{:?}", links.all()).as_bytes());
        }
        let users = self.users.all().map(|user| (&user.id, &user.policies));
        for (id, policies) in users.chain(self.roles.all().map(|role| (&role.id, &role.policies))) {
            add(id.as_bytes());
            add(shown(policies).as_bytes());
        }
        for role in self.roles.all() {
            add(role.id.as_bytes());
            add(format!("{:?}", role.trust).as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

fn name(change: &Change) -> &str {
    match change {
        Change::Put { name, .. } | Change::Remove { name } => name,
    }
}

fn shown(policies: &Policies) -> String {
    format!("{:?} {:?}", policies.identity, policies.boundary)
}
