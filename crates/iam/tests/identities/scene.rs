//! A service in small: state, time, randomness, and a caller that sends forms.
//!
//! Every call is checked: what it decides is applied, the state that is rebuilt from the records equals the one that
//! lives, and a call that is no change changes nothing.

use std::fmt::Write as _;

use millpond_core::name::AccountId;
use millpond_iam::api::{ApiRequest, Authorisation, Carrying, Service};
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::Given;
use millpond_iam::identity::{Change, Fresh, Identities};
use millpond_iam::secret::MasterKey;
use millpond_wire::error::ApiError;
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ALLOW_SEND: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#;
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}"#;

pub(crate) struct Scene {
    pub(crate) identities: Identities,
    pub(crate) master: MasterKey,
    pub(crate) caller: Caller,
    pub(crate) now_secs: u64,
    random: u128,
    /// All that was ever written.
    pub(crate) written: Vec<Change>,
}

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub(crate) fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

/// Numbers that look random: those of SplitMix64, two at a time.
pub(crate) fn scramble(state: &mut u128) -> u128 {
    let mut half = || {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = u64::try_from(*state & u128::from(u64::MAX)).unwrap();
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(mixed ^ (mixed >> 31))
    };
    (half() << 64) | half()
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut scene = Self {
            identities: Identities::new(account()),
            master: master(),
            caller: Caller::Root { account: account() },
            now_secs: 1_795_000_000,
            random: 0,
            written: Vec::new(),
        };
        let random = &mut scene.random;
        let mut entropy = || scramble(random);
        let mut fresh = Fresh { now_secs: scene.now_secs, entropy: &mut entropy, master: &scene.master };
        let check = scene.identities.check_to_write(&mut fresh).unwrap();
        scene.apply(&[check]);
        scene
    }

    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            self.identities.evolve(change, &self.master).unwrap();
        }
        self.written.extend_from_slice(changes);
        assert_eq!(rebuilt(&self.identities, &self.master).digest(), self.identities.digest());
    }

    /// Decides with the state itself, as the services of this crate's users do.
    pub(crate) fn with_fresh<T>(&mut self, decide: impl FnOnce(&Identities, &mut Fresh<'_>) -> T) -> T {
        let random = &mut self.random;
        let mut entropy = || scramble(random);
        let mut fresh = Fresh { now_secs: self.now_secs, entropy: &mut entropy, master: &self.master };
        decide(&self.identities, &mut fresh)
    }

    /// Sends a request and gives the inside of its result; empty when there is none.
    pub(crate) fn call(&mut self, action: &str, parameters: &[(&str, &str)]) -> Result<String, ApiError> {
        let body = body(parameters);
        let form = Form::parse(b"", body.as_bytes()).unwrap();
        let request = ApiRequest::decode(Service::Iam, action, &form)?;
        assert_eq!(request.action(), action);
        assert!(!request.authorisations(&self.caller, &self.identities).is_empty());
        let random = &mut self.random;
        let mut entropy = || scramble(random);
        let (changes, xml) = request.carry_out(
            &mut Carrying {
                identities: &self.identities,
                caller: &self.caller,
                session: None,
                master: &self.master,
                root_may_assume: false,
                now_secs: self.now_secs,
                entropy: &mut entropy,
            },
            RequestId(1),
        )?;
        assert!(request.is_change() || changes.is_empty(), "{action} says that it changes nothing");
        self.apply(&changes);
        Ok(result(action, &String::from_utf8(xml).unwrap()))
    }

    /// Sends a request that must succeed.
    pub(crate) fn ok(&mut self, action: &str, parameters: &[(&str, &str)]) -> String {
        self.call(action, parameters).unwrap_or_else(|error| panic!("{action} {parameters:?}: {error}"))
    }

    /// Sends a request that must be refused, and gives status, code and text.
    pub(crate) fn refused(
        &mut self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> (u16, &'static str, String) {
        let before = self.identities.digest();
        let error = self.call(action, parameters).expect_err(action);
        assert_eq!(self.identities.digest(), before);
        (error.status(), error.kind().query_code, error.message().to_owned())
    }

    pub(crate) fn authorisations(&self, action: &str, parameters: &[(&str, &str)]) -> Vec<Authorisation> {
        let body = body(parameters);
        let form = Form::parse(b"", body.as_bytes()).unwrap();
        let request = ApiRequest::decode(Service::Iam, action, &form).unwrap();
        request.authorisations(&self.caller, &self.identities)
    }

    /// Whether the trust policy of a role alone lets a caller assume it.
    pub(crate) fn admits(&self, role: &str, caller: &Caller) -> bool {
        self.admits_with(role, caller, Policies::default())
    }

    /// Whether the trust policy of a role lets a caller with these policies assume it.
    pub(crate) fn admits_with(&self, role: &str, caller: &Caller, own: Policies) -> bool {
        let role = self.identities.role(account(), role).unwrap();
        let question = Question {
            caller,
            action: "sts:AssumeRole",
            resource: &role.arn(),
            resource_account: account(),
            resource_kind: ResourceKind::RoleTrust,
            facts: &Given::default(),
        };
        evaluate(&question, &Policies { resource: Some(role.trust.clone()), ..own }).is_allowed()
    }

    /// The user as a caller.
    pub(crate) fn user(&self, name: &str) -> Caller {
        self.identities.user(account(), name).unwrap().caller(None)
    }

    pub(crate) fn create_user(&mut self, name: &str) {
        self.ok("CreateUser", &[("UserName", name)]);
    }

    pub(crate) fn create_role(&mut self, name: &str) {
        self.ok("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]);
    }

    /// Creates a managed policy and gives its ARN.
    pub(crate) fn create_policy(&mut self, name: &str) -> String {
        let made = self.ok("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", ALLOW_SEND)]);
        inner(&made, "Arn")
    }
}

/// The state, rebuilt from its records in the reverse of their order.
pub(crate) fn rebuilt(identities: &Identities, master: &MasterKey) -> Identities {
    let mut records = identities.records();
    records.reverse();
    let records = records.iter().map(|change| match change {
        Change::Put { name, value } => (name.as_str(), &value[..]),
        Change::Remove { name } => panic!("{name} is no record"),
    });
    Identities::from_records(account(), records, master).unwrap()
}

pub(crate) fn body(parameters: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in parameters {
        let _ = write!(body, "{name}=");
        for byte in value.bytes() {
            let _ = write!(body, "%{byte:02X}");
        }
        body.push('&');
    }
    body
}

fn result(action: &str, xml: &str) -> String {
    let start = format!(
        "<?xml version=\"1.0\"?><{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">"
    );
    let end = format!(
        "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000001</RequestId></ResponseMetadata>\
         </{action}Response>"
    );
    let whole =
        xml.strip_prefix(&start).and_then(|rest| rest.strip_suffix(&end)).unwrap_or_else(|| panic!("{xml}"));
    if whole.is_empty() || whole == format!("<{action}Result/>") {
        return String::new();
    }
    inner(whole, &format!("{action}Result"))
}

/// What is inside the first element of that name.
pub(crate) fn inner(xml: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let (_, rest) = xml.split_once(&open).unwrap_or_else(|| panic!("no {element} in {xml}"));
    rest.split_once(&close).unwrap().0.to_owned()
}

/// What is inside all elements of that name, in order.
pub(crate) fn all(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&open).skip(1).map(|rest| rest.split_once(&close).unwrap().0.to_owned()).collect()
}
