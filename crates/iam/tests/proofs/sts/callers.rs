//! Actions about who calls: `GetCallerIdentity`, `GetSessionToken`, `GetAccessKeyInfo`.

use millpond_iam::api::{ApiRequest, Service};

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

/// Sends `ListUsers` to IAM; what it asks of policies, and how it is answered.
fn list_users(world: &World, caller: &Caller, session: Option<&Session>) -> (usize, Result<(), String>) {
    list_users_where(false, world, caller, session)
}

fn list_users_where(
    root_may_assume: bool,
    world: &World,
    caller: &Caller,
    session: Option<&Session>,
) -> (usize, Result<(), String>) {
    let request = ApiRequest::decode(Service::Iam, "ListUsers", &Form::parse(b"", b"").unwrap()).unwrap();
    let asked = request.authorisations(caller, &world.identities).len();
    let (master, mut entropy) = (master(), counting());
    let mut with = Carrying {
        identities: &world.identities,
        caller,
        session,
        master: &master,
        root_may_assume,
        now_secs: NOW_SECS,
        entropy: &mut entropy,
    };
    let answer = request.carry_out(&mut with, RequestId(0x42)).map(|_| ());
    let words =
        |error: ApiError| format!("{} {}: {}", error.status(), error.kind().query_code, error.message());
    (asked, answer.map_err(words))
}

#[test]
fn sessions_of_users_and_the_root_call_neither_iam_nor_most_of_sts() {
    let world = World::open();
    let root = Caller::Root { account: account() };
    let token = |caller: &Caller, action: &str, given: &[(&str, &str)]| {
        world.session_of(&world.carry_out(caller, None, action, given).unwrap())
    };
    let of_ann = world.identities.user(account(), "ann").unwrap().caller(Some(NOW_SECS));
    let text = "403 InvalidClientTokenId: The security token included in the request is invalid";
    for (caller, key, asked) in [(&of_ann, &world.ann, 0), (&root, &root, 1)] {
        let session = token(key, "GetSessionToken", &[]);
        assert_eq!(list_users(&world, caller, Some(&session)), (asked, Err(text.to_owned())));
        let info = [("AccessKeyId", "AKIAIOSFODNN7EXAMPLE")];
        assert_eq!(world.refused(caller, Some(&session), "GetAccessKeyInfo", &info), text);
        let message = [("EncodedMessage", "x")];
        assert_eq!(world.refused(caller, Some(&session), "DecodeAuthorizationMessage", &message), text);
        assert_eq!(
            decode("GetAccessKeyInfo", &info).unwrap().authorisations(caller, &world.identities).len(),
            asked
        );
        assert!(world.carry_out(caller, Some(&session), "GetCallerIdentity", &[]).is_ok());
        assert_eq!(list_users(&world, key, None), (1, Ok(())));
        // Where nobody is identified, nothing is denied.
        assert_eq!(list_users_where(true, &world, caller, Some(&session)), (asked, Ok(())));
    }
    // The user alone tells that it is a session, so nothing it asks for is carried out unasked.
    assert_eq!(list_users(&world, &of_ann, None), (0, Err(text.to_owned())));
    let session = token(&world.ann, "GetSessionToken", &[]);
    assert!(world.allows(&of_ann, &assume(&[])));
    assert!(world.carry_out(&of_ann, Some(&session), "AssumeRole", &assume(&[])).is_ok());
    let role = token(&world.ann, "AssumeRole", &assume(&[]));
    assert_eq!(list_users(&world, &world.role_caller(), Some(&role)), (1, Ok(())));
}
