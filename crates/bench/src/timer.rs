//! A timer with the kernel's resolution. The runtime's own counts in milliseconds, which is longer than a request.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

pub(crate) struct Timer {
    expired: AsyncFd<OwnedFd>,
}

impl Timer {
    /// # Panics
    /// Outside of a Tokio runtime with IO.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "unsound for a value that may change its descriptor; an OwnedFd does not"
        )]
        let expired = AsyncFd::new(timer)?;
        Ok(Timer { expired })
    }

    /// Returns after `duration`, never before.
    pub(crate) async fn sleep(&mut self, duration: Duration) -> io::Result<()> {
        if duration.is_zero() {
            // Others get their turn also when the next moment has come already.
            tokio::task::yield_now().await;
            return Ok(());
        }
        let it_value = Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: duration.subsec_nanos().into(),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(self.expired.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.expired.readable().await?;
            let mut expirations = [0; 8];
            match rustix::io::read(self.expired.get_ref(), &mut expirations) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
