//! `millpond stacks`, `down`: what `up` has brought, and how it goes away.
//!
//! `down` never deletes messages that nobody agreed to lose: it asks on a terminal, and else wants `--yes`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::Value;

use super::workloads::path_segment;
use super::{Target, remark, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;
use crate::table::printable;

/// Show stacks: what belongs to each, and their outputs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond stacks\n  millpond stacks --json")]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
}

/// Take a stack away: its workloads, its queues and their messages. Tables and their rows stay.
///
/// What the template gives `DeletionPolicy: Retain` stays too. When a queue still holds messages it asks first, or wants
/// --yes where nobody can be asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  millpond down\n  millpond down customers --yes")]
pub(crate) struct Down {
    /// The stack; may be left out when there is only one.
    stack: Option<String>,
    /// Delete messages that queues still hold without asking.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    target: Target,
}

impl List {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("GET", "stacks", None).await?;
        if self.target.json {
            say(&body.to_string());
        } else if list(&body, "stacks").is_empty() {
            remark("no stacks; `millpond up` brings up the example");
        } else {
            let shown: Vec<String> = list(&body, "stacks").iter().map(shown).collect();
            say(&shown.join("\n"));
        }
        Ok(DONE)
    }
}

/// The kinds of what belongs to a stack, one and several, in the order in which they are shown.
const KINDS: [(&str, &str); 8] = [
    ("queue", "queues"),
    ("queue-policy", "queue policies"),
    ("role", "roles"),
    ("user", "users"),
    ("access-key", "access keys"),
    ("managed-policy", "managed policies"),
    ("policy", "policies"),
    ("workload", "workloads"),
];

/// A stack with what belongs to it, and its outputs as the template names them.
fn shown(stack: &Value) -> String {
    let mut lines: Vec<_> = KINDS.iter().map(|(kind, kinds)| (*kinds, names(stack, kind))).collect();
    lines.retain(|(_, names)| !names.is_empty());
    let text = |value: &Value| value.as_str().map(printable).unwrap_or_default();
    let mut text_of_stack = format!("{}\n", text(&stack["stack"]));
    let width = lines.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    for (what, names) in lines {
        text_of_stack.push_str(&format!("  {what:<width$}  {}\n", names.join(", ")));
    }
    let outputs = super::outputs::lines(stack);
    if !outputs.is_empty() {
        text_of_stack.push_str("  outputs\n");
        text_of_stack.extend(outputs.iter().map(|line| format!("    {line}\n")));
    }
    text_of_stack
}

impl Down {
    pub(crate) async fn run(self) -> Outcome {
        let service = Service::find(self.target.endpoint.as_deref()).await?;
        let body = service.call("GET", "stacks", None).await?;
        let stack = chosen(list(&body, "stacks"), self.stack.as_deref())?;
        let name = stack["stack"].as_str().unwrap_or_default();
        let queues = service.call("GET", "queues", None).await?;
        if let Some(lost) = messages_that_go(stack, list(&queues, "queues"))
            && !self.yes
            && !self.agreed(name, &lost)?
        {
            remark("nothing was changed");
            return Ok(std::process::ExitCode::FAILURE);
        }
        let path = format!("stacks/{}", path_segment(name)?);
        let gone = service.call("DELETE", &path, None).await?;
        if self.target.json {
            say(&gone.to_string());
            return Ok(DONE);
        }
        for step in list(&gone, "steps").iter().filter_map(Value::as_str) {
            say(step);
        }
        say(&format!("the stack {name} is gone; tables and their rows stay"));
        Ok(DONE)
    }

    /// Asks whoever sits at the terminal; fails where nobody does.
    fn agreed(&self, name: &str, lost: &str) -> Result<bool, Failure> {
        if self.target.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(Failure::new(format!(
                "{lost}, which would go with the stack; nothing was changed. Let them land first, or run: \
                 millpond down {name} --yes"
            )));
        }
        let mut terminal = std::io::stderr().lock();
        write!(terminal, "{lost}, which would go with the stack. Take the stack {name} away? [y/N] ")?;
        terminal.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// The stack that is meant: the one named, or the only one there is.
fn chosen<'a>(stacks: &'a [Value], wanted: Option<&str>) -> Result<&'a Value, Failure> {
    let known: Vec<&str> = stacks.iter().filter_map(|stack| stack["stack"].as_str()).collect();
    match (wanted, stacks) {
        (_, []) => Err(Failure::new("there are no stacks")),
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::new(format!(
            "there are several stacks, {}; name one: millpond down {}",
            known.join(" and "),
            known[0]
        ))),
        (Some(wanted), _) => stacks
            .iter()
            .find(|stack| stack["stack"] == wanted)
            .ok_or_else(|| Failure::new(format!("there is no stack {wanted}; known: {}", known.join(", ")))),
    }
}

/// What the stack's queues hold that would be deleted, in words; `None` when they hold nothing.
fn messages_that_go(stack: &Value, queues: &[Value]) -> Option<String> {
    let deleted = |resource: &&Value| resource["kind"] == "queue" && resource["deletion_policy"] == "Delete";
    let held = list(stack, "resources").iter().filter(deleted).filter_map(|resource| {
        let name = resource["name"].as_str()?;
        let of_queue = queues.iter().filter(|queue| queue["name"] == name);
        let count: u64 = of_queue
            .flat_map(|queue| ["visible", "in_flight", "delayed"].map(|what| queue[what].as_u64()))
            .flatten()
            .sum();
        let messages = if count == 1 { "message" } else { "messages" };
        (count > 0).then(|| format!("queue {name} holds {count} {messages}"))
    });
    let held: Vec<String> = held.collect();
    (!held.is_empty()).then(|| held.join(", "))
}

fn names(stack: &Value, kind: &str) -> Vec<String> {
    let of_kind = list(stack, "resources").iter().filter(|resource| resource["kind"] == kind);
    of_kind.filter_map(|resource| resource["name"].as_str()).map(printable).collect()
}

fn list<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
