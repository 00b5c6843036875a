//! Counts of requests whose sender was not identified, and of those whose sender may not.
//!
//! Their labels come from tables; what names no known action is counted as `other`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use millpond_iam::auth_error::AuthError;
use millpond_sqs::catalogue;

use super::text::{Family, Kind, Number, Text, labels};
use crate::access::own;

const UNIDENTIFIED: Family = Family {
    name: "millpond_authentication_failures_total",
    kind: Kind::Counter,
    help: "Requests whose sender was not identified, by what was wrong.",
};
const DENIED: Family = Family {
    name: "millpond_denials_total",
    kind: Kind::Counter,
    help: "Requests whose sender may not make them, by action; those of IAM and STS by service.",
};

const KINDS: [&str; 5] = ["missing_token", "incomplete", "unknown_key", "wrong_signature", "expired_token"];

/// The counters.
#[derive(Debug)]
pub(crate) struct Refusals {
    by_kind: [AtomicU64; KINDS.len()],
    /// By name, in order; the last is of all other names.
    by_action: Vec<(&'static str, AtomicU64)>,
}

impl Refusals {
    pub(super) fn new() -> Self {
        let of_sqs = catalogue::ACTIONS.iter().map(|action| action.iam_action);
        let mut names: Vec<&'static str> = of_sqs.chain(own::ACTIONS).chain(["iam", "sts"]).collect();
        names.sort_unstable();
        names.dedup();
        names.push("other");
        Self {
            by_kind: std::array::from_fn(|_| AtomicU64::new(0)),
            by_action: names.into_iter().map(|name| (name, AtomicU64::new(0))).collect(),
        }
    }

    /// A sender was not identified.
    pub(crate) fn unidentified(&self, error: &AuthError) {
        let kind = match error {
            AuthError::MissingToken => 0,
            AuthError::Incomplete(_) => 1,
            AuthError::UnknownKey => 2,
            AuthError::WrongSignature(_) => 3,
            AuthError::ExpiredToken => 4,
        };
        self.by_kind[kind].fetch_add(1, Relaxed);
    }

    /// A sender may not.
    pub(crate) fn denied(&self, action: &str) {
        let known = &self.by_action[..self.by_action.len() - 1];
        let place = known.binary_search_by(|(name, _)| (*name).cmp(action)).unwrap_or(known.len());
        self.by_action[place].1.fetch_add(1, Relaxed);
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family(&UNIDENTIFIED);
        for (kind, count) in KINDS.iter().zip(&self.by_kind) {
            let number = Number::Whole(count.load(Relaxed));
            text.sample(UNIDENTIFIED.name, "", &labels(&[("kind", kind)]), number);
        }
        text.family(&DENIED);
        for (action, count) in &self.by_action {
            let count = count.load(Relaxed);
            if count > 0 {
                text.sample(DENIED.name, "", &labels(&[("action", action)]), Number::Whole(count));
            }
        }
    }
}
