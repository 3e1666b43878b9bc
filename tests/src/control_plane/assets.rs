//! Where the control plane's programs are, and what a test does where there are none.

use std::path::PathBuf;

/// The folder with the control plane's programs.
#[must_use]
pub fn assets() -> Option<PathBuf> {
    let named = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let built = super::workspace().join("target/control-plane");
    named.or(Some(built)).filter(|folder| {
        ["etcd", "kube-apiserver"]
            .iter()
            .all(|it| folder.join(it).exists())
    })
}

/// What is missing, and the way out.
#[must_use]
pub fn missing() -> String {
    "no control plane: build one by tests/control-plane/build.sh target/control-plane, or name one by KUBEBUILDER_ASSETS".into()
}

/// Whether a test of that name is to be skipped for want of a control plane: says so where it is. In CI (`CI` or
/// `EVENKEEL_REQUIRE_CONTROL_PLANE` set) a missing control plane fails the test instead.
///
/// # Panics
/// Where a control plane is required and missing.
#[must_use]
pub fn skips(test: &str) -> bool {
    if assets().is_some() {
        return false;
    }
    let required = ["CI", "EVENKEEL_REQUIRE_CONTROL_PLANE"].iter().any(|name| {
        std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()))
    });
    assert!(!required, "{test}: {}", missing());
    eprintln!("SKIPPED {test}: {}", missing());
    true
}

/// Returns from a test that needs a control plane where there is none (see [`skips`]).
#[macro_export]
macro_rules! needs_control_plane {
    ($test:expr) => {
        if $crate::control_plane::skips($test) {
            return;
        }
    };
}
