//! What a plan does to roles.

use millpond_stack::{EffectError, Grants, Resource, RoleSpec};

use super::grants::{borrowed, tag_parameters};
use super::iam::{Iam, Identity, gone, made};

impl Iam<'_> {
    /// Makes a role with its policies; its id. One that an earlier attempt made is left as it is.
    pub(super) async fn create_role(&self, role: &RoleSpec, resumed: bool) -> Result<String, EffectError> {
        let duration = role.session_duration_max_secs.to_string();
        let tags = tag_parameters(&role.grants.tags);
        let mut parameters = vec![
            ("RoleName", role.name.as_str()),
            ("Path", &role.path),
            ("AssumeRolePolicyDocument", &role.trust),
            ("Description", &role.description),
            ("MaxSessionDuration", &duration),
            ("PermissionsBoundary", role.grants.permissions_boundary.as_deref().unwrap_or_default()),
        ];
        parameters.extend(borrowed(&tags));
        let reply = match made(self.call("CreateRole", &parameters).await, resumed)? {
            Some(reply) => {
                let policies = Grants { tags: [].into(), permissions_boundary: None, ..role.grants.clone() };
                self.set_grants(Identity::role(&role.name), &[], &policies).await?;
                reply
            }
            None => self.call("GetRole", &[("RoleName", &role.name)]).await?,
        };
        Ok(reply.text("RoleId").unwrap_or_default())
    }

    /// Brings a role to what `after` says.
    pub(super) async fn set_role(&self, before: &[Resource], after: &RoleSpec) -> Result<(), EffectError> {
        let identity = Identity::role(&after.name);
        self.call_on(identity, "UpdateAssume{}Policy", &[("PolicyDocument", &after.trust)]).await?;
        let duration = after.session_duration_max_secs.to_string();
        let parameters =
            [("Description", after.description.as_str()), ("MaxSessionDuration", duration.as_str())];
        self.call_on(identity, "Update{}", &parameters).await?;
        self.set_grants(identity, &grants(before), &after.grants).await
    }

    /// Deletes a role with the policies that this stack gave it.
    pub(super) async fn delete_role(&self, name: &str, known: &[Resource]) -> Result<(), EffectError> {
        let identity = Identity::role(name);
        self.take_policies(identity, &grants(known), &Grants::default()).await?;
        gone(self.call_on(identity, "Delete{}", &[]).await)
    }
}

fn grants(known: &[Resource]) -> Vec<&Grants> {
    let mut grants = Vec::new();
    for resource in known {
        if let Resource::Role(role) = resource {
            grants.push(&role.grants);
        }
    }
    grants
}
