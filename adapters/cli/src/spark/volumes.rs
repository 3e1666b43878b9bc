//! Volumes, secrets, claims, and the folders that shuffle data is written to.

use super::{
    conf::{Bad, Conf},
    document::{Document, path},
    units,
};
use evenkeel::{file::QuantityText, template::FieldPath};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SECRETS: &str = "spark.kubernetes.executor.secrets.";
const VOLUMES: &str = "spark.kubernetes.executor.volumes.";
const LOCAL: &str = "spark-local-dir-";

/// One volume of the settings: the rest of each key, and its value.
type Options = BTreeMap<String, String>;

/// Adds all volumes; an OnDemand claim becomes the group's.
pub fn volumes(conf: &Conf, doc: &mut Document, at: &FieldPath) -> Result<Option<Document>, Bad> {
    for (secret, mount) in conf.with_prefix(SECRETS) {
        let name = format!("{secret}-volume");
        let key = format!("{SECRETS}{secret}");
        add(
            doc,
            at,
            &name,
            json!({"secret": {"secretName": secret}}),
            json!({"mountPath": mount}),
            &key,
        );
    }
    let mut all: BTreeMap<(String, String), Options> = BTreeMap::new();
    for (rest, value) in conf.with_prefix(VOLUMES) {
        let key = format!("{VOLUMES}{rest}");
        let mut steps = rest.splitn(3, '.').map(str::to_owned);
        match (steps.next(), steps.next(), steps.next()) {
            (Some(kind), Some(name), Some(option)) => {
                all.entry((kind, name)).or_default().insert(option, value);
            }
            _ => return Err(conf.bad(&key, "it is to be TYPE.NAME.OPTION")),
        }
    }
    let (mut claims, mut claimed) = (None, Vec::new());
    for ((kind, name), options) in &all {
        let volume = Volume {
            conf,
            prefix: format!("{VOLUMES}{kind}.{name}."),
            options,
        };
        let mount = volume.needed("mount.path")?;
        if kind == "persistentVolumeClaim" && volume.is_on_demand()? {
            match claims {
                None => {
                    claims = volume.claim(&mount)?;
                    if claims.is_some() && name.starts_with(LOCAL) {
                        claimed.push(mount);
                    }
                }
                Some(_) => {
                    volume.leave("an executor has one claim of its own, and this is another")
                }
            }
            continue;
        }
        let Some(source) = volume.source(kind)? else {
            continue;
        };
        let mut beside = json!({"mountPath": mount});
        for (option, ours) in [
            ("mount.subPath", "subPath"),
            ("mount.subPathExpr", "subPathExpr"),
        ] {
            if let Some(given) = options.get(option) {
                beside[ours] = given.as_str().into();
            }
        }
        if volume.read_only()? {
            beside["readOnly"] = true.into();
        }
        volume.name_rest(&[
            "mount.path",
            "mount.subPath",
            "mount.subPathExpr",
            "mount.readOnly",
        ]);
        add(
            doc,
            at,
            name,
            source,
            beside,
            &format!("{VOLUMES}{kind}.{name}"),
        );
    }
    local_dirs(conf, doc, at, claimed)?;
    Ok(claims)
}

fn add(
    doc: &mut Document,
    at: &FieldPath,
    name: &str,
    mut volume: Value,
    mut mount: Value,
    key: &str,
) {
    volume["name"] = name.into();
    doc.name(&path(&[&"spec", &"volumes"]), volume, key);
    mount["name"] = name.into();
    let mounts = at.then("volumeMounts");
    let next = mounts.then(doc.len(&mounts));
    doc.set(&next, mount, "");
}

/// Where executors write what they spill: what is mounted under a name for it, else an emptyDir for each folder.
fn local_dirs(
    conf: &Conf,
    doc: &mut Document,
    at: &FieldPath,
    claimed: Vec<String>,
) -> Result<(), Bad> {
    let mounts = doc.get(&at.then("volumeMounts")).and_then(Value::as_array);
    let named = mounts.into_iter().flatten().filter_map(|mount| {
        let name = mount["name"].as_str()?;
        let path = mount["mountPath"].as_str()?;
        name.starts_with(LOCAL).then(|| path.to_owned())
    });
    let mut dirs: Vec<String> = named.chain(claimed).collect();
    let mut from = format!("volumes named {LOCAL}…");
    if dirs.is_empty() {
        let given = conf.get("spark.local.dir");
        let key = if given.is_some() {
            "spark.local.dir"
        } else {
            "as Spark sets it"
        };
        from = key.to_owned();
        let text = given.unwrap_or_else(|| "/var/data/spark".to_owned());
        dirs = text.split(',').map(|dir| dir.trim().to_owned()).collect();
        let in_memory = "spark.kubernetes.local.dirs.tmpfs";
        let (medium, key) = match conf.read(in_memory, units::switch)? {
            Some(true) => (json!({"medium": "Memory"}), in_memory),
            _ => (json!({}), key),
        };
        for (index, dir) in dirs.iter().enumerate() {
            let name = format!("{LOCAL}{}", index + 1);
            let volume = json!({"emptyDir": medium});
            add(doc, at, &name, volume, json!({"mountPath": dir}), key);
        }
    }
    let value = json!({"name": "SPARK_LOCAL_DIRS", "value": dirs.join(",")});
    doc.name(&at.then("env"), value, &from);
    Ok(())
}

struct Volume<'a> {
    conf: &'a Conf,
    prefix: String,
    options: &'a Options,
}

impl Volume<'_> {
    fn key(&self, option: &str) -> String {
        format!("{}{option}", self.prefix)
    }

    fn needed(&self, option: &str) -> Result<String, Bad> {
        let found = self.options.get(option).cloned();
        found.ok_or_else(|| {
            let some = self.options.keys().next().map_or("", String::as_str);
            let what = format!(
                "{} is not set, and Spark would not start without",
                self.key(option)
            );
            self.conf.bad(&self.key(some), &what)
        })
    }

    fn leave(&self, why: &str) {
        for option in self.options.keys() {
            self.conf.leave(&self.key(option), why);
        }
    }

    fn read_only(&self) -> Result<bool, Bad> {
        let option = "mount.readOnly";
        match self.options.get(option) {
            None => Ok(false),
            Some(text) => {
                units::switch(text).map_err(|what| self.conf.bad(&self.key(option), &what))
            }
        }
    }

    /// Spark makes a claim for each executor.
    fn is_on_demand(&self) -> Result<bool, Bad> {
        let claim = self.needed("options.claimName")?;
        Ok(claim.contains("OnDemand") || claim.contains("SPARK_EXECUTOR_ID"))
    }

    fn claim(&self, mount: &str) -> Result<Option<Document>, Bad> {
        let Some(size) = self.options.get("options.sizeLimit") else {
            self.leave("a claim is made with a size; set options.sizeLimit");
            return Ok(None);
        };
        let good = QuantityText(size.clone()).bytes();
        good.map_err(|what| self.conf.bad(&self.key("options.sizeLimit"), &what))?;
        let mut doc = Document::default();
        doc.set(
            &path(&[&"size"]),
            size.as_str(),
            &self.key("options.sizeLimit"),
        );
        if let Some(class) = self.options.get("options.storageClass") {
            doc.set(
                &path(&[&"class"]),
                class.as_str(),
                &self.key("options.storageClass"),
            );
        }
        doc.set(&path(&[&"path"]), mount, &self.key("mount.path"));
        let switch = |key: &str| self.conf.read(key, units::switch);
        let (own, reuse) = (
            "spark.kubernetes.driver.ownPersistentVolumeClaim",
            "spark.kubernetes.driver.reusePersistentVolumeClaim",
        );
        let off = [own, reuse].map(|key| Ok((key, switch(key)? == Some(false))));
        let mut reused = true;
        for off in off {
            if let (key, true) = off? {
                doc.set(&path(&[&"reuse"]), false, key);
                reused = false;
            }
        }
        let wait = "spark.kubernetes.driver.waitToReusePersistentVolumeClaim";
        match switch(wait)? {
            Some(true) if !reused => self
                .conf
                .leave(wait, "it has no effect where claims are not used again"),
            Some(value) => doc.set(&path(&[&"wait"]), value, wait),
            None => {}
        }
        if self.read_only()? {
            self.conf.leave(
                &self.key("mount.readOnly"),
                "a claim is mounted for writing",
            );
        }
        let known = [
            "mount.path",
            "mount.readOnly",
            "options.claimName",
            "options.sizeLimit",
            "options.storageClass",
        ];
        self.name_rest(&known);
        Ok(Some(doc))
    }

    /// The volume's source; None where it can't be carried over.
    fn source(&self, kind: &str) -> Result<Option<Value>, Bad> {
        let get = |option: &str| self.options.get(option).cloned();
        Ok(Some(match kind {
            "hostPath" => {
                let kind = get("options.type").unwrap_or_default();
                json!({"hostPath": {"path": self.needed("options.path")?, "type": kind}})
            }
            "nfs" => {
                json!({"nfs": {"path": self.needed("options.path")?, "server": self.needed("options.server")?}})
            }
            "persistentVolumeClaim" => json!({"persistentVolumeClaim": {
                "claimName": self.needed("options.claimName")?, "readOnly": self.read_only()?
            }}),
            "emptyDir" => {
                let mut source = json!({});
                if let Some(medium) = get("options.medium") {
                    source["medium"] = medium.into();
                }
                if let Some(size) = get("options.sizeLimit") {
                    source["sizeLimit"] = size.into();
                }
                json!({"emptyDir": source})
            }
            "csi" => {
                let driver = self.needed("options.driver")?;
                let attributes = self.options.iter().filter_map(|(option, value)| {
                    let name = option
                        .strip_prefix("options.")
                        .filter(|name| *name != "driver")?;
                    Some((name.to_owned(), Value::from(value.as_str())))
                });
                json!({"csi": {"driver": driver, "volumeAttributes": Value::Object(attributes.collect())}})
            }
            other => {
                let what = format!("{other:?} is no type of volume that Spark knows");
                let some = self.options.keys().next().map_or("", String::as_str);
                return Err(self.conf.bad(&self.key(some), &what));
            }
        }))
    }

    /// Names what nothing was made of.
    fn name_rest(&self, known: &[&str]) {
        for option in self.options.keys() {
            let taken = known.contains(&option.as_str()) || option.starts_with("options.");
            if !taken {
                self.conf.leave(
                    &self.key(option),
                    "nothing here stands for it; write it into the template",
                );
            }
        }
    }
}
