//! What is wrong with parameters, in the words of AWS.

use super::*;

#[test]
fn parameters_are_checked_in_the_words_of_aws() {
    let world = World::open();
    let refused = |given: &[(&str, &str)]| world.refused(&world.ann, None, "AssumeRole", given);
    assert_eq!(
        refused(&[]),
        "400 ValidationError: 2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: \
         Member must not be null; Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"
    );
    let session_name = |name: &str| refused(&[("RoleArn", ROLE), ("RoleSessionName", name)]);
    let start = "400 ValidationError: 1 validation error detected:";
    assert_eq!(
        session_name("a b"),
        format!(
            "{start} Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [\\w+=,.@-]*"
        )
    );
    assert_eq!(
        session_name("a"),
        format!(
            "{start} Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than \
             or equal to 2"
        )
    );
    let long = "a".repeat(65);
    assert_eq!(
        session_name(&long),
        format!(
            "{start} Value '{long}' at 'roleSessionName' failed to satisfy constraint: Member must have length less \
             than or equal to 64"
        )
    );
}

#[test]
fn each_parameter_is_told_by_its_place() {
    let world = World::open();
    let refused = |given: &[(&str, &str)]| world.refused(&world.ann, None, "AssumeRole", given);
    let start = "400 ValidationError: 1 validation error detected:";
    for (name, value, place) in [
        ("ExternalId", "a", "externalId"),
        ("ExternalId", "a b", "externalId"),
        ("SourceIdentity", "a/b", "sourceIdentity"),
        ("Policy", "", "policy"),
        ("PolicyArns.member.1.arn", "short", "policyArns.1.member.arn"),
        ("Tags.member.1.Key", "k", "tags.1.member.value"),
        ("Tags.member.1.Value", "v", "tags.1.member.key"),
        ("TransitiveTagKeys.member.1", "{", "transitiveTagKeys.1.member"),
    ] {
        let text = refused(&assume(&[(name, value)]));
        assert!(text.starts_with(start) && text.contains(&format!(" at '{place}' failed")), "{text}");
    }
    for arn in [
        "arn:aws:iam::111122223333:user/ann",
        "arn:aws:iam::1111:role/backend-role",
        "arn:aws:sts::111122223333:role/x",
        "not-an-arn-at-all-but-long",
    ] {
        let text = refused(&[("RoleArn", arn), ("RoleSessionName", "s1")]);
        assert_eq!(text, format!("400 ValidationError: {arn} is invalid"));
    }
}

#[test]
fn parameters_must_fit_each_other() {
    let world = World::open();
    let refused = |given: &[(&str, &str)]| world.refused(&world.ann, None, "AssumeRole", given);
    let keys = |first: &'static str, second: &'static str| {
        refused(&assume(&[
            ("Tags.member.1.Key", first),
            ("Tags.member.1.Value", "1"),
            ("Tags.member.2.Key", second),
            ("Tags.member.2.Value", "2"),
        ]))
    };
    let twice = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    assert_eq!(keys("Team", "team"), format!("400 InvalidParameterValue: {twice}"));
    assert!(keys("Team", "aws:x").starts_with("400 InvalidParameterValue: System tags"));
    assert_eq!(
        refused(&assume(&[("TransitiveTagKeys.member.1", "Team")])),
        "400 InvalidParameterValue: The specified transitive tag key must be included in the requested tags."
    );
    assert!(refused(&assume(&[("ProvidedContexts.member.1.ProviderArn", "a")])).contains("ProvidedContexts"));
    let device =
        refused(&assume(&[("SerialNumber", "arn:aws:iam::111122223333:mfa/a"), ("TokenCode", "123456")]));
    assert!(device.starts_with("403 AccessDenied: MultiFactorAuthentication failed"), "{device}");
}

#[test]
fn too_many_items_are_refused() {
    let world = World::open();
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let names: Vec<String> = (1..=11).map(|number| format!("PolicyArns.member.{number}.arn")).collect();
    let given: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), arn)).collect();
    let text = world.refused(&world.ann, None, "AssumeRole", &assume(&given));
    assert!(
        text.contains(
            " at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"
        ),
        "{text}"
    );
    let names: Vec<(String, String)> = (1..=51)
        .map(|number| (format!("Tags.member.{number}.Key"), format!("Tags.member.{number}.Value")))
        .collect();
    let keys: Vec<String> = (1..=51).map(|number| format!("k{number}")).collect();
    let given: Vec<(&str, &str)> = names
        .iter()
        .zip(&keys)
        .flat_map(|((name, value), key)| [(&**name, &**key), (&**value, "")])
        .collect();
    let text = world.refused(&world.ann, None, "AssumeRole", &assume(&given));
    assert!(
        text.contains(
            " at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
        ),
        "{text}"
    );
}

#[test]
fn what_is_not_here_is_refused_in_the_words_of_sts() {
    let world = World::open();
    let refused = |action: &str, given: &[(&str, &str)]| world.refused(&world.ann, None, action, given);
    assert_eq!(
        refused("AssumeRoleWithSAML", &[]),
        "400 InvalidAction: Could not find operation AssumeRoleWithSAML for version 2011-06-15"
    );
    assert!(refused("assumerole", &[]).starts_with("400 InvalidAction: "));
    assert!(refused("DecodeAuthorizationMessage", &[]).contains("Value null at 'encodedMessage'"));
    let encoded = refused("DecodeAuthorizationMessage", &[("EncodedMessage", "abc")]);
    assert!(encoded.starts_with("400 InvalidAuthorizationMessageException: "), "{encoded}");
}
