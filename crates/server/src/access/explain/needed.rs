//! What a call would be authorised on, by the action, what it is done to, and condition keys.

use std::borrow::Cow;

use millpond_core::name::{AccountId, Region};
use millpond_iam::api::{Authorisation, asked};
use millpond_iam::arn::Arn;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::ResourceKind;
use millpond_iam::facts::Given;

use super::question::Action;
use super::{Access, Answer, Authenticated};
use crate::access::own::{self, Resource};
use crate::access::sqs::OF_MOVE_SOURCE;
use crate::access::{IAM_REGION, SQS, queue_of_arn};

/// What a caller has to be allowed.
pub(super) enum Needed {
    /// All of these.
    All(Vec<Authorisation>),
    /// No policy is asked.
    Settled(Answer),
}

fn settled(allowed: bool, text: String) -> Needed {
    Needed::Settled(Answer { allowed: Some(allowed), text })
}

impl Access {
    /// What `viewed` has to be allowed. `own` is the account of whoever asks, and of `viewed` unless that is anonymous.
    pub(super) fn needed(
        &self,
        viewed: &Authenticated,
        own: AccountId,
        action: &Action,
        resource: &str,
        given: &Given,
    ) -> Result<Needed, String> {
        let service = action.name.split(':').next().unwrap_or_default();
        let Cow::Borrowed(name) = action.name else {
            return Ok(Needed::All(vec![ordinary(action.name.clone(), resource, own, given)]));
        };
        if *viewed.caller == Caller::Anonymous && service != SQS {
            let text = format!("Denied: {name} takes a signature. Anonymous callers get at queues alone.");
            return Ok(settled(false, text));
        }
        match service {
            SQS => self.on_queue(viewed, own, name, resource, given),
            "millpond" => self.on_service(own, name, resource, given),
            _ => self.on_identity(viewed, name, resource, given),
        }
    }

    fn on_queue(
        &self,
        viewed: &Authenticated,
        own: AccountId,
        name: &'static str,
        resource: &str,
        given: &Given,
    ) -> Result<Needed, String> {
        let key = queue_of_arn(resource);
        if name == "sqs:ListQueues" {
            let signed = viewed.region.as_ref().map(Region::as_str);
            let region = key.as_ref().map(|key| key.region.as_str()).or(signed).unwrap_or(IAM_REGION);
            let all = format!("arn:aws:sqs:{region}:{own}:");
            return Ok(Needed::All(vec![ordinary(Cow::Borrowed(name), &all, own, given)]));
        }
        let Some(key) = key.as_ref() else {
            return match resource {
                "*" => Ok(Needed::All(vec![ordinary(Cow::Borrowed(name), resource, own, given)])),
                _ => Err(format!("{name} is done to a queue, not to {resource}")),
            };
        };
        let mut facts = Given::default();
        // What another account has put on its queue is not told, not even by an answer.
        let queue = self.queues.get(key).filter(|_| key.account == own);
        for (tag, value) in queue.iter().flat_map(|queue| &queue.tags) {
            facts.put(&format!("aws:ResourceTag/{tag}"), value);
        }
        facts.put_all(given);
        let may = |name: &'static str| ordinary(Cow::Borrowed(name), resource, key.account, &facts);
        let mut all = vec![may(name)];
        if name == "sqs:CreateQueue" && given.has_any("aws:requesttag/") {
            all.push(may("sqs:TagQueue"));
        }
        if name == "sqs:StartMessageMoveTask" {
            all.extend(OF_MOVE_SOURCE.map(may));
        }
        Ok(Needed::All(all))
    }

    fn on_service(
        &self,
        own: AccountId,
        name: &'static str,
        resource: &str,
        given: &Given,
    ) -> Result<Needed, String> {
        let one = |resource: &str, account| ordinary(Cow::Borrowed(name), resource, account, given);
        let arn = Arn::parse(resource);
        let asked = match own::of_nothing_named(name) {
            Some(Resource::OfCaller) => one("*", own),
            Some(_) => one("*", self.account),
            None if name == "millpond:DescribeQueue" => match (queue_of_arn(resource), resource) {
                (Some(key), _) => one(resource, key.account),
                (None, "*") => one(resource, own),
                (None, _) => return Err(format!("{name} is done to a queue, not to {resource}")),
            },
            None => match arn {
                Some(arn) if arn.service != own::SERVICE => {
                    return Err(format!("{name} is done to an arn:aws:millpond:…, not to {resource}"));
                }
                Some(arn) if AccountId::parse(arn.account) != Some(self.account) => {
                    return Err(format!("workloads, stacks and rows are of account {}", self.account));
                }
                _ => one(resource, self.account),
            },
        };
        Ok(Needed::All(vec![asked]))
    }

    fn on_identity(
        &self,
        viewed: &Authenticated,
        name: &'static str,
        resource: &str,
        given: &Given,
    ) -> Result<Needed, String> {
        let all = asked::asked(name, resource, given, &viewed.caller, &self.people.now().identities)?;
        if all.is_empty() {
            return Ok(settled(true, format!("Allowed: {name} needs no permission; no policy is asked.")));
        }
        let is_trust = all.iter().any(|asked| asked.resource_kind == ResourceKind::RoleTrust);
        if is_trust && matches!(*viewed.caller, Caller::Root { .. }) {
            return Ok(settled(false, "Denied: Roles may not be assumed by root accounts.".to_owned()));
        }
        let is_own = all.iter().all(|asked| viewed.caller.account() == Some(asked.resource_account));
        if is_trust && is_own && all.iter().all(|asked| asked.resource_policy.is_none()) {
            let text = format!(
                "Denied: there is no role {resource}. STS refuses it in the words for who may not, and does not tell that."
            );
            return Ok(settled(false, text));
        }
        Ok(Needed::All(all))
    }
}

fn ordinary(
    action: Cow<'static, str>,
    resource: &str,
    resource_account: AccountId,
    given: &Given,
) -> Authorisation {
    Authorisation {
        action,
        resource: resource.to_owned(),
        resource_account,
        resource_kind: ResourceKind::Ordinary,
        resource_policy: None,
        facts: given.clone(),
    }
}
