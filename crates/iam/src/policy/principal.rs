//! Whom a statement of a resource's policy names.
//!
//! What always holds: a name stands for itself; `*` within an ARN is refused.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use millpond_core::name::AccountId;

use crate::arn::Arn;
use crate::caller::Caller;

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub(crate) struct Principals {
    /// `NotPrincipal`.
    pub(crate) negated: bool,
    pub(crate) named: Box<[Principal]>,
}

/// One that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// `*`: everyone, anonymous callers too.
    Everyone,
    /// An account: twelve digits or the ARN of its root.
    Account(AccountId),
    /// `user/…` with its path.
    User { account: AccountId, path_and_name: Box<str> },
    /// `role/…` with its path.
    Role { account: AccountId, path_and_name: Box<str> },
    /// `assumed-role/ROLE/SESSION`.
    Session { account: AccountId, role: Box<str>, session: Box<str> },
    /// The unique id of a user or role, or `ROLE:SESSION` ids; AWS writes it in the place of one that was deleted.
    Id(Box<str>),
    /// A service, such as `sns.amazonaws.com`.
    Service(Box<str>),
    /// One that no caller here can be: a federated identity, a canonical user.
    Foreign,
}

/// How a statement reaches a caller. The later, the more it names the caller itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Not at all.
    No,
    /// By the account, which decides by its own policies who of it may.
    Account,
    /// By the role of its session.
    Indirect,
    /// By its own name, a user's, a session's, the root's or a service's, or as everyone.
    Direct,
}

impl Principal {
    /// Reads one of the kind `AWS`, `Service`, `Federated` or `CanonicalUser`; `None` when it is none.
    pub(super) fn parse(kind: &str, text: &str) -> Option<Self> {
        match kind {
            "AWS" => Self::parse_aws(text),
            "Service" => {
                let letters = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
                (text.contains('.') && text.chars().all(letters)).then(|| Self::Service(text.into()))
            }
            "Federated" | "CanonicalUser" => {
                (!text.is_empty() && !text.contains(['*', '?'])).then_some(Self::Foreign)
            }
            _ => None,
        }
    }

    fn parse_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everyone);
        }
        if let Some(account) = AccountId::parse(text) {
            return Some(Self::Account(account));
        }
        if text.contains(['*', '?']) {
            return None;
        }
        if is_unique_id(text) {
            return Some(Self::Id(text.into()));
        }
        let arn = Arn::parse(text).filter(|arn| arn.partition.starts_with("aws") && arn.region.is_empty())?;
        let account = AccountId::parse(arn.account)?;
        let (kind, name) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
        match (arn.service, kind) {
            ("iam", "root") if name.is_empty() => Some(Self::Account(account)),
            _ if name.is_empty() || name.ends_with('/') => None,
            ("iam", "user") => Some(Self::User { account, path_and_name: name.into() }),
            ("iam", "role") => Some(Self::Role { account, path_and_name: name.into() }),
            ("sts", "assumed-role") => {
                let (role, session) = name.rsplit_once('/')?;
                Some(Self::Session { account, role: role.into(), session: session.into() })
            }
            ("sts", "federated-user") => Some(Self::Foreign),
            _ => None,
        }
    }

    /// How it reaches a caller.
    fn reach(&self, caller: &Caller) -> Reach {
        let direct = |yes: bool| if yes { Reach::Direct } else { Reach::No };
        match (self, caller) {
            // AWS: boundaries and session policies "do not limit permissions granted … with a wildcard(*) in the Principal".
            (Self::Everyone, _) => Reach::Direct,
            (Self::Account(account), Caller::Root { account: own }) => direct(account == own),
            (Self::Account(account), _) if caller.account() == Some(*account) => Reach::Account,
            (Self::User { account, path_and_name }, Caller::User(user)) => {
                direct(*account == user.account && is_name(path_and_name, &user.path, &user.name))
            }
            (Self::Role { account, path_and_name }, Caller::Role(role)) => {
                let same = *account == role.account && is_name(path_and_name, &role.path, &role.name);
                if same { Reach::Indirect } else { Reach::No }
            }
            (Self::Session { account, role, session }, Caller::Role(caller)) => direct(
                *account == caller.account && **role == caller.name && **session == caller.session_name,
            ),
            (Self::Id(id), Caller::User(user)) => direct(**id == user.id),
            (Self::Id(id), Caller::Role(role)) => match id.split_once(':') {
                None if **id == role.id => Reach::Indirect,
                Some((of, session)) => direct(of == role.id && session == role.session_name),
                None => Reach::No,
            },
            (Self::Service(name), Caller::Service { name: own }) => direct(**name == *own),
            _ => Reach::No,
        }
    }
}

impl Principals {
    /// How a statement with these principals reaches a caller. `denies` is whether it is a `Deny`.
    ///
    /// `NotPrincipal` is read in the way that allows less. In an `Allow` whoever is named in any way is left out. In a `Deny` only
    /// who is named itself is spared: a session by its own ARN, not by its role's, and nobody by the account alone. AWS: "all
    /// principals except the user named Bob in AWS account 444455556666 are explicitly denied", of a list with Bob and his
    /// account's root.
    pub(crate) fn reach(&self, caller: &Caller, denies: bool) -> Reach {
        let reach = |least: Reach| {
            let reaches = self.named.iter().map(|principal| principal.reach(caller));
            reaches.max().filter(|reach| *reach >= least)
        };
        match (self.negated, denies) {
            (false, _) => reach(Reach::Account).unwrap_or(Reach::No),
            (true, true) => reach(Reach::Direct).map_or(Reach::Direct, |_| Reach::No),
            (true, false) => reach(Reach::Account).map_or(Reach::Indirect, |_| Reach::No),
        }
    }
}

/// Whether a text is a user's or role's path (that begins and ends with a slash) and name.
fn is_name(path_and_name: &str, path: &str, name: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    path_and_name.strip_prefix(path) == Some(name)
}

fn is_unique_id(text: &str) -> bool {
    let (id, session) = text.split_once(':').map_or((text, None), |(id, session)| (id, Some(session)));
    let of_user = id.starts_with("AIDA") && session.is_none();
    let of_role = id.starts_with("AROA") && session != Some("");
    (of_user || of_role)
        && id.len() > 4
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
