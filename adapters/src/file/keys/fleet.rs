//! The keys of the file itself.

use super::{DURATION, Key, TEXT};

pub(super) const KEYS: &[Key] = &[
    Key::new("fleet", "LIVE-1", "a DNS label of at most 40 characters")
        .required("demo")
        .means("The fleet's name: in the names and labels of its pods, and in that of its Lease."),
    Key::new("cluster", "", "`fake` or `kube`")
        .or("fake", "kube")
        .means("Where the pods live: in memory, or in a Kubernetes cluster. `--cluster` wins."),
    Key::new("namespace", "", TEXT)
        .without("the client's own, else `default`", "spark")
        .means("The namespace of the pods, with `cluster: kube`."),
    Key::new("shutdown", "LIVE-4", "`delete`, `drain` or `leave`")
        .or("delete", "drain")
        .means("What becomes of the executors when the fleet ends: deleted, drained first, or left for the next incarnation."),
    Key::new("for", "", DURATION)
        .without("until it is stopped", "60s")
        .means("How long `evenkeel run` runs the fleet."),
    Key::new("config", "", "a map").means("The fleet's knobs."),
    Key::new("groups", "GROW-1", "a map from names to groups")
        .required("")
        .means("The groups: named pools of like executors."),
    Key::new("weather", "", "a map")
        .without("nothing goes wrong", "")
        .means("With `cluster: fake`: how large the cluster is, how long things take, and what goes wrong by chance."),
];
