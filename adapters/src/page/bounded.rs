//! A list that forgets its oldest where there would be too many, and knows how many those were.

use super::model::LeftOut;
use evenkeel_core::Time;
use std::collections::VecDeque;

/// The newest of a list.
#[derive(Clone, Debug)]
pub struct Bounded<T> {
    kept: VecDeque<(Time, T)>,
    most: usize,
    forgotten: u64,
    before: Time,
}

impl<T> Bounded<T> {
    pub fn new(most: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            most: most.max(1),
            forgotten: 0,
            before: Time(0),
        }
    }

    /// Adds one; the one that is forgotten for it.
    pub fn push(&mut self, at: Time, item: T) -> Option<T> {
        self.kept.push_back((at, item));
        (self.kept.len() > self.most)
            .then(|| self.forget())
            .flatten()
    }

    /// Forgets the oldest.
    pub fn forget(&mut self) -> Option<T> {
        let (at, item) = self.kept.pop_front()?;
        self.forgotten += 1;
        self.before = self.before.max(at);
        Some(item)
    }

    /// How many were forgotten: the number of the first that is kept.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The number that the next one gets.
    pub fn next(&self) -> u64 {
        self.forgotten + self.kept.len() as u64
    }

    pub fn last(&self) -> Option<&T> {
        self.kept.back().map(|(_, item)| item)
    }

    pub fn left_out(&self, what: &'static str) -> Option<LeftOut> {
        (self.forgotten > 0).then_some(LeftOut {
            what,
            count: self.forgotten,
            before: self.before,
        })
    }

    pub fn into_kept(self) -> impl Iterator<Item = T> {
        self.kept.into_iter().map(|(_, item)| item)
    }
}
