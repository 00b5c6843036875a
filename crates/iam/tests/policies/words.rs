//! Decisions in words.

use millpond_iam::caller::Caller;
use millpond_iam::evaluate::Decision;

use crate::cases::{Case, QUEUE, other, role, root, sending, to, user, user_of};

const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const NOTHING: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

fn answer(case: &Case, action: &str) -> String {
    match case.decide() {
        Decision::Denied(denial) => denial.text(&case.caller, action, &case.resource),
        Decision::Allowed(by) => panic!("allowed by {by:?}"),
    }
}

fn explain(case: &Case) -> String {
    let decision = case.decide();
    case.with_question(|question| decision.explain(question))
}

#[test]
fn a_missing_allow_is_answered_as_recorded() {
    assert_eq!(
        answer(&Case::new(user()), "sqs:sendmessage"),
        format!(
            "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sqs:sendmessage on resource: {QUEUE} \
             because no identity-based policy allows the sqs:sendmessage action"
        )
    );
    let service = Case::new(Caller::Service { name: "sns.amazonaws.com".to_owned() });
    assert!(
        answer(&service, "sqs:sendmessage")
            .ends_with("because no resource-based policy allows the sqs:sendmessage action")
    );
    let boundary = Case::new(user()).identity(ALL).boundary(NOTHING);
    assert!(answer(&boundary, "a:b").ends_with("because no permissions boundary allows the a:b action"));
    let session = Case::new(role()).identity(ALL).session(NOTHING);
    assert_eq!(
        answer(&session, "a:b"),
        format!(
            "User: arn:aws:sts::111122223333:assumed-role/backend/web1 is not authorized to perform: a:b on resource: \
             {QUEUE} because no session policy allows the a:b action"
        )
    );
}

#[test]
fn an_explicit_deny_is_answered_as_recorded() {
    let deny = sending("Deny");
    let ends = |case: Case, end: &str| assert!(answer(&case, "a:b").ends_with(end), "{end}");
    ends(
        Case::new(user()).identity(&deny),
        &format!("{QUEUE} with an explicit deny in an identity-based policy"),
    );
    ends(Case::new(user()).boundary(&deny), "with an explicit deny in a permissions boundary");
    ends(Case::new(user()).session(&deny), "with an explicit deny in a session policy");
    ends(
        Case::new(user()).resource(&to("Deny", r#""*""#)),
        "with an explicit deny in a resource-based policy",
    );
}

#[test]
fn anonymous_callers_and_callers_of_assume_role_are_told_less() {
    let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";
    let Decision::Denied(denial) = Case::new(Caller::Anonymous).decide() else { panic!("allowed") };
    let expected = format!("Access to the resource {url} is denied.");
    assert_eq!(denial.text(&Caller::Anonymous, "sqs:sendmessage", url), expected);
    let trust =
        r#"{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    assert_eq!(
        answer(&Case::new(user()).identity(ALL).trust(trust), "sts:AssumeRole"),
        "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole on resource: \
         arn:aws:iam::111122223333:role/backend"
    );
}

#[test]
fn an_explanation_names_the_statements() {
    let named = r#"{"Sid":"Send","Effect":"Allow","Action":"sqs:*","Resource":"*"}"#;
    let allowed = explain(&Case::new(user()).identity(named).boundary(ALL));
    assert!(
        allowed.contains(r#"statement 1 (Sid "Send") of the identity-based policy "identity0""#),
        "{allowed}"
    );
    assert!(allowed.contains(r#"statement 1 of the permissions boundary "boundary""#), "{allowed}");
    let denied = explain(&Case::new(user()).identity(ALL).resource(&to("Deny", r#""*""#)));
    assert!(denied.contains(r#"statement 1 of the resource-based policy "queue""#), "{denied}");
    assert!(explain(&Case::new(root())).contains("The root of an account may do everything in it"));
}

#[test]
fn an_explanation_says_what_could_allow() {
    let says = |case: Case, what: &str| {
        let text = explain(&case);
        assert!(text.contains(what), "{text}");
    };
    says(Case::new(user()), "attach a policy to user ann that allows sqs:SendMessage");
    says(Case::new(user_of(other())), "its policy has to allow it as well");
    says(Case::new(user_of(other())).identity(ALL), "add a statement to the resource's policy");
    says(Case::new(user()).identity(ALL).boundary(NOTHING), "the boundary has to allow it, too");
    says(Case::new(role()).identity(ALL).session(NOTHING), "session policy allows it");
    let trust = |principal: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}"#)
    };
    says(Case::new(user()).trust(&trust("111122223333")), "name arn:aws:iam::111122223333:user/ann itself");
    says(Case::new(user()).trust(&trust("444455556666")), "trust policy does not admit the caller");
}
