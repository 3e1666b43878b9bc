//! The API server's refusals, in its own codes, reasons and words (Kubernetes 1.36).

use super::audit::{Kind, Verb};
use crate::api::answer::Refused;

fn refused(code: u16, reason: &str, message: String) -> Refused {
    Refused {
        code,
        reason: reason.to_owned(),
        message,
        ..Refused::default()
    }
}

pub(super) fn bad_request(message: String) -> Refused {
    refused(400, "BadRequest", message)
}

pub(super) fn not_found(resource: &str, name: &str) -> Refused {
    refused(404, "NotFound", format!("{resource} {name:?} not found"))
}

pub(super) fn already_exists(resource: &str, name: &str, deleting: bool) -> Refused {
    let prefix = if deleting {
        "object is being deleted: "
    } else {
        ""
    };
    refused(
        409,
        "AlreadyExists",
        format!("{prefix}{resource} {name:?} already exists"),
    )
}

/// A precondition's UID is not the object's. `kind` as the server puts it there: `Pod`.
pub(super) fn other_uid(kind: &str, name: &str, wanted: &str, is: &str) -> Refused {
    conflict(
        kind,
        name,
        &format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({is}). \
             The object might have been deleted and then recreated"
        ),
    )
}

/// A precondition's revision is not the object's.
pub(super) fn other_revision(kind: &str, name: &str, wanted: &str, is: &str) -> Refused {
    conflict(
        kind,
        name,
        &format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the \
             ResourceVersion in record ({is}). The object might have been modified"
        ),
    )
}

/// A write carried a revision that is not the object's any more.
pub(super) fn modified(resource: &str, name: &str) -> Refused {
    conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )
}

fn conflict(what: &str, name: &str, why: &str) -> Refused {
    refused(
        409,
        "Conflict",
        format!("Operation cannot be fulfilled on {what} {name:?}: {why}"),
    )
}

/// A field that is not as it must be.
pub(super) struct Wrong {
    /// The field's path.
    pub field: String,
    /// What is wrong with it, as the server puts it.
    pub why: String,
    /// The cause's reason, as `FieldValueInvalid`.
    pub cause: &'static str,
}

impl Wrong {
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let colon = if detail.is_empty() { "" } else { ": " };
        Self {
            field: field.into(),
            why: format!("Required value{colon}{detail}"),
            cause: "FieldValueRequired",
        }
    }

    pub fn invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        Self {
            field: field.into(),
            why: format!("Invalid value: {value:?}: {detail}"),
            cause: "FieldValueInvalid",
        }
    }

    pub fn duplicate(field: impl Into<String>, value: &str) -> Self {
        Self {
            field: field.into(),
            why: format!("Duplicate value: {value:?}"),
            cause: "FieldValueDuplicate",
        }
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self {
            field: field.into(),
            why: format!("Forbidden: {detail}"),
            cause: "FieldValueForbidden",
        }
    }
}

/// 403, by admission.
pub(super) fn forbidden(resource: &str, name: &str, why: &str) -> Refused {
    refused(
        403,
        "Forbidden",
        format!("{resource} {name:?} is forbidden: {why}"),
    )
}

/// 403: the namespace is on its way out.
pub(super) fn terminating(resource: &str, name: &str, namespace: &str) -> Refused {
    let why = format!(
        "unable to create new content in namespace {namespace} because it is being terminated"
    );
    Refused {
        causes: vec!["NamespaceTerminating".to_owned()],
        ..forbidden(resource, name, &why)
    }
}

/// 403, by RBAC. Requests that name no object are for all of them; the name of one that is made is in its body.
pub(super) fn not_permitted(
    user: &str,
    (kind, verb, name): (Kind, Verb, &str),
    namespace: &str,
) -> Refused {
    let qualified = kind.resource();
    let (resource, group) = qualified.split_once('.').unwrap_or((qualified, ""));
    let object = qualified
        .split_once('/')
        .map_or(qualified, |(object, _)| object);
    let which = match verb {
        Verb::Create | Verb::List | Verb::Watch => String::new(),
        Verb::Delete | Verb::Get | Verb::Patch | Verb::Update => format!(" {name:?}"),
    };
    let verb = verb.name();
    refused(
        403,
        "Forbidden",
        format!(
            "{object}{which} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?} in the namespace {namespace:?}"
        ),
    )
}

/// 422; `wrong` is not empty.
pub(super) fn invalid(kind: &str, name: &str, wrong: &[Wrong]) -> Refused {
    let said: Vec<String> = wrong
        .iter()
        .map(|wrong| format!("{}: {}", wrong.field, wrong.why))
        .collect();
    let said = match said.as_slice() {
        [one] => one.clone(),
        all => format!("[{}]", all.join(", ")),
    };
    Refused {
        causes: wrong.iter().map(|wrong| wrong.cause.to_owned()).collect(),
        ..refused(
            422,
            "Invalid",
            format!("{kind} {name:?} is invalid: {said}"),
        )
    }
}

/// 422 in other words.
pub(super) fn unprocessable(message: &str) -> Refused {
    refused(422, "Invalid", message.to_owned())
}

/// 410 for a watch: the history from `from` is forgotten; it begins after `oldest`.
pub(super) fn too_old(from: u64, oldest: u64) -> Refused {
    refused(
        410,
        "Expired",
        format!("too old resource version: {from} ({oldest})"),
    )
}

/// 410 for a further page of a list.
pub(super) fn continue_expired() -> Refused {
    let words = "The provided continue parameter is too old to display a consistent list result. \
        You can start a new list without the continue parameter, or use the continue token in this \
        response to retrieve the remainder of the results. Continuing with the provided token \
        results in an inconsistent list - objects that were created, modified, or deleted between \
        the time the first chunk was returned and now may show up in the list.";
    refused(410, "Expired", words.to_owned())
}

/// 504 for a list from a revision that is still to come.
pub(super) fn too_new(asked: u64, current: u64) -> Refused {
    Refused {
        causes: vec!["ResourceVersionTooLarge".to_owned()],
        retry_after_ms: Some(1000),
        ..refused(
            504,
            "Timeout",
            format!("Timeout: Too large resource version: {asked}, current: {current}"),
        )
    }
}

/// 500.
pub(super) fn internal() -> Refused {
    refused(
        500,
        "InternalError",
        "Internal error occurred: etcdserver: request timed out".to_owned(),
    )
}

/// 503.
pub(super) fn unavailable() -> Refused {
    refused(
        503,
        "ServiceUnavailable",
        "the server is currently unable to handle the request".to_owned(),
    )
}

/// 504: the server gave up waiting for itself.
pub(super) fn timeout() -> Refused {
    let words = "Timeout: request did not complete within the allotted timeout";
    refused(504, "Timeout", words.to_owned())
}

/// 500 with reason `ServerTimeout`: the server asks to try again later.
pub(super) fn server_timeout() -> Refused {
    let words =
        "The operation against the object could not be completed at this time, please try again.";
    Refused {
        retry_after_ms: Some(1000),
        ..refused(500, "ServerTimeout", words.to_owned())
    }
}

/// 409 for a create: two API servers settled the same quota at once.
pub(super) fn quota_race(quota: &str) -> Refused {
    modified("resourcequotas", quota)
}

/// 429: plain text, not a Status; the wait is only in the header.
pub(super) fn throttled(seconds: u32) -> Refused {
    Refused {
        code: 429,
        message: "Too many requests, please try again later.\n".to_owned(),
        retry_after_ms: Some(u64::from(seconds) * 1000),
        ..Refused::default()
    }
}
