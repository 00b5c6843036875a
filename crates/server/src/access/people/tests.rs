//! Changes of identities: durable first, then counted, all or none.

use std::sync::Arc;

use millpond_core::command::Command;
use millpond_core::name::AccountId;
use millpond_core::outcome::Outcome;
use millpond_engine::clock::SystemClock;
use millpond_engine::driver::{self, Inbox, Parts, Running};
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Wait};
use millpond_iam::identity::{Change, Fresh};
use millpond_log::{Log, MemoryLog};
use millpond_store::MemoryStore;

use super::{COLLECTION, NotChanged, People};
use crate::access::AccessConfig;
use crate::access::moment::Moment;
use crate::entropy;

pub(in crate::access) fn engine() -> Running {
    let (mut log, store): (Box<dyn Log>, _) = (Box::new(MemoryLog::new()), Box::new(MemoryStore::new()));
    let recovered = recover(log.as_mut(), store.as_ref()).unwrap();
    let clock = Arc::new(SystemClock::starting(recovered.state.clock(), None, [0; 16]));
    let parts = Parts { log, store, recovered, clock, under_way_limit_bytes: 1 << 24 };
    driver::start(EngineConfig::default(), parts, Inbox::default(), [0; 16]).unwrap()
}

async fn people(running: &Running) -> Arc<People> {
    let config = Arc::new(AccessConfig::off());
    Arc::new(People::load(running.handle.clone(), AccountId::DEFAULT, config, 1).await.unwrap())
}

fn account(number: u64) -> AccountId {
    AccountId::from_number(number).unwrap()
}

fn created(number: u64) -> impl FnOnce(&Moment) -> Result<(Vec<Change>, ()), String> + Send + 'static {
    move |moment| {
        let config = AccessConfig::off();
        let mut fresh = Fresh { now_secs: 1, entropy: &mut entropy::draw, master: &config.master };
        let decided = moment.identities.decide_account(&mut fresh, account(number));
        decided.map(|(changes, _)| (changes, ())).map_err(|refusal| refusal.message)
    }
}

async fn documents(running: &Running) -> usize {
    let list = Command::ListDocuments { collection: COLLECTION.to_owned() };
    match running.handle.call(list, Wait::Secs(0), 0).await.unwrap().outcome {
        Outcome::Documents(documents) => documents.len(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_change_counts_when_its_reply_is_there_and_is_read_again() {
    let running = engine();
    let now = people(&running).await;
    now.clone().change(created(7)).await.unwrap();
    assert!(now.now().identities.has_account(account(7)));
    assert!(people(&running).await.now().identities.has_account(account(7)));
    let before = documents(&running).await;
    let refused = now.clone().change(created(7)).await;
    assert!(matches!(refused, Err(NotChanged::Refused(_))), "{refused:?}");
    assert_eq!((documents(&running).await, now.now().number), (before, 1));
}

#[tokio::test]
async fn a_change_that_is_not_durable_never_counts() {
    let running = engine();
    let now = people(&running).await;
    running.handle.stop();
    tokio::task::spawn_blocking(move || running.join()).await.unwrap().unwrap();
    let changed = now.clone().change(created(7)).await;
    assert!(matches!(changed, Err(NotChanged::Engine(_))), "{changed:?}");
    assert!(!now.now().identities.has_account(account(7)));
    assert_eq!(now.now().number, 0);
}

#[tokio::test]
async fn who_goes_away_in_between_stops_nothing() {
    let running = engine();
    let now = people(&running).await;
    {
        let mut change = Box::pin(now.clone().change(created(7)));
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(change.as_mut().poll(context)));
        assert!(polled.await.is_pending());
    }
    // The next one waits until the first is done.
    now.clone().change(created(8)).await.unwrap();
    let identities = now.now().identities.clone();
    assert!(identities.has_account(account(7)) && identities.has_account(account(8)));
}
