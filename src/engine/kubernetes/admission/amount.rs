//! Amounts as the API server counts and writes them, and what pods and other objects use of a quota.
use crate::engine::kubernetes::demand::Demand;
use crate::engine::kubernetes::objects::{Object, Pod};
use crate::engine::kubernetes::quantity::Quantity;
use crate::engine::yaml::{Node, Value};
use std::collections::BTreeMap;

/// A quantity, and whether the API writes it in binary units: as what was counted first was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    pub n: Quantity,
    pub binary: bool,
}

/// Amounts by the names that quotas have for them: `requests.cpu`, `pods`.
pub type Usage = BTreeMap<String, Amount>;

impl Amount {
    pub fn of(node: &Node) -> Option<Amount> {
        let binary = matches!(&node.value, Value::String(s) if s.ends_with('i'));
        Some(Amount { n: Quantity::of(node)?, binary })
    }

    pub fn written(self) -> String {
        self.n.canonical(self.binary)
    }
}

/// The quantities of a mapping; what is none is the schema's business.
pub fn of_mapping(node: Option<&Node>) -> Usage {
    let entries = node.map_or(&[][..], Node::entries);
    entries.iter().filter_map(|e| Some((e.key.clone(), Amount::of(&e.value)?))).collect()
}

/// Adds `n` times what is there to a sum. Something counted onto nothing is written as it is written itself.
pub fn add(sum: &mut Usage, more: &Usage, n: u64) {
    for (resource, amount) in more {
        let had = sum.entry(resource.clone()).or_insert(Amount { n: Quantity::whole(0), binary: amount.binary });
        if had.n.is_zero() {
            had.binary = amount.binary;
        }
        had.n = had.n.plus(amount.n.times(n));
    }
}

/// Whether a device plugin may advertise a resource of this name, so that quotas count it as `requests.<name>` alone.
pub fn is_extended(resource: &str) -> bool {
    resource.contains('/') && !resource.contains("kubernetes.io/") && !resource.starts_with("requests.")
}

/// What a pod takes of a quota, given what it asks for with all defaults.
pub fn of_pod(pod: &Pod<'_>, demand: &Demand) -> Usage {
    let one = Amount { n: Quantity::whole(1), binary: false };
    let mut usage = Usage::from([("pods".into(), one), ("count/pods".into(), one)]);
    for (side, amounts) in [("requests", &demand.requests), ("limits", &demand.limits)] {
        for (resource, n) in amounts.iter() {
            let counts = match resource {
                "cpu" | "memory" | "ephemeral-storage" => true,
                other => side == "requests" && (is_extended(other) || other.starts_with("hugepages-")),
            };
            if !counts {
                continue;
            }
            let amount = Amount { n, binary: is_binary(pod, side, resource) };
            if side == "requests" && !is_extended(resource) {
                usage.insert(resource.to_owned(), amount);
            }
            usage.insert(format!("{side}.{resource}"), amount);
        }
    }
    usage
}

/// How the first container writes a resource; a default is written in binary units unless it is of CPU.
fn is_binary(pod: &Pod<'_>, side: &str, resource: &str) -> bool {
    let written = pod.containers.iter().find_map(|c| c.node.path(&["resources", side, resource]));
    let written = written.or_else(|| pod.containers.iter().find_map(|c| c.limit(resource)));
    written.and_then(Amount::of).map_or(matches!(resource, "memory" | "ephemeral-storage"), |a| a.binary)
}

/// What an object that is no pod takes of a quota.
pub fn of_object(object: &Object<'_>) -> Usage {
    let one = Amount { n: Quantity::whole(1), binary: false };
    let counted = |keys: &[&str]| keys.iter().map(|k| ((*k).to_owned(), one)).collect::<Usage>();
    match object.kind {
        "Service" => of_service(object.node),
        "PersistentVolumeClaim" => of_claim(object.node),
        "Secret" => counted(&["secrets", "count/secrets"]),
        "ConfigMap" => counted(&["configmaps", "count/configmaps"]),
        "ReplicationController" => counted(&["replicationcontrollers", "count/replicationcontrollers"]),
        "ServiceAccount" => counted(&["count/serviceaccounts"]),
        "Deployment" => counted(&["count/deployments.apps"]),
        "StatefulSet" => counted(&["count/statefulsets.apps"]),
        "ReplicaSet" => counted(&["count/replicasets.apps"]),
        "DaemonSet" => counted(&["count/daemonsets.apps"]),
        "Job" => counted(&["count/jobs.batch"]),
        "CronJob" => counted(&["count/cronjobs.batch"]),
        "Ingress" => counted(&["count/ingresses.networking.k8s.io"]),
        "NetworkPolicy" => counted(&["count/networkpolicies.networking.k8s.io"]),
        "HorizontalPodAutoscaler" => counted(&["count/horizontalpodautoscalers.autoscaling"]),
        "PodDisruptionBudget" => counted(&["count/poddisruptionbudgets.policy"]),
        _ => Usage::new(),
    }
}

/// A claim, or the template of one in a StatefulSet.
pub fn of_claim(node: &Node) -> Usage {
    let one = Amount { n: Quantity::whole(1), binary: false };
    let mut usage = Usage::from([("persistentvolumeclaims".into(), one), ("count/persistentvolumeclaims".into(), one)]);
    if let Some(storage) = node.path(&["spec", "resources", "requests", "storage"]).and_then(Amount::of) {
        if let Some(class) = node.path(&["spec", "storageClassName"]).and_then(Node::as_str) {
            usage.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
            usage.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), one);
        }
        usage.insert("requests.storage".into(), storage);
    }
    usage
}

/// A load balancer opens a port on every node too, unless it is told not to.
fn of_service(node: &Node) -> Usage {
    let pieces = |n: usize| Amount { n: Quantity::whole(i64::try_from(n).unwrap_or(i64::MAX)), binary: false };
    let mut usage = Usage::from([("services".into(), pieces(1)), ("count/services".into(), pieces(1))]);
    let ports = node.path(&["spec", "ports"]).map_or(&[][..], Node::items);
    let kind = node.path(&["spec", "type"]).and_then(Node::as_str);
    if kind == Some("LoadBalancer") {
        usage.insert("services.loadbalancers".into(), pieces(1));
    }
    if matches!(kind, Some("LoadBalancer" | "NodePort")) {
        let told_not_to =
            kind == Some("LoadBalancer") && node.path(&["spec", "allocateLoadBalancerNodePorts"]).and_then(Node::as_bool) == Some(false);
        let fixed = |p: &&Node| p.get("nodePort").and_then(Node::as_i64).is_some_and(|n| n != 0);
        let open = if told_not_to { ports.iter().filter(fixed).count() } else { ports.len() };
        usage.insert("services.nodeports".into(), pieces(open));
    }
    usage
}
