//! Bringing a stack to what its template says, and taking it away.

use std::collections::BTreeMap;

use millpond_stack::{
    Context, Output, PhysicalId, ResolvedTemplate, StackName, StackState, Template, apply, plan, resolve,
};
use serde::Deserialize;
use serde_json::{Value, json};

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
        let steps = self.bring(name, &mut state, &wanted).await?;
        let outputs = self.outputs(&state.outputs).await?;
        Ok(json!({ "stack": name, "steps": steps, "outputs": outputs }))
    }

    pub(super) async fn delete_stack(&self, name: &str) -> Answered {
        let _changing = self.changing.lock().await;
        let mut state = self.state(name).await?;
        let steps = self.bring(name, &mut state, &ResolvedTemplate::nothing()).await?;
        self.documents.remove("stack", name).await?;
        Ok(json!({ "stack": name, "steps": steps }))
    }

    pub(super) async fn list_stacks(&self) -> Answered {
        let stacks = self.documents.all::<StackState>("stack").await?;
        let mut shown = Vec::new();
        for (name, state) in &stacks {
            let resources: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
            let outputs = self.outputs(&state.outputs).await?;
            shown.push(json!({ "stack": name, "resources": resources, "outputs": outputs }));
        }
        Ok(json!({ "stacks": shown }))
    }

    async fn state(&self, name: &str) -> Result<StackState, Refused> {
        Ok(self.documents.get("stack", name).await?.unwrap_or_default())
    }

    async fn bring(
        &self,
        name: &str,
        state: &mut StackState,
        wanted: &ResolvedTemplate,
    ) -> Result<Vec<String>, Refused> {
        let plan = plan(state, wanted).map_err(|error| Refused::new(400, error.to_string()))?;
        let steps = plan.steps.iter().map(ToString::to_string).collect();
        let mut effects = StackEffects {
            stack: name,
            client: self.client().await,
            documents: &self.documents,
            supervisor: &self.supervisor,
        };
        apply(&plan, state, &mut effects).await.map_err(|error| Refused::new(409, error.to_string()))?;
        Ok(steps)
    }

    /// A queue that someone deleted by hand is made again.
    async fn mark_missing(&self, state: &mut StackState) -> Result<(), Refused> {
        let client = self.client().await;
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

    async fn outputs(&self, outputs: &BTreeMap<String, Output>) -> Result<Value, Refused> {
        let statuses = self.supervisor.status().await?;
        let shown: Vec<Value> = outputs
            .iter()
            .map(|(name, output)| {
                let value = output
                    .render(|workload| statuses.iter().find(|status| status.name == *workload)?.url.clone());
                json!({ "name": name, "value": value, "description": output.description })
            })
            .collect();
        Ok(Value::Array(shown))
    }

    async fn client(&self) -> aws_sdk_sqs::Client {
        crate::service::Service::of_note(&self.service).await.sqs()
    }
}
