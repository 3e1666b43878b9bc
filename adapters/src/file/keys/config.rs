//! The keys of `config`.

use super::{BOUND, DURATION, Key, NUMBER, OR_NEVER, SWITCH, TEXT};

pub(super) const KEYS: &[Key] = &[
    Key::new("config.engine", "FAIL-2, SHRINK-2", "`registering` or `none`")
        .or("registering", "none")
        .means("Whether executors register with an engine; with `none` one that runs counts as registered, and a drain is a delete."),
    Key::new("config.ramp", "GROW-4", "`governed`, or a map `{fixed: {size, every}}`")
        .or("governed", "{fixed: {size: 5, every: 1s}}")
        .means("What bounds creates: a window that grows with each success and halves on trouble, or a fixed number per interval."),
    Key::new("config.ramp.fixed", "GROW-4", "a map")
        .without("the governed ramp", "{size: 5, every: 1s}")
        .means("A fixed number of creates per interval and group."),
    Key::new("config.ramp.fixed.size", "GROW-4", "a whole number, at least 1")
        .required("5")
        .means("At most so many creates of a group in each interval."),
    Key::new("config.ramp.fixed.every", "GROW-4", "a duration, not 0")
        .required("1s")
        .means("The interval."),
    Key::new("config.max_in_flight", "GROW-4", "a whole number, at least 1")
        .or("128", "64")
        .means("The most creates that are sent and not answered; other effects have as many of their own."),
    Key::new("config.request_timeout", "GROW-4", "a duration, not 0")
        .or("30s", "20s")
        .means("Within this time each request is answered, if only by \"unclear\"."),
    Key::new("config.max_pending", "GROW-2", BOUND)
        .or("none", "50")
        .means("The most executors of the fleet that are requested, created or pending."),
    Key::new("config.max_executors", "GROW-2", BOUND)
        .or("none", "1000")
        .means("The most executors of the fleet, those that leave included."),
    Key::new("config.start_timeout", "GROW-6", "a duration, not 0, or `never`")
        .or("10m", "15m")
        .means("A pod that was pending and unregistered for so long is given up: a startup failure."),
    Key::new("config.register_timeout", "GROW-6", "a duration, not 0, or `never`")
        .or("10m", "5m")
        .means("An executor that has run for so long without registering is given up; never with `engine: none`."),
    Key::new("config.image_pull_patience", "GROW-6", OR_NEVER)
        .or("2m", "5m")
        .means("A pod whose containers can't be made, for their image or their settings, is given up after this."),
    Key::new("config.pending_protection", "SHRINK-1", DURATION)
        .or("60s", "30s")
        .means("A pod younger than this is no victim of a lower target."),
    Key::new("config.drain_timeout", "SHRINK-2", DURATION)
        .or("5m", "10m")
        .means("A drain lasts no longer: then the executor is deleted, drained or not."),
    Key::new("config.max_deletes", "SHRINK-5", "a map `{size, every}`, or `none`")
        .or("none", "{size: 10, every: 1m}")
        .means("The most deletions for an excess within a time."),
    Key::new("config.max_deletes.size", "SHRINK-5", "a whole number, at least 1")
        .required("10")
        .means("At most so many deletions."),
    Key::new("config.max_deletes.every", "SHRINK-5", "a duration, not 0")
        .required("1m")
        .means("In any span of this length."),
    Key::new("config.suspicious_loss", "SHRINK-5", "a share from 0.01 to 1, or `never`")
        .or("0.5", "0.8")
        .means("A listing that lacks such a share of the counting executors, of at least 10, is believed only after a second one."),
    Key::new("config.keep_finished", "END-2", SWITCH)
        .or("false", "true")
        .means("Finished pods are labelled `evenkeel.dev/finished=true` and left, not deleted."),
    Key::new("config.check_all_containers", "SEE-1", SWITCH)
        .or("false", "true")
        .means("A sidecar that ended with an exit code other than 0 makes its pod failed."),
    Key::new("config.main_container", "SEE-1", TEXT)
        .without("the template's own annotation, else its first container", "executor")
        .means("The container whose end is the executor's, by name, in every group."),
    Key::new("config.stuck_after", "SEE-5", "a duration, not 0")
        .or("5m", "10m")
        .means("Nothing waits for longer on a write of ours that does not show: then a listing is made, and that is a finding."),
    Key::new("config.overdue_after", "END-1", DURATION)
        .or("60s", "30s")
        .means("A pod that outlives its grace by this is told lost, though it still is there."),
    Key::new("config.missing_tolerance", "END-3", DURATION)
        .or("30s", "1m")
        .means("How long after its registration an executor may be absent from listings before it is missing."),
    Key::new("config.max_failures", "FAIL-1", NUMBER)
        .without("max(3, 2 × the sum of the groups' `maximum`)", "100")
        .means("More failures than this within `failure_window` halt the fleet: nothing is created any more."),
    Key::new("config.failure_window", "FAIL-1", "a duration, not 0, or `never`")
        .or("1h", "30m")
        .means("Failures as old as this are forgotten."),
    Key::new("config.healthy_after", "FAIL-2", DURATION)
        .or("10s", "30s")
        .means("With `engine: none`, an executor that has run for this long has started well."),
    Key::new("config.backoff_after", "FAIL-2", "a whole number, at least 1")
        .or("2", "5")
        .means("So many startup failures within `backoff_window` put their group in backoff."),
    Key::new("config.backoff_window", "FAIL-2", "a duration, not 0")
        .or("10m", "5m")
        .means("Startup failures as old as this are forgotten."),
    Key::new("config.backoff_first", "FAIL-2", "a duration, not 0")
        .or("30s", "10s")
        .means("How long a group in backoff waits for its first probe, doubling from probe to probe."),
    Key::new("config.backoff_max", "FAIL-2", DURATION)
        .or("5m", "10m")
        .means("How long a group in backoff waits for a probe at most."),
    Key::new("config.quota_retry", "FAIL-3", "a duration, not 0")
        .or("10s", "5s")
        .means("How long a full quota holds a group at first, doubling from try to try."),
    Key::new("config.quota_retry_max", "FAIL-3", DURATION)
        .or("2m", "5m")
        .means("How long a full quota holds a group at most."),
    Key::new("config.watch_silence", "SEE-4", "a duration; under 75s good watches are replaced too")
        .or("90s", "2m")
        .means("A watch that says nothing for this long, not even a bookmark, is replaced."),
    Key::new("config.relist_every", "SEE-4", "a duration, not 0, or `never`")
        .or("5m", "10m")
        .means("A listing is made this often in any case, for the event that was lost for good."),
    Key::new("config.lease", "LIVE-1", "`on` or `off`")
        .or("on", "off")
        .means("Whether the fleet's Lease is taken before anything is decided; `off` is for the fake only."),
    Key::new("config.lease_duration", "LIVE-1", "a duration: whole seconds, from 5s to 24h")
        .or("15s", "30s")
        .means("A lease that was not renewed for this long is free; it is renewed every third of that."),
    Key::new("config.owner", "LIVE-3", "`driver`, `none`, or a map `{kind, name}`")
        .without("`driver`, the pod that this runs in, where there is one; else `none`", "{kind: Deployment, name: engine}")
        .means("What the executors are collected with, in the same namespace."),
    Key::new("config.owner.kind", "LIVE-3", TEXT)
        .required("Deployment")
        .means("The owner's kind."),
    Key::new("config.owner.name", "LIVE-3", TEXT)
        .required("engine")
        .means("The owner's name."),
    Key::new("config.owner.api_version", "LIVE-3", TEXT)
        .without("known for the usual kinds", "apps/v1")
        .means("The owner's `apiVersion`."),
];
