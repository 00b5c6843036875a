//! One send per submission, seen from the outbox. On one thread, so that the order of events is given.

use super::*;
use crate::submission::SubmissionKey;

/// An outbox that counts, waits at a gate, and fails as often as told.
struct Gated {
    arrived: Arc<Mutex<Vec<Submission>>>,
    gate: Arc<Semaphore>,
    failures: Mutex<u32>,
}

impl Outbox for Gated {
    async fn send(&self, submission: &Submission) -> Result<MessageId, SendError> {
        self.arrived.lock().unwrap().push(submission.clone());
        self.gate.acquire().await.unwrap().forget();
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(SendError::Unavailable("down".to_owned()));
        }
        Ok(MessageId("m".to_owned()))
    }
}

struct Setting {
    deliveries: Deliveries<Gated>,
    arrived: Arc<Mutex<Vec<Submission>>>,
    gate: Arc<Semaphore>,
}

fn setting(failures: u32) -> Setting {
    let (arrived, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let outbox =
        Gated { arrived: Arc::clone(&arrived), gate: Arc::clone(&gate), failures: Mutex::new(failures) };
    Setting { deliveries: Deliveries::new(outbox, &Limits::default()), arrived, gate }
}

fn submission(body: &str) -> Submission {
    Submission::new(&SubmissionKey::parse("s").unwrap(), body.to_owned())
}

#[tokio::test]
async fn the_second_waits_for_the_first() {
    let Setting { deliveries, arrived, gate } = setting(0);
    let (first, second, ()) =
        tokio::join!(deliveries.deliver(submission("a")), deliveries.deliver(submission("a")), async {
            gate.add_permits(10)
        });
    let accepted = Ok(MessageId("m".to_owned()));
    assert_eq!((first, second), (accepted.clone(), accepted));
    assert_eq!(*arrived.lock().unwrap(), [submission("a")]);
}

#[tokio::test]
async fn all_who_wait_for_a_failed_send_fail_and_the_next_sends_again() {
    let Setting { deliveries, arrived, gate } = setting(1);
    gate.add_permits(2);
    let failed = tokio::join!(deliveries.deliver(submission("a")), deliveries.deliver(submission("a")));
    assert_eq!(failed, (Err(DeliveryError::Unavailable), Err(DeliveryError::Unavailable)));
    assert!(deliveries.deliver(submission("a")).await.is_ok());
    assert_eq!(*arrived.lock().unwrap(), [submission("a"), submission("a")]);
}

#[tokio::test]
async fn a_drain_waits_for_sends_whose_visitors_have_gone() {
    let Setting { deliveries, arrived, gate } = setting(0);
    let mut visit = Box::pin(deliveries.deliver(submission("a")));
    tokio::select! {
        biased;
        _ = &mut visit => panic!("the gate is closed"),
        () = tokio::task::yield_now() => {}
    }
    drop(visit);
    let drained = tokio::join!(deliveries.drain(Duration::from_secs(60)), async { gate.add_permits(1) });
    assert_eq!(drained, ((), ()));
    assert_eq!(gate.available_permits(), 0, "the send went through the gate before the drain ended");
    assert_eq!(arrived.lock().unwrap().len(), 1);
}
