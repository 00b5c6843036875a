//! What a plan does to users.

use millpond_stack::{EffectError, Grants, Resource, UserSpec};

use super::grants::{borrowed, tag_parameters};
use super::iam::{Iam, Identity, gone, made};

impl Iam<'_> {
    /// Makes a user with its policies. One that an earlier attempt made is left as it is.
    pub(super) async fn create_user(&self, user: &UserSpec, resumed: bool) -> Result<(), EffectError> {
        let tags = tag_parameters(&user.grants.tags);
        let mut parameters = vec![
            ("UserName", user.name.as_str()),
            ("Path", &user.path),
            ("PermissionsBoundary", user.grants.permissions_boundary.as_deref().unwrap_or_default()),
        ];
        parameters.extend(borrowed(&tags));
        if made(self.call("CreateUser", &parameters).await, resumed)?.is_none() {
            return Ok(());
        }
        let policies = Grants { tags: [].into(), permissions_boundary: None, ..user.grants.clone() };
        self.set_grants(Identity::user(&user.name), &[], &policies).await
    }

    /// Brings a user to what `after` says.
    pub(super) async fn set_user(&self, before: &[Resource], after: &UserSpec) -> Result<(), EffectError> {
        let identity = Identity::user(&after.name);
        self.call_on(identity, "Update{}", &[("NewPath", &after.path)]).await?;
        self.set_grants(identity, &grants(before), &after.grants).await
    }

    /// Deletes a user with the policies that this stack gave it.
    pub(super) async fn delete_user(&self, name: &str, known: &[Resource]) -> Result<(), EffectError> {
        let identity = Identity::user(name);
        self.take_policies(identity, &grants(known), &Grants::default()).await?;
        gone(self.call_on(identity, "Delete{}", &[]).await)
    }
}

fn grants(known: &[Resource]) -> Vec<&Grants> {
    let mut grants = Vec::new();
    for resource in known {
        if let Resource::User(user) = resource {
            grants.push(&user.grants);
        }
    }
    grants
}
