//! Whether something the sink depends on (the database, the queue service) is up, shared by all who use it: closed
//! to new work while any of them finds it down, told to people once per change and rarely in between.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

/// How long an outage goes on before it is told again.
const REMIND_AFTER: Duration = Duration::from_secs(600);

/// The shared state of one dependency.
#[derive(Debug)]
pub(crate) struct Condition {
    users_down: watch::Sender<usize>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    down_since: Option<Instant>,
    last: Option<Instant>,
}

/// One user's view of a dependency.
#[derive(Debug)]
pub(crate) struct User {
    condition: Arc<Condition>,
    down: bool,
}

impl Condition {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { users_down: watch::Sender::new(0), told: Mutex::default() })
    }

    pub(crate) fn user(self: &Arc<Self>) -> User {
        User { condition: Arc::clone(self), down: false }
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.users_down.borrow() == 0
    }

    /// Waits until nobody finds it down.
    pub(crate) async fn up(&self) {
        let mut users_down = self.users_down.subscribe();
        users_down.wait_for(|&count| count == 0).await.expect("its sender lives in self");
    }

    /// Waits until one of its users finds it up again.
    pub(crate) async fn recovery(&self) {
        let mut users_down = self.users_down.subscribe();
        let mut before = *users_down.borrow_and_update();
        while users_down.changed().await.is_ok() {
            let now = *users_down.borrow_and_update();
            if now < before {
                return;
            }
            before = now;
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl User {
    /// Notes a failure. True when people should be told.
    pub(crate) fn failed(&mut self, now: Instant) -> bool {
        if !self.down {
            self.down = true;
            self.condition.users_down.send_modify(|count| *count += 1);
        }
        let mut told = self.condition.told();
        told.down_since.get_or_insert(now);
        let due = told.last.is_none_or(|last| now >= last + REMIND_AFTER);
        if due {
            told.last = Some(now);
        }
        due
    }

    /// Notes a success. Returns how long the outage lasted when this ends it for everyone.
    pub(crate) fn worked(&mut self, now: Instant) -> Option<Duration> {
        if !self.rejoin() || !self.condition.is_up() {
            return None;
        }
        let mut told = self.condition.told();
        told.last = None;
        told.down_since.take().map(|since| now - since)
    }

    fn rejoin(&mut self) -> bool {
        let was_down = std::mem::take(&mut self.down);
        if was_down {
            self.condition.users_down.send_modify(|count| *count -= 1);
        }
        was_down
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.rejoin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_rarely_again() {
        let condition = Condition::new();
        let mut user = condition.user();
        let start = Instant::now();
        assert!(user.failed(start));
        assert!(!user.failed(start + Duration::from_secs(599)));
        assert!(user.failed(start + Duration::from_secs(600)));
        assert_eq!(user.worked(start + Duration::from_secs(700)), Some(Duration::from_secs(700)));
        assert_eq!(user.worked(start + Duration::from_secs(701)), None);
        assert!(user.failed(start + Duration::from_secs(702)), "a new outage is told at once");
    }

    #[test]
    fn it_is_down_while_any_user_finds_it_down() {
        let condition = Condition::new();
        let (mut first, mut second) = (condition.user(), condition.user());
        let now = Instant::now();
        assert!(first.failed(now));
        assert!(!second.failed(now), "the same outage is told once, whoever finds it");
        assert_eq!(first.worked(now), None);
        assert!(!condition.is_up());
        assert!(second.worked(now).is_some());
        assert!(condition.is_up());
    }

    #[tokio::test]
    async fn the_recovery_of_one_user_is_news_to_the_others() {
        let condition = Condition::new();
        let (mut first, mut second) = (condition.user(), condition.user());
        let now = Instant::now();
        first.failed(now);
        let recovery = tokio::spawn({
            let condition = Arc::clone(&condition);
            async move { condition.recovery().await }
        });
        tokio::task::yield_now().await;
        second.failed(now);
        tokio::task::yield_now().await;
        assert!(!recovery.is_finished(), "another failure is no recovery");
        second.worked(now);
        recovery.await.unwrap();
    }

    #[test]
    fn a_user_that_ends_holds_nobody_up() {
        let condition = Condition::new();
        let mut user = condition.user();
        user.failed(Instant::now());
        drop(user);
        assert!(condition.is_up());
    }
}
