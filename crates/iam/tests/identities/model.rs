//! Random sequences of calls, against a model that does the same in the simplest way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::scene::{ALLOW_SEND, Scene, TRUST, account};

mod seen;

use seen::{check_derived, check_trust, seen};

const POLICY: &str = "arn:aws:iam::111122223333:policy/";

#[derive(Clone, Debug)]
enum Call {
    CreateUser(usize),
    RenameUser(usize, usize),
    DeleteUser(usize),
    CreateKey(usize),
    SwitchKey(usize, bool),
    DeleteKey(usize),
    CreateRole(usize),
    DeleteRole(usize),
    Trust(usize, Holder),
    CreatePolicy(usize),
    CreateVersion(usize, bool),
    DeleteVersion(usize, u32),
    SetDefault(usize, u32),
    DeletePolicy(usize),
    Put(Holder, usize),
    Unput(Holder, usize),
    Attach(Holder, usize),
    Detach(Holder, usize),
    Bound(Holder, Option<usize>),
    Tag(Holder, usize),
    Untag(Holder, usize),
}

type Holder = (bool, usize);

fn calls() -> impl Strategy<Value = Call> {
    let (name, holder) = (0..3_usize, (any::<bool>(), 0..3_usize));
    let version = 1..4_u32;
    prop_oneof![
        3 => name.clone().prop_map(Call::CreateUser),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Call::RenameUser(from, to)),
        1 => name.clone().prop_map(Call::DeleteUser),
        2 => name.clone().prop_map(Call::CreateKey),
        1 => (name.clone(), any::<bool>()).prop_map(|(user, active)| Call::SwitchKey(user, active)),
        1 => name.clone().prop_map(Call::DeleteKey),
        3 => name.clone().prop_map(Call::CreateRole),
        1 => name.clone().prop_map(Call::DeleteRole),
        3 => (name.clone(), holder.clone()).prop_map(|(role, whom)| Call::Trust(role, whom)),
        3 => name.clone().prop_map(Call::CreatePolicy),
        2 => (name.clone(), any::<bool>()).prop_map(|(policy, default)| Call::CreateVersion(policy, default)),
        1 => (name.clone(), version.clone()).prop_map(|(policy, version)| Call::DeleteVersion(policy, version)),
        1 => (name.clone(), version).prop_map(|(policy, version)| Call::SetDefault(policy, version)),
        1 => name.clone().prop_map(Call::DeletePolicy),
        1 => (holder.clone(), name.clone()).prop_map(|(holder, name)| Call::Put(holder, name)),
        1 => (holder.clone(), name.clone()).prop_map(|(holder, name)| Call::Unput(holder, name)),
        2 => (holder.clone(), name.clone()).prop_map(|(holder, name)| Call::Attach(holder, name)),
        1 => (holder.clone(), name.clone()).prop_map(|(holder, name)| Call::Detach(holder, name)),
        1 => (holder.clone(), prop::option::of(name.clone())).prop_map(|(holder, name)| Call::Bound(holder, name)),
        1 => (holder.clone(), name.clone()).prop_map(|(holder, name)| Call::Tag(holder, name)),
        1 => (holder, name).prop_map(|(holder, name)| Call::Untag(holder, name)),
    ]
}

#[derive(Debug, Default, PartialEq)]
struct Held {
    inline: BTreeSet<String>,
    attached: BTreeSet<String>,
    boundary: Option<String>,
    tags: BTreeSet<String>,
    /// Whether each key is active, oldest first.
    keys: Vec<bool>,
    /// Whom a role trusts; nothing is the account.
    trusts: Option<Trusts>,
}

#[derive(Clone, Debug, PartialEq)]
enum Trusts {
    /// Who has that name now.
    Now(bool, String),
    /// Who was deleted.
    Gone,
}

#[derive(Debug, Default, PartialEq)]
struct Versions {
    all: BTreeSet<u32>,
    default: u32,
    latest: u32,
}

/// Holders by whether they are users, and name.
#[derive(Debug, Default, PartialEq)]
struct Model {
    held: BTreeMap<(bool, String), Held>,
    policies: BTreeMap<String, Versions>,
}

type Outcome = Result<(), &'static str>;
const NONE: Outcome = Err("NoSuchEntity");
const TAKEN: Outcome = Err("EntityAlreadyExists");
const CONFLICT: Outcome = Err("DeleteConflict");
const MALFORMED: Outcome = Err("MalformedPolicyDocument");
const LIMIT: Outcome = Err("LimitExceeded");

fn name(number: usize) -> String {
    ["ann", "bob", "Cyd"][number].to_owned()
}

impl Held {
    fn apply_to_keys(&mut self, call: &Call) -> Outcome {
        match *call {
            Call::CreateKey(_) if self.keys.len() == 2 => LIMIT,
            Call::CreateKey(_) => {
                self.keys.push(true);
                Ok(())
            }
            Call::SwitchKey(_, active) => self.keys.first_mut().map_or(NONE, |key| {
                *key = active;
                Ok(())
            }),
            _ if self.keys.is_empty() => NONE,
            _ => {
                self.keys.remove(0);
                Ok(())
            }
        }
    }
}

impl Model {
    fn uses(&self, policy: &str) -> bool {
        self.held
            .values()
            .any(|held| held.attached.contains(policy) || held.boundary.as_deref() == Some(policy))
    }

    fn with(&mut self, (is_user, number): Holder, change: impl FnOnce(&mut Held) -> Outcome) -> Outcome {
        self.held.get_mut(&(is_user, name(number))).map_or(NONE, change)
    }

    fn create(&mut self, is_user: bool, number: usize) -> Outcome {
        let key = (is_user, name(number));
        if self.held.contains_key(&key) {
            return TAKEN;
        }
        self.held.insert(key, Held::default());
        Ok(())
    }

    fn delete(&mut self, is_user: bool, number: usize) -> Outcome {
        let key = (is_user, name(number));
        let Some(held) = self.held.get(&key) else { return NONE };
        if !held.inline.is_empty() || !held.attached.is_empty() || !held.keys.is_empty() {
            return CONFLICT;
        }
        self.held.remove(&key);
        self.retrust(is_user, number, &Trusts::Gone);
        Ok(())
    }

    /// Who was trusted is someone else now, for every role.
    fn retrust(&mut self, is_user: bool, number: usize, now: &Trusts) {
        let before = Some(Trusts::Now(is_user, name(number)));
        for held in self.held.values_mut().filter(|held| held.trusts == before) {
            held.trusts = Some(now.clone());
        }
    }

    fn trust(&mut self, role: usize, (is_user, number): Holder) -> Outcome {
        let there = self.held.contains_key(&(is_user, name(number)));
        self.with((false, role), |held| {
            if there {
                held.trusts = Some(Trusts::Now(is_user, name(number)));
            }
            if there { Ok(()) } else { MALFORMED }
        })
    }

    fn rename(&mut self, number: usize, to_number: usize) -> Outcome {
        let (from, to) = ((true, name(number)), (true, name(to_number)));
        if !self.held.contains_key(&from) {
            return NONE;
        }
        if from != to && self.held.contains_key(&to) {
            return TAKEN;
        }
        let held = self.held.remove(&from).unwrap();
        self.held.insert(to, held);
        self.retrust(true, number, &Trusts::Now(true, name(to_number)));
        Ok(())
    }

    fn apply(&mut self, call: &Call) -> Outcome {
        let there = |policies: &BTreeMap<String, Versions>, number| policies.contains_key(&name(number));
        match *call {
            Call::CreateUser(user) => self.create(true, user),
            Call::DeleteUser(user) => self.delete(true, user),
            Call::CreateRole(role) => self.create(false, role),
            Call::DeleteRole(role) => self.delete(false, role),
            Call::Trust(role, whom) => self.trust(role, whom),
            Call::RenameUser(from, to) => self.rename(from, to),
            Call::CreateKey(user) | Call::SwitchKey(user, _) | Call::DeleteKey(user) => {
                self.with((true, user), |held| held.apply_to_keys(call))
            }
            Call::Put(holder, policy) => self.with(holder, |held| {
                held.inline.insert(name(policy));
                Ok(())
            }),
            Call::Unput(holder, policy) => {
                self.with(holder, |held| if held.inline.remove(&name(policy)) { Ok(()) } else { NONE })
            }
            Call::Attach(holder, policy) => {
                let there = there(&self.policies, policy);
                self.with(holder, |held| {
                    if there {
                        held.attached.insert(name(policy));
                    }
                    if there { Ok(()) } else { NONE }
                })
            }
            Call::Detach(holder, policy) => {
                self.with(holder, |held| if held.attached.remove(&name(policy)) { Ok(()) } else { NONE })
            }
            Call::Bound(holder, policy) => {
                let there = policy.is_none_or(|policy| there(&self.policies, policy));
                self.with(holder, |held| {
                    if there {
                        held.boundary = policy.map(name);
                    }
                    if there { Ok(()) } else { NONE }
                })
            }
            Call::Tag(holder, tag) => self.with(holder, |held| {
                held.tags.insert(name(tag));
                Ok(())
            }),
            Call::Untag(holder, tag) => self.with(holder, |held| {
                held.tags.remove(&name(tag));
                Ok(())
            }),
            _ => self.apply_to_policy(call),
        }
    }

    fn apply_to_policy(&mut self, call: &Call) -> Outcome {
        let (Call::CreatePolicy(policy)
        | Call::CreateVersion(policy, _)
        | Call::DeleteVersion(policy, _)
        | Call::SetDefault(policy, _)
        | Call::DeletePolicy(policy)) = *call
        else {
            panic!("{call:?} is about no policy");
        };
        let (policy, used) = (name(policy), self.uses(&name(policy)));
        if let Call::CreatePolicy(_) = call {
            if self.policies.contains_key(&policy) {
                return TAKEN;
            }
            self.policies.insert(policy, Versions { all: [1].into(), default: 1, latest: 1 });
            return Ok(());
        }
        let Some(versions) = self.policies.get_mut(&policy) else { return NONE };
        match *call {
            Call::CreateVersion(_, _) if versions.all.len() == 5 => LIMIT,
            Call::CreateVersion(_, default) => {
                versions.latest += 1;
                versions.all.insert(versions.latest);
                if default {
                    versions.default = versions.latest;
                }
                Ok(())
            }
            Call::DeleteVersion(_, version) | Call::SetDefault(_, version)
                if !versions.all.contains(&version) =>
            {
                NONE
            }
            Call::DeleteVersion(_, version) if versions.default == version => CONFLICT,
            Call::DeleteVersion(_, version) => {
                versions.all.remove(&version);
                Ok(())
            }
            Call::SetDefault(_, version) => {
                versions.default = version;
                Ok(())
            }
            _ if used || versions.all.len() > 1 => CONFLICT,
            _ => {
                self.policies.remove(&policy);
                Ok(())
            }
        }
    }
}

/// Sends the call to the service.
fn send(scene: &mut Scene, call: &Call) -> Outcome {
    let arn = |policy: usize| format!("{POLICY}{}", name(policy));
    let user = |user: usize| vec![("UserName", name(user))];
    let holder = |(is_user, number): Holder| (if is_user { "UserName" } else { "RoleName" }, name(number));
    let kind = |(is_user, _): Holder| if is_user { "User" } else { "Role" };
    let first_key = |scene: &Scene, user: usize| {
        let user = scene.identities.user(account(), &name(user));
        let key = user.and_then(|user| user.record.keys.first().map(|key| key.id.clone()));
        key.unwrap_or_else(|| "AKIAIOSFODNN7EXAMPLE".to_owned())
    };
    let with = |of: Holder, key: &'static str, value: String| vec![holder(of), (key, value)];
    let document = ("PolicyDocument", ALLOW_SEND.to_owned());
    let version =
        |policy, version: u32| vec![("PolicyArn", arn(policy)), ("VersionId", format!("v{version}"))];
    let (action, parameters): (String, Vec<(&str, String)>) = match *call {
        Call::CreateUser(number) => ("CreateUser".into(), user(number)),
        Call::DeleteUser(number) => ("DeleteUser".into(), user(number)),
        Call::RenameUser(from, to) => {
            ("UpdateUser".into(), vec![("UserName", name(from)), ("NewUserName", name(to))])
        }
        Call::CreateKey(number) => ("CreateAccessKey".into(), user(number)),
        Call::SwitchKey(number, active) => {
            let status = if active { "Active" } else { "Inactive" };
            let key = first_key(scene, number);
            let all = vec![("UserName", name(number)), ("AccessKeyId", key), ("Status", status.to_owned())];
            ("UpdateAccessKey".into(), all)
        }
        Call::DeleteKey(number) => {
            let key = first_key(scene, number);
            ("DeleteAccessKey".into(), vec![("UserName", name(number)), ("AccessKeyId", key)])
        }
        Call::CreateRole(number) => {
            let trust = ("AssumeRolePolicyDocument", TRUST.to_owned());
            ("CreateRole".into(), vec![("RoleName", name(number)), trust])
        }
        Call::DeleteRole(number) => ("DeleteRole".into(), vec![("RoleName", name(number))]),
        Call::Trust(role, (is_user, whom)) => {
            let document =
                TRUST.replace("root", &format!("{}/{}", if is_user { "user" } else { "role" }, name(whom)));
            ("UpdateAssumeRolePolicy".into(), vec![("RoleName", name(role)), ("PolicyDocument", document)])
        }
        Call::CreatePolicy(policy) => ("CreatePolicy".into(), vec![("PolicyName", name(policy)), document]),
        Call::CreateVersion(policy, default) => {
            let default = ("SetAsDefault", default.to_string());
            ("CreatePolicyVersion".into(), vec![("PolicyArn", arn(policy)), document, default])
        }
        Call::DeleteVersion(policy, number) => ("DeletePolicyVersion".into(), version(policy, number)),
        Call::SetDefault(policy, number) => ("SetDefaultPolicyVersion".into(), version(policy, number)),
        Call::DeletePolicy(policy) => ("DeletePolicy".into(), vec![("PolicyArn", arn(policy))]),
        Call::Put(of, policy) => {
            (format!("Put{}Policy", kind(of)), vec![holder(of), ("PolicyName", name(policy)), document])
        }
        Call::Unput(of, policy) => {
            (format!("Delete{}Policy", kind(of)), with(of, "PolicyName", name(policy)))
        }
        Call::Attach(of, policy) => (format!("Attach{}Policy", kind(of)), with(of, "PolicyArn", arn(policy))),
        Call::Detach(of, policy) => (format!("Detach{}Policy", kind(of)), with(of, "PolicyArn", arn(policy))),
        Call::Bound(of, Some(policy)) => {
            let action = format!("Put{}PermissionsBoundary", kind(of));
            (action, with(of, "PermissionsBoundary", arn(policy)))
        }
        Call::Bound(of, None) => (format!("Delete{}PermissionsBoundary", kind(of)), vec![holder(of)]),
        Call::Tag(of, tag) => {
            let tag = [("Tags.member.1.Key", name(tag)), ("Tags.member.1.Value", String::new())];
            (format!("Tag{}", kind(of)), [vec![holder(of)], tag.to_vec()].concat())
        }
        Call::Untag(of, tag) => (format!("Untag{}", kind(of)), with(of, "TagKeys.member.1", name(tag))),
    };
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    scene.call(&action, &parameters).map(|_| ()).map_err(|error| error.kind().query_code)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_service_does_what_the_model_does(calls in prop::collection::vec(calls(), 1..60)) {
        let (mut scene, mut model) = (Scene::new(), Model::default());
        for call in &calls {
            prop_assert_eq!(send(&mut scene, call), model.apply(call), "{:?}", call);
            prop_assert_eq!(&seen(&scene), &model, "{:?}", call);
            check_trust(&scene, &model);
        }
        check_derived(&mut scene, &model);
    }
}
