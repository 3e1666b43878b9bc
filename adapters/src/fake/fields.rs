//! `fieldValidation=Strict`: the fields that a pod and a claim of Kubernetes 1.36 have, as far down as executors' templates go. What is
//! below these levels is not looked into.

use serde_json::Value;

const OBJECT: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];

const METADATA: &[&str] = &[
    "annotations",
    "clusterName",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

const SPEC: &[&str] = &[
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "initContainers",
    "nodeName",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "schedulingGroup",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
    "workloadRef",
];

const CONTAINER: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

const CLAIM_SPEC: &[&str] = &[
    "accessModes",
    "dataSource",
    "dataSourceRef",
    "resources",
    "selector",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
    "volumeName",
];

/// The first field that a claim does not have, by its path.
pub(super) fn unknown_of_claim(claim: &Value) -> Option<String> {
    unknown_in(claim, OBJECT, "")
        .or_else(|| unknown_in(&claim["metadata"], METADATA, "metadata."))
        .or_else(|| unknown_in(&claim["spec"], CLAIM_SPEC, "spec."))
}

/// The first field that a pod does not have, by its path.
pub(super) fn unknown(pod: &Value) -> Option<String> {
    let containers = ["initContainers", "containers"]
        .into_iter()
        .find_map(|list| {
            let containers = pod["spec"][list].as_array()?;
            containers.iter().enumerate().find_map(|(at, container)| {
                unknown_in(container, CONTAINER, &format!("spec.{list}[{at}]."))
            })
        });
    unknown_in(pod, OBJECT, "")
        .or_else(|| unknown_in(&pod["metadata"], METADATA, "metadata."))
        .or_else(|| unknown_in(&pod["spec"], SPEC, "spec."))
        .or(containers)
}

fn unknown_in(object: &Value, known: &[&str], path: &str) -> Option<String> {
    let unknown = object
        .as_object()?
        .keys()
        .find(|key| !known.contains(&key.as_str()))?;
    Some(format!("{path}{unknown}"))
}

#[cfg(test)]
mod tests {
    use super::unknown;
    use serde_json::json;

    #[test]
    fn unknown_fields_are_found_where_they_are() {
        let pod = |spec| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec});
        let good = json!({"containers": [{"name": "a", "image": "i", "env": [{"whatever": 1}]}], "volumes": []});
        assert_eq!(unknown(&pod(good)), None);
        let found = |spec| unknown(&pod(spec));
        assert_eq!(
            found(json!({"containres": []})).as_deref(),
            Some("spec.containres")
        );
        let deep = json!({"containers": [{"name": "a"}, {"imag": "i"}]});
        assert_eq!(found(deep).as_deref(), Some("spec.containers[1].imag"));
        assert_eq!(unknown(&json!({"sepc": {}})).as_deref(), Some("sepc"));
        assert_eq!(
            unknown(&json!({"metadata": {"nmae": "a"}})).as_deref(),
            Some("metadata.nmae")
        );
    }
}
