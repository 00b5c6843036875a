//! The stacks there are, and taking one away.

use std::collections::BTreeMap;

use millpond_iam::secret::Secret;
use millpond_server::platform::PlatformCall;
use millpond_stack::supervise::WorkloadStatus;
use millpond_stack::{Known, Output, PhysicalId, ResolvedTemplate, ResourceRecord, StackState, WorkloadName};
use serde_json::{Value, json};

use super::deployer::Deployer;
use super::{Answered, Refused, Stacks};

impl Stacks {
    pub(super) async fn list_stacks(&self) -> Answered {
        let stacks = self.documents.all::<StackState>("stack").await?;
        let mut shown = Vec::new();
        for (name, state) in &stacks {
            let resources: Vec<Value> = state.resources.iter().map(resource).collect();
            let outputs = self.outputs(state, &BTreeMap::new()).await?;
            shown.push(json!({ "stack": name, "resources": resources, "outputs": outputs }));
        }
        Ok(json!({ "stacks": shown }))
    }

    pub(super) async fn delete_stack(&self, name: &str, call: &PlatformCall) -> Answered {
        let deployer = Deployer::of(call, &self.service.account_id)?;
        let _changing = self.changing.lock().await;
        let stacks = self.documents.all::<StackState>("stack").await?;
        let known: Vec<&str> = stacks.iter().map(|(name, _)| name.as_str()).collect();
        if !known.contains(&name) {
            let known = if known.is_empty() {
                "there are none".into()
            } else {
                format!("known: {}", known.join(", "))
            };
            return Err(Refused::new(404, format!("there is no stack {name}; {known}")));
        }
        let mut state = self.state(name).await?;
        let brought = self.bring(name, &mut state, &ResolvedTemplate::nothing(), &deployer).await?;
        self.documents.remove("stack", name).await?;
        Ok(json!({ "stack": name, "steps": brought.steps }))
    }

    /// The outputs of a stack. Secrets are shown only of what was made just now: nothing else knows them.
    pub(super) async fn outputs(
        &self,
        state: &StackState,
        secrets: &BTreeMap<PhysicalId, Secret>,
    ) -> Result<Value, Refused> {
        let shown = Shown { statuses: &self.supervisor.status().await?, state, secrets };
        let output = |(name, output): (&String, &Output)| json!({ "name": name, "value": output.render(&shown), "description": output.description });
        Ok(state.outputs.iter().map(output).collect())
    }
}

/// What is known of a stack besides its template.
struct Shown<'a> {
    statuses: &'a [WorkloadStatus],
    state: &'a StackState,
    secrets: &'a BTreeMap<PhysicalId, Secret>,
}

impl Known for Shown<'_> {
    fn form_url(&self, form: &WorkloadName) -> Option<String> {
        self.statuses.iter().find(|status| status.name == *form)?.url.clone()
    }

    fn made_id(&self, resource: &PhysicalId) -> Option<String> {
        self.state.resources.get(resource)?.made_id.clone()
    }

    fn secret(&self, resource: &PhysicalId) -> Option<String> {
        self.secrets.get(resource).map(|secret| secret.expose().to_owned())
    }
}

fn resource((id, record): (&PhysicalId, &ResourceRecord)) -> Value {
    // A key is known by the id that its requests carry.
    let name = match id {
        PhysicalId::AccessKey(name) => record.made_id.as_deref().unwrap_or(name),
        id => id.name(),
    };
    json!({
        "kind": id.kind(),
        "name": name,
        "logical_id": record.logical_id,
        "deletion_policy": record.deletion_policy,
    })
}
