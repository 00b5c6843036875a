//! `AWS::SQS::QueuePolicy`: one document as the policy of queues.
//!
//! All of it changes in place. A queue has one policy, so a queue is in one of these.

use super::{Described, PhysicalId, Place, PolicyUse, Resource, document, known, name};
use crate::resolve::{Properties, Resolver, Within};
use crate::state::OutputPiece;
use crate::template::schema::{Kind, TypeSchema, required};
use serde::{Deserialize, Serialize};

/// A queue policy as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePolicySpec {
    /// What the stack calls it.
    pub id: String,
    /// What it says.
    pub document: String,
    /// Names of the queues that have it.
    pub queues: Vec<String>,
}

const QUEUES: &str = "Queues";

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::SQS::QueuePolicy",
    properties: &[required("PolicyDocument", Kind::Policy), required(QUEUES, Kind::List(&Kind::Text, 100))],
    attributes: &["Id"],
    read,
};

fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let urls = name::list(properties, QUEUES, &mut resolver.report)?;
    let mut queues = Vec::new();
    for (index, url) in urls.iter().enumerate() {
        let position = properties.position_at(&[Within::Key(QUEUES), Within::Item(index)]);
        let account = resolver.scope.place.account_id;
        let Some(queue) = queue_of(url, account) else {
            let message = format!(
                "Queues takes the URLs of queues of account {account}, such as !Ref of an AWS::SQS::Queue, not \"{url}\""
            );
            resolver.report.error(position, message);
            continue;
        };
        if let Some(other) = policy_of(queue, resolver) {
            let message = format!(
                "{queue} has the policy {other} already, and a queue has only one; put all statements into one"
            );
            resolver.report.error(position, message);
        }
        queues.push(queue.to_owned());
    }
    if urls.is_empty() {
        resolver.report.error(properties.position_of(QUEUES), "Queues is empty; name the queues");
    }
    let document = document::of_property(properties, "PolicyDocument", PolicyUse::Queue, resolver)?;
    let keeps = |old: &Resource| matches!(old, Resource::QueuePolicy(_));
    let id = name::of_record(properties.logical_id, resolver, keeps);
    Some((Resource::QueuePolicy(QueuePolicySpec { id, document, queues }), true))
}

/// The name in a queue's URL, `http://host/account/name`.
fn queue_of<'a>(url: &'a str, account: &str) -> Option<&'a str> {
    let (_, rest) = url.split_once("://")?;
    let mut parts = rest.rsplit('/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    (parts.next()? == account).then_some(name)
}

/// The logical id of the policy that names a queue already.
fn policy_of<'a>(queue: &str, resolver: &'a Resolver<'_>) -> Option<&'a str> {
    let names = |resource: &Resource| matches!(resource, Resource::QueuePolicy(policy) if policy.queues.iter().any(|named| named == queue));
    let mut resources = resolver.scope.resources.iter();
    resources.find(|(_, resource)| names(resource)).map(|(logical_id, _)| logical_id.as_str())
}

impl Described for QueuePolicySpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::QueuePolicy(self.id.clone())
    }

    fn name_property(&self) -> &'static str {
        QUEUES
    }

    fn reference(&self, _place: &Place<'_>) -> OutputPiece {
        known(&self.id)
    }

    fn attribute(&self, attribute: &str, _place: &Place<'_>) -> Option<OutputPiece> {
        (attribute == "Id").then(|| known(&self.id))
    }
}
