//! Calls of IAM as whoever brings the stack up, in the form in which IAM takes and answers them.

use millpond_iam::api::Service;
use millpond_stack::EffectError;
use millpond_wire::error::Fault;

use crate::platform::deployer::Deployer;

/// IAM, called as one deployer.
#[derive(Clone, Copy)]
pub(super) struct Iam<'a> {
    deployer: &'a Deployer,
}

/// A reply: XML in which a few elements are looked for.
pub(super) struct Reply(String);

/// Why a call failed.
pub(super) struct IamError {
    /// Such as `NoSuchEntity`.
    code: &'static str,
    message: String,
    /// Whether IAM refused it, so that nothing has changed.
    is_refusal: bool,
}

/// There is no such role, user, policy or key.
pub(super) const NO_SUCH_ENTITY: &str = "NoSuchEntity";
/// There is one of that name.
const ALREADY_EXISTS: &str = "EntityAlreadyExists";

impl From<IamError> for EffectError {
    fn from(error: IamError) -> Self {
        Self::Failed(format!("{} ({})", error.message.trim_end_matches('.'), error.code))
    }
}

impl IamError {
    /// The error of a creation that this call begins.
    pub(super) fn at_first(self) -> EffectError {
        match (self.is_refusal, EffectError::from(self)) {
            (true, EffectError::Failed(text)) => EffectError::Refused(text),
            (_, error) => error,
        }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

/// An identity that policies are attached to.
#[derive(Clone, Copy)]
pub(super) struct Identity<'a> {
    /// `Role` or `User`, as actions are spelled: `Put…Policy`.
    kind: &'static str,
    /// The parameter that names it.
    parameter: &'static str,
    name: &'a str,
}

impl<'a> Identity<'a> {
    pub(super) fn role(name: &'a str) -> Self {
        Self { kind: "Role", parameter: "RoleName", name }
    }

    pub(super) fn user(name: &'a str) -> Self {
        Self { kind: "User", parameter: "UserName", name }
    }
}

impl<'a> Iam<'a> {
    pub(super) fn new(deployer: &'a Deployer) -> Self {
        Self { deployer }
    }

    /// Calls an action. Parameters with an empty value are left out.
    pub(super) async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Reply, IamError> {
        let mut all = vec![("Action", action), ("Version", "2010-05-08")];
        all.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
        match self.deployer.access.call(&self.deployer.who, Service::Iam, &all).await {
            Ok(xml) => Ok(Reply(String::from_utf8_lossy(&xml).into_owned())),
            Err(error) => Err(IamError {
                code: error.kind().query_code,
                message: error.message().to_owned(),
                is_refusal: error.kind().fault == Fault::Sender,
            }),
        }
    }

    /// As [`Iam::call`], on an identity; `action` has `{}` where its kind stands.
    pub(super) async fn call_on(
        &self,
        identity: Identity<'_>,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Reply, IamError> {
        let mut all = vec![(identity.parameter, identity.name)];
        all.extend(parameters);
        self.call(&action.replace("{}", identity.kind), &all).await
    }

    /// Whether a call that reads says that there is no such thing.
    pub(super) async fn is_missing(&self, action: &str, parameter: &str, name: &str) -> bool {
        let found = self.call(action, &[(parameter, name)]).await;
        found.is_err_and(|error| error.code == NO_SUCH_ENTITY)
    }
}

impl Reply {
    /// The text of the first element of this name.
    pub(super) fn text(&self, element: &str) -> Option<String> {
        self.texts(element).into_iter().next()
    }

    /// The texts of all elements of this name, in order.
    pub(super) fn texts(&self, element: &str) -> Vec<String> {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let inside = |rest: &str| rest.split_once(&close).map(|(text, _)| unescaped(text));
        self.0.split(&open).skip(1).filter_map(inside).collect()
    }
}

fn unescaped(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// Well also when what shall go is not there.
pub(super) fn gone(called: Result<Reply, IamError>) -> Result<(), EffectError> {
    match called {
        Err(error) if error.code != NO_SUCH_ENTITY => Err(error.into()),
        _ => Ok(()),
    }
}

/// The reply of a creation; `None` when it was there already and an earlier attempt may have made it.
pub(super) fn made(called: Result<Reply, IamError>, resumed: bool) -> Result<Option<Reply>, EffectError> {
    match called {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.code == ALREADY_EXISTS && resumed => Ok(None),
        Err(error) if error.code == ALREADY_EXISTS => Err(EffectError::AlreadyExists),
        Err(error) => Err(error.at_first()),
    }
}

#[cfg(test)]
mod tests {
    use super::Reply;

    #[test]
    fn elements_are_found_wherever_they_are() {
        let reply = Reply("<A><B><Id>1</Id></B><B><Id>a&amp;lt;</Id></B><C/></A>".to_owned());
        assert_eq!(reply.texts("Id"), ["1", "a&lt;"]);
        assert_eq!(reply.text("C"), None);
    }
}
