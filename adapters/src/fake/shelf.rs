//! What etcd keeps beside the pods: the objects of one kind, and how they were at earlier revisions.

use evenkeel_core::Name;
use im::{OrdMap, Vector};

/// The objects of one kind, by name.
#[derive(Clone, Debug)]
pub(super) struct Shelf<T> {
    now: OrdMap<Name, T>,
    /// What each change put an end to, the newest last.
    past: Vector<Was<T>>,
    /// The most changes kept.
    keep: usize,
    /// Changes up to this revision are not in `past` any more.
    kept: u64,
}

/// How an object was before the change at that revision; None: it was not there.
#[derive(Clone, Debug)]
struct Was<T> {
    revision: u64,
    name: Name,
    before: Option<T>,
}

impl<T: Clone> Shelf<T> {
    pub fn new(keep: usize) -> Self {
        Self {
            now: OrdMap::new(),
            past: Vector::new(),
            keep,
            kept: 0,
        }
    }

    /// All of them as they are.
    pub fn now(&self) -> &OrdMap<Name, T> {
        &self.now
    }

    pub fn get(&self, name: &str) -> Option<&T> {
        self.now.get(name)
    }

    /// Writes the object; the change has that revision.
    pub fn write(&mut self, revision: u64, name: Name, object: T) {
        let before = self.now.insert(name.clone(), object);
        self.remember(revision, name, before);
    }

    /// Removes the object; the change has that revision.
    pub fn remove(&mut self, revision: u64, name: &str) {
        if let Some((name, before)) = self.now.remove_with_key(name) {
            self.remember(revision, name, Some(before));
        }
    }

    fn remember(&mut self, revision: u64, name: Name, before: Option<T>) {
        self.past.push_back(Was {
            revision,
            name,
            before,
        });
        if self.past.len() > self.keep
            && let Some(oldest) = self.past.pop_front()
        {
            self.kept = oldest.revision;
        }
    }

    /// All of them as they were at that revision, if that can still be told.
    pub fn at(&self, revision: u64) -> Option<OrdMap<Name, T>> {
        if revision < self.kept {
            return None;
        }
        let mut then = self.now.clone();
        let undone = self.past.iter().rev();
        for was in undone.take_while(|was| was.revision > revision) {
            match &was.before {
                Some(before) => then.insert(was.name.clone(), before.clone()),
                None => then.remove(&was.name),
            };
        }
        Some(then)
    }

    /// Goes back to how they were at that revision: what came after it never was. Returns whether that could be told.
    pub fn go_back(&mut self, revision: u64) -> bool {
        let Some(then) = self.at(revision) else {
            return false;
        };
        self.now = then;
        while self.past.last().is_some_and(|was| was.revision > revision) {
            self.past.pop_back();
        }
        true
    }
}
