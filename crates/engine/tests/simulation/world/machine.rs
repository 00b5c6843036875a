//! The machine under the service: its wall clock, which anyone can set, and its boot clock, which no one can.

use fastrand::Rng;
use millpond_core::state::State;
use millpond_core::time::Timestamp;

use crate::support::{Boot, START};

/// A machine that starts again is up after so long.
const BOOTING_MILLIS: u64 = 5_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    wall: Timestamp,
    pub(crate) boot: Boot,
    boot_millis: u64,
    boots: u8,
}

/// What happened to the wall clock while the service was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WallJump {
    None,
    Forward,
    Back,
}

impl Default for Machine {
    fn default() -> Self {
        let boot = Boot { id: [1; 16], behind_millis: START.as_millis() };
        Self { wall: START, boot, boot_millis: 0, boots: 1 }
    }
}

impl Machine {
    /// Time passes, also while the machine is suspended.
    pub(crate) fn pass(&mut self, millis: u64) {
        self.wall = self.wall.plus_millis(millis);
        self.boot_millis += millis;
    }

    /// The service is ahead of the machine by so much more.
    pub(crate) fn put_forward(&mut self, millis: u64) {
        self.boot.behind_millis += millis;
    }

    /// The power was off: it is another boot.
    pub(crate) fn reboot(&mut self) {
        self.boots = self.boots.wrapping_add(1);
        self.boot_millis = BOOTING_MILLIS;
        self.boot.id = [self.boots; 16];
    }

    /// Somebody sets the clock, or it was wrong and is set right.
    pub(crate) fn jump(&mut self, random: &mut Rng) -> WallJump {
        let millis = random.u64(..4 * 3_600_000);
        match random.u8(..12) {
            0 => {
                self.wall = self.wall.plus_millis(millis);
                WallJump::Forward
            }
            1 => {
                self.wall = Timestamp::from_millis(self.wall.as_millis().saturating_sub(millis));
                WallJump::Back
            }
            _ => WallJump::None,
        }
    }

    /// When a service begins that finds this state: as [`millpond_engine::clock::SystemClock`] does.
    pub(crate) fn start(&mut self, state: &State) -> Timestamp {
        let reading = millpond_core::outage::BootReading { boot_id: self.boot.id, millis: self.boot_millis };
        let not_before = state.clock();
        let noted = state.instance().noted_reading.and_then(|noted| noted.time_at(&reading));
        let now = self.wall.max(not_before).max(noted.unwrap_or(not_before));
        self.boot.behind_millis = now.as_millis() - self.boot_millis;
        now
    }
}
