//! Session tokens: what was issued opens with its key, and nothing else opens.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
use millpond_core::name::AccountId;
use millpond_iam::auth_error::AuthError;
use millpond_iam::secret::MasterKey;
use millpond_iam::session::{self, Session, SessionOf};
use proptest::prelude::*;

fn account(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

fn session_of_role() -> Session {
    Session {
        account: account("111122223333"),
        of: SessionOf::Role {
            name: "backend".to_owned(),
            id: "AROAEXAMPLE".to_owned(),
            session_name: "s1".to_owned(),
        },
        issued_at_secs: 1000,
        expires_at_secs: 4600,
        policies: vec!["{}".to_owned()],
        policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
        tags: [("Team".to_owned(), "blue".to_owned())].into(),
        transitive_tag_keys: vec!["Team".to_owned()],
        source_identity: Some("ann".to_owned()),
        chained: false,
        origin: None,
    }
}

fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("\\PC{0,40}", 0..4)
}

prop_compose! {
    fn any_session()(
        number in 0_u64..1_000_000_000_000,
        of in prop_oneof![
            Just(SessionOf::Root),
            ("\\PC{0,20}", "[A-Z0-9]{0,20}").prop_map(|(name, id)| SessionOf::User { name, id }),
            ("\\PC{0,20}", "[A-Z0-9]{0,20}", "\\PC{0,20}")
                .prop_map(|(name, id, session_name)| SessionOf::Role { name, id, session_name }),
        ],
        times in (any::<u64>(), 1_u64..),
        policies in texts(),
        policy_arns in texts(),
        tags in prop::collection::btree_map("\\PC{0,20}", "\\PC{0,20}", 0..5),
        transitive_tag_keys in texts(),
        source_identity in prop::option::of("\\PC{0,20}"),
        chained in any::<bool>(),
    ) -> Session {
        Session {
            account: AccountId::from_number(number).unwrap(),
            of,
            issued_at_secs: times.0,
            expires_at_secs: times.1,
            policies,
            policy_arns,
            tags,
            transitive_tag_keys,
            source_identity,
            chained,
            origin: None,
        }
    }
}

proptest! {
    #[test]
    fn what_is_issued_opens_as_it_was(session in any_session(), entropy: [u8; 32], key: [u8; 32]) {
        let master = MasterKey::new(key);
        let credentials = session::issue(&master, &session, entropy);
        let (opened, secret) =
            session::open(&master, &credentials.access_key_id, &credentials.session_token, 0).unwrap();
        prop_assert_eq!(session::account_of(&credentials.access_key_id), Some(session.account));
        prop_assert_eq!(opened, session);
        prop_assert_eq!(secret, credentials.secret_access_key);
    }

    #[test]
    fn a_changed_token_opens_nothing(session in any_session(), at: prop::sample::Index, bit in 0_u8..8) {
        let credentials = session::issue(&master(), &session, [9; 32]);
        let mut sealed = BASE64_STANDARD.decode(&credentials.session_token).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        let token = BASE64_STANDARD.encode(sealed);
        let opened = session::open(&master(), &credentials.access_key_id, &token, 0);
        prop_assert_eq!(opened, Err(AuthError::UnknownKey));
    }

    #[test]
    fn no_text_but_a_token_opens(key in "\\PC{0,30}", token in "\\PC{0,200}", bytes: Vec<u8>) {
        prop_assert_eq!(session::open(&master(), &key, &token, 0), Err(AuthError::UnknownKey));
        let token = BASE64_STANDARD.encode(bytes);
        prop_assert_eq!(session::open(&master(), &key, &token, 0), Err(AuthError::UnknownKey));
    }
}

#[test]
fn credentials_look_like_those_of_aws() {
    let credentials = session::issue(&master(), &session_of_role(), [3; 32]);
    let id = credentials.access_key_id.as_str();
    assert_eq!((id.len(), &id[..4]), (20, "ASIA"));
    assert!(id[4..].bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)));
    assert_eq!(credentials.secret_access_key.expose().len(), 40);
    assert_eq!(credentials.expires_at_secs, 4600);
    let shown = format!("{credentials:?}");
    assert!(!shown.contains(credentials.secret_access_key.expose()), "{shown}");
    assert!(!shown.contains(&credentials.session_token), "{shown}");
}

#[test]
fn a_session_ends() {
    let credentials = session::issue(&master(), &session_of_role(), [3; 32]);
    let open = |now| session::open(&master(), &credentials.access_key_id, &credentials.session_token, now);
    assert!(open(4599).is_ok());
    assert_eq!(open(4600), Err(AuthError::ExpiredToken));
}

#[test]
fn a_token_belongs_to_one_key_of_one_master_key() {
    let one = session::issue(&master(), &session_of_role(), [3; 32]);
    let other = session::issue(&master(), &session_of_role(), [4; 32]);
    assert_ne!(one.access_key_id, other.access_key_id);
    assert_ne!(one.secret_access_key, other.secret_access_key);
    let unknown = Err(AuthError::UnknownKey);
    let open = |key: &str, token: &str| session::open(&master(), key, token, 1000);
    assert!(open(&one.access_key_id, &one.session_token).is_ok());
    assert_eq!(open(&one.access_key_id, &other.session_token), unknown);
    assert_eq!(open("AKIAIOSFODNN7EXAMPLE", &one.session_token), unknown);
    assert_eq!(open("", &one.session_token), unknown);
    assert_eq!(open(&one.access_key_id.to_lowercase(), &one.session_token), unknown);
    let elsewhere = session::open(&MasterKey::new([8; 32]), &one.access_key_id, &one.session_token, 1000);
    assert_eq!(elsewhere, unknown);
}

#[test]
fn the_secret_follows_from_the_whole_token() {
    let session = session_of_role();
    let longer = Session { expires_at_secs: session.expires_at_secs + 1, ..session.clone() };
    let (one, other) =
        (session::issue(&master(), &session, [3; 32]), session::issue(&master(), &longer, [3; 32]));
    assert_eq!(one.access_key_id, other.access_key_id);
    assert_ne!(one.secret_access_key, other.secret_access_key);
}

#[test]
fn a_token_that_was_cut_or_written_differently_opens_nothing() {
    let mut session = session_of_role();
    let sealed_bytes = |session: &Session| {
        BASE64_STANDARD.decode(session::issue(&master(), session, [3; 32]).session_token).unwrap().len()
    };
    // A length that Base64 has to pad, so that leaving that out is a difference.
    while sealed_bytes(&session).is_multiple_of(3) {
        session.policies.push("x".to_owned());
    }
    let issued = session::issue(&master(), &session, [255; 32]);
    let (key, token) = (issued.access_key_id.as_str(), issued.session_token.as_str());
    let sealed = BASE64_STANDARD.decode(token).unwrap();
    assert!(session::open(&master(), key, token, 1000).is_ok());
    let mut others = vec![
        BASE64_STANDARD_NO_PAD.encode(&sealed),
        BASE64_URL_SAFE.encode(&sealed),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}A"),
        token.replace('+', " "),
        BASE64_STANDARD.encode([sealed.as_slice(), &[0]].concat()),
    ];
    others.extend((0..token.len()).map(|end| token[..end].to_owned()));
    others.extend((0..sealed.len()).map(|end| BASE64_STANDARD.encode(&sealed[..end])));
    for other in others.iter().filter(|other| *other != token) {
        assert_eq!(session::open(&master(), key, other, 1000), Err(AuthError::UnknownKey), "{other}");
    }
}

#[test]
fn the_id_of_a_key_names_an_account_only_if_it_is_a_temporary_one() {
    for id in
        ["", "ASIA", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPL1", "ASIAIOSFODNN7EXAMPLEA", "ASIAéééééééé"]
    {
        assert_eq!(session::account_of(id), None, "{id}");
    }
    // All bits of the account set: more than twelve digits.
    assert_eq!(session::account_of("ASIA7777777777777777"), None);
}
