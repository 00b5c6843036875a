//! STS on real identities: who may assume a role, what the credentials are then, and the words of refusals.

mod callers;
mod roles;
mod words;

use millpond_core::name::AccountId;
use millpond_iam::api::Carrying;
use millpond_iam::api::sts::StsRequest;
use millpond_iam::caller::{Caller, Tags};
use millpond_iam::evaluate::{Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::{Facts, Value};
use millpond_iam::identity::decide::{NewRole, NewUser, RoleUpdate};
use millpond_iam::identity::{Change, Fresh, Identities};
use millpond_iam::secret::MasterKey;
use millpond_iam::session::{self, Session, SessionOf};
use millpond_wire::error::ApiError;
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

const NOW_SECS: u64 = 1_795_287_600;
const ROLE: &str = "arn:aws:iam::111122223333:role/apps/backend";

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

fn counting() -> impl FnMut() -> u128 {
    let mut last = 0x1234_5678_9abc_def0_u128;
    move || {
        last = last.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(1);
        last
    }
}

/// A user `ann`, and the role `backend` below `/apps/` with this trust policy.
struct World {
    identities: Identities,
    ann: Caller,
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl World {
    fn new(trust: &str) -> Self {
        let (master, mut entropy) = (master(), counting());
        let mut fresh = Fresh { now_secs: NOW_SECS, entropy: &mut entropy, master: &master };
        let mut identities = Identities::new(account());
        let apply = |identities: &mut Identities, changes: Vec<Change>| {
            changes.iter().for_each(|change| identities.evolve(change, &master).unwrap());
        };
        let user = NewUser {
            account: account(),
            path: "/".to_owned(),
            name: "ann".to_owned(),
            tags: tags(&[("Team", "blue")]),
            boundary: None,
        };
        let (changes, _) = identities.create_user(&mut fresh, user).unwrap();
        apply(&mut identities, changes);
        let role = NewRole {
            account: account(),
            path: "/apps/".to_owned(),
            name: "backend".to_owned(),
            tags: tags(&[("Stage", "test")]),
            boundary: None,
            trust: r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#.to_owned(),
            description: None,
            max_session_secs: 7200,
        };
        let (changes, _) = identities.create_role(&mut fresh, role).unwrap();
        apply(&mut identities, changes);
        // It may name itself once it is there.
        let update = RoleUpdate { trust: Some(trust.to_owned()), ..RoleUpdate::default() };
        let (changes, _) = identities.update_role(account(), "backend", update).unwrap();
        apply(&mut identities, changes);
        let ann = identities.user(account(), "ann").unwrap().caller(None);
        Self { identities, ann }
    }

    /// With a role that ann may assume, and tag, and name a source identity.
    fn open() -> Self {
        Self::new(&trust(r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#, ""))
    }

    fn role_caller(&self) -> Caller {
        self.identities.role(account(), "backend").unwrap().caller("before", NOW_SECS - 60)
    }

    /// Whether policies allow all that the request needs.
    fn allows(&self, caller: &Caller, parameters: &[(&str, &str)]) -> bool {
        let request = decode("AssumeRole", parameters).unwrap();
        request.authorisations(caller, &self.identities).iter().all(|asked| {
            assert_eq!(asked.resource_kind, ResourceKind::RoleTrust);
            let question = Question {
                caller,
                action: &asked.action,
                resource: &asked.resource,
                resource_account: asked.resource_account,
                resource_kind: asked.resource_kind,
                facts: &asked.facts,
            };
            let own = self.identities.policies(caller);
            let policies = Policies { resource: asked.resource_policy.clone(), ..(*own).clone() };
            evaluate(&question, &policies).is_allowed()
        })
    }

    fn carry_out(
        &self,
        caller: &Caller,
        session: Option<&Session>,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        self.carry_out_where(false, caller, session, action, parameters)
    }

    fn carry_out_where(
        &self,
        root_may_assume: bool,
        caller: &Caller,
        session: Option<&Session>,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let request = decode(action, parameters)?;
        assert_eq!((request.action(), request.is_change()), (action, false));
        let (master, mut entropy) = (master(), counting());
        let mut with = Carrying {
            identities: &self.identities,
            caller,
            session,
            master: &master,
            root_may_assume,
            now_secs: NOW_SECS,
            entropy: &mut entropy,
        };
        let (changes, reply) = request.carry_out(&mut with, RequestId(0x42))?;
        assert!(changes.is_empty());
        Ok(String::from_utf8(reply).unwrap())
    }

    fn refused(
        &self,
        caller: &Caller,
        session: Option<&Session>,
        action: &str,
        given: &[(&str, &str)],
    ) -> String {
        let error = self.carry_out(caller, session, action, given).unwrap_err();
        format!("{} {}: {}", error.status(), error.kind().query_code, error.message())
    }

    /// The session that the credentials of a reply are.
    fn session_of(&self, reply: &str) -> Session {
        let key = element(reply, "AccessKeyId");
        let (session, secret) =
            session::open(&master(), &key, &element(reply, "SessionToken"), NOW_SECS).unwrap();
        assert_eq!(secret.expose(), element(reply, "SecretAccessKey"));
        session
    }
}

fn trust(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam::111122223333:user/ann","arn:aws:iam::111122223333:role/apps/backend"]}},"Action":{actions}{condition}}}]}}"#
    )
}

fn decode(action: &str, parameters: &[(&str, &str)]) -> Result<StsRequest, ApiError> {
    let escaped = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    let form = pairs.collect::<Vec<_>>().join("&");
    StsRequest::decode(action, &Form::parse(b"", form.as_bytes()).unwrap())
}

fn element(reply: &str, name: &str) -> String {
    let (_, after) = reply.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name} in {reply}"));
    after.split_once(&format!("</{name}>")).unwrap().0.to_owned()
}

/// The parameters of an `AssumeRole`, and these.
fn assume<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("RoleArn", ROLE), ("RoleSessionName", "s1")], more].concat()
}
