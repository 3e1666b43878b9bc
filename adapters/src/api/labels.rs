//! The labels and annotations that pods carry, and what is made of a label's value.

/// The fleet that a pod belongs to: what listings and watches select by.
pub const FLEET: &str = "evenkeel.dev/fleet";
/// The group within the fleet.
pub const GROUP: &str = "evenkeel.dev/group";
/// The executor's id.
pub const EXECUTOR: &str = "evenkeel.dev/executor";
/// The hash of the template, in hexadecimal.
pub const TEMPLATE: &str = "evenkeel.dev/template";
/// `true` on a finished pod that is kept (END-2): out of the fleet's view.
pub const FINISHED: &str = "evenkeel.dev/finished";
/// Kubernetes' own recommended label, and our value of it.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "evenkeel");
/// The annotation that names the main container: kubectl's own, so that `kubectl logs` finds it too.
pub const MAIN_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The label selector of everything that is in the fleet's view, or with `all` of the kept pods as well.
#[must_use]
pub fn selector(fleet: &str, all: bool) -> String {
    if all {
        format!("{FLEET}={fleet}")
    } else {
        format!("{FLEET}={fleet},{FINISHED}!=true")
    }
}

/// A template hash as the label's value.
#[must_use]
pub fn template_value(hash: u64) -> String {
    format!("{hash:016x}")
}

/// The template hash in a label's value.
#[must_use]
pub fn template_hash(value: &str) -> Option<u64> {
    u64::from_str_radix(value, 16).ok()
}
