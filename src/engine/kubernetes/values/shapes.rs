//! The shapes of values by table: how a text is spelled, which fields may not be empty, of which fields one is chosen.
//! After the API's own validation: k8s.io/kubernetes/pkg/apis and k8s.io/apimachinery.
use super::names::{is_dns_label, is_dns_name, is_port_name, label_key_problem, label_value_problem, tidy};
use super::{At, Walk};
use crate::engine::kubernetes::words;
use crate::engine::yaml::{Node, Value};
use std::net::IpAddr;

/// How a text may be spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// RFC 1123: lower-case letters, digits and `-`.
    Label,
    /// Labels with dots between them.
    Name,
    /// A name that may begin with `*.`.
    Host,
    LabelKey,
    LabelValue,
    PortName,
    Address,
    /// Name of an environment variable: printable ASCII without `=`.
    Variable,
    /// Key of a ConfigMap or Secret.
    Key,
    /// A relative path that doesn't leave its folder.
    Below,
    /// An absolute path.
    Absolute,
    /// A path without steps upwards.
    NoSteps,
    Header,
    /// A part of a path of the API.
    Segment,
    /// `example.org/name`.
    Prefixed,
    /// A whole number or a share: `25%`.
    Share,
}

/// What is wrong with `text`, in words that follow "it".
pub fn wrong(spelling: Spelling, text: &str) -> Option<&'static str> {
    let upwards = || text.split('/').any(|part| part == "..");
    let bad = match spelling {
        Spelling::Label => !is_dns_label(text),
        Spelling::Name => !is_dns_name(text),
        Spelling::Host => !is_dns_name(text.strip_prefix("*.").unwrap_or(text)),
        Spelling::LabelKey => return label_key_problem(text),
        Spelling::LabelValue => return label_value_problem(text),
        Spelling::PortName => !is_port_name(text),
        Spelling::Address => text.parse::<IpAddr>().is_err(),
        Spelling::Variable => text.bytes().any(|b| !(b == b' ' || b.is_ascii_graphic()) || b == b'='),
        Spelling::Key => {
            text.len() > 253
                || text == "."
                || text.starts_with("..")
                || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        }
        Spelling::Below => text.starts_with('/') || upwards() || (text.starts_with("..") && !text.starts_with("../")),
        Spelling::Absolute => !text.starts_with('/'),
        Spelling::NoSteps => upwards(),
        Spelling::Header => !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        Spelling::Segment => matches!(text, "." | "..") || text.contains(['/', '%']),
        Spelling::Prefixed => text.split_once('/').is_none_or(|(domain, path)| path.is_empty() || !is_dns_name(domain)),
        Spelling::Share => text.strip_suffix('%').is_none_or(|n| n.is_empty() || !n.bytes().all(|b| b.is_ascii_digit())),
    };
    bad.then_some(match spelling {
        Spelling::Label => "must be at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends",
        Spelling::Name | Spelling::Host => "must be lower-case letters, digits, `-` and `.`, with a letter or digit at both ends",
        Spelling::PortName => "must be at most 15 lower-case letters, digits and single `-`, with at least one letter",
        Spelling::Address => "must be an IP address such as `10.9.8.7`",
        Spelling::Variable => "must be printable ASCII characters without `=`",
        Spelling::Key => "must be letters, digits, `-`, `_` and `.`, at most 253 of them",
        Spelling::Below => "must be a relative path without `..`",
        Spelling::Absolute => "must be an absolute path: it begins with `/`",
        Spelling::NoSteps => "must not contain `..`",
        Spelling::Header => "must be letters, digits and `-`",
        Spelling::Segment => "must not contain `/` or `%`",
        Spelling::Prefixed => "must be a domain, a `/` and a name, such as `example.org/name`",
        Spelling::Share => "must be a whole number, or a share such as `25%`",
        Spelling::LabelKey | Spelling::LabelValue => "must be spelled as a label",
    })
}

/// How a field's text, or each text of its list, is spelled. Empty texts are the business of [`needed`].
#[rustfmt::skip]
pub fn spelling(definition: &str, field: &str) -> Option<Spelling> {
    Some(match (definition, field) {
        ("v1.Volume" | "v1.PodResourceClaim" | "v1.IngressServiceBackend", "name") | ("v1.StatefulSetSpec", "serviceName") | ("v1.PodAffinityTerm", "namespaces") | ("v2.ContainerResourceMetricSource", "container") => Spelling::Label,
        ("v1.PodSpec", "serviceAccountName" | "nodeName" | "priorityClassName" | "runtimeClassName" | "hostnameOverride")
        | ("v1.HostAlias", "hostnames")
        | ("v1.PersistentVolumeClaimSpec" | "v1.PersistentVolumeSpec", "storageClassName")
        | ("v1.IngressSpec", "ingressClassName") | ("v1.IngressTLS", "secretName")
        | ("v1.ConfigMapKeySelector" | "v1.SecretKeySelector" | "v1.ConfigMapEnvSource" | "v1.SecretEnvSource", "name") => Spelling::Name,
        ("v1.IngressTLS", "hosts") => Spelling::Host,
        ("v1.NodeSelectorRequirement" | "v1.LabelSelectorRequirement" | "v1.Toleration" | "v1.Taint", "key")
        | ("v1.PodAffinityTerm", "topologyKey" | "matchLabelKeys" | "mismatchLabelKeys")
        | ("v1.TopologySpreadConstraint", "matchLabelKeys")
        | ("v1.PodReadinessGate", "conditionType") | ("v1.PodSchedulingGate", "name") | ("v1.ServicePort", "appProtocol") => Spelling::LabelKey,
        ("v1.LabelSelectorRequirement", "values") | ("v1.Taint", "value") => Spelling::LabelValue,
        ("v1.ServiceBackendPort", "name") => Spelling::PortName,
        ("v1.HostAlias", "ip") | ("v1.PodDNSConfig", "nameservers") | ("v1.ServiceSpec", "externalIPs") => Spelling::Address,
        ("v1.EnvVar", "name") | ("v1.EnvFromSource", "prefix") => Spelling::Variable,
        ("v1.ConfigMapKeySelector" | "v1.SecretKeySelector", "key") => Spelling::Key,
        ("v1.KeyToPath" | "v1.DownwardAPIVolumeFile" | "v1.ServiceAccountTokenProjection", "path") | ("v1.SeccompProfile", "localhostProfile") => Spelling::Below,
        ("v1.NFSVolumeSource", "path") => Spelling::Absolute,
        ("v1.HostPathVolumeSource" | "v1.LocalVolumeSource", "path") | ("v1.VolumeDevice", "devicePath") => Spelling::NoSteps,
        ("v1.HTTPHeader", "name") => Spelling::Header,
        ("v1.RoleRef" | "v2.MetricIdentifier", "name") | ("v2.CrossVersionObjectReference" | "v1.CrossVersionObjectReference", "name" | "kind") => Spelling::Segment,
        ("v1.IngressClassSpec", "controller") | ("v1.JobSpec", "managedBy") => Spelling::Prefixed,
        ("v1.RollingUpdateDeployment" | "v1.RollingUpdateDaemonSet" | "v1.RollingUpdateStatefulSetStrategy", "maxUnavailable" | "maxSurge")
        | ("v1.PodDisruptionBudgetSpec", "minAvailable" | "maxUnavailable") => Spelling::Share,
        _ => return None,
    })
}

/// Fields that the API wants to be there and not empty; the schema asks for some of them to be there.
#[rustfmt::skip]
pub fn needed(definition: &str) -> &'static [&'static str] {
    match definition {
        "v1.Volume" | "v1.ConfigMapEnvSource" | "v1.SecretEnvSource" | "v1.ConfigMapProjection" | "v1.SecretProjection"
        | "v1.ConfigMapVolumeSource" | "v1.IngressServiceBackend" | "v1.RoleRef" | "v1.Subject" | "v1.EnvVar" | "v1.PodResourceClaim"
        | "v1.PodDNSConfigOption" | "v2.MetricIdentifier" | "v2.ResourceMetricSource" => &["name"],
        "v1.SecretVolumeSource" => &["secretName"],
        "v1.ConfigMapKeySelector" | "v1.SecretKeySelector" => &["name", "key"],
        "v1.KeyToPath" => &["key", "path"],
        "v1.ExecAction" => &["command"],
        "v1.VolumeMount" => &["mountPath"],
        "v1.VolumeDevice" => &["name", "devicePath"],
        "v1.PersistentVolumeClaimVolumeSource" => &["claimName"],
        "v1.EphemeralVolumeSource" => &["volumeClaimTemplate"],
        "v1.NFSVolumeSource" => &["server", "path"],
        "v1.HostPathVolumeSource" | "v1.LocalVolumeSource" | "v1.DownwardAPIVolumeFile" | "v1.ServiceAccountTokenProjection" => &["path"],
        "v1.CSIVolumeSource" => &["driver"],
        "v1.CSIPersistentVolumeSource" => &["driver", "volumeHandle"],
        "v1.ObjectFieldSelector" => &["fieldPath"],
        "v1.ResourceFieldSelector" => &["resource"],
        "v1.NodeSelector" => &["nodeSelectorTerms"],
        "v1.PodAffinityTerm" | "v1.TopologySpreadConstraint" => &["topologyKey"],
        "v1.NodeSelectorRequirement" | "v1.LabelSelectorRequirement" | "v1.Taint" => &["key"],
        "v1.HTTPIngressRuleValue" => &["paths"],
        "v1.HTTPIngressPath" => &["pathType"],
        "v1.PolicyRule" => &["verbs"],
        "v1.AggregationRule" => &["clusterRoleSelectors"],
        "v2.CrossVersionObjectReference" | "v1.CrossVersionObjectReference" => &["kind", "name"],
        "v2.ContainerResourceMetricSource" => &["name", "container"],
        "v1.CronJobSpec" => &["schedule"],
        "v1.StorageClass" => &["provisioner"],
        "v1.IngressClassSpec" => &["controller"],
        "v1.SeccompProfile" | "v1.AppArmorProfile" => &["type"],
        "v1.PersistentVolumeSpec" => &["accessModes", "capacity"],
        "v1.LimitRangeItem" => &["type"],
        "v1.SuccessPolicy" => &["rules"],
        "v1.PodFailurePolicyRule" => &["action"],
        "v1.PodFailurePolicyOnExitCodesRequirement" => &["operator", "values"],
        _ => &[],
    }
}

/// Fields of which one is chosen, and whether one must be.
#[rustfmt::skip]
pub fn choice(definition: &str) -> Option<(&'static [&'static str], bool)> {
    Some(match definition {
        "v1.EnvVarSource" => (&["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"], true),
        "v1.EnvFromSource" => (&["configMapRef", "secretRef"], true),
        "v1.LifecycleHandler" => (&["exec", "httpGet", "tcpSocket", "sleep"], true),
        "v1.VolumeProjection" => (&["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"], false),
        "v1.DownwardAPIVolumeFile" => (&["fieldRef", "resourceFieldRef"], true),
        "v1.PodResourceClaim" => (&["resourceClaimName", "resourceClaimTemplateName"], true),
        "v1.IngressBackend" => (&["service", "resource"], true),
        "v1.ServiceBackendPort" => (&["number", "name"], true),
        "v1.PodFailurePolicyRule" => (&["onExitCodes", "onPodConditions"], true),
        "v1.VolumeMount" => (&["subPath", "subPathExpr"], false),
        "v1.PodDisruptionBudgetSpec" => (&["minAvailable", "maxUnavailable"], false),
        "v1.PersistentVolumeSpec" => (&[
            "hostPath", "nfs", "csi", "local", "iscsi", "fc", "cephfs", "rbd", "glusterfs", "gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "azureFile",
            "cinder", "flexVolume", "flocker", "photonPersistentDisk", "portworxVolume", "quobyte", "scaleIO", "storageos", "vsphereVolume",
        ], true),
        _ => return None,
    })
}

/// Whether a value counts as none: the API takes an empty text or list for one that was never written.
pub fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Seq(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// What a mapping lacks and what excludes each other in it.
pub fn check(walk: &mut Walk<'_, '_>, at: At<'_>, definition: &str) {
    if !matches!(at.node.value, Value::Map(_)) {
        return;
    }
    let owner = match at.key {
        Some(_) => format!("`{}`", at.name),
        None if at.name.is_empty() => format!("this {}", walk.kind),
        None => format!("this item of `{}`", at.name),
    };
    let mut absent = Vec::new();
    for name in needed(definition) {
        match at.node.entry(name) {
            Some(entry) if is_empty(&entry.value) => walk.refuse(
                entry.key_span,
                format!("`{name}` is empty"),
                "The API takes an empty value for one that was never written, and it needs this one.",
                format!("Write a value for `{name}`."),
            ),
            Some(_) => {}
            None => absent.push(*name),
        }
    }
    if let Some(first) = absent.first() {
        let names = absent.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" and ");
        let fix = walk.doc.add(at.node, at.key, &format!("{first}: …"));
        walk.refuse(at.head(), format!("{owner} needs {names}"), "The schema lets it be left out, but the API refuses the object without it.", fix);
    }
    if let Some((names, must)) = choice(definition) {
        walk.only_one(at, names);
        if must && !names.iter().any(|n| at.node.get(n).is_some_and(|v| !matches!(v.value, Value::Null))) {
            let listed = words::either(names.iter().copied().take(6));
            let says = match names {
                [one, other] => format!("neither `{one}` nor `{other}`"),
                _ => format!("none of {}", listed.replace(" or ", " and ")),
            };
            let why = "Naming one of them says what is meant; the API refuses the object without.";
            walk.refuse(at.head(), format!("{owner} says {says}"), why, format!("Write {listed} below it."));
        }
    }
}

/// How a field is spelled.
pub fn field(walk: &mut Walk<'_, '_>, at: At<'_>, definition: &str) {
    let Some(spelling) = spelling(definition, at.name) else { return };
    let each: &[Node] = if matches!(at.node.value, Value::Seq(_)) { at.node.items() } else { std::slice::from_ref(at.node) };
    for node in each {
        if let Some(text) = node.as_str().filter(|t| !t.is_empty()) {
            spelled(walk, node, at.name, text, spelling);
        }
    }
}

/// Says so if a text isn't spelled as it must be.
pub fn spelled(walk: &mut Walk<'_, '_>, node: &Node, name: &str, text: &str, spelling: Spelling) {
    let Some(rule) = wrong(spelling, text) else { return };
    let right = matches!(spelling, Spelling::Label | Spelling::Name).then(|| tidy(text)).filter(|t| !t.is_empty());
    let fix = right.and_then(|r| walk.doc.replace(node.span, &r)).unwrap_or_else(|| format!("It {rule}."));
    let message = format!("`{name}` is `{}`, and it {rule}", walk.doc.shown(node));
    walk.refuse(node.span, message, "The API refuses the object if it is spelled otherwise.", fix);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_those_of_the_api() {
        for (spelling, good, bad) in [
            (Spelling::Label, &["a", "a-1", "0"][..], &["", "A", "a.b", "-a", "a_b"][..]),
            (Spelling::Name, &["a.b", "a-1.example"], &["a..b", "a/b", ".a"]),
            (Spelling::Host, &["*.a.b", "a"], &["*", "a.*.b"]),
            (Spelling::Address, &["10.0.0.1", "::1"], &["10.0.0", "10.0.0.1/8", "010.0.0.1"]),
            (Spelling::Variable, &["A", "a b", "1", "a.b-c"], &["a=b", "ä", "a\n"]),
            (Spelling::Key, &["a.yaml", ".hidden", "A_b-1"], &["a b", "..a", ".", "a/b", ""]),
            (Spelling::Below, &["a/b", "a..b"], &["/a", "a/../b", "..a"]),
            (Spelling::Header, &["X-A"], &["X A", "X_A"]),
            (Spelling::Segment, &["a:b", "a b"], &["a/b", "..", "a%"]),
            (Spelling::Prefixed, &["a.b/c"], &["a.b", "/c", "A/c", "a/"]),
            (Spelling::Share, &["0%", "125%"], &["5", "%", "1.5%", "-1%"]),
        ] {
            for text in good {
                assert_eq!(wrong(spelling, text), None, "{spelling:?} {text}");
            }
            for text in bad.iter().filter(|t| !t.is_empty() || spelling == Spelling::Label) {
                assert!(wrong(spelling, text).is_some(), "{spelling:?} {text}");
            }
        }
    }
}
