//! Tags of users, roles and policies.

use crate::scene::{Scene, all, inner};

fn tag<'a>(name: (&'a str, &'a str), key: &'a str, value: &'a str) -> [(&'a str, &'a str); 3] {
    [name, ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]
}

#[test]
fn tags_are_set_listed_in_order_and_taken_away() {
    let mut scene = Scene::new();
    scene.create_user("user");
    scene.create_role("role");
    let arn = scene.create_policy("P");
    for (kind, name) in
        [("User", ("UserName", "user")), ("Role", ("RoleName", "role")), ("Policy", ("PolicyArn", &arn))]
    {
        let (set, list, untag) = (format!("Tag{kind}"), format!("List{kind}Tags"), format!("Untag{kind}"));
        assert_eq!(scene.ok(&list, &[name]), "<Tags/><IsTruncated>false</IsTruncated>");
        for (key, value) in [("b", "1"), ("a", "2"), ("b", ""), ("d e", "ä:/=+-@_.")] {
            scene.ok(&set, &tag(name, key, value));
        }
        let listed = scene.ok(&list, &[name]);
        assert_eq!(all(&listed, "Key"), ["a", "b", "d e"]);
        assert_eq!(all(&listed, "Value"), ["2", "", "ä:/=+-@_."]);
        let page = scene.ok(&list, &[name, ("MaxItems", "2")]);
        let rest = scene.ok(&list, &[name, ("Marker", &inner(&page, "Marker"))]);
        assert_eq!(
            (all(&page, "Key"), all(&rest, "Key")),
            (vec!["a".into(), "b".into()], vec!["d e".into()])
        );
        scene.ok(
            &untag,
            &[name, ("TagKeys.member.1", "a"), ("TagKeys.member.2", "never"), ("TagKeys.member.3", "d e")],
        );
        assert_eq!(all(&scene.ok(&list, &[name]), "Key"), ["b"]);
        let read = scene.ok(&format!("Get{kind}"), &[name]);
        assert_eq!(inner(&read, "Tags"), "<member><Key>b</Key><Value></Value></member>");
    }
}

#[test]
fn the_case_of_keys_counts_for_policies_only() {
    let mut scene = Scene::new();
    scene.create_user("user");
    let arn = scene.create_policy("P");
    let twice = |name| {
        let [name, key, value] = tag(name, "a", "1");
        [name, key, value, ("Tags.member.2.Key", "A"), ("Tags.member.2.Value", "2")]
    };
    let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.".to_owned();
    assert_eq!(scene.refused("TagUser", &twice(("UserName", "user"))), (400, "InvalidInput", text));
    scene.ok("TagPolicy", &twice(("PolicyArn", &arn)));
    assert_eq!(all(&scene.ok("ListPolicyTags", &[("PolicyArn", &arn)]), "Key"), ["A", "a"]);
    let same = [("Tags.member.2.Key", "a"), ("Tags.member.2.Value", "2")];
    let [name, key, value] = tag(("PolicyArn", &arn), "a", "1");
    let text = "Duplicate tag keys found.".to_owned();
    assert_eq!(
        scene.refused("TagPolicy", &[name, key, value, same[0], same[1]]),
        (400, "InvalidInput", text)
    );
    // A user's tag takes the place of the one that differs in case only.
    scene.ok("TagUser", &tag(("UserName", "user"), "a", "1"));
    scene.ok("TagUser", &tag(("UserName", "user"), "A", "2"));
    let listed = scene.ok("ListUserTags", &[("UserName", "user")]);
    assert_eq!((all(&listed, "Key"), all(&listed, "Value")), (vec!["A".into()], vec!["2".into()]));
    scene.ok("UntagUser", &[("UserName", "user"), ("TagKeys.member.1", "a")]);
    assert_eq!(scene.ok("ListUserTags", &[("UserName", "user")]), "<Tags/><IsTruncated>false</IsTruncated>");
}

#[test]
fn there_are_fifty_tags_at_most() {
    let mut scene = Scene::new();
    scene.create_role("r");
    for number in 0..50 {
        scene.ok("TagRole", &tag(("RoleName", "r"), &format!("k{number}"), "v"));
    }
    let text = "The number of tags has reached the maximum limit.".to_owned();
    assert_eq!(
        scene.refused("TagRole", &tag(("RoleName", "r"), "one more", "v")),
        (409, "LimitExceeded", text)
    );
    scene.ok("TagRole", &tag(("RoleName", "r"), "K7", "other"));
    let numbers: Vec<_> = (1..=51)
        .map(|number| {
            (format!("Tags.member.{number}.Key"), format!("Tags.member.{number}.Value"), format!("k{number}"))
        })
        .collect();
    let mut many = vec![("RoleName", "r")];
    many.extend(
        numbers.iter().flat_map(|(key, value, name)| [(key.as_str(), name.as_str()), (value.as_str(), "v")]),
    );
    let text = "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less \
                than or equal to 50"
        .to_owned();
    assert_eq!(scene.refused("TagRole", &many), (400, "ValidationError", text));
}
