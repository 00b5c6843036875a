//! The policies that AWS manages.

use millpond_iam::evaluate::Attached;
use millpond_iam::managed::{all, find};
use millpond_iam::policy::{DocumentKind, Policy, Version};

use crate::cases::{Case, user};

fn allows(name: &str, action: &'static str, resource: &str) -> bool {
    let managed = all().iter().find(|managed| *managed.name == *name).expect(name);
    let mut case = Case::new(user());
    let attached = Attached { name: (*managed.arn).into(), policy: managed.policy.clone() };
    case.policies.identity.push(attached);
    case.action = action;
    case.resource = resource.to_owned();
    case.allowed()
}

#[test]
fn each_is_found_by_its_arn_and_read_from_its_document() {
    assert_eq!(all().len(), 12);
    for managed in all() {
        let found = find(&managed.arn).expect("by its ARN");
        assert_eq!(found.name, managed.name);
        assert_eq!(*managed.arn, *format!("arn:aws:iam::aws:policy{}{}", managed.path, managed.name));
        let policy = Policy::parse(&managed.document, DocumentKind::Identity).expect("a policy");
        assert_eq!(policy.version(), Version::V2012);
        assert_eq!(policy.statement_count(), managed.policy.statement_count());
        assert!(managed.version_id.starts_with('v') && managed.created.ends_with('Z'));
        assert!(!managed.description.is_empty());
    }
    assert!(find("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole").is_some());
    assert!(find("arn:aws:iam::aws:policy/AWSLambdaSQSQueueExecutionRole").is_none());
}

#[test]
fn they_are_sorted_by_name() {
    assert!(all().is_sorted_by(|a, b| a.name < b.name));
}

#[test]
fn they_grant_what_their_names_say() {
    let queue = "arn:aws:sqs:eu-west-1:111122223333:orders";
    for (name, action, expected) in [
        ("AmazonSQSFullAccess", "sqs:DeleteQueue", true),
        ("AmazonSQSFullAccess", "iam:CreateUser", false),
        ("AmazonSQSReadOnlyAccess", "sqs:GetQueueAttributes", true),
        ("AmazonSQSReadOnlyAccess", "sqs:SendMessage", false),
        ("AmazonSQSReadOnlyAccess", "sqs:ReceiveMessage", false),
        ("AWSLambdaSQSQueueExecutionRole", "sqs:DeleteMessage", true),
        ("AWSLambdaSQSQueueExecutionRole", "sqs:SendMessage", false),
        ("AdministratorAccess", "iam:CreateUser", true),
        ("PowerUserAccess", "sqs:SendMessage", true),
        ("PowerUserAccess", "iam:CreateUser", false),
        ("PowerUserAccess", "iam:ListRoles", true),
        ("PowerUserAccess", "millpond:CreateAccount", false),
        ("PowerUserAccess", "millpond:DeployStack", true),
        ("PowerUserAccess", "millpond:WriteTable", true),
        ("PowerUserAccess", "millpond:UseHost", false),
        ("ReadOnlyAccess", "sqs:ListQueues", true),
        ("ReadOnlyAccess", "sqs:SendMessage", false),
        ("ReadOnlyAccess", "millpond:DescribeQueue", true),
        ("ReadOnlyAccess", "millpond:DeployStack", false),
        ("ReadOnlyAccess", "millpond:WriteTable", false),
        ("IAMFullAccess", "iam:CreateUser", true),
        ("IAMFullAccess", "sqs:SendMessage", false),
        ("IAMReadOnlyAccess", "iam:GetUser", true),
        ("IAMReadOnlyAccess", "iam:CreateUser", false),
        ("AmazonRDSFullAccess", "rds:CreateDBInstance", true),
        ("AmazonEC2FullAccess", "ec2:RunInstances", true),
        ("AmazonSSMManagedInstanceCore", "ssm:GetParameters", true),
    ] {
        assert_eq!(allows(name, action, queue), expected, "{name} {action}");
    }
    let own = "arn:aws:iam::111122223333:user/ann";
    assert!(allows("IAMUserChangePassword", "iam:ChangePassword", own));
    assert!(!allows("IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/bob"));
}
