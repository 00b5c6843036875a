//! `Policy`: who may do what with a queue, as a document of the IAM policy language.
//!
//! A document is checked for its grammar and its limits and is kept as given. What its actions, principals and
//! conditions mean is not looked at.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>.

use std::ops::Range;

use millpond_core::limits;
use millpond_core::name::QueueKey;
use millpond_core::queue::{Policy, PolicyStatement};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::policy_grammar::{Document, Statement};
use crate::arn;
use crate::error::SqsError;

/// The words of AWS, which do not say what is wrong.
const MALFORMED: SqsError = SqsError::InvalidAttributeValue("Policy");

/// Reads a policy.
pub(super) fn parse(text: &str) -> Result<Policy, SqsError> {
    within(text.len(), "bytes", limits::POLICY_BYTES)?;
    let document: Document<'_> = serde_json::from_str(text).map_err(|_| MALFORMED)?;
    let policy = cut(text, document.statement)?;
    check(&policy.statements)?;
    Ok(policy)
}

/// Cuts the document at its statements.
fn cut(text: &str, statement: &RawValue) -> Result<Policy, SqsError> {
    let place = |part: &RawValue| -> Range<usize> {
        let start = part.get().as_ptr() as usize - text.as_ptr() as usize;
        start..start + part.get().len()
    };
    let whole = place(statement);
    let (inner, pieces) = if statement.get().starts_with('[') {
        let listed: Vec<&RawValue> = serde_json::from_str(statement.get()).map_err(|_| MALFORMED)?;
        let inner = whole.start + 1..whole.end - 1;
        (inner.clone(), at_commas(text, inner, listed.into_iter().map(place)))
    } else {
        (whole.clone(), vec![whole])
    };
    let statements = pieces.into_iter().map(|piece| {
        let text = &text[piece];
        let statement: Statement = serde_json::from_str(text).map_err(|_| MALFORMED)?;
        Ok(PolicyStatement { sid: statement.sid().map(str::to_owned), text: text.to_owned() })
    });
    Ok(Policy {
        head: text[..inner.start].to_owned(),
        statements: statements.collect::<Result<_, SqsError>>()?,
        tail: text[inner.end..].to_owned(),
    })
}

/// Widens the places of values in a list to the commas between them, of which there is one each and else but space.
fn at_commas(
    text: &str,
    list: Range<usize>,
    values: impl Iterator<Item = Range<usize>>,
) -> Vec<Range<usize>> {
    let mut start = list.start;
    values
        .map(|value| {
            let end = text[value.end..list.end].find(',').map_or(list.end, |offset| value.end + offset);
            let piece = start..end;
            start = end + 1;
            piece
        })
        .collect()
}

fn check(statements: &[PolicyStatement]) -> Result<(), SqsError> {
    within(statements.len(), "statements", limits::POLICY_STATEMENTS)?;
    if statements.is_empty() {
        return Err(MALFORMED);
    }
    let (mut principals, mut conditions) = (0, 0);
    for (index, PolicyStatement { sid, text }) in statements.iter().enumerate() {
        let statement: Statement = serde_json::from_str(text).map_err(|_| MALFORMED)?;
        let sid_again = sid.is_some() && statements[..index].iter().any(|earlier| earlier.sid == *sid);
        if sid_again || !statement.is_whole() {
            return Err(MALFORMED);
        }
        within(statement.actions().len(), "actions", limits::POLICY_STATEMENT_ACTIONS)?;
        principals += statement.principals().unwrap_or_default();
        conditions += statement.conditions();
    }
    within(principals, "principals", limits::POLICY_PRINCIPALS)?;
    within(conditions, "conditions", limits::POLICY_CONDITIONS)
}

fn within(found: usize, what: &'static str, limit: usize) -> Result<(), SqsError> {
    if found > limit { Err(SqsError::PolicyTooLarge { found, what, limit }) } else { Ok(()) }
}

/// The policy that lets accounts call actions of a queue, for a queue that has no other.
pub(crate) fn permission(queue: &QueueKey, label: &str, accounts: &[String], actions: &[String]) -> Policy {
    let arn = arn::of_queue(queue);
    let accounts: Vec<String> =
        accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions: Vec<String> = actions.iter().map(|action| format!("SQS:{action}")).collect();
    let statement = json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_many(accounts) },
        "Action": one_or_many(actions),
        "Resource": arn,
    });
    Policy {
        head: format!(r#"{{"Version":"2008-10-17","Id":"{arn}/SQSDefaultPolicy","Statement":["#),
        statements: vec![PolicyStatement { sid: Some(label.to_owned()), text: statement.to_string() }],
        tail: "]}".to_owned(),
    }
}

fn one_or_many(mut values: Vec<String>) -> Value {
    if values.len() == 1 { Value::from(values.remove(0)) } else { Value::from(values) }
}
