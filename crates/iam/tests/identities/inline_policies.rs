//! Inline policies of users and roles.

use millpond_iam::evaluate::Policies;

use crate::scene::{ALLOW_SEND, Scene, account, all, inner};

fn names(policies: &Policies) -> Vec<&str> {
    policies.identity.iter().map(|attached| &*attached.name).collect()
}

fn policies_of(scene: &Scene, holder: &str) -> std::sync::Arc<Policies> {
    let user = scene.identities.user(account(), holder).map(|user| user.caller(None));
    let role = || scene.identities.role(account(), holder).map(|role| role.caller("s", 0));
    scene.identities.policies(&user.or_else(role).unwrap())
}

/// The same for both: the kind, and the parameter that names one.
const KINDS: [(&str, &str); 2] = [("User", "UserName"), ("Role", "RoleName")];

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.create_user("user");
    scene.create_role("role");
    scene
}

#[test]
fn inline_policies_are_set_read_listed_and_deleted() {
    let mut scene = scene();
    for (kind, parameter) in KINDS {
        let holder = kind.to_lowercase();
        let (put, get) = (format!("Put{kind}Policy"), format!("Get{kind}Policy"));
        let (list, delete) = (format!("List{kind}Policies"), format!("Delete{kind}Policy"));
        assert_eq!(
            scene.ok(&list, &[(parameter, &holder)]),
            "<PolicyNames/><IsTruncated>false</IsTruncated>"
        );
        for name in ["b", "a"] {
            scene.ok(&put, &[(parameter, &holder), ("PolicyName", name), ("PolicyDocument", ALLOW_SEND)]);
        }
        assert_eq!(names(&policies_of(&scene, &holder)), ["a", "b"]);
        let read = scene.ok(&get, &[(parameter, &holder), ("PolicyName", "a")]);
        assert_eq!((inner(&read, parameter), inner(&read, "PolicyName")), (holder.clone(), "a".to_owned()));
        let document = inner(&read, "PolicyDocument");
        assert!(
            document.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B"),
            "{document}"
        );
        assert!(document.contains("%22Resource%22%3A%22%2A%22"), "{document}");
        let page = scene.ok(&list, &[(parameter, &holder), ("MaxItems", "1")]);
        assert_eq!(all(&inner(&page, "PolicyNames"), "member"), ["a"]);
        let marker = inner(&page, "Marker");
        let page = scene.ok(&list, &[(parameter, &holder), ("Marker", &marker)]);
        assert_eq!(all(&inner(&page, "PolicyNames"), "member"), ["b"]);
        scene.ok(&delete, &[(parameter, &holder), ("PolicyName", "a")]);
        assert_eq!(names(&policies_of(&scene, &holder)), ["b"]);
        let gone = (404, "NoSuchEntity", format!("The {holder} policy with name a cannot be found."));
        for action in [&get, &delete] {
            assert_eq!(scene.refused(action, &[(parameter, &holder), ("PolicyName", "a")]), gone);
        }
    }
}

#[test]
fn a_missing_holder_is_told_before_a_malformed_document() {
    let mut scene = scene();
    for (kind, parameter) in KINDS {
        let put = format!("Put{kind}Policy");
        let word = kind.to_lowercase();
        let none = (404, "NoSuchEntity", format!("The {word} with name none cannot be found."));
        let malformed = [(parameter, "none"), ("PolicyName", "p"), ("PolicyDocument", "{")];
        assert_eq!(scene.refused(&put, &malformed), none);
        let malformed = [(parameter, word.as_str()), ("PolicyName", "p"), ("PolicyDocument", "{")];
        let (status, code, _) = scene.refused(&put, &malformed);
        assert_eq!((status, code), (400, "MalformedPolicyDocument"));
    }
}

#[test]
fn all_inline_policies_together_have_a_limit_without_white_space() {
    let mut scene = scene();
    let of_chars = |chars: usize| {
        let document = ALLOW_SEND.replace(r#""Effect""#, r#""Sid":"","Effect""#);
        let sid = "x".repeat(chars - document.len());
        document.replace(r#""Sid":"""#, &format!(r#""Sid":"{sid}""#))
    };
    for ((kind, parameter), limit) in KINDS.into_iter().zip([2_048, 10_240]) {
        let (put, holder) = (format!("Put{kind}Policy"), kind.to_lowercase());
        let mut put = |name: &str, document: &str| {
            scene.call(&put, &[(parameter, &holder), ("PolicyName", name), ("PolicyDocument", document)])
        };
        put("a", &of_chars(limit - 1_000)).unwrap();
        let spaced =
            of_chars(1_000).replace(r#""Resource":"#, &format!(r#""Resource":{}"#, " ".repeat(9_000)));
        put("b", &spaced).unwrap();
        let error = put("c", ALLOW_SEND).unwrap_err();
        let text = format!("Maximum policy size of {limit} bytes exceeded for {holder} {holder}");
        assert_eq!((error.kind().query_code, error.message()), ("LimitExceeded", text.as_str()));
        // One that takes the place of another counts once.
        put("b", &of_chars(1_000)).unwrap();
        assert!(put("b", &of_chars(1_001)).is_err());
    }
}
