//! What a request to SQS must be allowed, and the errors of those who may not.
//!
//! It is asked before anything looks whether the queue is there, so that nobody learns of queues that are not theirs.
//!
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>; of move tasks
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html>;
//! of calls between accounts
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html>.

use std::collections::BTreeSet;
use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::name::{AccountId, QueueKey, Region};
use millpond_core::outcome::Outcome;
use millpond_engine::handle::CallError;
use millpond_engine::step::Wait;
use millpond_iam::auth_error::AuthError;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Decision, Denial, ResourceKind};
use millpond_sqs::catalogue::Action;
use millpond_wire::error::{ACCESS_DENIED, ApiError};

use super::caller::Authenticated;
use super::facts::QueueRequestFacts;
use super::queues::QueueFacts;
use super::{Access, Asked};
use crate::audit::Trail;

/// These no policy of a queue can give to another account.
const OWN_ACCOUNT_ONLY: [&str; 12] = [
    "sqs:AddPermission",
    "sqs:CancelMessageMoveTask",
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:ListMessageMoveTasks",
    "sqs:ListQueueTags",
    "sqs:ListQueues",
    "sqs:RemovePermission",
    "sqs:SetQueueAttributes",
    "sqs:StartMessageMoveTask",
    "sqs:TagQueue",
    "sqs:UntagQueue",
];

/// What the root of the queue's owner may do whatever the queue's policy denies, so that nobody is locked out of a queue
/// for good.
pub(super) const UNLOCKS: [&str; 2] = ["sqs:RemovePermission", "sqs:SetQueueAttributes"];

/// What moving messages does to the queue that they are taken from.
pub(super) const OF_MOVE_SOURCE: [&str; 3] =
    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// A request to SQS, ready to be carried out.
#[derive(Clone, Copy)]
pub(crate) struct SqsRequest<'a> {
    pub(crate) who: &'a Authenticated,
    pub(crate) action: &'static Action,
    /// The queue it is about, if it is about one.
    pub(crate) queue: Option<&'a QueueKey>,
    pub(crate) command: &'a Command,
    /// The caller's account, or for an anonymous one that of the queue.
    pub(crate) account: AccountId,
    pub(crate) region: &'a Region,
    /// Scheme and host that the client used.
    pub(crate) base_url: &'a str,
}

impl Access {
    /// Lets a request pass whose sender may do all that it takes.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn authorise_sqs(&self, request: &SqsRequest<'_>, trail: &mut Trail) -> Result<(), ApiError> {
        if !self.is_enforced() {
            return Ok(());
        }
        let facts = request.queue.and_then(|queue| self.queues.get(queue));
        let is_bound = facts.as_ref().is_some_and(|facts| facts.policy().is_some())
            && !UNLOCKS.contains(&request.action.iam_action);
        if request.is_by_owner() && !is_bound {
            trail.decided(&Decision::Allowed(Vec::new()));
            return Ok(());
        }
        self.may(request, request.action.iam_action, request.queue, facts.as_ref(), trail)?;
        if let Command::CreateQueue { tags, .. } = request.command
            && !tags.is_empty()
        {
            self.may(request, "sqs:TagQueue", request.queue, facts.as_ref(), trail)?;
        }
        if let Command::StartMoveTask { destination, .. } = request.command {
            for action in OF_MOVE_SOURCE {
                self.may(request, action, request.queue, facts.as_ref(), trail)?;
            }
            if let Some(destination) = destination {
                let facts = self.queues.get(destination);
                self.may(request, "sqs:SendMessage", Some(destination), facts.as_ref(), trail)?;
            }
        }
        Ok(())
    }

    /// As `authorise_sqs`, for a request that has waited since: also whether its sender is still there.
    ///
    /// # Errors
    /// As `authorise_sqs`, or that the key is not known.
    pub(crate) fn authorise_again(
        &self,
        request: &SqsRequest<'_>,
        trail: &mut Trail,
    ) -> Result<(), ApiError> {
        if !self.is_enforced() {
            return Ok(());
        }
        if !self.is_still_known(request.who) {
            return Err(AuthError::UnknownKey.to_api_error());
        }
        self.authorise_sqs(request, trail)
    }

    /// Whether the key or the session that a request was signed with is still good.
    fn is_still_known(&self, who: &Authenticated) -> bool {
        let moment = self.people.now();
        match (&who.session, &who.access_key_id) {
            (Some(session), _) => moment.caller_of(session).is_some(),
            (None, Some(id)) if **id == *self.config.root.access_key_id => true,
            (None, Some(id)) => moment.identities.access_key(id).is_some_and(|key| key.active),
            (None, None) => true,
        }
    }

    /// Of a move task that takes messages back to where they came from: whether its sender may send to all the queues
    /// whose dead letters are there or come there. Answers those, to which the task is to be held. Only to be asked when
    /// the rest was allowed.
    ///
    /// # Errors
    /// `AccessDenied`; the outer one when the engine does not answer.
    pub(crate) async fn authorise_return(
        &self,
        request: &SqsRequest<'_>,
        trail: &mut Trail,
    ) -> Result<Result<Option<Arc<BTreeSet<QueueKey>>>, ApiError>, CallError> {
        let Command::StartMoveTask { key, destination: None, .. } = request.command else {
            return Ok(Ok(None));
        };
        if !self.is_enforced() {
            return Ok(Ok(None));
        }
        let list = Command::ListOrigins { key: key.clone() };
        let outcome = self.engine.call(list, Wait::Secs(0), 0).await?.outcome;
        // A queue that is not there is refused by what comes next.
        let Outcome::Origins(origins) = outcome else { return Ok(Ok(None)) };
        let mut needed = self.dead_letter_sources(key).await?;
        needed.extend(origins.iter().cloned());
        for origin in &needed {
            let facts = self.queues.get(origin);
            if let Err(denied) = self.may(request, "sqs:SendMessage", Some(origin), facts.as_ref(), trail) {
                return Ok(Err(denied));
            }
        }
        Ok(Ok(Some(Arc::new(origins))))
    }

    /// The queues whose dead letters go to a queue now.
    async fn dead_letter_sources(&self, key: &QueueKey) -> Result<BTreeSet<QueueKey>, CallError> {
        let (mut sources, mut after) = (BTreeSet::new(), None);
        loop {
            let limit = *limits::LIST_QUEUES_RESULTS.end() as usize;
            let list = Command::ListDeadLetterSources { key: key.clone(), after, limit };
            let outcome = self.engine.call(list, Wait::Secs(0), 0).await?.outcome;
            let Outcome::Queues { names, more } = outcome else { return Ok(sources) };
            after = names.last().cloned().filter(|_| more);
            sources.extend(names.into_iter().map(|name| QueueKey { name, ..key.clone() }));
            if after.is_none() {
                return Ok(sources);
            }
        }
    }

    /// Whether the sender may create the queue that its request is about.
    pub(crate) fn may_create(&self, request: &SqsRequest<'_>) -> bool {
        let facts = request.queue.and_then(|queue| self.queues.get(queue));
        let resource = request.resource(request.queue);
        self.ask(request, "sqs:CreateQueue", request.queue, &resource, facts.as_ref()).is_allowed()
    }

    fn may(
        &self,
        request: &SqsRequest<'_>,
        action: &'static str,
        queue: Option<&QueueKey>,
        facts: Option<&Arc<QueueFacts>>,
        trail: &mut Trail,
    ) -> Result<(), ApiError> {
        let resource = request.resource(queue);
        let decision = self.ask(request, action, queue, &resource, facts);
        trail.decided(&decision);
        match decision {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(denial) => Err(request.denied(&denial, action, &resource, queue)),
        }
    }

    fn ask(
        &self,
        request: &SqsRequest<'_>,
        action: &'static str,
        queue: Option<&QueueKey>,
        resource: &str,
        facts: Option<&Arc<QueueFacts>>,
    ) -> Decision {
        let account = queue.map_or(request.account, |queue| queue.account);
        let policy = facts.and_then(|facts| facts.policy());
        let asked = Asked {
            action,
            resource,
            account,
            region: queue.map_or(request.region, |queue| &queue.region).as_str(),
            kind: ResourceKind::Ordinary,
            policy: policy.filter(|_| may_be_given(&request.who.caller, account, action)),
            given: &QueueRequestFacts { command: request.command, queue: facts.map(Arc::as_ref) },
        };
        self.enforced(|| self.evaluate(request.who, &asked))
    }
}

/// Whether the policy of a queue of an account can give a caller this.
pub(super) fn may_be_given(caller: &Caller, account: AccountId, action: &str) -> bool {
    let is_own = caller.account() == Some(account);
    is_own || !OWN_ACCOUNT_ONLY.iter().any(|own| own.eq_ignore_ascii_case(action))
}

impl SqsRequest<'_> {
    /// The root of the account that owns the queue needs no policy, so none is looked for.
    fn is_by_owner(&self) -> bool {
        let owner = self.queue.map_or(self.account, |queue| queue.account);
        let is_elsewhere_too = matches!(self.command, Command::StartMoveTask { .. });
        !is_elsewhere_too
            && self.who.session_policies.is_empty()
            && matches!(*self.who.caller, Caller::Root { account } if account == owner)
    }

    /// The ARN of a queue, or of all queues of the account.
    fn resource(&self, queue: Option<&QueueKey>) -> String {
        match queue {
            Some(QueueKey { account, region, name }) => format!("arn:aws:sqs:{region}:{account}:{name}"),
            None => format!("arn:aws:sqs:{}:{}:", self.region, self.account),
        }
    }

    fn denied(&self, denial: &Denial, action: &str, resource: &str, queue: Option<&QueueKey>) -> ApiError {
        if *self.who.caller == Caller::Anonymous {
            let path = queue.map(|queue| format!("{}/{}", queue.account, queue.name)).unwrap_or_default();
            let url = format!("{}/{path}", self.base_url);
            return ACCESS_DENIED.because(denial.text(&Caller::Anonymous, action, &url));
        }
        // SQS writes actions in lower case.
        let action = action.to_ascii_lowercase();
        ACCESS_DENIED.because(denial.text(&self.who.caller, &action, resource))
    }
}
