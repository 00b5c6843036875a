//! Actions about who calls: `GetCallerIdentity`, `GetSessionToken`, `GetAccessKeyInfo`.

use super::*;

#[test]
fn get_caller_identity_tells_who_calls_and_needs_no_permission() {
    let world = World::open();
    let identity = |caller: &Caller| world.carry_out(caller, None, "GetCallerIdentity", &[]).unwrap();
    let root = Caller::Root { account: account() };
    let expected = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:root</Arn><UserId>111122223333</UserId>\
         <Account>111122223333</Account></GetCallerIdentityResult><ResponseMetadata>\
         <RequestId>00000000-0000-0000-0000-000000000042</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
    assert_eq!(identity(&root), expected);
    assert_eq!(element(&identity(&world.ann), "Arn"), "arn:aws:iam::111122223333:user/ann");
    let role = world.role_caller();
    assert_eq!(element(&identity(&role), "Arn"), "arn:aws:sts::111122223333:assumed-role/backend/before");
    assert!(element(&identity(&role), "UserId").ends_with(":before"));
    for caller in [&root, &world.ann, &role] {
        let request = decode("GetCallerIdentity", &[]).unwrap();
        assert!(request.authorisations(caller, &world.identities).is_empty());
    }
    let nobody = world.refused(&Caller::Anonymous, None, "GetCallerIdentity", &[]);
    assert_eq!(nobody, "403 MissingAuthenticationToken: Request is missing Authentication Token");
}

#[test]
fn session_tokens_are_for_users_and_the_root() {
    let world = World::open();
    let token = |caller: &Caller, given: &[(&str, &str)]| {
        let reply = world.carry_out(caller, None, "GetSessionToken", given).unwrap();
        let session = world.session_of(&reply);
        (session.of, session.expires_at_secs - NOW_SECS)
    };
    let ann = world.identities.user(account(), "ann").unwrap();
    let of_ann = SessionOf::User { name: "ann".to_owned(), id: ann.id.clone() };
    assert_eq!(token(&world.ann, &[]), (of_ann.clone(), 43_200));
    assert_eq!(token(&world.ann, &[("DurationSeconds", "129600")]), (of_ann, 129_600));
    let root = Caller::Root { account: account() };
    assert_eq!(token(&root, &[]), (SessionOf::Root, 3600));
    assert_eq!(token(&root, &[("DurationSeconds", "900")]), (SessionOf::Root, 900));
    assert_eq!(token(&root, &[("DurationSeconds", "7200")]), (SessionOf::Root, 3600));
    let refused = |caller: &Caller, session: Option<&Session>, given: &[(&str, &str)]| {
        world.refused(caller, session, "GetSessionToken", given)
    };
    let text = "403 AccessDenied: Cannot call GetSessionToken with session credentials";
    assert_eq!(refused(&world.role_caller(), None, &[]), text);
    let reply = world.carry_out(&world.ann, None, "GetSessionToken", &[]).unwrap();
    let session = world.session_of(&reply);
    assert_eq!(refused(&world.ann, Some(&session), &[]), text);
    assert!(
        refused(&world.ann, None, &[("DurationSeconds", "129601")]).contains("less than or equal to 129600")
    );
    assert!(
        refused(&world.ann, None, &[("TokenCode", "123456")]).contains("MultiFactorAuthentication failed")
    );
    assert!(refused(&Caller::Service { name: "x.amazonaws.com".to_owned() }, None, &[]).starts_with("403 "));
    let request = decode("GetSessionToken", &[]).unwrap();
    assert!(request.authorisations(&world.ann, &world.identities).is_empty());
}

#[test]
fn the_account_of_a_key_is_told() {
    let mut world = World::open();
    let (master, mut entropy) = (master(), counting());
    let mut fresh = Fresh { now_secs: NOW_SECS, entropy: &mut entropy, master: &master };
    let (changes, key) = world.identities.create_access_key(&mut fresh, account(), "ann").unwrap();
    changes.iter().for_each(|change| world.identities.evolve(change, &master).unwrap());
    let info = |key: &str| world.carry_out(&world.ann, None, "GetAccessKeyInfo", &[("AccessKeyId", key)]);
    assert_eq!(element(&info(&key.record.id).unwrap(), "Account"), "111122223333");
    let reply = world.carry_out(&world.ann, None, "GetSessionToken", &[]).unwrap();
    assert_eq!(element(&info(&element(&reply, "AccessKeyId")).unwrap(), "Account"), "111122223333");
    // Of an account that is not here; of no key at all.
    for key in ["ASIAAAAAAAAAAAAAAAAA", "AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(info(key).unwrap_err().kind().query_code, "ValidationError");
    }
    let asked = decode("GetAccessKeyInfo", &[("AccessKeyId", "AKIAIOSFODNN7EXAMPLE")])
        .unwrap()
        .authorisations(&world.ann, &world.identities);
    assert_eq!((&*asked[0].action, &*asked[0].resource), ("sts:GetAccessKeyInfo", "*"));
}
