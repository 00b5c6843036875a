//! Who may do what with a queue, as a document whose statements can be added and removed one by one.
//!
//! The document is JSON that the protocol has read and cut at its statements; what it means is not known here. Put
//! together again it is letter by letter what the caller gave.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>.

use crate::limits;

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyStatement {
    /// The label it is removed by.
    pub sid: Option<String>,
    /// All of it, with the space around it.
    pub text: String,
}

/// A policy: what is before its statements, its statements with a comma between each two, and what is behind them.
///
/// What is before ends in `[` and what is behind begins with `]`, unless there is one statement that is no list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// What is before the first statement.
    pub head: String,
    /// At least one.
    pub statements: Vec<PolicyStatement>,
    /// What is behind the last statement.
    pub tail: String,
}

/// Why a statement can't be added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// There is a statement of this label.
    #[error("the policy has a statement of this label")]
    LabelExists,
    /// There is no statement of this label.
    #[error("the policy has no statement of this label")]
    LabelMissing,
    /// It would have too many statements.
    #[error("the policy would have more than {limit} statements")]
    TooManyStatements {
        /// The limit.
        limit: usize,
    },
    /// It would be too long.
    #[error("the policy would be longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
}

impl Policy {
    /// The document.
    #[must_use]
    pub fn text(&self) -> String {
        let statements: Vec<&str> = self.statements.iter().map(|statement| &statement.text[..]).collect();
        [&self.head, &statements.join(",")[..], &self.tail].concat()
    }

    /// Its length.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        let statements: usize = self.statements.iter().map(|statement| statement.text.len() + 1).sum();
        self.head.len() + statements.saturating_sub(1) + self.tail.len()
    }

    /// This policy with all statements of another behind its own.
    ///
    /// # Errors
    /// [`PolicyRefusal`] when a label is taken or a limit is reached.
    pub fn with(&self, added: &Self) -> Result<Self, PolicyRefusal> {
        let taken = |sid: &Option<String>| sid.is_some() && self.statements.iter().any(|one| one.sid == *sid);
        if added.statements.iter().any(|statement| taken(&statement.sid)) {
            return Err(PolicyRefusal::LabelExists);
        }
        let mut policy = self.clone();
        if !policy.head.ends_with('[') {
            policy.head.push('[');
            policy.tail.insert(0, ']');
        }
        policy.statements.extend(added.statements.iter().cloned());
        if policy.statements.len() > limits::POLICY_STATEMENTS {
            return Err(PolicyRefusal::TooManyStatements { limit: limits::POLICY_STATEMENTS });
        }
        if policy.len_bytes() > limits::POLICY_BYTES {
            return Err(PolicyRefusal::TooLong { limit_bytes: limits::POLICY_BYTES });
        }
        Ok(policy)
    }

    /// This policy without the statement of that label; `None` when that was the only one.
    ///
    /// # Errors
    /// [`PolicyRefusal::LabelMissing`].
    pub fn without(&self, label: &str) -> Result<Option<Self>, PolicyRefusal> {
        let labelled = |statement: &PolicyStatement| statement.sid.as_deref() == Some(label);
        let index = self.statements.iter().position(labelled).ok_or(PolicyRefusal::LabelMissing)?;
        let mut policy = self.clone();
        policy.statements.remove(index);
        Ok((!policy.statements.is_empty()).then_some(policy))
    }
}
