//! The pod of a Spark executor: the template file, where there is one, and what the settings put over it.

use super::{
    conf::{Bad, Conf},
    document::{Document, path},
    memory, units, volumes,
};
use evenkeel::{
    api::quantity::Quantity,
    template::{FieldPath, names},
};
use serde_json::{Value, json};

/// What was made of the settings that are about pods.
pub struct Pod {
    /// The PodTemplateSpec.
    pub template: Document,
    /// What is written beside it.
    pub from: &'static str,
    /// The main container, where it was named.
    pub main: Option<String>,
    /// The group's claims.
    pub claims: Option<Document>,
}

const FILE: &str = "spark.kubernetes.executor.podTemplateFile";
const CONTAINER: &str = "spark.kubernetes.executor.podTemplateContainerName";
const EXECUTOR: &str = "spark.kubernetes.executor";

/// Makes the template.
pub fn pod(conf: &Conf) -> Result<Pod, Bad> {
    let template = template_file(conf)?;
    let from = if template.is_some() { FILE } else { "" };
    let mut doc = Document::of(template.unwrap_or_else(|| json!({"spec": {}})));
    let (at, main) = main_container(conf, &doc);
    if doc.get(&at.then("name")).is_none() {
        doc.set(
            &at.then("name"),
            "spark-kubernetes-executor",
            "Spark's default",
        );
    }
    image(conf, &mut doc, &at)?;
    resources(conf, &mut doc, &at)?;
    environment(conf, &mut doc, &at);
    metadata(conf, &mut doc);
    spec(conf, &mut doc, &at)?;
    let claims = volumes::volumes(conf, &mut doc, &at)?;
    Ok(Pod {
        template: doc,
        from,
        main,
        claims,
    })
}

/// The text of the template file, less what is not a template's.
fn template_file(conf: &Conf) -> Result<Option<Value>, Bad> {
    let Some(name) = conf.get(FILE) else {
        return Ok(None);
    };
    let local = ["file://", "file:", "local://", "local:"];
    let file = local
        .iter()
        .find_map(|scheme| name.strip_prefix(scheme))
        .unwrap_or(&name);
    if file.contains("://") {
        conf.leave(
            FILE,
            &format!("{name} can't be read from here; fetch it, and set the key to the copy"),
        );
        return Ok(None);
    }
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            conf.leave(FILE, &format!("{file} can't be read here ({error}); run this where it is, or write it into the fleet file by hand"));
            return Ok(None);
        }
    };
    let mut value: Value = evenkeel::file::from_yaml(&text, file)
        .map_err(|error| conf.bad(FILE, &error.to_string()))?;
    let mut template = json!({"spec": value["spec"].take()});
    for key in ["labels", "annotations"] {
        if value["metadata"][key].is_object() {
            template["metadata"][key] = value["metadata"][key].take();
        }
    }
    if let Some(spec) = template["spec"].as_object_mut() {
        // Spark sets these itself; Evenkeel too.
        spec.remove("restartPolicy");
        spec.remove("hostname");
    } else if template["spec"].is_null() {
        template["spec"] = json!({});
    } else {
        return Err(conf.bad(
            FILE,
            &format!("{file}: its spec is no map; write a pod's spec"),
        ));
    }
    Ok(Some(template))
}

/// Where the executor's container is, and its name where that was said.
fn main_container(conf: &Conf, doc: &Document) -> (FieldPath, Option<String>) {
    let list = path(&[&"spec", &"containers"]);
    let named = doc
        .get(&list)
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let named = named.and_then(|list| {
        let name = conf.get(CONTAINER)?;
        match list.iter().position(|container| container["name"] == name.as_str()) {
            Some(index) => Some((index, name)),
            None => {
                conf.leave(CONTAINER, &format!("the template has no container {name:?}; its first one is taken, as Spark does"));
                None
            }
        }
    });
    match named {
        Some((index, name)) => (list.then(index), Some(name)),
        None => (list.then(0usize), None),
    }
}

fn image(conf: &Conf, doc: &mut Document, at: &FieldPath) -> Result<(), Bad> {
    let keys = [
        "spark.kubernetes.executor.container.image",
        "spark.kubernetes.container.image",
    ];
    match keys.into_iter().find_map(|key| Some((conf.get(key)?, key))) {
        Some((image, key)) => doc.set(&at.then("image"), image, key),
        None if doc.get(&at.then("image")).is_some() => {}
        None => {
            return Err(Bad("no image is set, and Spark would not start without; add --set spark.kubernetes.container.image=NAME".to_owned()));
        }
    }
    let key = "spark.kubernetes.container.image.pullPolicy";
    let (policy, from) = match conf.get(key) {
        Some(policy) => (policy, key),
        None => ("IfNotPresent".to_owned(), "Spark's default"),
    };
    doc.set(&at.then("imagePullPolicy"), policy, from);
    let key = "spark.kubernetes.container.image.pullSecrets";
    let secrets = conf.get(key).unwrap_or_default();
    let secrets = secrets
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    for secret in secrets {
        doc.name(
            &path(&[&"spec", &"imagePullSecrets"]),
            json!({"name": secret}),
            key,
        );
    }
    Ok(())
}

fn resources(conf: &Conf, doc: &mut Document, at: &FieldPath) -> Result<(), Bad> {
    let resources = at.then("resources");
    let (requests, limits) = (resources.then("requests"), resources.then("limits"));
    let cores = "spark.executor.cores";
    let count = conf.read(cores, |text| units::number(text, 1))?;
    let quantity = |key: &str| {
        let good = |text: &str| match text.parse::<Quantity>() {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => Err(error.to_string()),
        };
        conf.read(key, good)
    };
    let key = format!("{EXECUTOR}.request.cores");
    match (quantity(&key)?, count) {
        (Some(request), _) => doc.set(&requests.then("cpu"), request, &key),
        (None, Some(count)) => doc.set(&requests.then("cpu"), count.to_string(), cores),
        (None, None) => doc.set(&requests.then("cpu"), "1", "Spark's default"),
    }
    let key = format!("{EXECUTOR}.limit.cores");
    if let Some(limit) = quantity(&key)? {
        doc.set(&limits.then("cpu"), limit, &key);
    }
    let memory = memory::memory(conf)?;
    let amount = format!("{}Mi", memory.total);
    doc.set(&requests.then("memory"), amount.as_str(), &memory.from);
    doc.set(&limits.then("memory"), amount, "as requested");
    for (name, text) in [
        ("SPARK_EXECUTOR_CORES", count.unwrap_or(1).to_string()),
        ("SPARK_EXECUTOR_MEMORY", format!("{}m", memory.heap)),
    ] {
        doc.name(
            &at.then("env"),
            json!({"name": name, "value": text}),
            "as Spark sets it",
        );
    }
    let prefix = "spark.executor.resource.";
    let given = conf.with_prefix(prefix);
    let value = |name: &str| {
        given
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    for (rest, amount) in &given {
        let key = format!("{prefix}{rest}");
        match rest.rsplit_once('.') {
            Some((name, "amount")) => {
                match value(&format!("{name}.vendor")) {
                    Some(vendor) => doc.set(
                        &limits.then(format!("{vendor}/{name}").as_str()),
                        amount.as_str(),
                        &key,
                    ),
                    None => return Err(conf.bad(
                        &key,
                        &format!(
                            "{prefix}{name}.vendor is not set, and Spark would not start without"
                        ),
                    )),
                }
            }
            Some((name, "vendor")) if value(&format!("{name}.amount")).is_some() => {}
            _ => conf.leave(
                &key,
                "the engine's own: which of its devices an executor finds",
            ),
        }
    }
    Ok(())
}

fn environment(conf: &Conf, doc: &mut Document, at: &FieldPath) {
    let env = at.then("env");
    let key = "spark.executor.extraClassPath";
    if let Some(classes) = conf.get(key) {
        doc.name(
            &env,
            json!({"name": "SPARK_CLASSPATH", "value": classes}),
            key,
        );
    }
    let key = "spark.executor.extraJavaOptions";
    for (index, option) in units::words(&conf.get(key).unwrap_or_default())
        .iter()
        .enumerate()
    {
        let name = format!("SPARK_JAVA_OPT_{index}");
        doc.name(&env, json!({"name": name, "value": option}), key);
    }
    let field = json!({"fieldRef": {"fieldPath": "status.podIP"}});
    doc.name(
        &env,
        json!({"name": "SPARK_EXECUTOR_POD_IP", "valueFrom": field}),
        "as Spark sets it",
    );
    for (name, value) in conf.with_prefix("spark.executorEnv.") {
        let key = format!("spark.executorEnv.{name}");
        if names::is_env_name(&name) {
            doc.name(&env, json!({"name": name, "value": value}), &key);
        } else {
            conf.leave(&key, "this is no name for an environment variable");
        }
    }
    let prefix = format!("{EXECUTOR}.secretKeyRef.");
    for (name, reference) in conf.with_prefix(&prefix) {
        let key = format!("{prefix}{name}");
        match reference.split_once(':') {
            Some((secret, item)) => {
                let reference = json!({"secretKeyRef": {"name": secret, "key": item}});
                doc.name(&env, json!({"name": name, "valueFrom": reference}), &key);
            }
            None => conf.leave(&key, "it is to be SECRET:KEY"),
        }
    }
    // The entry point of Spark's images takes it from there.
    let args = at.then("args");
    let next = args.then(doc.len(&args));
    doc.set(&next, "executor", "as Spark sets it");
}

fn metadata(conf: &Conf, doc: &mut Document) {
    for (theirs, ours) in [("label", "labels"), ("annotation", "annotations")] {
        let prefix = format!("{EXECUTOR}.{theirs}.");
        for (name, value) in conf.with_prefix(&prefix) {
            let key = format!("{prefix}{name}");
            let why = if !names::is_label_key(&name) {
                "this is no key for a label or an annotation"
            } else if name.starts_with("evenkeel.dev/") || name == "app.kubernetes.io/managed-by" {
                "Evenkeel sets this itself"
            } else if ours == "labels" && !names::is_label_value(&value) {
                "this is no value for a label"
            } else if value.contains("{{APP_ID}}") || value.contains("{{EXECUTOR_ID}}") {
                "what stands in {{…}} is filled in by Spark only"
            } else {
                doc.set(&path(&[&"metadata", &ours, &name]), value, &key);
                continue;
            };
            conf.leave(&key, why);
        }
    }
}

fn spec(conf: &Conf, doc: &mut Document, at: &FieldPath) -> Result<(), Bad> {
    let spec = path(&[&"spec"]);
    for prefix in [
        "spark.kubernetes.node.selector.".to_owned(),
        format!("{EXECUTOR}.node.selector."),
    ] {
        for (name, value) in conf.with_prefix(&prefix) {
            doc.set(
                &spec.then("nodeSelector").then(name.as_str()),
                value,
                &format!("{prefix}{name}"),
            );
        }
    }
    for (ours, keys) in [
        (
            "schedulerName",
            [
                "spark.kubernetes.executor.scheduler.name",
                "spark.kubernetes.scheduler.name",
            ],
        ),
        (
            "serviceAccountName",
            [
                "spark.kubernetes.authenticate.executor.serviceAccountName",
                "spark.kubernetes.authenticate.driver.serviceAccountName",
            ],
        ),
    ] {
        if let Some((value, key)) = keys.into_iter().find_map(|key| Some((conf.get(key)?, key))) {
            doc.set(&spec.then(ours), value, key);
        }
    }
    let key = format!("{EXECUTOR}.terminationGracePeriodSeconds");
    if let Some(grace) = conf.read(&key, |text| units::time(text, 1000))? {
        doc.set(
            &spec.then("terminationGracePeriodSeconds"),
            grace.div_ceil(1000),
            &key,
        );
    }
    let key = "spark.decommission.enabled";
    if conf.read(key, units::switch)? == Some(true) {
        let script = conf.get("spark.kubernetes.decommission.script");
        let script = script.unwrap_or_else(|| "/opt/decom.sh".to_owned());
        let hook = json!({"preStop": {"exec": {"command": [script]}}});
        doc.set(
            &at.then("lifecycle"),
            hook,
            "spark.decommission.enabled, spark.kubernetes.decommission.script",
        );
    }
    Ok(())
}
