//! Which catalogues are possible.
//!
//! A reply says that everything asked before it is durable. When the service dies, what was asked behind the last reply
//! that was heard may be there up to any point: each prefix is one possible catalogue, until an answer tells them apart. An
//! answer that fits none of them breaks a promise.

use millpond_core::outcome::Outcome;

use super::catalogue::{Catalogue, Change, Expected, Query};
use super::{Broken, Moment};

#[derive(Clone, Debug)]
struct Possible {
    id: u64,
    /// At the last reply heard.
    heard: Catalogue,
    /// After everything that was asked.
    asked: Catalogue,
}

/// What each possible catalogue says that a reply will be.
pub(crate) type Expectation = Vec<(u64, Expected)>;

#[derive(Clone, Debug)]
pub(crate) struct Catalogues {
    possible: Vec<Possible>,
    next_id: u64,
    /// Changes behind the last reply heard.
    unheard: Vec<(Moment, Change)>,
}

impl Default for Catalogues {
    fn default() -> Self {
        let first = Possible { id: 0, heard: Catalogue::default(), asked: Catalogue::default() };
        Self { possible: vec![first], next_id: 1, unheard: Vec::new() }
    }
}

impl Catalogues {
    /// After everything that was asked.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Catalogue> {
        self.possible.iter().map(|possible| &possible.asked)
    }

    /// Whether a queue is there; `None` when that is open.
    pub(crate) fn exists(&self, queue: usize) -> Option<bool> {
        let exists = self.possible[0].asked.exists(queue);
        self.all().all(|catalogue| catalogue.exists(queue) == exists).then_some(exists)
    }

    pub(crate) fn asks(&self, query: &Query) -> Expectation {
        self.possible.iter().map(|possible| (possible.id, possible.asked.answer(query))).collect()
    }

    pub(crate) fn asks_to_change(&mut self, moment: Moment, change: Change) -> Expectation {
        let expectation =
            self.possible.iter_mut().map(|possible| (possible.id, possible.asked.apply(&change))).collect();
        self.unheard.push((moment, change));
        expectation
    }

    /// A reply to what was asked at that moment. Answers whether it has ruled a possibility out.
    pub(crate) fn hears(&mut self, expectation: &Expectation, outcome: &Outcome) -> Result<bool, Broken> {
        let fits = |possible: &Possible| {
            let expected = expectation.iter().find(|(id, _)| *id == possible.id);
            expected.is_none_or(|(_, expected)| expected.fits(outcome))
        };
        let before = self.possible.len();
        if !self.possible.iter().any(fits) {
            let expected: Vec<&Expected> = expectation.iter().map(|(_, expected)| expected).collect();
            return Err(format!("the answer is {outcome:?}; it must be {expected:?}"));
        }
        self.possible.retain(fits);
        Ok(self.possible.len() < before)
    }

    /// Some reply to what was asked at that moment has come: all that was asked up to then is durable.
    pub(crate) fn settles(&mut self, asked: Moment) {
        let unheard = self.unheard.partition_point(|(moment, _)| *moment <= asked);
        for (_, change) in self.unheard.drain(..unheard) {
            for possible in &mut self.possible {
                possible.heard.apply(&change);
            }
        }
    }

    /// The service has stopped after it had made everything durable.
    pub(crate) fn stopped(&mut self) {
        self.settles(Moment::MAX);
    }

    /// The service has died. Answers how many catalogues are possible now.
    pub(crate) fn died(&mut self) -> usize {
        let mut left: Vec<Catalogue> = Vec::new();
        for possible in std::mem::take(&mut self.possible) {
            let mut catalogue = possible.heard;
            let changes = self.unheard.iter().map(|(_, change)| Some(change)).chain([None]);
            for change in changes {
                if !left.contains(&catalogue) {
                    left.push(catalogue.clone());
                }
                change.map(|change| catalogue.apply(change));
            }
        }
        self.unheard.clear();
        for heard in left {
            self.possible.push(Possible { id: self.next_id, asked: heard.clone(), heard });
            self.next_id += 1;
        }
        self.possible.len()
    }
}
