//! What goes wrong between the shell and the cluster: told when it begins and when it is over, not at each try.

use super::Event;
use evenkeel_core::input::{Failure, Input, LeaseNews, WatchEnd, WatchEvent};

/// What is tried again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Listing,
    Watching,
    Lease,
}

#[derive(Debug, Default)]
pub(super) struct Troubles {
    listing: Option<Failure>,
    watching: Option<Failure>,
    lease: Option<Failure>,
}

impl Troubles {
    /// What an input from the cluster says of that, if it is news.
    pub fn note(&mut self, input: &Input) -> Option<Event> {
        match input {
            Input::Listed { outcome, .. } => self.change(What::Listing, outcome.as_ref().err()),
            Input::Watched { event, .. } => match event {
                WatchEvent::Ended(WatchEnd::Failed(failure)) => {
                    self.change(What::Watching, Some(failure))
                }
                WatchEvent::Ended(WatchEnd::Closed | WatchEnd::Expired) => None,
                _ => self.change(What::Watching, None),
            },
            Input::Lease(LeaseNews::Failed(failure)) => self.change(What::Lease, Some(failure)),
            Input::Lease(_) => self.change(What::Lease, None),
            _ => None,
        }
    }

    fn change(&mut self, what: What, failure: Option<&Failure>) -> Option<Event> {
        let (known, name) = match what {
            What::Listing => (&mut self.listing, "listing the pods"),
            What::Watching => (&mut self.watching, "watching the pods"),
            What::Lease => (&mut self.lease, "keeping the lease"),
        };
        if known.as_ref() == failure {
            return None;
        }
        let was = std::mem::replace(known, failure.cloned());
        match (was, failure) {
            (_, Some(failure)) => Some(Event::Trouble(format!(
                "{name} failed: {}; it is tried again",
                words(failure)
            ))),
            (Some(_), None) => Some(Event::Trouble(format!("{name} works again"))),
            (None, None) => None,
        }
    }
}

/// A failure in words.
pub(super) fn words(failure: &Failure) -> String {
    match failure {
        Failure::Unreachable => "the cluster can't be reached".to_owned(),
        Failure::TimedOut => "no answer in time".to_owned(),
        Failure::Server(code) => format!("the server answered {code}"),
        Failure::Forbidden => "it is forbidden (RBAC)".to_owned(),
        Failure::Unauthorized => "the credentials were not accepted".to_owned(),
        Failure::Throttled => "the server asked for a pause".to_owned(),
        Failure::Undecodable => "the answer made no sense".to_owned(),
        Failure::RevisionTooNew => "the server is behind".to_owned(),
        Failure::Expired => "what was asked for is forgotten".to_owned(),
    }
}
