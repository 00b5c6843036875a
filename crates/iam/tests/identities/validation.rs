//! What is wrong with parameters, in the words of AWS.

use crate::scene::{ALLOW_SEND, Scene, TRUST};

const NAME: &str = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
const PATH: &str =
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.";
const TAG: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]";

/// The texts of violated constraints, joined.
fn violations(all: &[(&str, &str)]) -> String {
    let errors = if all.len() == 1 { "error" } else { "errors" };
    let all: Vec<_> = all
        .iter()
        .map(|(place, text)| format!("Value at '{place}' failed to satisfy constraint: {text}"))
        .collect();
    format!("{} validation {errors} detected: {}", all.len(), all.join("; "))
}

#[track_caller]
fn refused(action: &str, parameters: &[(&str, &str)], text: &str) {
    let expected = (400, "ValidationError", text.to_owned());
    assert_eq!(Scene::new().refused(action, parameters), expected, "{action} {parameters:?}");
}

#[test]
fn what_is_missing_is_told() {
    let null = "Member must not be null";
    refused("CreateUser", &[], &violations(&[("userName", null)]));
    refused(
        "PutUserPolicy",
        &[("UserName", "a")],
        &violations(&[("policyName", null), ("policyDocument", null)]),
    );
    refused("CreateRole", &[], &violations(&[("roleName", null), ("assumeRolePolicyDocument", null)]));
    refused("GetPolicyVersion", &[], &violations(&[("policyArn", null), ("versionId", null)]));
}

#[test]
fn lengths_are_told() {
    let long = |most: usize| format!("Member must have length less than or equal to {most}");
    let name = "a".repeat(129);
    refused("CreateUser", &[("UserName", &name[..65])], &violations(&[("userName", &long(64))]));
    refused("GetUser", &[("UserName", &name)], &violations(&[("userName", &long(128))]));
    refused("GetRole", &[("RoleName", &name[..65])], &violations(&[("roleName", &long(64))]));
    let path = format!("/{}/", "a".repeat(511));
    refused("CreateUser", &[("UserName", "a"), ("Path", &path)], &violations(&[("path", &long(512))]));
    let short = "Member must have length greater than or equal to 20";
    refused("GetPolicy", &[("PolicyArn", "P")], &violations(&[("policyArn", short)]));
    let short = "Member must have length greater than or equal to 16";
    refused("GetAccessKeyLastUsed", &[("AccessKeyId", "AKIA")], &violations(&[("accessKeyId", short)]));
    let document = "x".repeat(131_073);
    let put = [("UserName", "a"), ("PolicyName", "p"), ("PolicyDocument", document.as_str())];
    refused("PutUserPolicy", &put, &violations(&[("policyDocument", &long(131_072))]));
}

#[test]
fn letters_that_do_not_belong_are_told() {
    let sentence = |place: &str, text: &str| format!("The specified value for {place} is invalid. {text}");
    refused("CreateUser", &[("UserName", "bad/name")], &sentence("userName", NAME));
    refused("CreateUser", &[("UserName", "ä")], &sentence("userName", NAME));
    refused("UpdateUser", &[("UserName", "a"), ("NewUserName", "b c")], &sentence("newUserName", NAME));
    refused("CreateUser", &[("UserName", "a"), ("Path", "bad")], &sentence("path", PATH));
    refused("UpdateUser", &[("UserName", "a"), ("NewPath", "/bad")], &sentence("newPath", PATH));
    let emoji = [("UserName", "a"), ("PolicyName", "p"), ("PolicyDocument", "\u{1f600}")];
    let text = "It must contain only printable ASCII characters.";
    refused("PutUserPolicy", &emoji, &sentence("policyDocument", text));
    let pattern = |pattern: &str| format!("Member must satisfy regular expression pattern: {pattern}");
    let version = [("PolicyArn", "arn:aws:iam::aws:policy/P"), ("VersionId", "1")];
    let text = violations(&[("versionId", &pattern(r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"))]);
    refused("GetPolicyVersion", &version, &text);
    let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("Description", "\u{1f600}")];
    let text = violations(&[("description", &pattern(r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*"))]);
    refused("CreateRole", &role, &text);
}

#[test]
fn values_are_told() {
    let role = |secs| [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", secs)];
    let text = "Member must have value greater than or equal to 3600";
    refused("CreateRole", &role("3599"), &violations(&[("maxSessionDuration", text)]));
    let text = "Member must have value less than or equal to 43200";
    refused("CreateRole", &role("43201"), &violations(&[("maxSessionDuration", text)]));
    let text = "Member must have value less than or equal to 1000";
    refused("ListUsers", &[("MaxItems", "1001")], &violations(&[("maxItems", text)]));
    let key = [("AccessKeyId", "AKIAIOSFODNN7EXAMPLE"), ("Status", "Off")];
    let text = "Member must satisfy enum value set: [Active, Inactive]";
    refused("UpdateAccessKey", &key, &violations(&[("status", text)]));
    let malformed = Scene::new().refused("CreateRole", &role("an hour"));
    assert_eq!((malformed.0, malformed.1), (400, "MalformedInput"));
}

#[test]
fn tags_are_told_by_their_place() {
    let tag = |key, value| [("UserName", "a"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)];
    let long = |most: usize| format!("Member must have length less than or equal to {most}");
    let text = "k".repeat(257);
    refused("CreateUser", &tag(&text[..129], "v"), &violations(&[("tags.1.member.key", &long(128))]));
    refused("CreateUser", &tag("k", &text), &violations(&[("tags.1.member.value", &long(256))]));
    let pattern = |times: char| format!("Member must satisfy regular expression pattern: {TAG}{times}");
    refused("CreateUser", &tag("a*b", "v"), &violations(&[("tags.1.member.key", &pattern('+'))]));
    refused("CreateUser", &tag("k", "a*b"), &violations(&[("tags.1.member.value", &pattern('*'))]));
    let all = format!(
        "Member must satisfy constraint: [{}, Member must have length greater than or equal to 1, {}, Member must not be \
         null]",
        long(128),
        pattern('+')
    );
    let text = violations(&[("tagKeys", &all)]);
    refused("UntagUser", &[("UserName", "a"), ("TagKeys.member.1", "a*b")], &text);
}

#[test]
fn constraints_come_before_letters_and_all_at_once() {
    let long = "a".repeat(129);
    let put = [("UserName", "bad/name"), ("PolicyName", long.as_str()), ("PolicyDocument", ALLOW_SEND)];
    let text = "Member must have length less than or equal to 128";
    refused("PutUserPolicy", &put, &violations(&[("policyName", text)]));
}

#[test]
fn actions_that_are_not_here_say_which_are() {
    let (status, code, text) = Scene::new().refused("CreateGroup", &[]);
    assert_eq!((status, code), (400, "InvalidAction"));
    assert!(text.starts_with("Could not find operation CreateGroup for version 2010-05-08. "), "{text}");
    assert!(text.contains("AttachRolePolicy, ") && text.contains("UpdateUser"), "{text}");
}
