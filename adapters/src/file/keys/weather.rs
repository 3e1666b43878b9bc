//! The keys of `weather`: the fake cluster's.

use super::{DURATION, Key, NUMBER, QUANTITY};

const RATE: &str = "a rate: `2/s`, `2/min`, `2/h`";
const PERCENT: &str = "percent: a whole number from 0 to 100";

pub(super) const KEYS: &[Key] = &[
    Key::new("weather.seed", "", NUMBER)
        .or("1", "7")
        .means("What all chance is drawn from."),
    Key::new("weather.nodes", "", NUMBER)
        .or("10", "12")
        .means("How many nodes there are."),
    Key::new("weather.node_cpu", "", QUANTITY)
        .or("16", "8")
        .means("The CPUs of each node."),
    Key::new("weather.node_memory", "", QUANTITY)
        .or("64Gi", "32Gi")
        .means("The memory of each node."),
    Key::new("weather.node_pods", "", NUMBER)
        .or("110", "250")
        .means("The most pods on each node."),
    Key::new("weather.schedule", "", DURATION)
        .or("16ms", "1ms")
        .means("How long the scheduler takes for each pod, one after another."),
    Key::new("weather.start", "", DURATION)
        .or("2s", "500ms")
        .means("From being bound to running: drawn around this, from half to one and a half of it."),
    Key::new("weather.stop", "", DURATION)
        .or("1s", "200ms")
        .means("How long containers take to end once asked to: drawn around this, at most the pod's grace."),
    Key::new("weather.crash_rate", "", RATE)
        .or("0/min", "2/min")
        .means("How often a container fails, over all running pods: with an exit code, or out of memory."),
    Key::new("weather.node_loss", "", RATE)
        .or("0/min", "1/h")
        .means("How often a node is lost."),
    Key::new("weather.node_return", "", DURATION)
        .or("2m", "10s")
        .means("After how long a new node takes the place of a lost one."),
    Key::new("weather.pod_gc", "", DURATION)
        .or("58s", "3s")
        .means("After how long the pods of a lost node are collected."),
    Key::new("weather.evictions", "", RATE)
        .or("0/min", "1/min")
        .means("How often a running pod is evicted: by its node, the eviction API, a pod of higher priority, or a taint."),
    Key::new("weather.slow_start", "", PERCENT)
        .or("0", "5")
        .means("The share of pods that take ten times as long to start."),
    Key::new("weather.pull_errors", "", PERCENT)
        .or("0", "5")
        .means("The share of pods whose image can't be pulled: half of them never, the others after a few tries."),
    Key::new("weather.api_errors", "", PERCENT)
        .or("0", "1")
        .means("The share of requests that fail, with 500, 503, 429 or a broken connection, with or without effect."),
    Key::new("weather.api_latency", "", DURATION)
        .or("5ms", "20ms")
        .means("How long requests take: drawn around this."),
    Key::new("weather.watch_drops", "", RATE)
        .or("0/min", "1/min")
        .means("How often a watch is cut."),
    Key::new("weather.expiries", "", RATE)
        .or("0/min", "1/h")
        .means("How often the API server forgets its history and ends a watch with 410."),
];
