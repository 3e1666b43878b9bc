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
    /// PATCH of a pod's subresource `resize`.
    Resize,
}

/// What is known of a write's effect. Total: every answer is of some sort.
///
/// `AlreadyExists` is answered `Exists(None)`: the adapter follows it with one GET and fills in what that shows (GROW-3).
#[must_use]
pub fn outcome(write: Write, answer: &Refused) -> Outcome {
    let message = || answer.message.as_str().into();
    match (answer.code, write) {
        (401, _) => Outcome::Refused(Refusal::Unauthorized),
        (403, _) => Outcome::Refused(forbidden(write, answer)),
        // A POST is answered so where the namespace is missing.
        (404, Write::Create) => Outcome::Refused(Refusal::NamespaceGone),
        // An older server has no such subresource: that says nothing of the pod.
        (404, Write::Resize) if !answer.message.starts_with("pods ") => {
            Outcome::Refused(Refusal::Invalid(message()))
        }
        (404 | 410, _) => Outcome::Absent,
        (409, Write::Create) if answer.reason == "AlreadyExists" => Outcome::Exists(None),
        (409, Write::Create) => Outcome::Refused(Refusal::QuotaRace),
        // It met other writes again and again, and the server gave up repeating it: the object is there.
        (409, Write::Patch | Write::Resize) if answer.message.contains("has been modified;") => {
            Outcome::Refused(Refusal::QuotaRace)
        }
        (409, _) => Outcome::Changed,
        // The server answers a PATCH over another UID so: the field can't be changed.
        (422, Write::Patch | Write::Resize) if answer.message.contains("metadata.uid") => {
            Outcome::Changed
        }
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
fn forbidden(write: Write, answer: &Refused) -> Refusal {
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
    // A server that has just started says so to all but administrators, until it has read its roles.
    if write == Write::Create && says("cannot create resource") {
        return Refusal::NotPermitted(answer.message.as_str().into());
    }
    // The node is gone, and its pods will be; or it has never as much. Nobody's rights are in question.
    let no_node = says("node ") && says("not found");
    let too_small = answer.causes.iter().any(|cause| cause == "NodeCapacity");
    if write == Write::Resize && (no_node || too_small) {
        return Refusal::Invalid(answer.message.as_str().into());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, reason: &str, message: &str) -> Refused {
        Refused {
            code,
            reason: reason.into(),
            message: message.into(),
            ..Refused::default()
        }
    }

    /// The server's own words, as Kubernetes 1.36.3 gave them; `kube_server` provokes them anew.
    #[test]
    fn a_403_is_told_by_its_message() {
        let forbidden = |message: &str| outcome(Write::Create, &refused(403, "Forbidden", message));
        for message in [
            r#"pods "b" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1"#,
            r#"pods "a" is forbidden: status unknown for quota: few, resources: pods"#,
        ] {
            let quota = Outcome::Refused(Refusal::Quota(message.into()));
            assert_eq!(forbidden(message), quota);
        }
        let early = r#"pods "a" is forbidden: error looking up service account default/default: serviceaccount "default" not found"#;
        assert_eq!(forbidden(early), Outcome::Refused(Refusal::NamespaceGone));
        let unpermitted = r#"pods is forbidden: User "nobody-much" cannot create resource "pods" in API group "" in the namespace "default""#;
        let held = Outcome::Refused(Refusal::NotPermitted(unpermitted.into()));
        assert_eq!(forbidden(unpermitted), held);
        for message in [
            r#"pods "a" is forbidden: failed quota: cpu: must specify limits.cpu for: main"#,
            r#"pods "a" is forbidden: maximum cpu usage per Container is 1, but limit is 2"#,
            r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false"#,
            r#"pods "a" is forbidden: no PriorityClass with name no-such was found"#,
            r#"admission webhook "w.example.org" denied the request: no"#,
        ] {
            let rejected = Outcome::Refused(Refusal::Forbidden(message.into()));
            assert_eq!(forbidden(message), rejected);
        }
        let ending = Refused {
            causes: vec!["NamespaceTerminating".into()],
            ..refused(
                403,
                "Forbidden",
                r#"pods "a" is forbidden: unable to create new content in namespace ending because it is being terminated"#,
            )
        };
        assert_eq!(
            outcome(Write::Create, &ending),
            Outcome::Refused(Refusal::NamespaceGone)
        );
    }

    #[test]
    fn a_409_means_another_thing_to_each_verb() {
        let exists = refused(409, "AlreadyExists", r#"pods "a" already exists"#);
        assert_eq!(outcome(Write::Create, &exists), Outcome::Exists(None));
        let deleted = r#"object is being deleted: pods "a" already exists"#;
        let deleted = refused(409, "AlreadyExists", deleted);
        assert_eq!(outcome(Write::Create, &deleted), Outcome::Exists(None));
        let race = r#"Operation cannot be fulfilled on resourcequotas "few": the object has been modified; please apply your changes to the latest version and try again"#;
        let race = refused(409, "Conflict", race);
        let again = Outcome::Refused(Refusal::QuotaRace);
        assert_eq!(outcome(Write::Create, &race), again);
        let uid = "Operation cannot be fulfilled on pods \"a\": Precondition failed: UID in precondition: 1, UID in object meta: 2";
        let uid = refused(409, "Conflict", uid);
        assert_eq!(outcome(Write::Delete, &uid), Outcome::Changed);
        assert_eq!(outcome(Write::Patch, &uid), Outcome::Changed);
        let fixed = r#"Pod "a" is invalid: metadata.uid: Invalid value: "1": field is immutable"#;
        let fixed = refused(422, "Invalid", fixed);
        assert_eq!(outcome(Write::Patch, &fixed), Outcome::Changed);
        let message = fixed.message.as_str().into();
        let invalid = Outcome::Refused(Refusal::Invalid(message));
        assert_eq!(outcome(Write::Create, &fixed), invalid);
        assert_eq!(outcome(Write::Resize, &fixed), Outcome::Changed);
        let busy = r#"Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again"#;
        let busy = refused(409, "Conflict", busy);
        for write in [Write::Patch, Write::Resize] {
            assert_eq!(outcome(write, &busy), again);
        }
        assert_eq!(outcome(Write::Delete, &busy), Outcome::Changed);
    }

    /// The server's own words, as Kubernetes 1.36.3 gave them; `kube_server` provokes them anew.
    #[test]
    fn a_resize_that_can_not_be_says_nothing_of_the_pod() {
        let resize = |answer: &Refused| outcome(Write::Resize, answer);
        let gone = refused(404, "NotFound", r#"pods "a" not found"#);
        assert_eq!(resize(&gone), Outcome::Absent);
        let unknown = refused(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
        let no_node = refused(
            403,
            "Forbidden",
            r#"pods "a" is forbidden: node "n" not found"#,
        );
        let too_small = Refused {
            causes: vec!["NodeCapacity".into()],
            ..refused(
                403,
                "Forbidden",
                r#"pods "a" is forbidden: node didn't have enough allocatable resources: memory, requested: 107374182400, allocatable: 8589934592"#,
            )
        };
        for answer in [unknown, no_node, too_small] {
            let message = answer.message.as_str().into();
            let refusal = Outcome::Refused(Refusal::Invalid(message));
            assert_eq!(resize(&answer), refusal);
        }
        let rights = r#"pods "a" is forbidden: User "u" cannot patch resource "pods/resize" in API group "" in the namespace "default""#;
        let rights = refused(403, "Forbidden", rights);
        let message = rights.message.as_str().into();
        let forbidden = Outcome::Refused(Refusal::Forbidden(message));
        assert_eq!(resize(&rights), forbidden);
    }

    #[test]
    fn every_code_is_of_some_sort() {
        let create = |code| outcome(Write::Create, &refused(code, "", "m"));
        for code in [400, 413, 422] {
            let invalid = Outcome::Refused(Refusal::Invalid("m".into()));
            assert_eq!(create(code), invalid);
        }
        for code in [500, 502, 503, 504] {
            assert_eq!(create(code), Outcome::Unclear(Failure::Server(code)));
        }
        assert_eq!(create(401), Outcome::Refused(Refusal::Unauthorized));
        assert_eq!(create(404), Outcome::Refused(Refusal::NamespaceGone));
        for write in [Write::Delete, Write::Patch] {
            assert_eq!(outcome(write, &refused(404, "", "")), Outcome::Absent);
        }
        let throttled = Refused {
            retry_after_ms: Some(1000),
            ..refused(429, "", "")
        };
        for write in [Write::Create, Write::Delete, Write::Patch, Write::Resize] {
            let retry_after_ms = Some(1000);
            let refusal = Refusal::Throttled { retry_after_ms };
            assert_eq!(outcome(write, &throttled), Outcome::Refused(refusal));
        }
        // What is known must never be more than the answer says.
        assert_eq!(create(302), Outcome::Unclear(Failure::Undecodable));
    }

    #[test]
    fn a_failed_read_says_what_helps() {
        let code = |code| failure(&refused(code, "", ""));
        assert_eq!(code(401), Failure::Unauthorized);
        assert_eq!(code(403), Failure::Forbidden);
        assert_eq!(code(410), Failure::Expired);
        assert_eq!(code(429), Failure::Throttled);
        assert_eq!(code(504), Failure::Server(504));
        let ahead = Refused {
            causes: vec!["ResourceVersionTooLarge".into()],
            ..refused(504, "Timeout", "Too large resource version: 9, current: 4")
        };
        assert_eq!(failure(&ahead), Failure::RevisionTooNew);
    }
}
