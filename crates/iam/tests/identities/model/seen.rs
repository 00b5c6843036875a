//! What the service shows, as the model has it.

use millpond_iam::caller::Caller;
use millpond_iam::evaluate::Attached;
use millpond_iam::identity::record::Named;

use super::{Held, Model, POLICY, Trusts, Versions};
use crate::scene::{Scene, account, inner};

/// Whom a trust policy that is shown names.
fn trusts(document: &str) -> Option<Trusts> {
    let (_, principal) = document.split_once(r#""AWS":""#).unwrap();
    let principal = principal.split_once('"').unwrap().0;
    let Some((kind, name)) = principal.split_once('/') else {
        let root = principal.ends_with(":root");
        return (!root).then(|| {
            assert!(principal.starts_with("AIDA") || principal.starts_with("AROA"), "{document}");
            Trusts::Gone
        });
    };
    Some(Trusts::Now(kind.ends_with(":user"), name.to_owned()))
}

/// The state of the service, as the model has it.
pub(super) fn seen(scene: &Scene) -> Model {
    let last = |arn: &String| arn.rsplit('/').next().unwrap().to_owned();
    let mut model = Model::default();
    let users = scene.identities.users(account(), None).map(|user| {
        let keys = user.record.keys.iter().map(|key| scene.identities.access_key(&key.id).unwrap().active);
        let named: &Named = user;
        (true, named, &user.record.permissions, keys.collect(), None)
    });
    let roles = scene.identities.roles(account(), None).map(|role| {
        let named: &Named = role;
        let trusts = trusts(&scene.identities.shown_trust(&role.record));
        (false, named, &role.record.permissions, Vec::new(), trusts)
    });
    for (is_user, named, permissions, keys, trusts) in users.chain(roles) {
        let held = Held {
            inline: permissions.inline.keys().cloned().collect(),
            attached: permissions.attached.iter().map(last).collect(),
            boundary: permissions.boundary.as_ref().map(last),
            tags: named.tags.keys().cloned().collect(),
            keys,
            trusts,
        };
        model.held.insert((is_user, named.name.clone()), held);
    }
    for policy in scene.identities.managed_policies(account(), None) {
        let record = &policy.record;
        let all = record.versions.keys().copied().collect();
        let versions = Versions { all, default: record.default_version, latest: record.latest_version };
        model.policies.insert(policy.name.clone(), versions);
    }
    model
}

fn caller(scene: &Scene, is_user: bool, name: &str) -> Caller {
    if is_user { scene.user(name) } else { scene.identities.role(account(), name).unwrap().caller("s", 0) }
}

/// Each role admits whom the model says, and nobody else.
pub(super) fn check_trust(scene: &Scene, model: &Model) {
    let callers: Vec<_> =
        model.held.keys().map(|(is_user, name)| (*is_user, name, caller(scene, *is_user, name))).collect();
    for ((_, role), held) in model.held.iter().filter(|((is_user, _), _)| !is_user) {
        for (is_user, name, caller) in &callers {
            let trusted = held.trusts == Some(Trusts::Now(*is_user, (*name).clone()));
            assert_eq!(scene.admits(role, caller), trusted, "{name} as {role}");
        }
    }
}

/// What counts for each holder, and how often each policy is used, follows from the model.
pub(super) fn check_derived(scene: &mut Scene, model: &Model) {
    let named = |attached: &Attached| attached.name.rsplit('/').next().unwrap().to_owned();
    for ((is_user, name), held) in &model.held {
        let policies = scene.identities.policies(&caller(scene, *is_user, name));
        let mut counting: Vec<_> = policies.identity.iter().map(named).collect();
        let mut expected: Vec<_> = held.inline.iter().chain(&held.attached).cloned().collect();
        counting.sort();
        expected.sort();
        assert_eq!(counting, expected);
        assert_eq!(policies.boundary.as_ref().map(named), held.boundary);
    }
    for name in model.policies.keys() {
        let shown = scene.ok("GetPolicy", &[("PolicyArn", &format!("{POLICY}{name}"))]);
        let attached = model.held.values().filter(|held| held.attached.contains(name)).count();
        let bounded = model.held.values().filter(|held| held.boundary.as_ref() == Some(name)).count();
        assert_eq!(inner(&shown, "AttachmentCount"), attached.to_string());
        assert_eq!(inner(&shown, "PermissionsBoundaryUsageCount"), bounded.to_string());
    }
}
