//! Whether a condition holds.
//!
//! What always holds: every operator, key and value of a policy was understood when it was read, so each condition is either
//! true or false. A request's value that is of the wrong kind matches no value of the policy.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::context::Context;
use crate::arn::Arn;
use crate::facts::Value;
use crate::policy::budget::Budget;
use crate::policy::condition::{ArnPattern, Condition, Values};
use crate::policy::operator::{Operator, Order, Over, TestKind, TextTest};
use crate::policy::pattern::{Atom, Case, Matched, Resolve as _, arn_parts, glob, resolved};
use crate::policy::values::{Decimal, instant};

/// Whether a condition of a statement holds; `denies` is whether that is a `Deny`.
pub(super) fn holds(condition: &Condition, denies: bool, context: &Context<'_>) -> bool {
    let value = context.value(&condition.key);
    let operator = condition.operator;
    if let Values::Missing(wanted) = &condition.values {
        return wanted.contains(&value.is_none());
    }
    let Some(value) = value else { return holds_without_value(operator) };
    let values = match &value {
        Value::One(one) => std::slice::from_ref(one),
        Value::Many(many) => many.as_slice(),
    };
    // AWS: ForAllValues "also returns true if there are no context keys in the request or if the context key value resolves to
    // a null dataset, such as an empty string"; ForAnyValue then returns false.
    if operator.over != Over::Plain && values.iter().all(|value| value.is_empty()) {
        return operator.over == Over::All;
    }
    // A variable without a value matches nothing; with `Not` that would open an `Allow` to everything, so such an `Allow` does
    // not apply. AWS: it "might cause the entire statement to be invalid".
    if operator.negated && !denies && is_unresolved(&condition.values, context) {
        return false;
    }
    let matches = |value: &Cow<'_, str>| matches_any(condition, value, context);
    match operator.over {
        Over::Plain => values.iter().any(matches) != operator.negated,
        Over::All => values.iter().all(|value| matches(value) != operator.negated),
        Over::Any => values.iter().any(|value| matches(value) != operator.negated),
    }
}

fn holds_without_value(operator: Operator) -> bool {
    match operator.over {
        _ if operator.if_exists => true,
        Over::Plain => operator.negated,
        Over::All => true,
        Over::Any => false,
    }
}

/// Whether a variable in one of the values of the policy has no value.
fn is_unresolved(values: &Values, context: &Context<'_>) -> bool {
    match values {
        Values::Texts(patterns) => {
            patterns.iter().any(|pattern| pattern.matches("", Case::Counts, context) == Matched::Unresolved)
        }
        Values::Arns(patterns) => patterns.iter().any(|pattern| match pattern {
            ArnPattern::Variable(segments) => resolved(segments, context).is_none(),
            ArnPattern::Fixed(_) | ArnPattern::Nothing => false,
        }),
        _ => false,
    }
}

/// Whether a value of the request matches one of the policy, before `Not`.
fn matches_any(condition: &Condition, value: &str, context: &Context<'_>) -> bool {
    match (&condition.values, condition.operator.test) {
        (Values::Texts(patterns), test) => {
            let ignored = matches!(test, TestKind::Text(TextTest::EqualsIgnoreCase) | TestKind::Bool);
            let case = if ignored { Case::Ignored } else { Case::Counts };
            patterns.iter().any(|pattern| pattern.matches(value, case, context).is_yes())
        }
        (Values::Decimals(decimals), TestKind::Numeric(order)) => {
            Decimal::parse(value).is_some_and(|value| {
                let wanted = decimals.iter().filter_map(|text| Decimal::parse(text));
                wanted.into_iter().any(|wanted| stands(value.compare(wanted), order))
            })
        }
        (Values::Instants(instants), TestKind::Date(order)) => {
            instant(value).is_some_and(|value| instants.iter().any(|wanted| stands(value.cmp(wanted), order)))
        }
        (Values::Networks(networks), _) => {
            let address: Result<IpAddr, _> = value.parse();
            address.is_ok_and(|address| networks.iter().any(|network| network.contains(address)))
        }
        (Values::Bytes(all), _) => STANDARD.decode(value).is_ok_and(|bytes| all.contains(&bytes)),
        (Values::Arns(patterns), _) => {
            Arn::parse(value).is_some_and(|arn| patterns.iter().any(|pattern| is_like(arn, pattern, context)))
        }
        (Values::Decimals(_) | Values::Instants(_) | Values::Missing(_), _) => false,
    }
}

const fn stands(found: Ordering, order: Order) -> bool {
    match order {
        Order::Equal => found.is_eq(),
        Order::Less => found.is_lt(),
        Order::LessOrEqual => found.is_le(),
        Order::Greater => found.is_gt(),
        Order::GreaterOrEqual => found.is_ge(),
    }
}

fn is_like(arn: Arn<'_>, pattern: &ArnPattern, context: &Context<'_>) -> bool {
    match pattern {
        ArnPattern::Fixed(parts) => parts_match(arn, parts, context.budget()),
        ArnPattern::Variable(segments) => {
            let parts = resolved(segments, context).and_then(|atoms| arn_parts(&atoms));
            parts.is_some_and(|parts| parts_match(arn, &parts, context.budget()))
        }
        ArnPattern::Nothing => false,
    }
}

fn parts_match(arn: Arn<'_>, parts: &[Box<[Atom]>; 6], budget: &Budget) -> bool {
    let texts = ["arn", arn.partition, arn.service, arn.region, arn.account, arn.resource];
    parts.iter().zip(texts).all(|(atoms, text)| glob(atoms, text, Case::Counts, budget))
}
