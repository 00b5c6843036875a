//! Roles, users, policies, keys and queue policies: what each takes, what `Ref` and `Fn::GetAtt` give, what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use millpond_stack::{
    AccessKeySpec, InlinePolicySpec, ManagedPolicySpec, QueuePolicySpec, Resource, RoleSpec, UserSpec,
};
use serde_json::{Value, json};
use support::{errors, find, output, resolved};

const ALLOW: &str = "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: 'sqs:*', Resource: '*'}]}";
const TRUST: &str =
    "{Statement: {Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ecs-tasks.amazonaws.com}}}";

/// A template of these resources, one `Id: Type, properties` each.
fn template(resources: &[(&str, &str, &str)]) -> String {
    let resource = |(id, kind, properties): &(&str, &str, &str)| {
        format!("  {id}: {{Type: {kind}, Properties: {{{properties}}}}}\n")
    };
    format!("Resources:\n{}", resources.iter().map(resource).collect::<String>())
}

fn role(properties: &str) -> (&'static str, &'static str, String) {
    ("R", "AWS::IAM::Role", format!("AssumeRolePolicyDocument: {TRUST}, {properties}"))
}

fn json_of(document: &str) -> Value {
    serde_json::from_str(document).unwrap()
}

#[test]
fn a_role_has_all_its_properties() {
    let (id, kind, properties) = role(&format!(
        "RoleName: r, Path: /a/, Description: d, MaxSessionDuration: 7200, Policies: [{{PolicyName: p, PolicyDocument: \
         {ALLOW}}}], ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'], PermissionsBoundary: \
         'arn:aws:iam::012345678901:policy/b', Tags: [{{Key: k, Value: v}}]"
    ));
    let text = template(&[(id, kind, &properties)]);
    let Resource::Role(RoleSpec { name, path, trust, description, session_duration_max_secs, grants }) =
        find(&resolved(&text), "R")
    else {
        panic!()
    };
    assert_eq!((name.as_str(), path.as_str(), description.as_str()), ("r", "/a/", "d"));
    assert_eq!(session_duration_max_secs, 7200);
    assert_eq!(json_of(&trust)["Statement"]["Principal"], json!({ "Service": "ecs-tasks.amazonaws.com" }));
    assert_eq!(json_of(&grants.policies["p"])["Version"], "2012-10-17", "a date stays a text");
    assert!(grants.managed_policy_arns.contains("arn:aws:iam::aws:policy/ReadOnlyAccess"));
    assert_eq!(grants.permissions_boundary.as_deref(), Some("arn:aws:iam::012345678901:policy/b"));
    assert_eq!(grants.tags["k"], "v");
    let out = |value: &str| output(&format!("{text}Outputs: {{Out: {{Value: {value}}}}}\n"), &[]).unwrap();
    assert_eq!(out("!Ref R"), "r");
    assert_eq!(out("!GetAtt R.Arn"), "arn:aws:iam::012345678901:role/a/r");
    assert_eq!(out("!GetAtt R.RoleId"), "", "known only once it is made");
}

#[test]
fn a_document_holds_functions_anywhere() {
    let text = template(&[
        ("Q", "AWS::SQS::Queue", "QueueName: q"),
        (
            "P",
            "AWS::IAM::Policy",
            "PolicyName: p, Users: [ann], PolicyDocument: {Statement: [{Effect: Allow, Action: ['sqs:SendMessage'], \
             Resource: [!GetAtt Q.Arn, !Sub 'arn:aws:sqs:*:${AWS::AccountId}:x'], Condition: {StringEquals: \
             {'aws:username': !Ref AWS::StackName, 'aws:UserAgent': !Ref AWS::NoValue}, Bool: {'aws:SecureTransport': \
             false}}}]}",
        ),
    ]);
    let Resource::InlinePolicy(InlinePolicySpec { id, name, document, roles, users }) =
        find(&resolved(&text), "P")
    else {
        panic!()
    };
    assert!(id.starts_with("shop-P-"), "{id}");
    assert_eq!((name, roles, users), ("p".to_owned(), vec![], vec!["ann".to_owned()]));
    let statement = json_of(&document)["Statement"][0].clone();
    assert_eq!(
        statement["Resource"],
        json!(["arn:aws:sqs:eu-west-1:012345678901:q", "arn:aws:sqs:*:012345678901:x"])
    );
    let condition =
        json!({ "StringEquals": { "aws:username": "shop" }, "Bool": { "aws:SecureTransport": "false" } });
    assert_eq!(statement["Condition"], condition);
}

#[test]
fn a_document_may_be_a_text() {
    let text = template(&[(
        "P",
        "AWS::IAM::Policy",
        "PolicyName: p, Roles: [r], PolicyDocument: '{\"Statement\":[]}'",
    )]);
    let Resource::InlinePolicy(policy) = find(&resolved(&text), "P") else { panic!() };
    assert_eq!(policy.document, r#"{"Statement":[]}"#);
    let wrong = text.replace("[]}'", "]'");
    assert!(errors(&wrong).contains("PolicyDocument is a text, but no JSON"), "{}", errors(&wrong));
}

#[test]
fn users_keys_and_managed_policies_name_each_other() {
    let text = template(&[
        ("U", "AWS::IAM::User", "UserName: ann, Path: /team/"),
        (
            "M",
            "AWS::IAM::ManagedPolicy",
            &format!(
                "ManagedPolicyName: m, Path: /p/, Description: d, Users: [!Ref U], PolicyDocument: {ALLOW}"
            ),
        ),
        ("K", "AWS::IAM::AccessKey", "UserName: !Ref U, Status: Inactive, Serial: 3"),
    ]);
    let resolved = resolved(&text);
    let Resource::User(UserSpec { name, path, .. }) = find(&resolved, "U") else { panic!() };
    assert_eq!((name.as_str(), path.as_str()), ("ann", "/team/"));
    let Resource::ManagedPolicy(ManagedPolicySpec { arn, users, .. }) = find(&resolved, "M") else {
        panic!()
    };
    assert_eq!((arn.as_str(), users), ("arn:aws:iam::012345678901:policy/p/m", vec!["ann".to_owned()]));
    let Resource::AccessKey(AccessKeySpec { user, active, serial, .. }) = find(&resolved, "K") else {
        panic!()
    };
    assert_eq!((user.as_str(), active, serial), ("ann", false, 3));
    let out = |value: &str| output(&format!("{text}Outputs: {{Out: {{Value: {value}}}}}\n"), &[]).unwrap();
    assert_eq!(out("!Ref M"), "arn:aws:iam::012345678901:policy/p/m");
    assert_eq!(out("!GetAtt M.PolicyArn"), "arn:aws:iam::012345678901:policy/p/m");
    assert_eq!(out("!GetAtt U.Arn"), "arn:aws:iam::012345678901:user/team/ann");
    assert_eq!(
        out("!Sub 'key ${K}, secret ${K.SecretAccessKey}'"),
        "****",
        "no one knows the secret any more"
    );
}

#[test]
fn a_queue_policy_takes_urls() {
    let statement =
        "PolicyDocument: {Statement: {Effect: Allow, Principal: '*', Action: 'sqs:*', Resource: '*'}}";
    let with = |queues: &str| {
        template(&[
            ("Q", "AWS::SQS::Queue", "QueueName: q"),
            ("P", "AWS::SQS::QueuePolicy", &format!("Queues: [{queues}], {statement}")),
        ])
    };
    let Resource::QueuePolicy(QueuePolicySpec { queues, .. }) = find(&resolved(&with("!Ref Q")), "P") else {
        panic!()
    };
    assert_eq!(queues, ["q"]);
    for wrong in ["!GetAtt Q.Arn", "q", "'http://127.0.0.1/999999999999/q'"] {
        let errors = errors(&with(wrong));
        assert!(errors.contains("Queues takes the URLs of queues of account 012345678901"), "{errors}");
    }
    let second =
        format!("  P2: {{Type: AWS::SQS::QueuePolicy, Properties: {{Queues: [!Ref Q], {statement}}}}}\n");
    let errors = errors(&(with("!Ref Q") + &second));
    assert!(errors.contains("t.yaml:4:59: q has the policy P already, and a queue has only one"), "{errors}");
}

#[test]
fn mistakes_in_documents_have_their_place() {
    let text = "Resources:
  P:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: p
      Roles: [r]
      PolicyDocument:
        Statement:
          - Effect: Allow
            Actoin: sqs:*
            Resource: '*'
";
    assert_eq!(errors(text), "t.yaml:10:13: Statement has no property Actoin; did you mean Action?");
    let wrong_value = text.replace("Actoin", "Action").replace("Allow", "allow");
    assert_eq!(errors(&wrong_value), "t.yaml:9:21: Effect must be one of Allow, Deny, not \"allow\"");
}

#[test]
fn what_is_not_here_is_refused_with_a_reason() {
    let user = |property: &str| errors(&template(&[("U", "AWS::IAM::User", property)]));
    assert!(user("Groups: [a]").contains("AWS::IAM::User has no Groups here: groups are not supported"));
    assert!(user("LoginProfile: {Password: a}").contains("AWS::IAM::User has no LoginProfile here: "));
    let policy = format!("PolicyName: p, PolicyDocument: {ALLOW}");
    let without_anyone = errors(&template(&[("P", "AWS::IAM::Policy", &policy)]));
    assert!(without_anyone.contains("AWS::IAM::Policy needs Roles or Users"), "{without_anyone}");
    let wrong_arn = user("ManagedPolicyArns: [ReadOnlyAccess]");
    assert!(wrong_arn.contains("ManagedPolicyArns takes ARNs of managed policies"), "{wrong_arn}");
    assert!(user("UserName: 'a b'").contains("UserName must be 1 to 64 letters"));
    assert!(user("Path: a").contains("Path must begin and end with a slash"));
}

#[test]
fn what_is_known_only_later_is_for_outputs() {
    let key = ("K", "AWS::IAM::AccessKey", "UserName: ann");
    let with = |value: &str| {
        errors(&template(&[key, ("Q", "AWS::SQS::Queue", &format!("Tags: [{{Key: a, Value: {value}}}]"))]))
    };
    assert!(
        with("!Ref K").contains("Value can't use the id of a role or an access key"),
        "{}",
        with("!Ref K")
    );
    let secret = with("!GetAtt K.SecretAccessKey");
    assert!(secret.contains("Value can't use the secret of an access key, which is told once"), "{secret}");
}

#[test]
fn a_workload_has_a_role_of_its_own_or_the_one_it_names() {
    let form = |role: &str| {
        let (id, kind, properties) = role_named();
        template(&[
            ("Q", "AWS::SQS::Queue", "QueueName: q"),
            (id, kind, &properties),
            ("F", "Millpond::Web::Form", &format!("Queue: !Ref Q, Fields: [{{Name: a}}], {role}")),
        ])
    };
    for named in ["Role: !GetAtt R.Arn", "Role: !Ref R"] {
        assert_eq!(
            support::workload(&resolved(&form(named)), "F").role,
            "arn:aws:iam::012345678901:role/a/r"
        );
    }
    let own = resolved(&form(""));
    assert_eq!(support::workload(&own, "F").role, "arn:aws:iam::012345678901:role/millpond/shop-f");
    let Resource::Role(role) = find(&own, "F.Role") else { panic!() };
    let statement = json_of(&role.grants.policies["queue"])["Statement"][0].clone();
    assert_eq!(statement["Resource"], "arn:aws:sqs:eu-west-1:012345678901:q");
    assert_eq!(statement["Action"], json!(["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"]));
    let principal = json_of(&role.trust)["Statement"][0]["Principal"].clone();
    assert_eq!(principal, json!({ "Service": "ecs-tasks.amazonaws.com" }));
    assert!(errors(&form("Role: 'a b'")).contains("Role must be the ARN or the name of a role"));
}

fn role_named() -> (&'static str, &'static str, String) {
    role("RoleName: r, Path: /a/")
}

#[test]
fn a_sink_may_receive_and_not_send() {
    let text = template(&[(
        "S",
        "Millpond::Sink::Table",
        "Queue: 'http://127.0.0.1:4566/012345678901/q', DatabaseUrl: 'sqlite://a.db', Table: t, Columns: [a]",
    )]);
    let Resource::Role(role) = find(&resolved(&text), "S.Role") else { panic!() };
    let policy = &role.grants.policies["queue"];
    assert!(policy.contains("sqs:ReceiveMessage") && policy.contains("sqs:DeleteMessage"), "{policy}");
    assert!(!policy.contains("sqs:SendMessage"), "{policy}");
}
