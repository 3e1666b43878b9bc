//! Every key, every default, and every error with its exact line.

use super::*;
use crate::api::owner::Owner;
use evenkeel_core::{
    Span,
    config::{EngineMode, Ramp, Replace, Shrink},
    input::Shutdown,
};
use proptest::prelude::*;

const LEAST: &str = "fleet: demo\ngroups: {small: {image: worker}}\n";

fn good(text: &str) -> FleetFile {
    parse(text, "fleet.yaml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn line(text: &str) -> String {
    match parse(text, "fleet.yaml") {
        Ok(_) => panic!("this was taken:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// A good file with this in its `config`.
fn config(keys: &str) -> String {
    format!("fleet: demo\nconfig: {{{keys}}}\ngroups: {{small: {{image: worker}}}}\n")
}

/// A good file with this in its one group.
fn group(keys: &str) -> String {
    format!("fleet: demo\ngroups:\n  small: {{{keys}}}\n")
}

#[test]
fn the_least_file_has_all_defaults() {
    let file = good(LEAST);
    assert_eq!(&*file.fleet, "demo");
    assert_eq!(file.cluster, ClusterKind::Fake);
    assert_eq!(file.namespace, None);
    assert_eq!(file.shutdown, Shutdown::Delete);
    assert_eq!(file.run_for, None);
    assert!(file.lease && file.owner.is_none() && file.warnings.is_empty());
    let config = &file.config;
    assert!(config.jitter);
    assert_eq!(config.engine, EngineMode::Registering);
    assert_eq!(config.seeing.watch_silence, Span::seconds(90));
    assert_eq!(config.seeing.relist_every, Some(Span::seconds(300)));
    assert!(!config.seeing.check_all_containers);
    assert_eq!(config.growing.ramp, Ramp::Governed);
    assert_eq!(config.growing.max_in_flight, 128);
    assert_eq!(config.growing.request_timeout, Span::seconds(30));
    assert_eq!(config.growing.max_pending, None);
    assert_eq!(config.growing.max_executors, None);
    assert_eq!(config.shrinking.pending_protection, Span::seconds(60));
    assert_eq!(config.shrinking.drain_timeout, Span::seconds(300));
    assert!(!config.ending.keep_finished);
    assert_eq!(config.ending.stuck_after, Span::seconds(300));
    assert_eq!(config.ending.overdue_after, Span::seconds(60));
    assert_eq!(config.ending.missing_tolerance, Span::seconds(30));
    assert_eq!(config.failing.max_failures, None);
    assert_eq!(config.failing.failure_window, Some(Span::seconds(3600)));
    assert_eq!(config.failing.healthy_after, Span::seconds(10));
    assert_eq!(config.failing.quota_retry, Span::seconds(10));
    assert_eq!(config.failing.quota_retry_max, Span::seconds(120));
    assert_eq!(config.living.lease_duration, Span::seconds(15));
    let group = config.group("small");
    assert_eq!(group.max_pending, None);
    assert_eq!(group.replace, Replace::AtOnce);
    assert_eq!(group.shrink, Shrink::Asked);
    let small = &file.groups["small"];
    assert_eq!((small.wish.target, small.wish.maximum), (0, None));
    assert_eq!(small.wish.template, small.template.hash());
    assert_eq!(file.templates().newest("small"), Some(small.wish.template));
}

#[test]
fn every_key_is_taken() {
    let file = good(
        "fleet: demo
cluster: kube
namespace: spark
shutdown: drain
for: 30s
config:
  engine: none
  ramp: {fixed: {size: 5, every: 1s}}
  max_in_flight: 64
  request_timeout: 20s
  max_pending: 7
  max_executors: 90
  pending_protection: 0
  drain_timeout: 1m
  keep_finished: true
  check_all_containers: true
  main_container: executor
  stuck_after: 4m
  overdue_after: 50s
  missing_tolerance: 20s
  max_failures: 0
  failure_window: never
  healthy_after: 500ms
  quota_retry: 5s
  quota_retry_max: 1m
  watch_silence: 80s
  relist_every: never
  lease: on
  lease_duration: 30s
  owner: {kind: Deployment, name: engine}
groups:
  small:
    target: 30
    maximum: 40
    max_pending: none
    replace: after_termination
    image: worker:1
    command: [worker]
    args: [--fast]
    env: {LEVEL: info}
    resources: {cpu: 0.5, memory: 1Gi}
  large:
    target: 5
    template: {spec: {containers: [{name: executor, image: worker:2}]}}
",
    );
    assert_eq!(file.cluster, ClusterKind::Kube);
    assert_eq!(file.namespace.as_deref(), Some("spark"));
    assert_eq!(file.shutdown, Shutdown::Drain);
    assert_eq!(file.run_for, Some(Span::seconds(30)));
    let owner = Owner::Object {
        api_version: None,
        kind: "Deployment".to_owned(),
        name: "engine".to_owned(),
    };
    assert_eq!(file.owner, Some(owner));
    assert!(file.lease);
    let config = &file.config;
    assert_eq!(config.engine, EngineMode::None);
    assert_eq!(
        config.growing.ramp,
        Ramp::Fixed {
            size: 5,
            every: Span::seconds(1)
        }
    );
    assert_eq!(config.growing.max_in_flight, 64);
    assert_eq!(config.growing.request_timeout, Span::seconds(20));
    assert_eq!(config.growing.max_pending, Some(7));
    assert_eq!(config.growing.max_executors, Some(90));
    assert_eq!(config.shrinking.pending_protection, Span(0));
    assert_eq!(config.shrinking.drain_timeout, Span::seconds(60));
    assert!(config.ending.keep_finished && config.seeing.check_all_containers);
    assert_eq!(config.ending.stuck_after, Span::seconds(240));
    assert_eq!(config.ending.overdue_after, Span::seconds(50));
    assert_eq!(config.ending.missing_tolerance, Span::seconds(20));
    assert_eq!(config.failing.max_failures, Some(0));
    assert_eq!(config.failing.failure_window, None);
    assert_eq!(config.failing.healthy_after, Span(500));
    assert_eq!(config.failing.quota_retry, Span::seconds(5));
    assert_eq!(config.failing.quota_retry_max, Span::seconds(60));
    assert_eq!(config.seeing.watch_silence, Span::seconds(80));
    assert_eq!(config.seeing.relist_every, None);
    assert_eq!(config.living.lease_duration, Span::seconds(30));
    assert_eq!(config.group("small").replace, Replace::AfterTermination);
    let small = &file.groups["small"];
    assert_eq!((small.wish.target, small.wish.maximum), (30, Some(40)));
    let container = &small.template.value()["spec"]["containers"][0];
    assert_eq!(container["resources"]["requests"]["cpu"], "0.5");
    assert_eq!(container["env"][0]["value"], "info");
    assert_eq!(file.groups["large"].template.main_container(), "executor");
    assert_eq!(file.wishes()["large"].target, 5);
}

#[test]
fn idle_groups_have_their_timeout() {
    let shrink = |keys: &str| good(&group(keys)).config.group("small").shrink;
    let idle = |n| Shrink::Idle {
        timeout: Span::seconds(n),
    };
    assert_eq!(shrink("image: i, shrink: idle"), idle(60));
    assert_eq!(shrink("image: i, shrink: idle, idle_timeout: 5s"), idle(5));
}

#[test]
fn every_error_is_one_line_that_says_where_what_and_the_way_out() {
    for (text, expected) in [
        (
            group("target: -3, image: i"),
            "fleet.yaml:3:19: groups.small.target: -3 is negative; a target is a whole number from 0 to 1073741824",
        ),
        (
            group("target: 1073741825, image: i"),
            "fleet.yaml:3:19: groups.small.target: 1073741825 is too large; a target is a whole number from 0 to 1073741824",
        ),
        (
            group("target: many, image: i"),
            "fleet.yaml:3:19: groups.small.target: \"many\" is no whole number; a target is a whole number from 0 to 1073741824",
        ),
        (
            group("target: 1.5, image: i"),
            "fleet.yaml:3:19: groups.small.target: 1.5 is no whole number; a target is a whole number from 0 to 1073741824",
        ),
        (
            group("tagret: 3, image: i"),
            "fleet.yaml:3:11: groups.small.tagret: there is no such key here; did you mean target?",
        ),
        (
            config("max-failures: 3"),
            "fleet.yaml:2:10: config.max-failures: there is no such key here; did you mean max_failures?",
        ),
        (
            config("start_timeout: 0"),
            "fleet.yaml:2:25: config.start_timeout: 0 would give every pod up at once; write 10m, say, or never",
        ),
        (
            config("backoff_first: 10m"),
            "fleet.yaml:2:25: config.backoff_first: 10m is more than backoff_max, which is 5m; lower the one or raise the other",
        ),
        (
            config("backoff_after: 0"),
            "fleet.yaml:2:25: config.backoff_after: 0 would let nothing happen, ever; write 1 or more",
        ),
        (
            config("max_deletes: {size: 1, every: 0}"),
            "fleet.yaml:2:40: config.max_deletes.every: 0 would be no bound at all; write 1m, say, or max_deletes: none",
        ),
        (
            config("max_deletes: 5"),
            "fleet.yaml:2:23: config.max_deletes: 5 is not a map, as {size: 10, every: 1m}, or none",
        ),
        (
            config("suspicious_loss: 1.5"),
            "fleet.yaml:2:27: config.suspicious_loss: 1.5 is no share; write a number from 0.01 to 1, as 0.5, or never",
        ),
        (
            config("suspicious_loss: 0"),
            "fleet.yaml:2:27: config.suspicious_loss: 0 is no share; write a number from 0.01 to 1, as 0.5, or never",
        ),
        (
            config("start_timeout: 1m, image_pull_patience: 3m"),
            "fleet.yaml:2:50: config.image_pull_patience: 3m is more than start_timeout, which is 1m, and so would never be reached; lower the one or raise the other",
        ),
        (
            config("ramp: {fixed: {size: 5, every: 1s}}, quota_retry_max: 5s"),
            "fleet.yaml:2:1: config.quota_retry: 10s is more than quota_retry_max, which is 5s; lower the one or raise the other",
        ),
        (
            config("backoff_max: 10s"),
            "fleet.yaml:2:1: config.backoff_first: 30s is more than backoff_max, which is 10s; lower the one or raise the other",
        ),
        (
            "fleet: demo\nconfig: {max_pending: 5}\ngroups: {a: {image: i, max_pending: 6}}\n".to_owned(),
            "fleet.yaml:3:37: groups.a.max_pending: 6 is more than config.max_pending, which is 5; lower the one or raise the other",
        ),
        (
            group("image: i, roll: {every: 1h, at_once: 0}"),
            "fleet.yaml:3:48: groups.small.roll.at_once: 0 would let nothing happen, ever; write 1 or more",
        ),
        (
            "fleet: demo\nconfig: {engine: none}\ngroups: {a: {image: i, roll: {policy: {highest: gc}}}}\n".to_owned(),
            "fleet.yaml:3:31: groups.a.roll.policy: a metric does not go with config.engine: none, where nobody reports metrics; write oldest or lowest_id",
        ),
        (
            "fleet: demo\nconfig: {engine: none}\ngroups: {a: {image: i, resources: {memory: 1Gi}, resize: {}}}\n".to_owned(),
            "fleet.yaml:3:50: groups.a.resize: this does not go with config.engine: none, where nobody reports metrics; leave it out, or write config.engine: registering",
        ),
        (
            group("image: i, claims: {size: 1Gi, path: data}"),
            "fleet.yaml:3:47: groups.small.claims.path: \"data\" is no place for a claim; write an absolute path below /, as /data",
        ),
        (
            group("image: i, resources: {memory: 4Gi}, resize: {threshold: 100}"),
            "fleet.yaml:3:67: groups.small.resize.threshold: 100 is never passed: an executor is out of memory before that; write a percentage from 1 to 99, as 90",
        ),
        (
            group("resize: {}, template: {spec: {containers: [{name: a, image: i, resources: {limits: {memory: 1Gi}}}]}}"),
            "fleet.yaml:3:11: groups.small.resize: this does not go without a memory request and limit of the template's main container: an executor without a memory limit can't be given more; write both",
        ),
        (
            group("resize: {max: 1Gi}, template: {spec: {containers: [{name: a, image: i, resources: {requests: {memory: 1Gi}, limits: {memory: 2Gi}}}]}}"),
            "fleet.yaml:3:25: groups.small.resize.max: this is less than the memory limit of the template's main container, which is 2Gi; lower the one or raise the other",
        ),
        (
            group("image: i, roll: {every: 0s}"),
            "fleet.yaml:3:35: groups.small.roll.every: 0 would replace executors without pause; write 1h, say, or never",
        ),
        (
            group("image: i, roll: {policy: youngest}"),
            "fleet.yaml:3:36: groups.small.roll.policy: \"youngest\" is not one of lowest_id, oldest, highest, outlier",
        ),
        (
            group("image: i, claims: {size: 10Gi, reuse: false, wait: true}"),
            "fleet.yaml:3:62: groups.small.claims.wait: true does not go with reuse: false: no claim would ever come free; leave one of them out",
        ),
        (
            group(
                "claims: {size: 1Gi}, template: {spec: {containers: [{name: a, image: i, volumeMounts: [{name: v, mountPath: /data}]}]}}",
            ),
            "fleet.yaml:3:11: groups.small.claims.path: container \"a\" of the template mounts \"v\" at /data; write another path",
        ),
        (
            group(
                "template: {spec: {volumes: [{name: evenkeel-claim}], containers: [{name: a, image: i}]}}",
            ),
            "fleet.yaml:3:46: groups.small.template.spec.volumes[0].name: evenkeel-claim is the volume that Evenkeel adds for an executor's own claim; name this one otherwise, or leave it out and mount it only",
        ),
        (
            group("image: i, claims: {size: 0}"),
            "fleet.yaml:3:36: groups.small.claims.size: 0 is no size; write an amount above 0, as 10Gi",
        ),
        (
            group("image: i, resize: {}"),
            "fleet.yaml:3:21: groups.small.resize: this does not go without resources.memory: an executor without a memory limit can't be given more; write one, as 4Gi",
        ),
        (
            group("image: i, resources: {memory: 4Gi}, resize: {max: 2Gi}"),
            "fleet.yaml:3:61: groups.small.resize.max: this is less than resources.memory, which is 4Gi; lower the one or raise the other",
        ),
        (
            config("max_in_flight: 0"),
            "fleet.yaml:2:25: config.max_in_flight: 0 would let nothing happen, ever; write 1 or more",
        ),
        (
            config("drain_timeout: 90"),
            "fleet.yaml:2:25: config.drain_timeout: 90 has no unit; write 90s for seconds",
        ),
        (
            config("drain_timeout: -5"),
            "fleet.yaml:2:25: config.drain_timeout: -5 is negative; a duration is 0 or more, as 90s",
        ),
        (
            config("drain_timeout: soon"),
            "fleet.yaml:2:25: config.drain_timeout: \"soon\" is no duration; write a whole number and ms, s, m or h, as 90s",
        ),
        (
            config("drain_timeout: never"),
            "fleet.yaml:2:25: config.drain_timeout: \"never\" is no duration; write a whole number and ms, s, m or h, as 90s",
        ),
        (
            config("relist_every: 1.5h"),
            "fleet.yaml:2:24: config.relist_every: \"1.5h\" is no duration; write a whole number and ms, s, m or h, as 90s, or never",
        ),
        (
            config("relist_every: 0"),
            "fleet.yaml:2:24: config.relist_every: 0 would list without pause; write 5m, say, or never",
        ),
        (
            config("request_timeout: 0"),
            "fleet.yaml:2:27: config.request_timeout: 0 would give every request up at once; write 30s, say",
        ),
        (
            config("stuck_after: 0s"),
            "fleet.yaml:2:23: config.stuck_after: 0 would list without pause; write 5m, say",
        ),
        (
            config("failure_window: 0"),
            "fleet.yaml:2:26: config.failure_window: 0 would forget each failure at once; write 1h, say, or raise max_failures",
        ),
        (
            config("quota_retry: 0"),
            "fleet.yaml:2:23: config.quota_retry: 0 would knock at a full quota without pause; write 10s, say",
        ),
        (
            config("watch_silence: 0"),
            "fleet.yaml:2:25: config.watch_silence: 0 would replace the watch without pause; write 90s, say",
        ),
        (
            config("quota_retry: 3m"),
            "fleet.yaml:2:23: config.quota_retry: 3m is more than quota_retry_max, which is 2m; lower the one or raise the other",
        ),
        (
            config("ramp: {fixed: {size: 0, every: 1s}}"),
            "fleet.yaml:2:31: config.ramp.fixed.size: 0 would let nothing happen, ever; write 1 or more",
        ),
        (
            config("ramp: {fixed: {size: 1, every: 0}}"),
            "fleet.yaml:2:41: config.ramp.fixed.every: 0 would be no ramp at all; write 1s, say, or ramp: governed",
        ),
        (
            config("ramp: {fixed: {size: 1}}"),
            "fleet.yaml:2:24: config.ramp.fixed.every: this is missing, and must be given",
        ),
        (
            config("ramp: steep"),
            "fleet.yaml:2:16: config.ramp: \"steep\" is not one of governed, fixed",
        ),
        (
            config("ramp: [1]"),
            "fleet.yaml:2:16: config.ramp: this is not one of governed, fixed",
        ),
        (
            config("engine: non"),
            "fleet.yaml:2:18: config.engine: \"non\" is not known here; did you mean none?",
        ),
        (
            config("lease: maybe"),
            "fleet.yaml:2:17: config.lease: \"maybe\" is neither on nor off",
        ),
        (
            config("lease_duration: 2s"),
            "fleet.yaml:2:26: config.lease_duration: 2s is no time for a lease, which is of whole seconds, at least 5s; write 15s, say",
        ),
        (
            config("lease_duration: 48h"),
            "fleet.yaml:2:26: config.lease_duration: 48h is too long: nobody could take over for that time; write 15s, say, and no more than 24h",
        ),
        (
            config("owner: me"),
            "fleet.yaml:2:17: config.owner: \"me\" is not driver, none, or a map, as {kind: Deployment, name: engine}",
        ),
        (
            config("owner: {kind: Job, nam: n}"),
            "fleet.yaml:2:29: config.owner.nam: there is no such key here; did you mean name?",
        ),
        (
            config("max_pending: all"),
            "fleet.yaml:2:23: config.max_pending: \"all\" is no bound; write a whole number, or none for no bound",
        ),
        (
            config("keep_finished: 1"),
            "fleet.yaml:2:25: config.keep_finished: 1 is not true or false",
        ),
        (
            config("main_container: app"),
            "fleet.yaml:2:26: config.main_container: in group small: there is no container \"app\" in this template; it has executor",
        ),
        (
            group("target: 5, maximum: 3, image: i"),
            "fleet.yaml:3:31: groups.small.maximum: 3 is less than target, which is 5; lower the target or raise the maximum",
        ),
        (
            group("target: 5"),
            "fleet.yaml:3:3: groups.small: neither image nor template is given; write image: NAME, or template: with a PodTemplateSpec",
        ),
        (
            group("template: {spec: {}}, image: i"),
            "fleet.yaml:3:40: groups.small.image: image does not go with template; write it into the template's container",
        ),
        (
            group("template: {spec: {}}"),
            "fleet.yaml:3:22: groups.small.template.spec.containers: a pod needs at least one container",
        ),
        (
            group("template: {spec: {restartPolicy: Always, containers: [{name: a, image: b}]}}"),
            "fleet.yaml:3:44: groups.small.template.spec.restartPolicy: Always is refused: an executor is never restarted in its pod, but replaced; leave it out or write Never",
        ),
        (
            group("image: ''"),
            "fleet.yaml:3:18: groups.small.image: this is missing, and must be given",
        ),
        (
            group("image: 5"),
            "fleet.yaml:3:18: groups.small.image: 5 is not text here; put it in quotes",
        ),
        (
            group("image: i, command: run"),
            "fleet.yaml:3:30: groups.small.command: \"run\" is not a list, as [one, two]",
        ),
        (
            group("image: i, env: {LEVEL: 5}"),
            "fleet.yaml:3:34: groups.small.env.LEVEL: 5 is not text here; put it in quotes",
        ),
        (
            group("image: i, resources: {cpu: much}"),
            "fleet.yaml:3:38: groups.small.resources.cpu: \"much\" is no quantity; a quantity is a number with a unit or without, as 500m, 2, 1Gi",
        ),
        (
            group("image: i, resources: {cpu: -1}"),
            "fleet.yaml:3:38: groups.small.resources.cpu: -1 is negative; a resource is 0 or more",
        ),
        (
            group("image: i, resources: {gpu: 1}"),
            "fleet.yaml:3:33: groups.small.resources.gpu: there is no such key here; did you mean cpu?",
        ),
        (
            "fleet: demo\nconfig: {engine: none}\ngroups: {a: {image: i, shrink: idle}}\n"
                .to_owned(),
            "fleet.yaml:3:32: groups.a.shrink: idle does not go with config.engine: none, where nobody says who is idle; leave it out: a smaller target is enough",
        ),
        (
            "fleet: demo\nshutdown: leave\nconfig: {owner: driver}\ngroups: {a: {image: i}}\n"
                .to_owned(),
            "fleet.yaml:3:17: config.owner: driver does not go with shutdown: leave: the executors would be collected with the driver's pod; write owner: none, or shutdown: delete",
        ),
        (
            "fleet: demo\ncluster: kube\nconfig: {lease: off}\ngroups: {a: {image: i}}\n"
                .to_owned(),
            "fleet.yaml:3:17: config.lease: off goes with cluster: fake only: with cluster: kube two controllers could act for one fleet; leave it out",
        ),
        (
            "fleet: Demo\ngroups: {}\n".to_owned(),
            "fleet.yaml:1:8: fleet: \"Demo\" is no name for a fleet: at most 40 lower case letters, digits and -, with no - at either end",
        ),
        (
            "fleet: demo\nnamespace: a.b\ngroups: {}\n".to_owned(),
            "fleet.yaml:2:12: namespace: \"a.b\" is no name for a namespace: at most 63 lower case letters, digits and -, with no - at either end",
        ),
        (
            "fleet: demo\ngroups: {a b: {image: i}}\n".to_owned(),
            "fleet.yaml:2:10: groups[\"a b\"]: \"a b\" is no name for a group: at most 63 letters, digits, -, _ and ., with a letter or digit at both ends",
        ),
        (
            "fleet: demo\ncluster: process\ngroups: {}\n".to_owned(),
            "fleet.yaml:2:10: cluster: \"process\" is not one of fake, kube",
        ),
        (
            "fleet: demo\nshutdown: stay\ngroups: {}\n".to_owned(),
            "fleet.yaml:2:11: shutdown: \"stay\" is not one of leave, drain, delete",
        ),
        (
            "groups: {}\n".to_owned(),
            "fleet.yaml:1:1: fleet: this is missing, and must be given",
        ),
        (
            "fleet: demo\n".to_owned(),
            "fleet.yaml:1:1: groups: this is missing, and must be given",
        ),
        (
            "fleet: demo\ngroups: [a]\n".to_owned(),
            "fleet.yaml:2:9: groups: a list is not a map, as {KEY: value}",
        ),
        (
            "fleet: demo\ngroups: {a: }\n".to_owned(),
            "fleet.yaml:2:11: groups.a: nothing is given here; write a map of the group's keys, as {target: 3, image: worker:1}",
        ),
        (
            "- demo\n".to_owned(),
            "fleet.yaml:1:1: a list is not a fleet file: a map with the keys fleet and groups",
        ),
        (
            String::new(),
            "fleet.yaml:1:1: nothing is given here; write a fleet file: a map with the keys fleet and groups",
        ),
        (
            "fleet: demo\nfleet: other\ngroups: {}\n".to_owned(),
            "fleet.yaml:2:1: fleet is given twice; keep one of them",
        ),
        (
            "fleet: demo\n--- \nfleet: other\n".to_owned(),
            "fleet.yaml:3:1: another document begins here; write one document to a file",
        ),
        (
            "fleet: [\n".to_owned(),
            "fleet.yaml:1:8: this is no YAML that can be read: unclosed bracket '['",
        ),
    ] {
        let found = line(&text);
        assert_eq!(found, expected, "of\n{text}");
    }
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    for (text, expected) in [
        (config("watch_silence: 60s"),
         "fleet.yaml:2:25: config.watch_silence: 1m is under 75s: servers say something once a minute only, so that a good watch will be replaced now and then"),
        (config("max_pending: 0"),
         "fleet.yaml:2:23: config.max_pending: with 0 nothing is ever created; leave it out for no bound"),
        (config("max_executors: 0"),
         "fleet.yaml:2:25: config.max_executors: with 0 nothing is ever created; leave it out for no bound"),
        (group("image: i, max_pending: 0"),
         "fleet.yaml:3:34: groups.small.max_pending: with 0 nothing is ever created; leave it out for no bound"),
        (group("image: i, idle_timeout: 5s"),
         "fleet.yaml:3:35: groups.small.idle_timeout: this does nothing without shrink: idle"),
        (config("start_timeout: 1m"),
         "fleet.yaml:2:25: config.start_timeout: 1m is less than image_pull_patience, which is 2m: an image that can't be pulled is given up as start_timeout; lower the other too, or raise this one"),
        (config("start_timeout: never, image_pull_patience: never"),
         "fleet.yaml:2:53: config.image_pull_patience: with never, and start_timeout: never, a pod whose image can't be pulled is waited for for ever; write a time for one of them"),
        (config("start_timeout: 3m, pending_protection: 4m"),
         "fleet.yaml:2:49: config.pending_protection: 4m is more than start_timeout, which is 3m: a lower target never takes what is pending; lower the one or raise the other"),
        (config("relist_every: 1m"),
         "fleet.yaml:2:24: config.relist_every: 1m is less than watch_silence, which is 90s: the whole fleet is listed more often than a watch is doubted; raise the one or lower the other"),
        (config("watch_silence: 10m"),
         "fleet.yaml:2:1: config.relist_every: 5m is less than watch_silence, which is 10m: the whole fleet is listed more often than a watch is doubted; raise the one or lower the other"),
        (config("stuck_after: 20s"),
         "fleet.yaml:2:1: config.request_timeout: 30s is more than stuck_after, which is 20s: a request that may yet be answered will count as stuck; lower the one or raise the other"),
        (config("max_pending: 9, max_executors: 8"),
         "fleet.yaml:2:23: config.max_pending: 9 is more than max_executors, which is 8, and so is never reached; lower it, or leave it out"),
        (config("max_pending: 9, start_timeout: never"),
         "fleet.yaml:2:41: config.start_timeout: with never, and max_pending: 9, pods that never start hold its places for ever; write a time, 10m, say"),
        (config("ramp: {fixed: {size: 200, every: 1s}}"),
         "fleet.yaml:2:31: config.ramp.fixed.size: 200 is more than max_in_flight, which is 128: so many are never under way at once; lower the one or raise the other"),
        (config("max_failures: 3, failure_window: never"),
         "fleet.yaml:2:43: config.failure_window: with never, a fleet that lives for long is halted in the end, by its failure number 4 (max_failures); write a time, 1h, say"),
        (config("max_failures: 3, backoff_after: 5"),
         "fleet.yaml:2:42: config.backoff_after: 5 is more than the 3 that max_failures allows: the fleet is halted before a group backs off; lower the one or raise the other"),
        (config("healthy_after: 5s"),
         "fleet.yaml:2:25: config.healthy_after: this does nothing with engine: registering, where an executor that registers has started well"),
        (config("engine: none, register_timeout: 5m"),
         "fleet.yaml:2:42: config.register_timeout: this does nothing with engine: none, where nobody registers"),
        (config("engine: none, drain_timeout: 1m"),
         "fleet.yaml:2:39: config.drain_timeout: this does nothing with engine: none, where a drain is a delete"),
        (config("engine: none, missing_tolerance: 1m"),
         "fleet.yaml:2:43: config.missing_tolerance: this does nothing with engine: none, where nobody registers"),
        (config("lease: off, lease_duration: 30s"),
         "fleet.yaml:2:38: config.lease_duration: this does nothing with lease: off"),
        ("fleet: demo\nshutdown: drain\nconfig: {drain_timeout: 0}\ngroups: {}\n".to_owned(),
         "fleet.yaml:2:11: shutdown: drain with config.drain_timeout: 0 deletes all at once; write delete, or a time, 5m, say"),
        ("fleet: demo\nconfig: {max_executors: 3}\ngroups: {a: {image: i, target: 2, maximum: 4}}\n".to_owned(),
         "fleet.yaml:3:44: groups.a.maximum: 4 is more than config.max_executors, which is 3: the group will not get there; lower the one or raise the other"),
        ("fleet: demo\nconfig: {max_executors: 3}\ngroups: {a: {image: i, target: 3, roll: {every: 1h}}}\n".to_owned(),
         "fleet.yaml:3:49: groups.a.roll.every: config.max_executors, which is 3, leaves no room for a replacement beside the 3 that the targets come to: none will ever be made; raise it"),
        (group("image: i, roll: {min_tasks: 5}"),
         "fleet.yaml:3:39: groups.small.roll.min_tasks: this does nothing without roll.every; write that too, or leave this out"),
        (group("image: i, target: 2, roll: {every: 1h, at_once: 3}"),
         "fleet.yaml:3:59: groups.small.roll.at_once: 3 is more than target, which is 2: all are replaced at once; lower it"),
        ("fleet: demo\nconfig: {max_executors: 3}\ngroups: {a: {image: i, target: 2}, b: {image: i, target: 2}}\n".to_owned(),
         "fleet.yaml:2:25: config.max_executors: 3 is less than the 4 that the groups' targets come to: the fleet will not get there"),
        ("fleet: demo\ncluster: kube\nweather: {}\ngroups: {}\n".to_owned(),
         "fleet.yaml:3:1: weather: this is for cluster: fake only, and does nothing with cluster: kube"),
    ] {
        let warnings = good(&text).warnings;
        let lines: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(lines, [expected], "of\n{text}");
    }
}

#[test]
fn what_is_odd_only_at_first_sight_is_let_be() {
    for text in [
        // A run that ends by itself may count all its failures.
        "fleet: demo\nfor: 1h\nconfig: {max_failures: 3, failure_window: never}\ngroups: {}\n"
            .to_owned(),
        config("start_timeout: 5m, image_pull_patience: 5m, backoff_first: 5m, quota_retry: 2m"),
        config("engine: none, healthy_after: 5s"),
        config("max_failures: 1"),
        config("max_pending: 5, max_executors: 5"),
        group(
            "image: i, target: 2, roll: {every: 1h, at_once: 2, min_tasks: 5, policy: {outlier: gc}}",
        ),
        group("image: i, resources: {memory: 4Gi}, resize: {max: 4Gi, threshold: 99}"),
    ] {
        let warnings = good(&text).warnings;
        assert!(warnings.is_empty(), "{warnings:?} of\n{text}");
    }
}

#[test]
fn the_cluster_given_wins_over_the_files() {
    let text = config("lease: off");
    let file = parse_for(&text, "f", Some(ClusterKind::Fake)).expect("off is right on the fake");
    assert!(!file.lease);
    let error = parse_for(&text, "f", Some(ClusterKind::Kube)).expect_err("not with kube");
    assert_eq!(error.field.to_string(), "config.lease");
}

#[test]
fn anchors_and_merges_are_yaml_too() {
    let file = good(
        "fleet: demo\ngroups:\n  a: &base {image: i, target: 1}\n  b: {<<: *base, target: 2}\n",
    );
    assert_eq!(
        (file.wishes()["a"].target, file.wishes()["b"].target),
        (1, 2)
    );
    assert_eq!(file.wishes()["a"].template, file.wishes()["b"].template);
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let error = read(Path::new("no/such/fleet.yaml")).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "no/such/fleet.yaml: there is no such file; check the path"
    );
    let error = read(Path::new(".")).expect_err("a folder");
    assert_eq!(
        error.to_string(),
        ".: this is a folder; name the file in it"
    );
}

#[test]
fn keys_can_be_parts_of_other_files() {
    #[derive(serde::Deserialize)]
    struct Story {
        config: ConfigKeys,
        groups: std::collections::BTreeMap<evenkeel_core::Group, GroupKeys>,
    }
    let text = "config: {max_failures: 10}\ngroups: {default: {target: 3}}\n";
    let story: Story = from_yaml(text, "story.yaml").expect("a good story");
    let config = story.config.config(&story.groups, 7);
    assert_eq!((config.seed, config.failing.max_failures), (7, Some(10)));
    assert!(story.groups["default"].pod_template().is_none());
    let bad = from_yaml::<Story>("config: {max_failures: x}\ngroups: {}\n", "story.yaml");
    let line = bad.err().map(|error| error.to_string());
    assert_eq!(
        line.as_deref(),
        Some(
            "story.yaml:1:24: config.max_failures: \"x\" is no whole number; this is a whole number from 0 to 1073741824"
        )
    );
}

#[test]
fn a_deep_document_is_refused_and_not_a_crash() {
    for deep in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
    ] {
        assert!(parse(&deep, "f").is_err());
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".*") {
        let _ = parse(&text, "f");
    }

    #[test]
    fn no_yaml_makes_it_panic(
        keys in prop::collection::vec(
            ("(fleet|groups|config|weather|for|cluster|[a-z]{1,3})", "[-0-9a-z.:{}\\[\\],&*!<|>'\" \n]{0,24}"),
            0..6,
        )
    ) {
        let text: String = keys.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        if let Err(error) = parse(&text, "f") {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
