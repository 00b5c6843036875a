//! What is read is what was written, no more and no less.

use millpond_core::name::AccountId;

use super::{read, write};
use crate::caller::Tags;
use crate::session::{Origin, Session, SessionOf};

#[test]
fn only_what_was_written_is_a_session() {
    let session = Session {
        account: AccountId::DEFAULT,
        of: SessionOf::User { name: "ann".to_owned(), id: "AIDAEXAMPLE".to_owned() },
        issued_at_secs: 1,
        expires_at_secs: 2,
        policies: vec!["{}".to_owned()],
        policy_arns: Vec::new(),
        tags: [("Team".to_owned(), "blue".to_owned())].into(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        chained: true,
        origin: None,
    };
    let written = write(&session);
    assert_eq!(read(&written), Some(session));
    for end in 0..written.len() {
        assert_eq!(read(&written[..end]), None);
    }
    assert_eq!(read(&[written.as_slice(), &[0]].concat()), None);
    let other_version = [&[2], &written[1..]].concat();
    assert_eq!(read(&other_version), None);
}

#[test]
fn an_origin_is_read_as_it_was_written() {
    for over_tls in [false, true] {
        for user_agent in [None, Some("curl/8".to_owned())] {
            let origin =
                Origin { source_ip: "2001:db8::7".parse().expect("an address"), over_tls, user_agent };
            let session = Session {
                account: AccountId::DEFAULT,
                of: SessionOf::Root,
                issued_at_secs: 1,
                expires_at_secs: 2,
                policies: Vec::new(),
                policy_arns: Vec::new(),
                tags: Tags::new(),
                transitive_tag_keys: Vec::new(),
                source_identity: None,
                chained: false,
                origin: Some(origin),
            };
            let written = write(&session);
            assert_eq!(read(&written), Some(session));
            for end in 0..written.len() {
                assert_eq!(read(&written[..end]), None);
            }
        }
    }
}
