//! Bringing a stack to what its template says.
//!
//! Mistakes in the template and names that another stack has are refused before anything is changed.

use std::collections::BTreeMap;

use millpond_stack::{
    Context, PhysicalId, ResolvedTemplate, StackName, StackState, Template, apply, plan, resolve,
};
use serde::Deserialize;
use serde_json::json;

use super::effects::StackEffects;
use super::{Answered, Refused, Stacks};
use crate::random::random;
use crate::workload::check_workload;

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
    pub(super) async fn deploy(&self, name: &str, deployment: Deployment) -> Answered {
        let stack_name = StackName::new(name).map_err(|error| Refused::new(400, error.to_string()))?;
        let template = Template::parse(&deployment.file, &deployment.template)
            .map_err(|errors| Refused::new(400, errors.to_string()))?;
        let _changing = self.changing.lock().await;
        let mut state = self.state(name).await?;
        self.mark_missing(&mut state).await?;
        let context = Context {
            account_id: self.service.account_id.clone(),
            region: self.service.region.clone(),
            endpoint: self.service.endpoint.clone(),
            stack_name,
            entropy: random().map_err(|failure| Refused::new(500, failure.to_string()))?,
            check_workload,
        };
        let wanted = resolve(&template, &deployment.parameters, &state, &context)
            .map_err(|errors| Refused::new(400, errors.to_string()))?;
        self.refuse_what_others_have(name, &wanted).await?;
        let steps = self.bring(name, &mut state, &wanted).await?;
        let outputs = self.outputs(&state.outputs).await?;
        Ok(json!({ "stack": name, "steps": steps, "outputs": outputs }))
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
    ) -> Result<Vec<String>, Refused> {
        let plan = plan(state, wanted).map_err(|error| Refused::new(400, error.to_string()))?;
        let steps = plan.steps.iter().map(ToString::to_string).collect();
        let mut effects = StackEffects {
            stack: name,
            client: self.client().await?,
            documents: &self.documents,
            supervisor: &self.supervisor,
        };
        if let Err(error) = apply(&plan, state, &mut effects).await {
            if state.resources.is_empty() {
                self.documents.remove("stack", name).await?;
            }
            return Err(Refused::new(409, error.to_string()));
        }
        Ok(steps)
    }

    /// A queue that someone deleted by hand is made again.
    async fn mark_missing(&self, state: &mut StackState) -> Result<(), Refused> {
        let client = self.client().await?;
        let queues: Vec<PhysicalId> = state.resources.keys().cloned().collect();
        for id in queues {
            let PhysicalId::Queue(queue) = &id else { continue };
            let found = client.get_queue_url().queue_name(queue).send().await;
            let missing = found.is_err_and(|error| {
                error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist())
            });
            if missing {
                state.mark_missing(&id);
            }
        }
        Ok(())
    }

    async fn client(&self) -> Result<aws_sdk_sqs::Client, Refused> {
        let service = crate::service::Service::of_note(&self.service).await;
        Ok(service.map_err(|failure| Refused::new(500, failure.to_string()))?.sqs())
    }
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
