//! What becomes of each key of Spark's: the one table, which docs/from-spark.md shows.

use std::fmt::Write;

/// A key of Spark's, or all that begin with what stands before its `*`.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub key: &'static str,
    pub fate: Fate,
    /// How it is carried over, or why it is not.
    pub note: &'static str,
    /// Settings under which it has its effect: a test plays each.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the test plays them"))]
    pub example: &'static str,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It becomes this.
    Carried(&'static str),
    /// It needs no counterpart.
    Needless,
    /// There is none.
    Left,
}

impl Row {
    pub fn is_carried(&self) -> bool {
        matches!(self.fate, Fate::Carried(_))
    }

    fn covers(&self, key: &str) -> bool {
        match self.key.strip_suffix('*') {
            Some(prefix) => key.len() > prefix.len() && key.starts_with(prefix),
            None => self.key == key,
        }
    }
}

const fn to(
    key: &'static str,
    ours: &'static str,
    note: &'static str,
    example: &'static str,
) -> Row {
    Row {
        key,
        fate: Fate::Carried(ours),
        note,
        example,
    }
}

const fn needless(key: &'static str, note: &'static str) -> Row {
    Row {
        key,
        fate: Fate::Needless,
        note,
        example: "",
    }
}

const fn left(key: &'static str, note: &'static str) -> Row {
    Row {
        key,
        fate: Fate::Left,
        note,
        example: "",
    }
}

/// The row of that key: the one that says most of it.
pub fn row(key: &str) -> Option<&'static Row> {
    let covering = sections()
        .flat_map(|(_, rows)| rows)
        .filter(|row| row.covers(key));
    covering.max_by_key(|row| row.key.len())
}

/// All rows, in sections.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static [Row])> {
    [
        ("The fleet", FLEET),
        ("How many, and how fast", ALLOCATION),
        ("Dynamic allocation", DYNAMIC),
        ("Seeing", SEEING),
        ("Failures and backoff", FAILURES),
        ("Rolling and resizing", EXTRAS),
        ("The pod", POD),
        ("Volumes and claims", VOLUMES),
        ("All others", OTHERS),
    ]
    .into_iter()
}

/// The table as Markdown.
pub fn markdown() -> String {
    let mut out = String::new();
    for (title, rows) in sections() {
        let _ = write!(
            out,
            "\n### {title}\n| Spark | Evenkeel | |\n| --- | --- | --- |\n"
        );
        for row in rows {
            let ours = match row.fate {
                Fate::Carried(ours) => ours,
                Fate::Needless => "not needed",
                Fate::Left => "none",
            };
            let _ = writeln!(out, "| `{}` | {ours} | {} |", row.key, row.note);
        }
    }
    out
}

const FLEET: &[Row] = &[
    to(
        "spark.app.name",
        "`fleet`",
        "in lower case, with - for what a name may not have",
        "spark.app.name My App",
    ),
    to(
        "spark.kubernetes.executor.podNamePrefix",
        "`fleet`",
        "wins over the application's name; pods are named `FLEET-exec-INCARNATION-SEQUENCE`",
        "spark.kubernetes.executor.podNamePrefix etl",
    ),
    to(
        "spark.kubernetes.namespace",
        "`namespace`",
        "",
        "spark.kubernetes.namespace jobs",
    ),
    to(
        "spark.kubernetes.driver.pod.name",
        "`config.owner: {kind: Pod, name: …}`",
        "where Evenkeel runs in that very pod, `owner: driver` is the default and says the same",
        "spark.kubernetes.driver.pod.name etl-driver",
    ),
    needless(
        "spark.master",
        "the cluster is found as kubectl finds it; `evenkeel run --context` names another",
    ),
    needless(
        "spark.submit.deployMode",
        "Evenkeel runs where it is started",
    ),
    needless(
        "spark.kubernetes.context",
        "said on the command line: `evenkeel run --context NAME`",
    ),
    needless(
        "spark.kubernetes.authenticate.*",
        "credentials come from the kubeconfig or the pod's service account, and are read anew when they expire",
    ),
    needless(
        "spark.kubernetes.trust.certificates",
        "said in the kubeconfig",
    ),
    needless(
        "spark.kubernetes.driver.*",
        "the driver's own: Evenkeel does not make the driver",
    ),
    needless("spark.kubernetes.driverEnv.*", "the driver's own"),
    needless("spark.driver.*", "the driver's own"),
    needless("spark.kubernetes.submission.*", "spark-submit's own"),
    needless("spark.kubernetes.report.interval", "spark-submit's own"),
    needless(
        "spark.kubernetes.appKillPodDeletionGracePeriod",
        "spark-submit's own",
    ),
    needless("spark.kubernetes.file.upload.path", "spark-submit's own"),
];

const ALLOCATION: &[Row] = &[
    to(
        "spark.executor.instances",
        "`target`, `maximum`",
        "2 where it is not set, as in Spark",
        "spark.executor.instances 7",
    ),
    to(
        "spark.kubernetes.allocation.batch.size",
        "with `--keep-ramp`: `config.ramp.fixed.size`",
        "without it the governor takes its place: creates go out as fast as the API server answers",
        "spark.kubernetes.allocation.batch.size 9",
    ),
    to(
        "spark.kubernetes.allocation.batch.delay",
        "with `--keep-ramp`: `config.ramp.fixed.every`",
        "without it nothing waits for a tick: each input is decided on at once",
        "spark.kubernetes.allocation.batch.delay 3s",
    ),
    to(
        "spark.kubernetes.allocation.maxPendingPods",
        "`config.max_pending`",
        "Spark counts what does not run yet, so does Evenkeel",
        "spark.kubernetes.allocation.maxPendingPods 40",
    ),
    to(
        "spark.kubernetes.allocation.maxPendingPodsPerRp",
        "the group's `max_pending`",
        "",
        "spark.kubernetes.allocation.maxPendingPodsPerRp 15",
    ),
    to(
        "spark.kubernetes.allocation.executor.timeout",
        "`config.start_timeout`",
        "at least five batch delays, as in Spark. There it is for pods that were asked for and never seen; here those are made good at once (GROW-5), and this is for pods that stay pending",
        "spark.kubernetes.allocation.executor.timeout 900s",
    ),
    needless(
        "spark.kubernetes.allocation.batch.concurrency",
        "creates are under way side by side anyway, up to `config.max_in_flight`",
    ),
    needless(
        "spark.kubernetes.allocation.driver.readinessTimeout",
        "the engine starts Evenkeel when it is ready",
    ),
    left(
        "spark.kubernetes.allocation.maximum",
        "there is no budget of pods for a whole life: `max_executors` bounds how many there are at a time, `max_failures` how many may fail",
    ),
    to(
        "spark.kubernetes.allocation.pods.allocator",
        "nothing: pods are always made directly",
        "`statefulset`, `deployment` and classes are not carried over: a set chooses its victims itself, and knows nothing of busy executors",
        "spark.kubernetes.allocation.pods.allocator direct",
    ),
    left(
        "spark.kubernetes.allocation.recoveryMode.enabled",
        "pods are the same before and after an executor ran out of memory; `resize` gives one more while it runs",
    ),
];

const DYNAMIC: &[Row] = &[
    to(
        "spark.dynamicAllocation.enabled",
        "`shrink: idle`",
        "the target is the engine's to change, and a lower one takes those that are idle",
        "spark.dynamicAllocation.enabled true",
    ),
    to(
        "spark.dynamicAllocation.initialExecutors",
        "`target`",
        "the largest of minimum, initial and instances, as in Spark",
        "spark.dynamicAllocation.enabled true\nspark.dynamicAllocation.initialExecutors 4",
    ),
    to(
        "spark.dynamicAllocation.minExecutors",
        "`target`, at first",
        "later the engine's: it says every target",
        "spark.dynamicAllocation.enabled true\nspark.dynamicAllocation.minExecutors 3",
    ),
    to(
        "spark.dynamicAllocation.maxExecutors",
        "`maximum`",
        "what the default of `max_failures` is reckoned from, as in Spark",
        "spark.dynamicAllocation.enabled true\nspark.dynamicAllocation.maxExecutors 50",
    ),
    to(
        "spark.dynamicAllocation.executorIdleTimeout",
        "`idle_timeout`",
        "in Spark it protects young pods too; here that is `config.pending_protection`",
        "spark.dynamicAllocation.enabled true\nspark.dynamicAllocation.executorIdleTimeout 5min",
    ),
    needless(
        "spark.dynamicAllocation.cachedExecutorIdleTimeout",
        "the engine says of each idle executor how much it is worth keeping: `idle(id, keep)`",
    ),
    needless(
        "spark.dynamicAllocation.shuffleTracking.*",
        "the engine says of each idle executor how much it is worth keeping: `idle(id, keep)`",
    ),
    needless(
        "spark.dynamicAllocation.schedulerBacklogTimeout",
        "when more are wanted is the engine's to say",
    ),
    needless(
        "spark.dynamicAllocation.sustainedSchedulerBacklogTimeout",
        "when more are wanted is the engine's to say",
    ),
    needless(
        "spark.dynamicAllocation.executorAllocationRatio",
        "how many are wanted is the engine's to say",
    ),
    needless(
        "spark.dynamicAllocation.*",
        "how many are wanted is the engine's to say",
    ),
    left(
        "spark.kubernetes.dynamicAllocation.deleteGracePeriod",
        "a pod is deleted with its own grace: write `terminationGracePeriodSeconds` into the template",
    ),
    to(
        "spark.executor.decommission.forceKillTimeout",
        "`config.drain_timeout`",
        "",
        "spark.executor.decommission.forceKillTimeout 8min",
    ),
    to(
        "spark.decommission.enabled",
        "a `preStop` hook",
        "a released executor is drained either way; the hook tells one whose pod somebody else deletes",
        "spark.decommission.enabled true",
    ),
    to(
        "spark.kubernetes.decommission.script",
        "the hook's command",
        "`/opt/decom.sh` where it is not set",
        "spark.decommission.enabled true\nspark.kubernetes.decommission.script /opt/bye.sh",
    ),
    left(
        "spark.kubernetes.executor.decommissionLabel",
        "no label is put on a pod that is drained: nothing else should choose among them",
    ),
    left(
        "spark.kubernetes.executor.decommissionLabelValue",
        "no label is put on a pod that is drained",
    ),
    needless(
        "spark.kubernetes.executor.podDeletionCost",
        "it is for Deployments, which choose their victims themselves",
    ),
];

const SEEING: &[Row] = &[
    needless(
        "spark.kubernetes.executor.apiPollingInterval",
        "there is no polling: the watch tells each change, and `relist_every` (5m) makes good what it loses",
    ),
    needless(
        "spark.kubernetes.executor.enableApiPolling",
        "there is no polling: listings are made when they are needed",
    ),
    needless(
        "spark.kubernetes.executor.enableApiWatcher",
        "the watch is how pods are seen, at the cost of one open request",
    ),
    needless(
        "spark.kubernetes.executor.enablePollingWithResourceVersion",
        "listings are consistent reads, and order is by revision (SEE-2)",
    ),
    needless(
        "spark.kubernetes.executor.eventProcessingInterval",
        "nothing waits for a tick: each event is decided on when it comes",
    ),
    to(
        "spark.kubernetes.executor.missingPodDetectDelta",
        "`config.missing_tolerance`",
        "",
        "spark.kubernetes.executor.missingPodDetectDelta 45s",
    ),
    to(
        "spark.kubernetes.executor.deleteOnTermination",
        "`config.keep_finished`",
        "the other way round; an end of the fleet deletes the kept ones too",
        "spark.kubernetes.executor.deleteOnTermination false",
    ),
    to(
        "spark.kubernetes.executor.checkAllContainers",
        "`config.check_all_containers`",
        "",
        "spark.kubernetes.executor.checkAllContainers true",
    ),
    needless(
        "spark.kubernetes.executor.deletedExecutorsCacheTimeout",
        "an executor is told lost once, and no mark of that expires",
    ),
    needless(
        "spark.kubernetes.executorSnapshotsSubscribersShutdownGracePeriod",
        "there are no threads to wait for",
    ),
    needless(
        "spark.kubernetes.executor.lostCheck.maxAttempts",
        "an end is told when it is seen, with its cause (END-1)",
    ),
];

const FAILURES: &[Row] = &[
    to(
        "spark.executor.maxNumFailures",
        "`config.max_failures`",
        "the fleet is halted, and what runs goes on; Spark's driver exits",
        "spark.executor.maxNumFailures 12",
    ),
    to(
        "spark.executor.failuresValidityInterval",
        "`config.failure_window`",
        "where it is not set, Spark never forgets a failure; Evenkeel does after 1h. 0 and less are `never`",
        "spark.executor.failuresValidityInterval 2h",
    ),
    to(
        "spark.kubernetes.allocation.executor.backoff.enabled",
        "nothing: backing off is always on",
        "`false` is not carried over: only startup failures are held back, one probe at a time",
        "spark.kubernetes.allocation.executor.backoff.enabled true",
    ),
    to(
        "spark.kubernetes.allocation.executor.backoff.failureThreshold",
        "`config.backoff_after`",
        "",
        "spark.kubernetes.allocation.executor.backoff.failureThreshold 4",
    ),
    to(
        "spark.kubernetes.allocation.executor.backoff.failureInterval",
        "`config.backoff_window`",
        "",
        "spark.kubernetes.allocation.executor.backoff.failureInterval 20m",
    ),
    to(
        "spark.kubernetes.allocation.executor.backoff.initialDelay",
        "`config.backoff_first`",
        "",
        "spark.kubernetes.allocation.executor.backoff.initialDelay 15s",
    ),
    to(
        "spark.kubernetes.allocation.executor.backoff.maxBackoffDelay",
        "`config.backoff_max`",
        "",
        "spark.kubernetes.allocation.executor.backoff.maxBackoffDelay 10m",
    ),
];

const EXTRAS: &[Row] = &[
    to(
        "spark.kubernetes.executor.rollInterval",
        "`roll.every`",
        "0 is `never`. The new executor comes first, and only then the old one goes",
        "spark.kubernetes.executor.rollInterval 1h",
    ),
    to(
        "spark.kubernetes.executor.rollPolicy",
        "`roll.policy`",
        "ID is `lowest_id`, ADD_TIME `oldest`, any other `{highest: METRIC}` of a metric that the engine reports; OUTLIER looks at one metric only, the total duration, and OUTLIER_NO_FALLBACK is not carried over",
        "spark.kubernetes.executor.rollInterval 1h\nspark.kubernetes.executor.rollPolicy ADD_TIME",
    ),
    to(
        "spark.kubernetes.executor.minTasksPerExecutorBeforeRolling",
        "`roll.min_tasks`",
        "",
        "spark.kubernetes.executor.rollInterval 1h\nspark.kubernetes.executor.minTasksPerExecutorBeforeRolling 30",
    ),
    to(
        "spark.kubernetes.executor.resizeInterval",
        "`resize`",
        "0 is no resizing; another interval is not needed: each report of the metric `memory` is looked at",
        "spark.kubernetes.executor.resizeInterval 1m",
    ),
    to(
        "spark.kubernetes.executor.resizeThreshold",
        "`resize.threshold`",
        "in percent",
        "spark.kubernetes.executor.resizeInterval 1m\nspark.kubernetes.executor.resizeThreshold 0.8",
    ),
    to(
        "spark.kubernetes.executor.resizeFactor",
        "`resize.percent`",
        "in percent",
        "spark.kubernetes.executor.resizeInterval 1m\nspark.kubernetes.executor.resizeFactor 0.25",
    ),
    left(
        "spark.kubernetes.executor.pvc.*",
        "claims are not grown: write the size that is needed",
    ),
];

const POD: &[Row] = &[
    to(
        "spark.kubernetes.executor.podTemplateFile",
        "`template`",
        "its text, where it can be read; the other settings are written over it, as in Spark",
        "spark.kubernetes.executor.podTemplateFile TEMPLATE",
    ),
    to(
        "spark.kubernetes.executor.podTemplateContainerName",
        "`config.main_container`",
        "",
        "spark.kubernetes.executor.podTemplateFile TEMPLATE\nspark.kubernetes.executor.podTemplateContainerName main",
    ),
    to(
        "spark.kubernetes.container.image",
        "the container's image",
        "",
        "spark.kubernetes.container.image spark:9",
    ),
    to(
        "spark.kubernetes.executor.container.image",
        "the container's image",
        "wins over the other",
        "spark.kubernetes.executor.container.image spark:9",
    ),
    to(
        "spark.kubernetes.container.image.pullPolicy",
        "`imagePullPolicy`",
        "IfNotPresent where it is not set, as in Spark",
        "spark.kubernetes.container.image.pullPolicy Always",
    ),
    to(
        "spark.kubernetes.container.image.pullSecrets",
        "`imagePullSecrets`",
        "",
        "spark.kubernetes.container.image.pullSecrets a, b",
    ),
    to(
        "spark.executor.cores",
        "CPU request, `SPARK_EXECUTOR_CORES`",
        "1 where it is not set",
        "spark.executor.cores 3",
    ),
    to(
        "spark.kubernetes.executor.request.cores",
        "CPU request",
        "",
        "spark.kubernetes.executor.request.cores 2500m",
    ),
    to(
        "spark.kubernetes.executor.limit.cores",
        "CPU limit",
        "",
        "spark.kubernetes.executor.limit.cores 4",
    ),
    to(
        "spark.executor.memory",
        "memory request and limit, `SPARK_EXECUTOR_MEMORY`",
        "1g where it is not set; what follows is added to it",
        "spark.executor.memory 4g",
    ),
    to(
        "spark.executor.memoryOverhead",
        "added to the memory",
        "in MiB where it has no unit",
        "spark.executor.memoryOverhead 1g",
    ),
    to(
        "spark.executor.memoryOverheadFactor",
        "added to the memory",
        "without `memoryOverhead`: this share of the memory, at least the minimum",
        "spark.executor.memory 8g\nspark.executor.memoryOverheadFactor 0.2",
    ),
    to(
        "spark.kubernetes.memoryOverheadFactor",
        "added to the memory",
        "as the other, which wins; 0.1 where neither is set, 0.4 where `spark.kubernetes.resource.type` is python or r",
        "spark.executor.memory 8g\nspark.kubernetes.memoryOverheadFactor 0.3",
    ),
    to(
        "spark.executor.minMemoryOverhead",
        "added to the memory",
        "384m where it is not set",
        "spark.executor.minMemoryOverhead 1g",
    ),
    to(
        "spark.executor.pyspark.memory",
        "added to the memory",
        "unless `spark.kubernetes.resource.type` says that the application is not Python",
        "spark.executor.pyspark.memory 2g",
    ),
    to(
        "spark.memory.offHeap.enabled",
        "added to the memory",
        "",
        "spark.memory.offHeap.enabled true\nspark.memory.offHeap.size 1g",
    ),
    to(
        "spark.memory.offHeap.size",
        "added to the memory",
        "in bytes where it has no unit",
        "spark.memory.offHeap.enabled true\nspark.memory.offHeap.size 1g",
    ),
    to(
        "spark.kubernetes.resource.type",
        "the overhead's default",
        "",
        "spark.executor.memory 8g\nspark.kubernetes.resource.type python",
    ),
    to(
        "spark.executor.resource.*",
        "limits `VENDOR/NAME`",
        "`amount` with `vendor`; the discovery script is the engine's own",
        "spark.executor.resource.gpu.vendor nvidia.com\nspark.executor.resource.gpu.amount 2",
    ),
    to(
        "spark.executorEnv.*",
        "the environment",
        "",
        "spark.executorEnv.LEVEL debug",
    ),
    to(
        "spark.executor.extraJavaOptions",
        "`SPARK_JAVA_OPT_0`, …",
        "",
        "spark.executor.extraJavaOptions -Da=1 -Db=2",
    ),
    to(
        "spark.executor.extraClassPath",
        "`SPARK_CLASSPATH`",
        "",
        "spark.executor.extraClassPath /opt/jars/*",
    ),
    to(
        "spark.kubernetes.executor.label.*",
        "labels",
        "",
        "spark.kubernetes.executor.label.team data",
    ),
    to(
        "spark.kubernetes.executor.annotation.*",
        "annotations",
        "{{APP_ID}} and {{EXECUTOR_ID}} are not filled in",
        "spark.kubernetes.executor.annotation.note two words",
    ),
    to(
        "spark.kubernetes.node.selector.*",
        "`nodeSelector`",
        "",
        "spark.kubernetes.node.selector.disk ssd",
    ),
    to(
        "spark.kubernetes.executor.node.selector.*",
        "`nodeSelector`",
        "",
        "spark.kubernetes.executor.node.selector.disk ssd",
    ),
    to(
        "spark.kubernetes.scheduler.name",
        "`schedulerName`",
        "",
        "spark.kubernetes.scheduler.name fair",
    ),
    to(
        "spark.kubernetes.executor.scheduler.name",
        "`schedulerName`",
        "wins over the other",
        "spark.kubernetes.executor.scheduler.name fair",
    ),
    to(
        "spark.kubernetes.authenticate.executor.serviceAccountName",
        "`serviceAccountName`",
        "",
        "spark.kubernetes.authenticate.executor.serviceAccountName exec",
    ),
    to(
        "spark.kubernetes.authenticate.driver.serviceAccountName",
        "`serviceAccountName`",
        "where the executors have none of their own, as in Spark",
        "spark.kubernetes.authenticate.driver.serviceAccountName driver",
    ),
    to(
        "spark.kubernetes.executor.terminationGracePeriodSeconds",
        "`terminationGracePeriodSeconds`",
        "",
        "spark.kubernetes.executor.terminationGracePeriodSeconds 75s",
    ),
    to(
        "spark.kubernetes.executor.secrets.*",
        "a volume of that secret, mounted there",
        "",
        "spark.kubernetes.executor.secrets.token /etc/token",
    ),
    to(
        "spark.kubernetes.executor.secretKeyRef.*",
        "the environment, from that secret",
        "",
        "spark.kubernetes.executor.secretKeyRef.PASSWORD db:password",
    ),
    needless(
        "spark.kubernetes.executor.disableConfigMap",
        "no config map is made: the engine hands its configuration to executors when they register",
    ),
    needless(
        "spark.kubernetes.configMap.maxSize",
        "no config map is made",
    ),
    left(
        "spark.kubernetes.hadoop.configMapName",
        "mount it in the pod template",
    ),
    left(
        "spark.kubernetes.kerberos.*",
        "mount it in the pod template",
    ),
    left(
        "spark.kubernetes.executor.pod.featureSteps",
        "code of Spark's: write what it does to a pod into the template, or build the template in code",
    ),
    left(
        "spark.kubernetes.executor.useDriverPodIP",
        "how executors find the driver is the engine's to tell them, in their environment",
    ),
    needless(
        "spark.kubernetes.pyspark.pythonVersion",
        "deprecated in Spark; set PYSPARK_PYTHON in the environment",
    ),
];

const VOLUMES: &[Row] = &[
    to(
        "spark.kubernetes.executor.volumes.*",
        "`claims` for an OnDemand claim, else volumes and mounts",
        "types hostPath, emptyDir, nfs, csi and persistentVolumeClaim; an executor has one claim of its own",
        "spark.kubernetes.executor.volumes.emptyDir.tmp.mount.path /scratch",
    ),
    to(
        "spark.kubernetes.driver.ownPersistentVolumeClaim",
        "`claims.reuse`",
        "claims are owned as the pods are; `false` means that none is used again",
        "CLAIM\nspark.kubernetes.driver.ownPersistentVolumeClaim false",
    ),
    to(
        "spark.kubernetes.driver.reusePersistentVolumeClaim",
        "`claims.reuse`",
        "",
        "CLAIM\nspark.kubernetes.driver.reusePersistentVolumeClaim false",
    ),
    to(
        "spark.kubernetes.driver.waitToReusePersistentVolumeClaim",
        "`claims.wait`",
        "",
        "CLAIM\nspark.kubernetes.driver.waitToReusePersistentVolumeClaim true",
    ),
    to(
        "spark.local.dir",
        "`SPARK_LOCAL_DIRS`, and an emptyDir for each",
        "unless volumes named `spark-local-dir-…` are there, as in Spark",
        "spark.local.dir /fast",
    ),
    to(
        "spark.kubernetes.local.dirs.tmpfs",
        "medium Memory for those",
        "",
        "spark.kubernetes.local.dirs.tmpfs true",
    ),
    needless(
        "spark.kubernetes.legacy.useReadWriteOnceAccessMode",
        "a claim is for one pod at a time anyway",
    ),
];

const OTHERS: &[Row] = &[
    left(
        "spark.kubernetes.*",
        "not in this table: see whether an executor's pod needs it",
    ),
    needless("spark.*", "Spark's own: it says nothing of pods"),
];
