//! After a restart everything is as it was; another master key is told.

use std::sync::Arc;

use millpond_embed::{Millpond, Service, Settings, StartError};
use millpond_server::access::{AccessConfig, Enforcement, LoadError, RootKey};
use tempfile::TempDir;

use crate::support::{Keys, allow, arn, queue_policy, send, set_queue_policy, sts, user};

#[test]
fn after_a_restart_all_identities_and_policies_are_as_before() {
    let directory = TempDir::new().unwrap();
    let start = || Millpond::builder().enforced().queue("jobs").start_in(directory.path()).unwrap();
    let pond = start();
    let root = Keys::root();
    let jane = user(&pond, &root, "jane", Some(&allow("sqs:SendMessage", &arn("jobs"))));
    let session = sts(&pond, &jane, "Action=GetSessionToken").ok().keys();
    set_queue_policy(&pond, &root, "jobs", &queue_policy("Allow", "\"*\"", "sqs:ReceiveMessage"));
    pond.stop().unwrap();
    let pond = start();
    send(&pond, "jobs").signed(pond.endpoint(), &jane).ok();
    send(&pond, "jobs").signed(pond.endpoint(), &session).ok();
    let body = format!(r#"{{"QueueUrl":"{}"}}"#, pond.url("jobs"));
    let receive = crate::support::Request::json("ReceiveMessage", &body);
    assert!(receive.unsigned(pond.endpoint()).ok().body.contains("hello"));
    let purge = crate::support::Request::json("PurgeQueue", &body);
    purge.signed(pond.endpoint(), &jane).refused(403, "sqs:purgequeue");
    // A reset takes queues with their policies, and no identities.
    pond.reset().unwrap();
    receive.unsigned(pond.endpoint()).refused(403, "Access to the resource");
    send(&pond, "jobs").signed(pond.endpoint(), &jane).ok();
}

#[test]
fn another_master_key_is_told_at_the_start() {
    let directory = TempDir::new().unwrap();
    Millpond::builder().enforced().start_in(directory.path()).unwrap().stop().unwrap();
    let config = AccessConfig::for_tests(Enforcement::On);
    let RootKey { access_key_id, secret_access_key } = config.root;
    let other = AccessConfig {
        enforcement: Enforcement::On,
        root: RootKey { access_key_id, secret_access_key },
        master: millpond_iam::secret::MasterKey::new([1; 32]),
    };
    let settings = Settings {
        access: Arc::new(other),
        data: Some(directory.path().to_owned()),
        test_controls: false,
        ..Settings::in_memory()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Service::start(settings)).unwrap_err();
    assert!(matches!(error, StartError::Access(LoadError::OtherMasterKey)), "{error}");
    assert!(error.to_string().contains("another master key"), "{error}");
}

#[test]
fn test_controls_are_refused_where_callers_are_identified() {
    let settings = Settings {
        access: Arc::new(AccessConfig::for_tests(Enforcement::On)),
        test_controls: true,
        ..Settings::in_memory()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(Service::start(settings)).unwrap_err();
    assert!(matches!(error, StartError::TestControls), "{error}");
}
