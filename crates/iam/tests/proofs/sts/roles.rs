//! `AssumeRole`: who may, on what facts that rests, and what the credentials carry.

use super::*;

#[test]
fn credentials_of_a_role_are_those_of_its_session() {
    let world = World::open();
    assert!(world.allows(&world.ann, &assume(&[])));
    let reply = world.carry_out(&world.ann, None, "AssumeRole", &assume(&[])).unwrap();
    let id = world.identities.role(account(), "backend").unwrap().id.clone();
    assert_eq!(element(&reply, "Arn"), "arn:aws:sts::111122223333:assumed-role/backend/s1");
    assert_eq!(element(&reply, "AssumedRoleId"), format!("{id}:s1"));
    assert_eq!(element(&reply, "Expiration"), "2026-11-21T20:00:00Z");
    assert!(!reply.contains("PackedPolicySize") && !reply.contains("SourceIdentity"), "{reply}");
    let expected = Session {
        account: account(),
        of: SessionOf::Role { name: "backend".to_owned(), id, session_name: "s1".to_owned() },
        issued_at_secs: NOW_SECS,
        expires_at_secs: NOW_SECS + 3600,
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: Tags::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        chained: false,
        origin: None,
    };
    assert_eq!(world.session_of(&reply), expected);
}

#[test]
fn the_trust_policy_decides() {
    let mut bob = World::open().ann;
    if let Caller::User(user) = &mut bob {
        user.name = "bob".to_owned();
        user.id = "AIDAOTHER".to_owned();
    }
    assert!(!World::open().allows(&bob, &assume(&[])));
    let world = World::open();
    // The role, but at another path; a role that is not there.
    for arn in ["arn:aws:iam::111122223333:role/backend", "arn:aws:iam::111122223333:role/apps/other"] {
        let given = [("RoleArn", arn), ("RoleSessionName", "s1")];
        assert!(!world.allows(&world.ann, &given), "{arn}");
        let text = format!(
            "403 AccessDenied: User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sts:AssumeRole \
             on resource: {arn}"
        );
        assert_eq!(world.refused(&world.ann, None, "AssumeRole", &given), text);
    }
    let external = World::new(&trust(
        r#""sts:AssumeRole""#,
        r#","Condition":{"StringEquals":{"sts:ExternalId":"e-1","sts:RoleSessionName":"s1"}}"#,
    ));
    assert!(external.allows(&external.ann, &assume(&[("ExternalId", "e-1")])));
    assert!(!external.allows(&external.ann, &assume(&[("ExternalId", "e-2")])));
    assert!(!external.allows(&external.ann, &assume(&[])));
    let other_name = [("RoleArn", ROLE), ("RoleSessionName", "s2"), ("ExternalId", "e-1")];
    assert!(!external.allows(&external.ann, &other_name));
}

#[test]
fn tags_and_source_identities_need_permissions_of_their_own() {
    let plain = World::new(&trust(r#""sts:AssumeRole""#, ""));
    let tagged = assume(&[("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "blue")]);
    let named = assume(&[("SourceIdentity", "ann")]);
    assert!(plain.allows(&plain.ann, &assume(&[])));
    assert!(!plain.allows(&plain.ann, &tagged));
    assert!(!plain.allows(&plain.ann, &named));
    let open = World::open();
    assert!(open.allows(&open.ann, &tagged) && open.allows(&open.ann, &named));
}

#[test]
fn what_a_request_says_are_facts_for_policies() {
    let world = World::open();
    let given = assume(&[
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "blue"),
        ("Tags.member.2.Key", "Cost"),
        ("Tags.member.2.Value", ""),
        ("TransitiveTagKeys.member.1", "Team"),
        ("SourceIdentity", "ann"),
    ]);
    let asked = decode("AssumeRole", &given).unwrap().authorisations(&world.ann, &world.identities);
    let actions: Vec<_> = asked.iter().map(|asked| &*asked.action).collect();
    assert_eq!(actions, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]);
    for asked in &asked {
        let one = |key: &str| match asked.facts.value(key) {
            Some(Value::One(value)) => value.into_owned(),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(one("sts:rolesessionname"), "s1");
        assert_eq!(one("sts:sourceidentity"), "ann");
        assert_eq!(
            (one("aws:requesttag/team"), one("aws:requesttag/cost")),
            ("blue".to_owned(), String::new())
        );
        assert_eq!(
            (one("aws:resourcetag/stage"), one("iam:resourcetag/stage")),
            ("test".to_owned(), "test".to_owned())
        );
        let many = |key: &str| asked.facts.value(key) == Some(Value::Many(vec!["Team".into()]));
        assert!(many("sts:transitivetagkeys"));
        assert_eq!(asked.facts.value("aws:tagkeys"), Some(Value::Many(vec!["Cost".into(), "Team".into()])));
        assert_eq!(asked.facts.value("sts:externalid"), None);
    }
}

#[test]
fn an_accounts_root_assumes_no_role() {
    let world = World::open();
    let root = Caller::Root { account: account() };
    let request = decode("AssumeRole", &assume(&[])).unwrap();
    assert!(request.authorisations(&root, &world.identities).is_empty());
    let text = "403 AccessDenied: Roles may not be assumed by root accounts.";
    assert_eq!(world.refused(&root, None, "AssumeRole", &assume(&[])), text);
    let nowhere = [("RoleArn", "arn:aws:iam::111122223333:role/none"), ("RoleSessionName", "s1")];
    assert_eq!(world.refused(&root, None, "AssumeRole", &nowhere), text);
    // Where nobody is identified, it may, so that programs with any key at all work.
    let reply = world.carry_out_where(true, &root, None, "AssumeRole", &assume(&[])).unwrap();
    assert!(matches!(world.session_of(&reply).of, SessionOf::Role { .. }));
    assert!(world.carry_out_where(true, &root, None, "AssumeRole", &nowhere).is_err());
}

#[test]
fn sessions_last_as_long_as_the_role_lets_them() {
    let world = World::open();
    let lasting = |secs: &str| assume_secs(&world, &world.ann, secs);
    assert_eq!(lasting("900"), Ok(900));
    assert_eq!(lasting("7200"), Ok(7200));
    let over = "400 ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    assert_eq!(lasting("7201"), Err(over.to_owned()));
    let value = |value: &str, constraint: &str| {
        Err(format!(
            "400 ValidationError: 1 validation error detected: Value '{value}' at 'durationSeconds' failed to satisfy \
             constraint: Member must have value {constraint}"
        ))
    };
    assert_eq!(lasting("899"), value("899", "greater than or equal to 900"));
    assert_eq!(lasting("-1"), value("-1", "greater than or equal to 900"));
    assert_eq!(lasting("43201"), value("43201", "less than or equal to 43200"));
    let text = "400 MalformedInput: STRING_VALUE can not be converted to an Integer";
    assert_eq!(lasting("1h"), Err(text.to_owned()));
    // A role that assumes a role.
    let role = world.role_caller();
    assert_eq!(assume_secs(&world, &role, "3600"), Ok(3600));
    let chained = "400 ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles \
                   assumed by role chaining.";
    assert_eq!(assume_secs(&world, &role, "3601"), Err(chained.to_owned()));
}

fn assume_secs(world: &World, caller: &Caller, secs: &str) -> Result<u64, String> {
    let given = assume(&[("DurationSeconds", secs)]);
    match world.carry_out(caller, None, "AssumeRole", &given) {
        Ok(reply) => Ok(world.session_of(&reply).expires_at_secs - NOW_SECS),
        Err(_) => Err(world.refused(caller, None, "AssumeRole", &given)),
    }
}

#[test]
fn session_policies_go_with_the_credentials() {
    let world = World::open();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
    let given = assume(&[("Policy", policy)]);
    let reply = world.carry_out(&world.ann, None, "AssumeRole", &given).unwrap();
    assert_eq!(world.session_of(&reply).policies, [policy]);
    assert_eq!(element(&reply, "PackedPolicySize"), "3");
    let refused =
        |more: &[(&'static str, &'static str)]| world.refused(&world.ann, None, "AssumeRole", &assume(more));
    assert!(refused(&[("Policy", "{")]).starts_with("400 MalformedPolicyDocument: "));
    let principal = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#;
    assert!(refused(&[("Policy", principal)]).starts_with("400 MalformedPolicyDocument: "));
    assert_eq!(
        refused(&[("PolicyArns.member.1.arn", "arn:aws:iam::111122223333:policy/none")]),
        "404 NoSuchEntity: Policy arn:aws:iam::111122223333:policy/none was not found."
    );
}

#[test]
fn policies_and_tags_must_fit_a_token() {
    let world = World::open();
    let names: Vec<(String, String, String)> = (1..=20)
        .map(|number| {
            (
                format!("Tags.member.{number}.Key"),
                format!("Tags.member.{number}.Value"),
                format!("k{number:03}"),
            )
        })
        .collect();
    let value = "v".repeat(240);
    let tags: Vec<(&str, &str)> =
        names.iter().flat_map(|(key, its, name)| [(&**key, &**name), (&**its, &*value)]).collect();
    let reply = world.carry_out(&world.ann, None, "AssumeRole", &assume(&tags[..20])).unwrap();
    assert_eq!(element(&reply, "PackedPolicySize"), "60");
    let refused = world.refused(&world.ann, None, "AssumeRole", &assume(&tags));
    let text = "400 PackedPolicyTooLarge: Packed size of session tags consumes 120% of allotted space.";
    assert_eq!(refused, text);
}

#[test]
fn transitive_tags_and_source_identities_stay_through_a_chain() {
    let world = World::open();
    let first = assume(&[
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "blue"),
        ("Tags.member.2.Key", "Cost"),
        ("Tags.member.2.Value", "1"),
        ("TransitiveTagKeys.member.1", "Team"),
        ("SourceIdentity", "ann"),
    ]);
    let reply = world.carry_out(&world.ann, None, "AssumeRole", &first).unwrap();
    assert_eq!(element(&reply, "SourceIdentity"), "ann");
    let before = world.session_of(&reply);
    let role = world.role_caller();
    let then = |more: &[(&'static str, &'static str)]| {
        world
            .carry_out(&role, Some(&before), "AssumeRole", &assume(more))
            .map(|reply| world.session_of(&reply))
    };
    let after = then(&[("Tags.member.1.Key", "Cost"), ("Tags.member.1.Value", "2")]).unwrap();
    assert_eq!(after.tags, tags(&[("Team", "blue"), ("Cost", "2")]));
    assert_eq!(after.transitive_tag_keys, ["Team"]);
    assert_eq!((after.source_identity.as_deref(), after.chained), (Some("ann"), true));
    assert!(then(&[("SourceIdentity", "ann")]).is_ok());
    assert_eq!(then(&[("SourceIdentity", "bob")]).unwrap_err().kind().query_code, "AccessDenied");
    let conflict = then(&[("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")]).unwrap_err();
    assert_eq!(conflict.kind().query_code, "InvalidParameterValue");
}
