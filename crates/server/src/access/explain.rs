//! Why someone may or may not do something, without doing it.
//!
//! It decides as for the call itself, also where enforcement is off: then it tells what would hold with it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use millpond_core::name::AccountId;
use millpond_iam::arn::Arn;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Question, ResourceKind};
use millpond_iam::facts::Given;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Authenticated;
use super::facts::RequestFacts;
use super::sqs::may_be_given;
use super::{Access, Asked, IAM_REGION, now_secs, queue_of_arn};
use crate::framing::FACT_BYTES;

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

impl Access {
    /// Answers `POST why`; `who` asks and is already allowed to.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub(crate) fn why(&self, who: &Authenticated, body: &[u8]) -> Result<Value, String> {
        let why: Why<'_> = serde_json::from_slice(body).map_err(|error| {
            format!("send {{\"action\": \"sqs:SendMessage\", \"resource\": ARN, \"as\": ARN}}: {error}")
        })?;
        why.check_lengths()?;
        let viewed = match why.principal.as_deref() {
            None => who.clone(),
            Some("anonymous") => Authenticated::without_key(Caller::Anonymous, who.source),
            Some(arn) => {
                let found = self.people.now().identities.principal_by_arn(arn);
                let found = found.ok_or_else(|| format!("there is no user, role or root {arn}"))?;
                Authenticated::without_key(found, who.source)
            }
        };
        let given = given(why.context);
        let queue = queue_of_arn(&why.resource).and_then(|key| self.queues.get(&key));
        let arn = Arn::parse(&why.resource);
        let in_arn = arn.and_then(|arn| AccountId::parse(arn.account));
        let account = in_arn.or_else(|| viewed.caller.account()).unwrap_or(self.account);
        let region = arn.map(|arn| arn.region).filter(|region| !region.is_empty()).unwrap_or(IAM_REGION);
        let of_queue = queue.as_ref().and_then(|queue| queue.policy());
        let asked = Asked {
            action: &why.action,
            resource: &why.resource,
            account,
            region,
            kind: ResourceKind::Ordinary,
            policy: of_queue.filter(|_| may_be_given(&viewed.caller, account, &why.action)),
            given: &given,
        };
        let decision = self.evaluate(&viewed, &asked);
        let facts = RequestFacts { who: &viewed, region, now_secs: now_secs(), given: &given };
        let question = Question {
            caller: &viewed.caller,
            action: asked.action,
            resource: asked.resource,
            resource_account: account,
            resource_kind: asked.kind,
            facts: &facts,
        };
        Ok(json!({
            "allowed": decision.is_allowed(),
            "explanation": decision.explain(&question),
            "enforced": self.is_enforced(),
        }))
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
