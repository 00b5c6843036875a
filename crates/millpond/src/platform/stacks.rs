//! The stacks there are, and taking one away.

use std::collections::BTreeMap;

use millpond_stack::{Output, PhysicalId, ResolvedTemplate, ResourceRecord, StackState};
use serde_json::{Value, json};

use super::{Answered, Refused, Stacks};

impl Stacks {
    pub(super) async fn list_stacks(&self) -> Answered {
        let stacks = self.documents.all::<StackState>("stack").await?;
        let mut shown = Vec::new();
        for (name, state) in &stacks {
            let resources: Vec<Value> = state.resources.iter().map(resource).collect();
            let outputs = self.outputs(&state.outputs).await?;
            shown.push(json!({ "stack": name, "resources": resources, "outputs": outputs }));
        }
        Ok(json!({ "stacks": shown }))
    }

    pub(super) async fn delete_stack(&self, name: &str) -> Answered {
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
        let steps = self.bring(name, &mut state, &ResolvedTemplate::nothing()).await?;
        self.documents.remove("stack", name).await?;
        Ok(json!({ "stack": name, "steps": steps }))
    }

    pub(super) async fn outputs(&self, outputs: &BTreeMap<String, Output>) -> Result<Value, Refused> {
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
}

fn resource((id, record): (&PhysicalId, &ResourceRecord)) -> Value {
    let (kind, name) = match id {
        PhysicalId::Queue(name) => ("queue", name.as_str()),
        PhysicalId::Workload(name) => ("workload", name.as_str()),
    };
    json!({
        "kind": kind,
        "name": name,
        "logical_id": record.logical_id,
        "deletion_policy": record.deletion_policy,
    })
}
