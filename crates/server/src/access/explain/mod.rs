//! Why someone may or may not do something, without doing it.
//!
//! It decides as for the call itself, also where enforcement is off: then it tells what would hold with it.
//!
//! What it refuses to do: tell anything of another account, be it who is there or what its policies say; and decide what no
//! request asks, such as an action that is misspelt.
//!
//! Suggested reading order: this file, `question`, `needed`.

mod needed;
mod question;

use std::borrow::Cow;
use std::collections::BTreeMap;

use millpond_core::command::Command;
use millpond_core::name::AccountId;
use millpond_core::outcome::Outcome;
use millpond_engine::step::Wait;
use millpond_iam::api::{Authorisation, asked};
use millpond_iam::arn::Arn;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Decision, Question, ResourceKind};
use millpond_iam::facts::{Given, NoFacts};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Authenticated;
use super::{Access, SQS, queue_of_arn, signed_region, sqs};
use crate::framing::FACT_BYTES;
use needed::Needed;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why<'a> {
    /// Such as `sqs:SendMessage`.
    #[serde(borrow)]
    action: Cow<'a, str>,
    /// An ARN, or `*`.
    #[serde(default = "everything")]
    resource: String,
    /// Who would do it: an ARN, or `anonymous`. The caller itself when nothing is said.
    #[serde(rename = "as")]
    principal: Option<String>,
    /// Condition keys with a value or several.
    #[serde(default)]
    context: BTreeMap<String, Values>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

fn everything() -> String {
    "*".to_owned()
}

impl Why<'_> {
    /// Nothing that is held against policies is long, as in a request.
    fn check_lengths(&self) -> Result<(), String> {
        let values = self.context.values().flat_map(|values| match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        });
        let mut texts = values.map(String::as_str).chain([&*self.action, &self.resource]);
        match texts.find(|text| text.len() > FACT_BYTES) {
            Some(_) => Err(format!(
                "an action, a resource and each value of the context has up to {FACT_BYTES} bytes"
            )),
            None => Ok(()),
        }
    }
}

/// What is answered.
struct Answer {
    /// Nothing when it is not for this account alone to say.
    allowed: Option<bool>,
    text: String,
}

impl Access {
    /// Answers `POST why`; `who` asks and is already allowed to.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub(crate) async fn why(&self, who: &Authenticated, body: &[u8]) -> Result<Value, String> {
        let why: Why<'_> = serde_json::from_slice(body).map_err(|error| {
            format!("send {{\"action\": \"sqs:SendMessage\", \"resource\": ARN, \"as\": ARN}}: {error}")
        })?;
        why.check_lengths()?;
        let action = question::action(&why.action)?;
        question::check_resource(&why.resource)?;
        why.context.keys().try_for_each(|key| question::check_key(key))?;
        let own = who.caller.account().unwrap_or(self.account);
        let viewed = self.viewed(who, own, why.principal.as_deref())?;
        let needed = self.needed(&viewed, own, &action, &why.resource, &given(why.context))?;
        let answer = self.answer(&viewed, own, needed);
        let mut text = answer.text;
        if let Some(missing) = self.missing(own, &action, &why.resource).await {
            text = format!("{text}\n{missing}");
        }
        if !self.is_enforced() {
            text =
                format!("Nobody is refused now: the service runs with --auth off. With enforcement:\n{text}");
        }
        Ok(json!({ "allowed": answer.allowed, "explanation": text, "enforced": self.is_enforced() }))
    }

    /// Who would do it: the caller itself, someone of its account, or who does not say.
    fn viewed(
        &self,
        who: &Authenticated,
        own: AccountId,
        named: Option<&str>,
    ) -> Result<Authenticated, String> {
        let caller = match named {
            None => return Ok(who.clone()),
            Some("anonymous") => Caller::Anonymous,
            Some(arn) => {
                let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
                let account = account.ok_or_else(|| {
                    format!("{arn} names nobody: `as` is an ARN such as arn:aws:iam::{own}:user/jane, or `anonymous`")
                })?;
                if account != own {
                    return Err(format!(
                        "{arn} is of account {account}: callers of account {own} are told of their own account only"
                    ));
                }
                let found = self.people.now().identities.principal_by_arn(arn);
                found.ok_or_else(|| format!("there is no user, role or root {arn}"))?
            }
        };
        let region = who.region.clone();
        Ok(Authenticated { region, ..Authenticated::without_key(caller, who.source) })
    }

    /// Decides all that is needed; the first that is not allowed is the answer.
    fn answer(&self, viewed: &Authenticated, own: AccountId, needed: Needed) -> Answer {
        let all = match needed {
            Needed::Settled(answer) => return answer,
            Needed::All(all) => all,
        };
        let mut answer = Answer { allowed: Some(true), text: String::new() };
        for asked in &all {
            let next = self.one(viewed, own, asked);
            if next.allowed != Some(true) || answer.text.is_empty() {
                answer = next;
            } else {
                answer.text = format!("{}\n{}", answer.text, next.text);
            }
            if answer.allowed != Some(true) {
                break;
            }
        }
        answer
    }

    fn one(&self, viewed: &Authenticated, own: AccountId, asked: &Authorisation) -> Answer {
        let question = Question {
            caller: &viewed.caller,
            action: &asked.action,
            resource: &asked.resource,
            resource_account: asked.resource_account,
            resource_kind: asked.resource_kind,
            facts: &NoFacts,
        };
        let is_queue = queue_of_arn(&asked.resource).is_some();
        let is_trust = asked.resource_kind == ResourceKind::RoleTrust;
        if asked.resource_account == own || !(is_queue || is_trust) {
            let decision = self.as_in_its_call(viewed, asked);
            return Answer { allowed: Some(decision.is_allowed()), text: decision.explain(&question) };
        }
        if *viewed.caller == Caller::Anonymous {
            let text = format!(
                "Not decided here: an anonymous caller may {} on {} if its policy says so, which is of account {} and isn't \
                 shown to others.",
                asked.action, asked.resource, asked.resource_account
            );
            return Answer { allowed: None, text };
        }
        if is_queue && !sqs::may_be_given(&viewed.caller, asked.resource_account, &asked.action) {
            let text = format!(
                "Denied: {} is for the queue's own account alone, {}. No policy can give it to another.",
                asked.action, asked.resource_account
            );
            return Answer { allowed: Some(false), text };
        }
        // As if it were of the caller's account, where no policy of the other one counts.
        let one_side =
            Authorisation { resource_account: own, resource_kind: ResourceKind::Ordinary, ..asked.clone() };
        let decision = self.judge_by(signed_region(viewed), viewed, &one_side, None);
        let allowed = (!decision.is_allowed()).then_some(false);
        Answer { allowed, text: decision.explain_one_side(&question) }
    }

    /// The root of the queue's owner gets at the policy of its queue, whatever that denies.
    fn as_in_its_call(&self, viewed: &Authenticated, asked: &Authorisation) -> Decision {
        let is_owner =
            matches!(*viewed.caller, Caller::Root { account } if account == asked.resource_account);
        if is_owner && viewed.session_policies.is_empty() && sqs::UNLOCKS.contains(&&*asked.action) {
            return Decision::Allowed(Vec::new());
        }
        self.judge(signed_region(viewed), viewed, asked)
    }

    /// What is said beside the answer of something in the caller's account that is not there. AWS decides before it looks.
    async fn missing(&self, own: AccountId, action: &question::Action, resource: &str) -> Option<String> {
        let arn = Arn::parse(resource).filter(|arn| AccountId::parse(arn.account) == Some(own))?;
        if action.name.contains(":Create") || action.name.starts_with("sts:") {
            return None;
        }
        let is_missing = match arn.service {
            SQS => {
                let describe = Command::DescribeQueue { key: queue_of_arn(resource)? };
                let outcome = self.engine.call(describe, Wait::Secs(0), 0).await.ok()?.outcome;
                !matches!(outcome, Outcome::Description(_))
            }
            "iam" => !asked::is_there(resource, &self.people.now().identities),
            _ => false,
        };
        is_missing
            .then(|| format!("There is no {resource} now; who may is decided before that is looked at."))
    }
}

fn given(context: BTreeMap<String, Values>) -> Given {
    let mut given = Given::default();
    for (key, values) in context {
        match values {
            Values::One(value) => given.put(&key, value),
            Values::Many(mut values) if values.len() == 1 => given.put(&key, values.remove(0)),
            Values::Many(values) => given.put_many(&key, values),
        }
    }
    given
}
