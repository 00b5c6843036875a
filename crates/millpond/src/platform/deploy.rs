//! Bringing a stack to what its template says, as whoever asks for it.
//!
//! Mistakes in the template, names that another stack has, tables, databases and addresses that the caller may not use
//! (`reach`) and roles that they may not pass are refused before anything is changed.

use std::collections::BTreeMap;

use millpond_iam::policy::{DocumentKind, Policy};
use millpond_iam::secret::Secret;
use millpond_server::platform::PlatformCall;
use millpond_stack::{
    Context, PhysicalId, Plan, PolicyUse, ResolvedTemplate, Resource, ResourceRecord, StackName, StackState,
    Step, Template, apply, plan, resolve,
};
use serde::Deserialize;
use serde_json::json;

use super::deployer::Deployer;
use super::effects::StackEffects;
use super::{Answered, Refused, Stacks};
use crate::random::random;
use crate::workload::check_workload;

/// What bringing a stack to what is wanted did.
pub(super) struct Brought {
    pub(super) steps: Vec<String>,
    /// The secrets of what was made, which nothing else keeps.
    pub(super) secrets: BTreeMap<PhysicalId, Secret>,
}

/// A template with the values given for its parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    /// What to call the template in errors.
    file: String,
    /// Its text, YAML or JSON.
    template: String,
    /// Values by parameter.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

impl Stacks {
    pub(super) async fn deploy(&self, name: &str, deployment: Deployment, call: &PlatformCall) -> Answered {
        let deployer = Deployer::of(call, &self.service.account_id)?;
        let stack_name = StackName::new(name).map_err(|error| Refused::new(400, error.to_string()))?;
        let template = Template::parse(&deployment.file, &deployment.template)
            .map_err(|errors| Refused::new(400, errors.to_string()))?;
        let _changing = self.changing.lock().await;
        let mut state = self.state(name).await?;
        self.mark_missing(name, &mut state, &deployer).await;
        let context = Context {
            account_id: self.service.account_id.clone(),
            region: self.service.region.clone(),
            endpoint: self.service.endpoint.clone(),
            stack_name,
            entropy: random().map_err(|failure| Refused::new(500, failure.to_string()))?,
            check_workload,
            check_policy,
        };
        let wanted = resolve(&template, &deployment.parameters, &state, &context)
            .map_err(|errors| Refused::new(400, errors.to_string()))?;
        self.refuse_what_others_have(name, &wanted).await?;
        self.refuse_what_is_out_of_reach(name, &wanted, &deployer).await?;
        let brought = self.bring(name, &mut state, &wanted, &deployer).await?;
        let outputs = self.outputs(&state, &brought.secrets).await?;
        Ok(json!({ "stack": name, "steps": brought.steps, "outputs": outputs }))
    }

    /// Nothing may belong to two stacks: each would change it to what its own template says.
    async fn refuse_what_others_have(&self, name: &str, wanted: &ResolvedTemplate) -> Result<(), Refused> {
        let mut stacks = self.documents.all::<StackState>("stack").await?;
        stacks.retain(|(other, _)| other != name);
        for (other, state) in &stacks {
            let taken: Vec<String> = wanted
                .resources()
                .map(|(_, resource)| resource.physical_id())
                .filter(|id| state.resources.contains_key(id))
                .map(|id| id.to_string())
                .collect();
            if !taken.is_empty() {
                return Err(Refused::new(409, belongs_to_other(name, other, &taken)));
            }
        }
        Ok(())
    }

    pub(super) async fn state(&self, name: &str) -> Result<StackState, Refused> {
        Ok(self.documents.get("stack", name).await?.unwrap_or_default())
    }

    pub(super) async fn bring(
        &self,
        name: &str,
        state: &mut StackState,
        wanted: &ResolvedTemplate,
        deployer: &Deployer,
    ) -> Result<Brought, Refused> {
        let plan = plan(state, wanted).map_err(|error| Refused::new(400, error.to_string()))?;
        check_roles(&plan, deployer)?;
        let steps = plan.steps.iter().map(ToString::to_string).collect();
        let mut effects = self.effects(name, deployer).await;
        if let Err(error) = apply(&plan, state, &mut effects).await {
            if state.resources.is_empty() {
                self.documents.remove("stack", name).await?;
            }
            return Err(Refused::new(409, error.to_string()));
        }
        Ok(Brought { steps, secrets: effects.into_secrets() })
    }

    async fn effects<'a>(&'a self, name: &'a str, deployer: &'a Deployer) -> StackEffects<'a> {
        let client = deployer.sqs(&self.service).await;
        StackEffects::new(name, deployer, client, &self.documents, &self.supervisor)
    }

    /// What someone deleted by hand is made again.
    async fn mark_missing(&self, name: &str, state: &mut StackState, deployer: &Deployer) {
        let effects = self.effects(name, deployer).await;
        let records: Vec<ResourceRecord> = state.resources.values().cloned().collect();
        for record in &records {
            if effects.is_missing(record).await {
                state.mark_missing(&record.resource.physical_id());
            }
        }
    }
}

/// Who starts a workload with a role gives that role away, and must be allowed to.
fn check_roles(plan: &Plan, deployer: &Deployer) -> Result<(), Refused> {
    let given = plan.steps.iter().filter_map(|step| match step {
        Step::Create { record, .. } | Step::Update { record, .. } => match &record.resource {
            Resource::Workload(workload) => Some(workload),
            _ => None,
        },
        Step::Record { .. } | Step::Delete { .. } | Step::Forget { .. } => None,
    });
    given.into_iter().try_for_each(|workload| deployer.may_pass(workload))
}

fn check_policy(policy_use: PolicyUse, document: &str) -> Result<(), String> {
    let kind = match policy_use {
        PolicyUse::Identity => DocumentKind::Identity,
        PolicyUse::Queue => DocumentKind::Resource,
        PolicyUse::Trust => DocumentKind::RoleTrust,
    };
    Policy::parse(document, kind).map(drop).map_err(|error| error.to_string())
}

fn belongs_to_other(name: &str, other: &str, taken: &[String]) -> String {
    let belong = if taken.len() == 1 { "belongs" } else { "belong" };
    format!(
        "stack {name}: {} {belong} to the stack {other}, so nothing was changed\n  \
         To change that stack with this template, add --stack {other}; to take it away first: millpond down {other};\n  \
         else give what is named here another QueueName or Name in the template",
        taken.join(", ")
    )
}
