//! `evenkeel import-spark`, and docs/from-spark.md, whose table it prints.

use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

const CONF: &str = r#"# A job that was tuned for a while.
spark.master                          k8s://https://10.0.0.1:6443
spark.app.name                        Nightly ETL (prod)
spark.kubernetes.namespace=jobs
spark.kubernetes.container.image:     registry.example/spark:4
spark.executor.memory                 4g
spark.executor.cores                  2
spark.kubernetes.executor.limit.cores 2500m
spark.executor.extraJavaOptions       -XX:+UseG1GC "-Dmsg=hello world"
spark.dynamicAllocation.enabled       true
spark.dynamicAllocation.minExecutors  2
spark.dynamicAllocation.maxExecutors  ${spark.most}
spark.most                            80
spark.dynamicAllocation.executorIdleTimeout 2min
spark.kubernetes.allocation.batch.size 10
spark.kubernetes.allocation.batch.delay 100s
spark.kubernetes.allocation.maxPendingPods 40
spark.kubernetes.allocation.executor.timeout 400000ms
spark.kubernetes.executor.apiPollingInterval 60s
spark.kubernetes.executor.deleteOnTermination false
spark.kubernetes.executor.label.team  data
spark.kubernetes.node.selector.disk   ssd
spark.executorEnv.LEVEL               on
spark.kubernetes.executor.secrets.token /etc/token
spark.kubernetes.executor.volumes.persistentVolumeClaim.spark-local-dir-1.options.claimName OnDemand
spark.kubernetes.executor.volumes.persistentVolumeClaim.spark-local-dir-1.options.storageClass gp3
spark.kubernetes.executor.volumes.persistentVolumeClaim.spark-local-dir-1.options.sizeLimit 100Gi
spark.kubernetes.executor.volumes.persistentVolumeClaim.spark-local-dir-1.mount.path /data1
spark.kubernetes.driver.waitToReusePersistentVolumeClaim true
spark.kubernetes.executor.rollInterval 1h
spark.kubernetes.executor.rollPolicy  ID
spark.sql.shuffle.partitions          800
spark.kubernetes.authenticate.oauthToken s3cret
hive.metastore.uris                   thrift://h:9083
"#;

fn ran(args: &[&str], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // What fails before it reads closes the pipe.
    let _ = child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = output.status.code().expect("no signal ended it");
    (status, text(&output.stdout), text(&output.stderr))
}

/// Imports what is given at standard input.
fn import(conf: &str, more: &[&str]) -> (i32, String, String) {
    ran(&[&["import-spark", "-"], more].concat(), conf)
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("it can be written");
    path.to_str().expect("text").to_owned()
}

fn read(text: &str) -> Value {
    evenkeel::file::from_yaml(text, "f").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn a_whole_application_becomes_a_good_fleet_file() {
    let (status, out, err) = import(CONF, &[]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let fleet = read(&out);
    assert_eq!(fleet["fleet"], "nightly-etl-prod");
    assert_eq!(fleet["namespace"], "jobs");
    let config =
        serde_json::json!({"max_pending": 40, "start_timeout": "500s", "keep_finished": true});
    assert_eq!(fleet["config"], config);
    let group = &fleet["groups"]["executors"];
    assert_eq!(
        (&group["target"], &group["maximum"]),
        (&2.into(), &80.into())
    );
    assert_eq!(
        (&group["shrink"], &group["idle_timeout"]),
        (&"idle".into(), &"2m".into())
    );
    assert_eq!(
        group["roll"],
        serde_json::json!({"every": "1h", "policy": "lowest_id"})
    );
    let claims =
        serde_json::json!({"size": "100Gi", "class": "gp3", "path": "/data1", "wait": true});
    assert_eq!(group["claims"], claims);
    let spec = &group["template"]["spec"];
    let container = &spec["containers"][0];
    assert_eq!(
        container["resources"]["requests"],
        serde_json::json!({"cpu": "2", "memory": "4505Mi"})
    );
    assert_eq!(
        container["resources"]["limits"],
        serde_json::json!({"cpu": "2500m", "memory": "4505Mi"})
    );
    let env = |name: &str| {
        let mut those = container["env"].as_array().expect("a list").iter();
        those
            .find(|variable| variable["name"] == name)
            .map(|variable| variable["value"].clone())
    };
    assert_eq!(env("LEVEL"), Some("on".into()));
    assert_eq!(env("SPARK_JAVA_OPT_1"), Some("-Dmsg=hello world".into()));
    assert_eq!(env("SPARK_LOCAL_DIRS"), Some("/data1".into()));
    assert_eq!(spec["volumes"][0]["secret"]["secretName"], "token");
    for (line, key) in [
        (
            "  max_pending: 40",
            "spark.kubernetes.allocation.maxPendingPods",
        ),
        ("          disk: ssd", "spark.kubernetes.node.selector.disk"),
        (
            "    idle_timeout: 2m",
            "spark.dynamicAllocation.executorIdleTimeout",
        ),
    ] {
        assert!(
            out.contains(&format!("{line}  # {key}\n")),
            "{line} in\n{out}"
        );
    }
    for (key, why) in [
        (
            "spark.kubernetes.executor.apiPollingInterval",
            "there is no polling",
        ),
        (
            "spark.kubernetes.allocation.batch.size",
            "creates go out as fast as the API server takes them",
        ),
        ("spark.sql.shuffle.partitions", "Spark's own"),
        ("hive.metastore.uris", "it is no key of Spark's"),
    ] {
        assert!(
            out.contains(&format!("#   {key}: {why}")),
            "{key} in\n{out}"
        );
    }
    assert!(!out.contains("s3cret"), "a secret is not copied\n{out}");
}

#[test]
fn the_file_passes_validate() {
    let folder = tempfile::tempdir().expect("a folder");
    let conf = file(&folder, "spark.conf", CONF);
    let fleet = folder.path().join("fleet.yaml");
    let fleet = fleet.to_str().expect("text");
    let (status, out, err) = ran(&["import-spark", &conf, "-o", fleet], "");
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""));
    let (status, _, err) = ran(&["validate", fleet], "");
    assert_eq!((status, err.as_str()), (0, ""));
    let before = fs::read_to_string(fleet).expect("it was written");
    let (status, _, err) = ran(
        &[
            "import-spark",
            &conf,
            "-o",
            fleet,
            "--set",
            "spark.app.name=other",
        ],
        "",
    );
    assert_eq!(status, 2);
    assert!(
        err.contains("it is there already; name another file, or add --force"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(fleet).expect("it is there"), before);
    let (status, _, _) = ran(
        &[
            "import-spark",
            &conf,
            "-o",
            fleet,
            "--force",
            "--set",
            "spark.app.name=other",
        ],
        "",
    );
    assert_eq!(status, 0);
    assert!(
        fs::read_to_string(fleet)
            .expect("it is there")
            .contains("fleet: other  # spark.app.name")
    );
}

#[test]
fn what_cannot_be_carried_over_is_named_and_is_status_1() {
    for (line, why) in [
        (
            "spark.kubernetes.executor.decommissionLabel gone",
            "no label is put on a pod that is drained",
        ),
        (
            "spark.kubernetes.executor.annotation.id {{APP_ID}}",
            "filled in by Spark only",
        ),
        (
            "spark.kubernetes.executor.label.evenkeel.dev/x y",
            "Evenkeel sets this itself",
        ),
        (
            "spark.kubernetes.executor.label.x two words",
            "no value for a label",
        ),
        (
            "spark.kubernetes.allocation.pods.allocator statefulset",
            "pods are always made directly",
        ),
        (
            "spark.kubernetes.allocation.executor.backoff.enabled false",
            "can't be turned off",
        ),
        (
            "spark.kubernetes.executor.podTemplateFile /no/such.yaml",
            "/no/such.yaml can't be read here",
        ),
        (
            "spark.kubernetes.executor.podTemplateFile s3a://b/pod.yaml",
            "can't be read from here",
        ),
        (
            "spark.executorEnv.HOME2 ${env:HOME}",
            "${env:HOME} is known only where Spark runs",
        ),
        (
            "spark.kubernetes.executor.newInSpark5 1",
            "not in this table",
        ),
    ] {
        let (key, _) = line.split_once(' ').expect("a key");
        let (status, out, err) = import(
            &format!("spark.kubernetes.container.image i\n{line}\n"),
            &[],
        );
        assert_eq!(status, 1, "{line}: {err}");
        let start = format!("not carried over: {key}: ");
        assert!(
            err.starts_with(&start) && err.contains(why) && err.lines().count() == 1,
            "{err}"
        );
        let (_, comments) = out
            .split_once("\n# Not carried over:\n")
            .expect("they are named");
        assert!(
            comments.starts_with(&format!("#   {key}: ")) && comments.contains(why),
            "{comments}"
        );
        read(&out);
    }
}

#[test]
fn what_spark_would_refuse_is_one_line_and_status_2() {
    for (line, what) in [
        (
            "spark.executor.memory 4.5g",
            "standard input:2: spark.executor.memory: \"4.5g\" is no size; Spark takes a whole number with b, k, m, g, t or p, as 4g",
        ),
        (
            "spark.dynamicAllocation.enabled yes",
            "standard input:2: spark.dynamicAllocation.enabled: \"yes\" is neither true nor false",
        ),
        (
            "spark.kubernetes.allocation.executor.timeout soon",
            "standard input:2: spark.kubernetes.allocation.executor.timeout: \"soon\" is no length of time; Spark takes a whole number with us, ms, s, m, min, h or d, as 30s",
        ),
        (
            "spark.executor.resource.gpu.amount 1",
            "standard input:2: spark.executor.resource.gpu.amount: spark.executor.resource.gpu.vendor is not set, and Spark would not start without",
        ),
        (
            "spark.kubernetes.executor.volumes.nfs.n.mount.path /n",
            "standard input:2: spark.kubernetes.executor.volumes.nfs.n.mount.path: spark.kubernetes.executor.volumes.nfs.n.options.path is not set, and Spark would not start without",
        ),
        (
            "spark.kubernetes.allocation.executor.backoff.initialDelay 1h",
            "standard input: no good fleet file can be made of this: config.backoff_first (from spark.kubernetes.allocation.executor.backoff.initialDelay): 1h is more than backoff_max, which is 5m; lower the one or raise the other",
        ),
    ] {
        let (status, out, err) = import(
            &format!("spark.kubernetes.container.image i\n{line}\n"),
            &[],
        );
        assert_eq!(
            (status, out.as_str(), err.as_str()),
            (2, "", format!("error: {what}\n").as_str())
        );
    }
    let (status, _, err) = import("", &[]);
    assert_eq!(status, 2);
    assert!(
        err.contains("--set spark.kubernetes.container.image=NAME"),
        "{err}"
    );
    assert_eq!(ran(&["import-spark", "no/such.conf"], "").0, 2);
    assert_eq!(ran(&["import-spark"], "").0, 2);
    assert_eq!(import("", &["--set", "spark.executor.cores"]).0, 2);
}

#[test]
fn what_is_set_wins_over_the_file() {
    let set = [
        "--set",
        "spark.executor.instances=9",
        "--set",
        "spark.kubernetes.container.image=j",
    ];
    let (status, out, _) = import("spark.kubernetes.container.image i\n", &set);
    assert_eq!(status, 0);
    let group = &read(&out)["groups"]["executors"];
    assert_eq!(
        (&group["target"], &group["maximum"]),
        (&9.into(), &9.into())
    );
    assert_eq!(group["template"]["spec"]["containers"][0]["image"], "j");
}

#[test]
fn batches_are_kept_where_that_is_asked_for() {
    let conf = "spark.kubernetes.container.image i\nspark.kubernetes.allocation.batch.size 10\n";
    let (_, out, _) = import(conf, &["--keep-ramp"]);
    let ramp = serde_json::json!({"fixed": {"size": 10, "every": "1s"}});
    assert_eq!(read(&out)["config"]["ramp"], ramp);
    let (_, out, _) = import(conf, &[]);
    assert!(read(&out).get("config").is_none(), "{out}");
}

#[test]
fn a_pod_template_is_taken_in_and_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = "apiVersion: v1
kind: Pod
metadata: {name: x, labels: {a: b}}
spec:
  restartPolicy: Always
  priorityClassName: batch
  volumes: [{name: spark-local-dir-1, emptyDir: {}}]
  containers:
  - {name: log, image: log:1}
  - name: main
    image: old:1
    args: [--first]
    env: [{name: LEVEL, value: info}, {name: KEPT, value: 'yes'}]
    volumeMounts: [{name: spark-local-dir-1, mountPath: /fast}]
";
    let path = file(&folder, "pod.yaml", template);
    let conf = format!(
        "spark.kubernetes.executor.podTemplateFile file://{path}
spark.kubernetes.executor.podTemplateContainerName main
spark.kubernetes.container.image new:2
spark.executorEnv.LEVEL debug
"
    );
    let (status, out, err) = import(&conf, &[]);
    assert_eq!((status, err.as_str()), (0, ""));
    let fleet = read(&out);
    assert_eq!(fleet["config"]["main_container"], "main");
    let template = &fleet["groups"]["executors"]["template"];
    assert_eq!(
        template["metadata"],
        serde_json::json!({"labels": {"a": "b"}})
    );
    let spec = &template["spec"];
    assert_eq!(
        (&spec["priorityClassName"], &spec["restartPolicy"]),
        (&"batch".into(), &Value::Null)
    );
    let main = &spec["containers"][1];
    assert_eq!(
        (&main["image"], &main["args"]),
        (&"new:2".into(), &serde_json::json!(["--first", "executor"]))
    );
    let variables = main["env"].as_array().expect("a list");
    let value = |name: &str| {
        variables
            .iter()
            .filter(|it| it["name"] == name)
            .map(|it| it["value"].as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (value("LEVEL"), value("KEPT")),
        (vec![Some("debug")], vec![Some("yes")])
    );
    assert_eq!(value("SPARK_LOCAL_DIRS"), [Some("/fast")]);
    assert_eq!(spec["volumes"].as_array().map(Vec::len), Some(1));
    assert!(
        out.contains("    template:  # spark.kubernetes.executor.podTemplateFile\n"),
        "{out}"
    );
}

#[test]
fn the_pages_table_is_what_the_command_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/from-spark.md");
    let page = fs::read_to_string(Path::new(path)).unwrap_or_default();
    let (_, table, _) = ran(&["import-spark", "--keys"], "");
    let begin = "<!-- evenkeel import-spark --keys -->\n";
    let inside = page
        .split_once(begin)
        .and_then(|(_, rest)| rest.split_once("<!-- end -->"));
    let inside = inside.map(|(table, _)| table);
    let way_out = "cargo run -p evenkeel-cli -- import-spark --keys";
    assert!(
        inside == Some(&table),
        "the table in docs/from-spark.md is not what this prints; put that between its two marks:\n  {way_out}"
    );
}

#[test]
fn the_help_says_how_it_ends() {
    let (_, out, _) = ran(&["import-spark", "--help"], "");
    assert!(
        out.contains("Examples:") && out.contains("some keys could not be carried over"),
        "{out}"
    );
}
