//! The one place where an API server's answers become what is known of an effect (FAIL-3, SEE-5).

use evenkeel_core::input::{Failure, Outcome, Refusal};

/// An answer that is not a success, as Kubernetes' `Status` and the HTTP head give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status code.
    pub code: u16,
    /// `Status.reason`, as `AlreadyExists`; empty where the body was no Status.
    pub reason: String,
    /// `Status.message`, or the body as text.
    pub message: String,
    /// The reasons of `Status.details.causes`.
    pub causes: Vec<String>,
    /// The `Retry-After` header, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// What a write asked for: some answers mean different things to different verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// POST.
    Create,
    /// DELETE.
    Delete,
    /// PATCH.
    Patch,
}

/// What is known of a write's effect. Total: every answer is of some sort.
///
/// `AlreadyExists` is answered `Exists(None)`: the adapter follows it with one GET and fills in what that shows (GROW-3).
#[must_use]
pub fn outcome(write: Write, answer: &Refused) -> Outcome {
    let message = || answer.message.as_str().into();
    match (answer.code, write) {
        (401, _) => Outcome::Refused(Refusal::Unauthorized),
        (403, _) => Outcome::Refused(forbidden(answer)),
        // A POST is answered so where the namespace is missing.
        (404, Write::Create) => Outcome::Refused(Refusal::NamespaceGone),
        (404 | 410, _) => Outcome::Absent,
        (409, Write::Create) if answer.reason == "AlreadyExists" => Outcome::Exists(None),
        (409, Write::Create) => Outcome::Refused(Refusal::QuotaRace),
        (409, _) => Outcome::Changed,
        // The server answers a PATCH over another UID so: the field can't be changed.
        (422, Write::Patch) if answer.message.contains("metadata.uid") => Outcome::Changed,
        (429, _) => Outcome::Refused(Refusal::Throttled {
            retry_after_ms: answer.retry_after_ms,
        }),
        (code @ 500.., _) => Outcome::Unclear(Failure::Server(code)),
        (400..500, _) => Outcome::Refused(Refusal::Invalid(message())),
        // No answer of an API server; something between gave it.
        (_, _) => Outcome::Unclear(Failure::Undecodable),
    }
}

/// What a 403 means: only its message tells (measured on Kubernetes 1.36).
fn forbidden(answer: &Refused) -> Refusal {
    let says = |words: &str| answer.message.contains(words);
    if answer
        .causes
        .iter()
        .any(|cause| cause == "NamespaceTerminating")
    {
        return Refusal::NamespaceGone;
    }
    if says("exceeded quota") || says("status unknown for quota") {
        return Refusal::Quota(answer.message.as_str().into());
    }
    // The service account of a new namespace is made a moment after it.
    if says("serviceaccount") && says("not found") {
        return Refusal::NamespaceGone;
    }
    Refusal::Forbidden(answer.message.as_str().into())
}

/// What a failed read or lease request means.
#[must_use]
pub fn failure(answer: &Refused) -> Failure {
    match answer.code {
        401 => Failure::Unauthorized,
        403 => Failure::Forbidden,
        410 => Failure::Expired,
        429 => Failure::Throttled,
        504 if answer
            .causes
            .iter()
            .any(|cause| cause == "ResourceVersionTooLarge") =>
        {
            Failure::RevisionTooNew
        }
        code @ 400.. => Failure::Server(code),
        _ => Failure::Undecodable,
    }
}
