//! What the platform relies on: calls for a caller, decisions over time, credentials of its own.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::sync::Arc;

use millpond_core::name::AccountId;
use millpond_iam::api::{Authorisation, Service};
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::ResourceKind;
use millpond_iam::facts::Given;
use millpond_iam::session::Credentials;

use super::people::tests::engine;
use super::{Access, AccessConfig, Authenticated, Enforcement, Source, now_secs};

const HERE: Source = Source { ip: std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), over_tls: false };
const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"ecs-tasks.amazonaws.com"}}}"#;

fn root() -> Authenticated {
    Authenticated::without_key(Caller::Root { account: AccountId::DEFAULT }, HERE)
}

async fn iam(access: &Arc<Access>, parameters: &[(&str, &str)]) -> String {
    let reply = access.call(&root(), Service::Iam, parameters).await.unwrap();
    String::from_utf8(reply).unwrap()
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0
}

fn send() -> Authorisation {
    Authorisation {
        action: Cow::Borrowed("sqs:SendMessage"),
        resource: "arn:aws:sqs:us-east-1:000000000000:jobs".to_owned(),
        resource_account: AccountId::DEFAULT,
        resource_kind: ResourceKind::Ordinary,
        resource_policy: None,
        facts: Given::default(),
    }
}

fn opened(access: &Access, keys: &Credentials) -> Authenticated {
    let moment = access.people.now();
    let token = Some(keys.session_token.as_str());
    let found =
        moment.principal(&access.config, access.account, &keys.access_key_id, token, now_secs()).unwrap();
    Access::proven(&found, moment.number, HERE, None)
}

async fn enforced(running: &millpond_engine::driver::Running) -> Arc<Access> {
    let config = Arc::new(AccessConfig::for_tests(Enforcement::On));
    Access::load(&running.handle, AccountId::DEFAULT, config).await.unwrap()
}

#[tokio::test]
async fn a_caller_who_was_identified_before_a_change_is_judged_after_it() {
    let running = engine();
    let access = enforced(&running).await;
    iam(&access, &[("Action", "CreateUser"), ("UserName", "jane")]).await;
    let key = iam(&access, &[("Action", "CreateAccessKey"), ("UserName", "jane")]).await;
    let moment = access.people.now();
    let id = element(&key, "AccessKeyId");
    let jane = moment.principal(&access.config, access.account, id, None, now_secs()).unwrap();
    let jane = Access::proven(&jane, moment.number, HERE, None);
    assert!(!access.decide(&jane, &send()).is_allowed());
    let put =
        [("Action", "PutUserPolicy"), ("UserName", "jane"), ("PolicyName", "p"), ("PolicyDocument", ALLOW)];
    iam(&access, &put).await;
    assert!(access.decide(&jane, &send()).is_allowed());
    // What is done on her behalf is what she may.
    let behalf = access.on_behalf_of(&jane, now_secs());
    assert_eq!(opened(&access, &behalf).caller.arn(), jane.caller.arn());
    iam(&access, &[("Action", "DeleteUserPolicy"), ("UserName", "jane"), ("PolicyName", "p")]).await;
    assert!(!access.decide(&jane, &send()).is_allowed());
    assert!(!access.decide(&opened(&access, &behalf), &send()).is_allowed());
}

#[tokio::test]
async fn a_workload_gets_credentials_of_a_role_that_admits_it() {
    let running = engine();
    let access = enforced(&running).await;
    let create =
        |name, trust| [("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", trust)];
    iam(&access, &create("worker", TRUST)).await;
    iam(&access, &create("other", &TRUST.replace("ecs-tasks", "lambda"))).await;
    let worker = "arn:aws:iam::000000000000:role/worker";
    let keys = access.of_workload(worker, "backend", now_secs()).unwrap();
    let arn = "arn:aws:sts::000000000000:assumed-role/worker/backend";
    assert_eq!(opened(&access, &keys).caller.arn(), arn);
    let refused = access.of_workload("arn:aws:iam::000000000000:role/other", "backend", now_secs());
    assert!(refused.unwrap_err().contains("ecs-tasks.amazonaws.com"));
    assert!(access.of_workload("arn:aws:iam::000000000000:role/none", "b", now_secs()).is_err());
}

#[tokio::test]
async fn a_workload_has_the_same_token_after_a_restart_and_no_other_has_it() {
    let (first, second) = (engine(), engine());
    let [before, after] = [enforced(&first).await, enforced(&second).await];
    assert_eq!(before.workload_token("backend 1"), after.workload_token("backend 1"));
    assert_ne!(before.workload_token("backend 1"), before.workload_token("backend 2"));
}

#[tokio::test]
async fn credentials_on_behalf_of_nobody_are_nobodys() {
    let running = engine();
    let access = enforced(&running).await;
    let nobody = Authenticated::without_key(Caller::Anonymous, HERE);
    let keys = access.on_behalf_of(&nobody, now_secs());
    let moment = access.people.now();
    let token = Some(keys.session_token.as_str());
    let found = moment.principal(&access.config, access.account, &keys.access_key_id, token, now_secs());
    assert!(found.is_err(), "{found:?}");
}
