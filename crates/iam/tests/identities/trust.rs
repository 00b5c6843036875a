//! Trust policies mean users and roles by unique id: who has to be there, who stays trusted, what is shown.

use millpond_core::name::AccountId;
use millpond_iam::caller::Caller;

use crate::scene::{ALLOW_SEND, Scene, TRUST, account, inner};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// A trust policy that admits this, a JSON value.
fn trust(principal: &str) -> String {
    TRUST.replace(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, principal)
}

fn trust_aws(name: &str) -> String {
    trust(&format!(r#"{{"AWS":"{name}"}}"#))
}

fn create(scene: &mut Scene, name: &str, document: &str) -> String {
    scene.ok("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", document)])
}

fn decoded(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        text.push_str(&part[2..]);
    }
    text
}

fn shown(scene: &mut Scene, role: &str) -> String {
    let read = scene.ok("GetRole", &[("RoleName", role)]);
    decoded(&inner(&read, "AssumeRolePolicyDocument"))
}

fn role_caller(scene: &Scene, name: &str) -> Caller {
    scene.identities.role(account(), name).unwrap().caller("s", 0)
}

/// Alice, the role `worker`, and a role that trusts both.
fn trusting() -> Scene {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_role("worker");
    let both = trust(&format!(r#"{{"AWS":["{ALICE}","arn:aws:iam::111122223333:role/worker"]}}"#));
    create(&mut scene, "r", &both);
    scene
}

#[test]
fn who_is_not_there_can_not_be_trusted() {
    let mut scene = Scene::new();
    scene.ok("CreateUser", &[("UserName", "alice"), ("Path", "/staff/")]);
    scene.create_role("worker");
    let nobody = [
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:user/staff/Alice",
        "arn:aws:iam::111122223333:role/staff/alice",
        "arn:aws:iam::111122223333:role/new",
        "arn:aws:iam::111122223333:user/worker",
        "arn:aws:iam::444455556666:user/staff/alice",
        "arn:aws:iam::444455556666:role/worker",
        "arn:aws-cn:iam::111122223333:role/worker",
        "arn:aws:sts::111122223333:assumed-role/none/session",
        "arn:aws:sts::444455556666:assumed-role/worker/session",
        "arn:aws-cn:sts::111122223333:assumed-role/worker/session",
        "AIDAQ5ZSD4EXAMPLEUSR2",
        "AROAQ5ZSD4EXAMPLEROL2",
        "AROAQ5ZSD4EXAMPLEROL2:session",
    ];
    for name in nobody {
        let text = format!(r#"Invalid principal in policy: "AWS":"{name}""#);
        let document = trust(&format!(r#"{{"AWS":["111122223333","{name}"]}}"#));
        let expected = (400, "MalformedPolicyDocument", text);
        let new = [("RoleName", "new"), ("AssumeRolePolicyDocument", document.as_str())];
        assert_eq!(scene.refused("CreateRole", &new), expected);
        let update = [("RoleName", "worker"), ("PolicyDocument", document.as_str())];
        assert_eq!(scene.refused("UpdateAssumeRolePolicy", &update), expected);
    }
}

#[test]
fn who_is_there_is_trusted_in_every_way_to_name_them() {
    let mut scene = trusting();
    let (alice, worker) = (scene.user("alice"), role_caller(&scene, "worker"));
    let (Caller::User(user), Caller::Role(role)) = (&alice, &worker) else { panic!("no such callers") };
    let cases = [
        (ALICE.to_owned(), &alice),
        (user.id.clone(), &alice),
        ("arn:aws:iam::111122223333:role/worker".to_owned(), &worker),
        (role.id.clone(), &worker),
        ("arn:aws:sts::111122223333:assumed-role/worker/s".to_owned(), &worker),
        (format!("{}:s", role.id), &worker),
    ];
    for (name, trusted) in &cases {
        let update = [("RoleName", "r"), ("PolicyDocument", &*trust_aws(name))];
        scene.ok("UpdateAssumeRolePolicy", &update);
        for caller in [&alice, &worker] {
            assert_eq!(scene.admits("r", caller), caller == *trusted, "{name}");
        }
    }
}

#[test]
fn a_user_of_another_account_is_meant_by_id_too() {
    let other = AccountId::parse("444455556666").unwrap();
    let mut scene = trusting();
    let admits = |scene: &mut Scene| {
        let document = ALLOW_SEND.replace("sqs:SendMessage", "sts:AssumeRole");
        scene.caller = Caller::Root { account: other };
        scene.ok("PutUserPolicy", &[("UserName", "far"), ("PolicyName", "p"), ("PolicyDocument", &document)]);
        let far = scene.identities.user(other, "far").unwrap().caller(None);
        let own = scene.identities.policies(&far);
        scene.admits_with("r", &far, (*own).clone())
    };
    scene.caller = Caller::Root { account: other };
    scene.create_user("far");
    assert!(!admits(&mut scene));
    scene.caller = Caller::Root { account: account() };
    let update = [("RoleName", "r"), ("PolicyDocument", &*trust_aws("arn:aws:iam::444455556666:user/far"))];
    scene.ok("UpdateAssumeRolePolicy", &update);
    assert!(admits(&mut scene));
    scene.ok("DeleteUserPolicy", &[("UserName", "far"), ("PolicyName", "p")]);
    scene.ok("DeleteUser", &[("UserName", "far")]);
    scene.create_user("far");
    assert!(!admits(&mut scene));
}

#[test]
fn who_is_created_again_is_not_trusted() {
    let mut scene = trusting();
    assert!(scene.admits("r", &scene.user("alice")) && scene.admits("r", &role_caller(&scene, "worker")));
    let user = scene.identities.user(account(), "alice").unwrap().id.clone();
    let role = scene.identities.role(account(), "worker").unwrap().id.clone();
    for again in [false, true] {
        if again {
            scene.create_user("alice");
            scene.create_role("worker");
            assert!(!scene.admits("r", &scene.user("alice")));
            assert!(!scene.admits("r", &role_caller(&scene, "worker")));
        } else {
            scene.ok("DeleteUser", &[("UserName", "alice")]);
            scene.ok("DeleteRole", &[("RoleName", "worker")]);
        }
        assert_eq!(shown(&mut scene, "r"), trust(&format!(r#"{{"AWS":["{user}","{role}"]}}"#)));
    }
    // What is shown can't be set as it is, and naming them again trusts them again.
    let document = shown(&mut scene, "r");
    let text = format!(r#"Invalid principal in policy: "AWS":"{user}""#);
    let update = [("RoleName", "r"), ("PolicyDocument", document.as_str())];
    assert_eq!(scene.refused("UpdateAssumeRolePolicy", &update).2, text);
    scene.ok("UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", &trust_aws(ALICE))]);
    assert!(scene.admits("r", &scene.user("alice")));
    assert!(!scene.admits("r", &role_caller(&scene, "worker")));
    assert_eq!(shown(&mut scene, "r"), trust_aws(ALICE));
}

#[test]
fn who_is_renamed_stays_trusted_and_who_takes_the_name_is_not() {
    let mut scene = trusting();
    let rename = [("UserName", "alice"), ("NewUserName", "alicia"), ("NewPath", "/staff/")];
    scene.ok("UpdateUser", &rename);
    scene.create_user("alice");
    assert!(scene.admits("r", &scene.user("alicia")));
    assert!(!scene.admits("r", &scene.user("alice")));
    let names =
        r#"{"AWS":["arn:aws:iam::111122223333:user/staff/alicia","arn:aws:iam::111122223333:role/worker"]}"#;
    assert_eq!(shown(&mut scene, "r"), trust(names));
    // The document as it was given stays, so nothing is lost when the name comes back.
    scene.ok("DeleteUser", &[("UserName", "alice")]);
    let back = [("UserName", "alicia"), ("NewUserName", "alice"), ("NewPath", "/")];
    scene.ok("UpdateUser", &back);
    let both = format!(r#"{{"AWS":["{ALICE}","arn:aws:iam::111122223333:role/worker"]}}"#);
    assert_eq!(shown(&mut scene, "r"), trust(&both));
    // What an update does not name keeps whom it means.
    scene.ok("UpdateUser", &rename);
    scene.create_user("alice");
    scene.ok("UpdateRole", &[("RoleName", "r"), ("Description", "d")]);
    assert!(scene.admits("r", &scene.user("alicia")) && !scene.admits("r", &scene.user("alice")));
}

#[test]
fn nothing_but_principals_changes_in_what_is_shown() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let document = format!(
        r#"{{ "Version": "2012-10-17", "Id": "{ALICE}", "Statement": [
            {{"Sid": "a", "Effect": "Allow", "Principal": {{"Service": ["sqs.amazonaws.com"], "AWS": "{ALICE}"}},
             "Action": "sts:AssumeRole", "Condition": {{"ArnEquals": {{"aws:PrincipalArn": "{ALICE}"}},
             "NumericLessThan": {{"aws:MultiFactorAuthAge": 5}}, "Null": {{"a\"\u00e9\n": false}}}}}}] }}"#
    );
    create(&mut scene, "r", &document);
    assert_eq!(shown(&mut scene, "r"), document);
    scene.ok("UpdateUser", &[("UserName", "alice"), ("NewUserName", "bob")]);
    let bob = ALICE.replace("alice", "bob");
    let expected = format!(
        r#"{{"Version":"2012-10-17","Id":"{ALICE}","Statement":[{{"Sid":"a","Effect":"Allow","Principal":{{"Service":["sqs.amazonaws.com"],"AWS":"{bob}"}},"Action":"sts:AssumeRole","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{ALICE}"}},"NumericLessThan":{{"aws:MultiFactorAuthAge":5}},"Null":{{"a\"é\n":false}}}}}}]}}"#
    );
    let role = scene.identities.role(account(), "r").unwrap();
    assert_eq!(scene.identities.shown_trust(&role.record), expected);
    // A statement that stands alone, and lists that show the role.
    let single = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":["{bob}"]}},"Action":"sts:AssumeRole"}}}}"#
    );
    scene.ok("UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", &single)]);
    scene.ok("UpdateUser", &[("UserName", "bob"), ("NewUserName", "alice")]);
    assert_eq!(shown(&mut scene, "r"), single.replace(&bob, ALICE));
    let listed = scene.ok("ListRoles", &[]);
    assert_eq!(decoded(&inner(&listed, "AssumeRolePolicyDocument")), single.replace(&bob, ALICE));
}

#[test]
fn a_role_may_trust_itself_once_it_is_there() {
    let mut scene = Scene::new();
    let itself = trust_aws("arn:aws:iam::111122223333:role/r");
    let new = [("RoleName", "r"), ("AssumeRolePolicyDocument", itself.as_str())];
    assert_eq!(scene.refused("CreateRole", &new).1, "MalformedPolicyDocument");
    scene.create_role("r");
    scene.ok("UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", &itself)]);
    assert!(scene.admits("r", &role_caller(&scene, "r")));
    // Its own record alone tells whom it means.
    scene.ok("DeleteRole", &[("RoleName", "r")]);
}

#[test]
fn everyone_accounts_and_services_need_not_be_there() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let cases = [
        (r#""*""#, true),
        (r#"{"AWS":"*"}"#, true),
        (r#"{"AWS":"111122223333"}"#, false),
        (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, false),
        (r#"{"AWS":["999988887777","arn:aws:iam::999988887777:root"]}"#, false),
        (r#"{"Service":"ecs-tasks.amazonaws.com"}"#, false),
        (r#"{"Federated":"accounts.google.com"}"#, false),
    ];
    for (number, (principal, admits)) in cases.into_iter().enumerate() {
        let (role, document) = (format!("r{number}"), trust(principal));
        create(&mut scene, &role, &document);
        assert_eq!(shown(&mut scene, &role), document);
        assert!(scene.identities.role(account(), &role).unwrap().record.trusted.is_empty());
        assert_eq!(scene.admits(&role, &scene.user("alice")), admits, "{principal}");
        // The account leaves it to the user's own policies, and who has the name again has the account too.
        scene.ok("DeleteUser", &[("UserName", "alice")]);
        scene.create_user("alice");
        assert_eq!(scene.admits(&role, &scene.user("alice")), admits, "{principal}");
    }
}

#[test]
fn the_digest_covers_whom_a_role_trusts() {
    let mut scene = trusting();
    let before = scene.identities.digest();
    let record = scene.written.last().unwrap().clone();
    let millpond_iam::identity::Change::Put { name, value } = record else { panic!("no record") };
    let user = scene.identities.user(account(), "alice").unwrap().id.clone();
    let other = String::from_utf8(value.to_vec()).unwrap().replace(&user, "AIDAOTHER");
    scene.apply(&[millpond_iam::identity::Change::Put { name, value: other.into() }]);
    assert_ne!(scene.identities.digest(), before);
    assert!(!scene.admits("r", &scene.user("alice")));
}
