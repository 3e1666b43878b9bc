//! The fleet file that a Spark application's settings make.

use super::{
    conf::{Bad, Conf},
    document::{Document, path},
    pod, units,
};
use evenkeel::template::FieldPath;
use serde_json::{Value, json};

/// The group that Spark's executors are in.
const GROUP: &str = "executors";

const BATCH: &str = "spark.kubernetes.allocation.batch";
const BACKOFF: &str = "spark.kubernetes.allocation.executor.backoff";

/// Makes the document; `keep_ramp`: with the batches of Spark's, in place of the governor.
pub fn document(conf: &Conf, keep_ramp: bool) -> Result<Document, Bad> {
    let mut doc = Document::default();
    let (name, from) = name(conf);
    doc.set(&path(&[&"fleet"]), name, from);
    doc.set(&path(&[&"cluster"]), "kube", "");
    if let Some(namespace) = conf.get("spark.kubernetes.namespace") {
        doc.set(
            &path(&[&"namespace"]),
            namespace,
            "spark.kubernetes.namespace",
        );
    }
    fleet_config(conf, keep_ramp, &mut doc)?;
    let group = path(&[&"groups", &GROUP]);
    numbers(conf, &group, &mut doc)?;
    extras(conf, &group, &mut doc)?;
    let pod = pod::pod(conf)?;
    if let Some(main) = pod.main {
        let from = "spark.kubernetes.executor.podTemplateContainerName";
        doc.set(&path(&[&"config", &"main_container"]), main, from);
    }
    if let Some(claims) = pod.claims {
        doc.graft(&group.then("claims"), claims, "");
    }
    doc.graft(&group.then("template"), pod.template, pod.from);
    Ok(doc)
}

/// The fleet's name, and where it is from.
fn name(conf: &Conf) -> (String, &'static str) {
    let keys = ["spark.kubernetes.executor.podNamePrefix", "spark.app.name"];
    let given = keys.into_iter().find_map(|key| Some((conf.get(key)?, key)));
    let (text, from) = given.unwrap_or_default();
    let letters = text.to_lowercase();
    let words = letters.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(40).collect();
    match name.trim_end_matches('-') {
        "" => ("spark".to_owned(), ""),
        name => (name.to_owned(), from),
    }
}

fn fleet_config(conf: &Conf, keep_ramp: bool, doc: &mut Document) -> Result<(), Bad> {
    let config = path(&[&"config"]);
    let mut set = |key: &str, value: Value, from: &str| doc.set(&config.then(key), value, from);
    let key = "spark.kubernetes.driver.pod.name";
    if let Some(pod) = conf.get(key) {
        set("owner", json!({"kind": "Pod", "name": pod}), key);
    }
    let key = "spark.kubernetes.allocation.maxPendingPods";
    if let Some(most) = bound(conf, key)? {
        set("max_pending", most, key);
    }
    let time = |key: &str| conf.read(key, |text| units::time(text, 1));
    let delay_key = format!("{BATCH}.delay");
    let size = if keep_ramp {
        conf.read(&format!("{BATCH}.size"), |text| units::number(text, 1))?
    } else {
        None
    };
    let key = "spark.kubernetes.allocation.executor.timeout";
    if let Some(timeout) = time(key)? {
        let delay = time(&delay_key)?.unwrap_or(1000);
        let most = timeout.max(delay.saturating_mul(5));
        let from = if most > timeout {
            format!("5 x {delay_key}, which is more than {key}")
        } else {
            key.to_owned()
        };
        set("start_timeout", units::duration(most).into(), &from);
    }
    if !keep_ramp {
        for key in ["size", "delay"] {
            conf.pass_over(
                &format!("{BATCH}.{key}"),
                "creates go out as fast as the API server takes them, no tick is waited for; --keep-ramp keeps the batches",
            );
        }
    }
    if keep_ramp {
        let every = time(&delay_key)?.unwrap_or(1000);
        let ramp = json!({"fixed": {"size": size.unwrap_or(20), "every": units::duration(every)}});
        set(
            "ramp",
            ramp,
            &format!("{BATCH}.size, .delay; 20 and 1s where they are not set, as in Spark 4.2"),
        );
    }
    let key = "spark.executor.decommission.forceKillTimeout";
    if let Some(most) = conf.read(key, |text| units::time(text, 1000))? {
        set("drain_timeout", units::duration(most).into(), key);
    }
    let key = "spark.kubernetes.executor.deleteOnTermination";
    if let Some(delete) = conf.read(key, units::switch)? {
        set("keep_finished", (!delete).into(), key);
    }
    let key = "spark.kubernetes.executor.checkAllContainers";
    if let Some(all) = conf.read(key, units::switch)? {
        set("check_all_containers", all.into(), key);
    }
    let key = "spark.kubernetes.executor.missingPodDetectDelta";
    if let Some(delta) = time(key)? {
        set("missing_tolerance", units::duration(delta).into(), key);
    }
    let key = "spark.executor.maxNumFailures";
    if let Some(most) = conf.read(key, |text| units::number(text, 0))? {
        set("max_failures", most.into(), key);
    }
    let key = "spark.executor.failuresValidityInterval";
    let never = |text: &str| text.starts_with('-');
    let window = |text: &str| {
        if never(text) {
            Ok(0)
        } else {
            units::time(text, 1)
        }
    };
    match conf.read(key, window)? {
        None => {}
        Some(0) => set("failure_window", "never".into(), key),
        Some(window) => set("failure_window", units::duration(window).into(), key),
    }
    backoff(conf, &mut set)
}

fn backoff(conf: &Conf, set: &mut impl FnMut(&str, Value, &str)) -> Result<(), Bad> {
    let enabled = format!("{BACKOFF}.enabled");
    if conf.read(&enabled, units::switch)? == Some(false) {
        conf.leave(&enabled, "backing off can't be turned off; only startup failures are held back, one probe at a time");
    }
    let key = format!("{BACKOFF}.failureThreshold");
    if let Some(after) = conf.read(&key, |text| units::number(text, 1))? {
        set("backoff_after", after.into(), &key);
    }
    for (theirs, ours) in [
        ("failureInterval", "backoff_window"),
        ("initialDelay", "backoff_first"),
        ("maxBackoffDelay", "backoff_max"),
    ] {
        let key = format!("{BACKOFF}.{theirs}");
        if let Some(span) = conf.read(&key, |text| units::time(text, 1))? {
            set(ours, units::duration(span).into(), &key);
        }
    }
    Ok(())
}

/// A bound; Spark's largest number means none.
fn bound(conf: &Conf, key: &str) -> Result<Option<Value>, Bad> {
    let most = conf.read(key, |text| units::number(text, 1))?;
    Ok(most.map(|most| match most {
        0..2_147_483_647 => most.into(),
        _ => "none".into(),
    }))
}

/// How many executors.
fn numbers(conf: &Conf, group: &FieldPath, doc: &mut Document) -> Result<(), Bad> {
    let number = |key: &str| conf.read(key, |text| units::number(text, 0));
    let instances = number("spark.executor.instances")?;
    let dynamic = "spark.dynamicAllocation.enabled";
    if conf.read(dynamic, units::switch)? == Some(true) {
        let least = number("spark.dynamicAllocation.minExecutors")?.unwrap_or(0);
        let first = number("spark.dynamicAllocation.initialExecutors")?.unwrap_or(least);
        let target = first.max(least).max(instances.unwrap_or(0));
        let from = "the most of spark.dynamicAllocation.minExecutors, .initialExecutors and spark.executor.instances";
        doc.set(&group.then("target"), target, from);
        let key = "spark.dynamicAllocation.maxExecutors";
        let most = |text: &str| match text.to_lowercase().as_str() {
            "infinity" => Ok(u64::MAX),
            _ => units::number(text, 0),
        };
        if let Some(most) = conf.read(key, most)?.filter(|most| *most < 2_147_483_647) {
            if most < target {
                return Err(conf.bad(
                    key,
                    &format!("{most} is less than the {target} that Spark would begin with"),
                ));
            }
            doc.set(&group.then("maximum"), most, key);
        }
        doc.set(&group.then("shrink"), "idle", dynamic);
        let key = "spark.dynamicAllocation.executorIdleTimeout";
        if let Some(idle) = conf.read(key, |text| units::time(text, 1000))? {
            doc.set(&group.then("idle_timeout"), units::duration(idle), key);
        }
    } else {
        let (target, from) = match instances {
            Some(instances) => (instances, "spark.executor.instances"),
            None => (2, "Spark's default"),
        };
        doc.set(&group.then("target"), target, from);
        doc.set(&group.then("maximum"), target, from);
    }
    let key = "spark.kubernetes.allocation.maxPendingPodsPerRp";
    if let Some(most) = bound(conf, key)? {
        doc.set(&group.then("max_pending"), most, key);
    }
    let key = "spark.kubernetes.allocation.pods.allocator";
    if conf.get(key).is_some_and(|allocator| allocator != "direct") {
        conf.leave(key, "pods are always made directly: a set chooses its victims itself, and knows nothing of busy executors");
    }
    Ok(())
}

/// Rolling and resizing.
fn extras(conf: &Conf, group: &FieldPath, doc: &mut Document) -> Result<(), Bad> {
    let key = "spark.kubernetes.executor.rollInterval";
    if let Some(every) = conf
        .read(key, |text| units::time(text, 1000))?
        .filter(|every| *every > 0)
    {
        let roll = group.then("roll");
        doc.set(&roll.then("every"), units::duration(every), key);
        let key = "spark.kubernetes.executor.rollPolicy";
        let (policy, from) = policy(conf, key)?;
        doc.set(&roll.then("policy"), policy, from);
        let key = "spark.kubernetes.executor.minTasksPerExecutorBeforeRolling";
        if let Some(tasks) = conf.read(key, |text| units::number(text, 0))? {
            doc.set(&roll.then("min_tasks"), tasks, key);
        }
    }
    let interval = "spark.kubernetes.executor.resizeInterval";
    if conf
        .read(interval, |text| units::time(text, 1000))?
        .is_some_and(|every| every > 0)
    {
        let resize = group.then("resize");
        let percent = |key: &str, usual: u64| {
            let share = conf.read(key, units::factor)?;
            // A share of an executor's memory: far from where whole numbers end.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is bounded"
            )]
            let percent = share.map(|share| (share * 100.0).round().min(10_000.0) as u64);
            Ok((
                percent.unwrap_or(usual),
                if percent.is_some() {
                    key.to_owned()
                } else {
                    interval.to_owned()
                },
            ))
        };
        let (threshold, from) = percent("spark.kubernetes.executor.resizeThreshold", 90)?;
        doc.set(&resize.then("threshold"), threshold, &from);
        let (more, from) = percent("spark.kubernetes.executor.resizeFactor", 10)?;
        doc.set(&resize.then("percent"), more, &from);
    }
    Ok(())
}

fn policy(conf: &Conf, key: &'static str) -> Result<(Value, &'static str), Bad> {
    const METRICS: [&str; 8] = [
        "TOTAL_GC_TIME",
        "TOTAL_DURATION",
        "AVERAGE_DURATION",
        "FAILED_TASKS",
        "PEAK_JVM_ONHEAP_MEMORY",
        "PEAK_JVM_OFFHEAP_MEMORY",
        "TOTAL_SHUFFLE_WRITE",
        "DISK_USED",
    ];
    let outlier = json!({"outlier": "total_duration"});
    let Some(given) = conf.get(key).map(|given| given.to_uppercase()) else {
        return Ok((outlier, "OUTLIER, Spark's default; of one metric only"));
    };
    let policy = match given.as_str() {
        "ID" => "lowest_id".into(),
        "ADD_TIME" => "oldest".into(),
        "OUTLIER" | "OUTLIER_NO_FALLBACK" => {
            conf.leave(key, match given.as_str() {
                "OUTLIER" => "an outlier is looked for in one metric, the total duration, and not in eight one after another",
                _ => "where nobody is an outlier, the highest is taken; Spark then takes nobody",
            });
            outlier
        }
        metric if METRICS.contains(&metric) => json!({"highest": metric.to_lowercase()}),
        other => return Err(conf.bad(key, &format!("{other:?} is no policy of Spark's"))),
    };
    Ok((policy, key))
}
