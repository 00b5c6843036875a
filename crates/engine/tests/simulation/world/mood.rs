//! What a seed is about. No two seeds favour the same deeds and faults, so that together they go where an even mixture
//! never comes.

use fastrand::Rng;

use crate::clients::DEEDS;
use crate::topology::QUEUES;

#[derive(Clone, Debug)]
pub(crate) struct Mood {
    /// Weights of the deeds, summed up.
    deeds: Vec<u32>,
    pub(crate) steps: u64,
    pub(crate) few_queues: bool,
    pub(crate) favourite: usize,
    /// Messages of standard queues have groups.
    pub(crate) has_groups: bool,
    pub(crate) has_quotas: bool,
    /// In ten thousand steps.
    pub(crate) faults: u32,
    pub(crate) flips: bool,
    /// The disk is slow time and again, so that one write has many batches.
    pub(crate) is_slow: bool,
    pub(crate) lies: bool,
    /// Time passes so much faster.
    pub(crate) haste: u64,
    /// All messages are alike, so that frames of the log end where frames ended before a crash.
    pub(crate) is_uniform: bool,
}

impl Mood {
    pub(crate) fn draw(random: &mut Rng) -> Self {
        let mut sum = 0;
        let deeds = DEEDS.iter().enumerate().map(|(number, (weight, _))| {
            // Nothing goes on without sends and receives.
            let factor = if number < 2 { random.u32(1..4) } else { [0, 1, 1, 2, 4][random.usize(..5)] };
            sum += weight * factor;
            sum
        });
        let deeds = deeds.collect();
        let flips = random.u8(..6) == 0;
        Self {
            deeds,
            steps: [200, 400, 800][random.usize(..3)],
            few_queues: random.u8(..4) == 0,
            favourite: random.usize(..QUEUES.len()),
            has_groups: random.bool(),
            has_quotas: random.u8(..3) == 0,
            faults: [if flips { 300 } else { 0 }, 100, 200, 400][random.usize(..4)],
            flips,
            is_slow: random.u8(..3) == 0,
            lies: random.u8(..10) == 0,
            haste: [1, 1, 10][random.usize(..3)],
            is_uniform: random.u8(..4) == 0,
        }
    }

    /// The number of a deed.
    pub(crate) fn draw_deed(&self, random: &mut Rng) -> usize {
        let sum = self.deeds.last().copied().unwrap_or(1);
        let drawn = random.u32(..sum);
        self.deeds.partition_point(|before| *before <= drawn)
    }
}
