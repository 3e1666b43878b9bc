//! The keys of a group.

use super::{BOUND, DURATION, Key, QUANTITY, SWITCH, TEXT};

const LIST: &str = "a list of text";

pub(super) const KEYS: &[Key] = &[
    Key::new("groups.NAME", "GROW-1", "a map")
        .required("")
        .means("A group, by its name: at most 63 letters, digits, `-`, `_` and `.`."),
    Key::new("groups.NAME.target", "GROW-1", "a whole number up to 2^30")
        .or("0", "3")
        .means("How many executors are wanted at first."),
    Key::new("groups.NAME.maximum", "FAIL-1", "a whole number, at least `target`")
        .without("the largest target so far", "10")
        .means("The most that will ever be asked for: what the default of `max_failures` is reckoned from."),
    Key::new("groups.NAME.max_pending", "GROW-2", BOUND)
        .or("none", "5")
        .means("The most of its executors that are requested, created or pending."),
    Key::new("groups.NAME.replace", "GROW-1", "`at_once` or `after_termination`")
        .or("at_once", "after_termination")
        .means("When the place of a leaving executor is free: as it leaves, or when it is seen finished or gone."),
    Key::new("groups.NAME.shrink", "SHRINK-2", "`asked` or `idle`")
        .or("asked", "idle")
        .means("Who lets running executors go: the engine one by one, or a lower target among those that are idle."),
    Key::new("groups.NAME.idle_timeout", "SHRINK-2", DURATION)
        .implied("60s", "5m")
        .means("With `shrink: idle`, an executor may be let go once it was idle for this long."),
    Key::new("groups.NAME.before_loss", "SPOT", SWITCH)
        .or("true", "false")
        .means("An executor that will soon be lost is replaced before it is; with `false`, only after."),
    Key::new("groups.NAME.roll", "ROLL", "a map").means("When running executors are replaced by newer ones."),
    Key::new("groups.NAME.roll.every", "ROLL", "a duration, not 0, or `never`")
        .or("never", "24h")
        .means("Some are replaced this often, whatever their template; first after that long."),
    Key::new("groups.NAME.roll.at_once", "ROLL", "a whole number, at least 1")
        .or("1", "2")
        .means("At most so many at a time."),
    Key::new("groups.NAME.roll.policy", "ROLL", "`lowest_id`, `oldest`, `{highest: METRIC}` or `{outlier: METRIC}`")
        .or("oldest", "lowest_id")
        .means("Which; an outlier is over two standard deviations above the mean, and where there is none, it is the highest."),
    Key::new("groups.NAME.roll.min_tasks", "ROLL", "a whole number")
        .or("0", "100")
        .means("By `every`, only those that have done so many tasks (metric `tasks`)."),
    Key::new("groups.NAME.roll.on_change", "ROLL", SWITCH)
        .or("true", "false")
        .means("Those made from another template than the group's are replaced first, without waiting for `every`."),
    Key::new("groups.NAME.claims", "CLAIM", "a map")
        .without("no claims", "")
        .means("The persistent volume claim that each executor uses."),
    Key::new("groups.NAME.claims.size", "CLAIM", "a quantity above 0: `10Gi`")
        .required("10Gi")
        .means("How large it is."),
    Key::new("groups.NAME.claims.class", "CLAIM", TEXT)
        .without("the cluster's default", "fast")
        .means("Its storage class."),
    Key::new("groups.NAME.claims.path", "CLAIM", "an absolute path")
        .or("/data", "/var/spill")
        .means("Where the main container finds it."),
    Key::new("groups.NAME.claims.reuse", "CLAIM", SWITCH)
        .or("true", "false")
        .means("One that is free is used again; with `false` it is deleted."),
    Key::new("groups.NAME.claims.wait", "CLAIM", SWITCH)
        .or("false", "true")
        .means("No claim is made beyond the group's target: an executor waits for one to come free."),
    Key::new("groups.NAME.resize", "SIZE", "a map")
        .without("executors stay as they are", "")
        .means("When an executor is given more memory where it runs."),
    Key::new("groups.NAME.resize.threshold", "SIZE", "a whole number of percent, from 1 to 99")
        .or("90", "80")
        .means("When its metric `memory` is over so many percent of its limit."),
    Key::new("groups.NAME.resize.percent", "SIZE", "a whole number of percent, at least 1")
        .or("10", "25")
        .means("It is given so many percent more."),
    Key::new("groups.NAME.resize.max", "SIZE", "a quantity above 0: `8Gi`")
        .without("no bound", "8Gi")
        .means("It is given no more than this."),
    Key::new("groups.NAME.image", "", TEXT)
        .without("`template` instead", "worker:2")
        .means("The image of the one container, named `executor`."),
    Key::new("groups.NAME.command", "", LIST)
        .without("the image's entry point", "[worker]")
        .means("What it runs."),
    Key::new("groups.NAME.args", "", LIST)
        .without("none", "[--fast]")
        .means("The arguments."),
    Key::new("groups.NAME.env", "", "a map from names to text")
        .without("what Evenkeel sets: `EVENKEEL_FLEET`, `EVENKEEL_GROUP`, `EVENKEEL_EXECUTOR_ID`", "{LEVEL: info}")
        .means("The environment."),
    Key::new("groups.NAME.resources", "", "a map").means("What an executor needs."),
    Key::new("groups.NAME.resources.cpu", "", QUANTITY)
        .without("no request", "500m")
        .means("CPUs: requested, not limited."),
    Key::new("groups.NAME.resources.memory", "", QUANTITY)
        .without("no request, no limit", "1Gi")
        .means("Memory: requested, and the limit."),
    Key::new("groups.NAME.template", "", "a PodTemplateSpec")
        .without("made from `image` and the other keys", "{spec: {containers: [{name: executor, image: worker:2}]}}")
        .means("What the pods are made from, in place of `image`, `command`, `args`, `env` and `resources`."),
];
