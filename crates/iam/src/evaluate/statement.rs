//! Which statements of a policy apply to a request.

use super::condition;
use super::context::Context;
use super::{Attached, PolicyKind, Question, StatementRef};
use crate::policy::Statement;
use crate::policy::budget::Budget;
use crate::policy::pattern::{Case, Matched};
use crate::policy::principal::Reach;

/// A request with what every statement is held against.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    question: &'a Question<'a>,
    context: Context<'a>,
    budget: &'a Budget,
    has_boundary: bool,
}

/// What a policy says about a request.
pub(super) enum Said {
    /// Nothing that applies.
    Nothing,
    /// It allows; how it reaches the caller, and by which statement.
    Allows(Reach, usize),
    /// It denies, by that statement.
    Denies(usize),
}

impl<'a> Request<'a> {
    pub(super) const fn new(question: &'a Question<'a>, has_boundary: bool, budget: &'a Budget) -> Self {
        Self { question, context: Context::new(question, budget), budget, has_boundary }
    }

    /// What a policy says: the first statement that denies, else the first of those that reach the caller the most.
    pub(super) fn said_by(&self, attached: &Attached, kind: PolicyKind) -> Said {
        let mut said = Said::Nothing;
        for (index, statement) in attached.policy.statements().iter().enumerate() {
            let best = match said {
                Said::Allows(reach, _) => reach,
                Said::Nothing | Said::Denies(_) => Reach::No,
            };
            if !statement.denies && best == Reach::Direct {
                continue;
            }
            let reach = self.reach(statement, kind);
            if reach <= best && !(statement.denies && reach > Reach::No) {
                continue;
            }
            let applies = self.applies(statement);
            // Nobody knows whether it applies, so it counts as what lets nobody do more.
            let applies = if self.budget.is_spent() { statement.denies } else { applies };
            if !applies {
                continue;
            }
            if statement.denies {
                return Said::Denies(index);
            }
            said = Said::Allows(reach, index);
        }
        said
    }

    /// Policies of an identity reach it directly; one of a resource that names no principals could only have been
    /// meant for an identity: it may deny, never allow.
    fn reach(&self, statement: &Statement, kind: PolicyKind) -> Reach {
        match &statement.principals {
            None if kind == PolicyKind::Resource && !statement.denies => Reach::No,
            None => Reach::Direct,
            // AWS: "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions boundary
            // policy attached, regardless of the values specified in the NotPrincipal element."
            Some(principals) if principals.negated && statement.denies && self.has_boundary => Reach::Direct,
            Some(principals) => principals.reach(self.question.caller, statement.denies),
        }
    }

    fn applies(&self, statement: &Statement) -> bool {
        let actions = &statement.actions;
        let action = self.question.action;
        let named = actions.any.iter().any(|one| one.matches(action, Case::Ignored, &self.context).is_yes());
        named != actions.negated
            && self.applies_to_resource(statement)
            && statement
                .conditions
                .iter()
                .all(|condition| condition::holds(condition, statement.denies, &self.context))
    }

    /// A variable without a value matches nothing. In `NotResource` that would open an `Allow` to everything, so such
    /// an `Allow` does not apply. AWS: it "might cause the entire statement to be invalid".
    fn applies_to_resource(&self, statement: &Statement) -> bool {
        let Some(resources) = &statement.resources else { return true };
        let mut unresolved = false;
        for pattern in &resources.any {
            match pattern.matches(self.question.resource, Case::Counts, &self.context) {
                Matched::Yes => return !resources.negated,
                Matched::No => {}
                Matched::Unresolved => unresolved = true,
            }
        }
        resources.negated && (statement.denies || !unresolved)
    }
}

/// The reference to a statement of a policy.
pub(super) fn reference(attached: &Attached, kind: PolicyKind, index: usize) -> StatementRef {
    let sid = attached.policy.statements().get(index).and_then(|statement| statement.sid.clone());
    StatementRef { kind, policy: attached.name.clone(), sid, index }
}
