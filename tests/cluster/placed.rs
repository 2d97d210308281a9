//! Where our scheduling puts pods, and why it can't, is what a scheduler does on nodes of the same shape.
use super::kubelet;
use super::refusals::{handed_in, objects_of};
use super::server::{Server, server};
use groundcrew::engine::kubernetes::Kubernetes;
use groundcrew::engine::kubernetes::scheduling::{Nodes, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Four nodes in two zones, two of them with GPUs behind the usual taint.
fn nodes() -> Vec<Value> {
    let labels = |zone: &str, more: Value| {
        let mut all = json!({ "topology.kubernetes.io/zone": zone });
        all.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        all
    };
    let gpu = json!([{ "key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule" }]);
    let product = |name: &str, memory: &str| json!({ "nvidia.com/gpu.product": name, "nvidia.com/gpu.memory": memory });
    vec![
        kubelet::node("plain-a", &labels("a", json!({ "disk": "ssd" })), &json!([]), &json!({ "cpu": "4", "memory": "16Gi", "pods": "4" })),
        kubelet::node("plain-b", &labels("b", json!({})), &json!([]), &json!({ "cpu": "2", "memory": "8Gi" })),
        kubelet::node("l4", &labels("a", product("NVIDIA-L4", "23034")), &gpu, &json!({ "cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1" })),
        kubelet::node(
            "a100",
            &labels("b", product("NVIDIA-A100-SXM4-80GB", "81920")),
            &gpu,
            &json!({ "cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "2" }),
        ),
    ]
}

fn pod(name: &str, labels: &str, spec: &str, resources: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nspec: {{{spec} containers: [{{name: c, image: a, resources: {{{resources}}}}}]}}\n"
    )
}

const TOLERANT: &str = "tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}],";

#[rustfmt::skip]
fn cases() -> Vec<String> {
    let asks = |resources: &str| pod("p", "", "", resources);
    let with = |spec: &str| pod("p", "", spec, "");
    let gpu = |name: &str, spec: &str, n: u32| pod(name, "", &format!("{TOLERANT} {spec}"), &format!("limits: {{nvidia.com/gpu: {n}}}"));
    let affinity = |terms: &str| with(&format!("affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}}}}},"));
    let term = |requirement: &str| affinity(&format!("{{matchExpressions: [{{{requirement}}}]}}"));
    let near = |kind: &str, key: &str| format!("affinity: {{{kind}: {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: {key}, labelSelector: {{matchLabels: {{app: x}}}}}}]}}}},");
    let spread = |key: &str, skew: u32| format!("topologySpreadConstraints: [{{maxSkew: {skew}, topologyKey: {key}, whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: x}}}}}}],");
    let on = |node: &str| format!("nodeSelector: {{kubernetes.io/hostname: {node}}}, {TOLERANT}");
    let (zone, host) = ("topology.kubernetes.io/zone", "kubernetes.io/hostname");
    let x = |name: &str, spec: &str| pod(name, "app: x", spec, "");
    vec![
        // Resources.
        asks("requests: {cpu: 1}"),
        asks("requests: {cpu: 3}"),
        asks("requests: {cpu: 5}"),
        asks("requests: {memory: 12Gi}"),
        asks("requests: {memory: 20Gi}"),
        asks("requests: {cpu: 5, memory: 20Gi}"),
        asks("limits: {nvidia.com/gpu: 1}"),
        asks("limits: {amd.com/gpu: 1}"),
        asks("requests: {ephemeral-storage: 200Gi}"),
        gpu("p", "", 1),
        gpu("p", "", 2),
        gpu("p", "", 3),
        [gpu("p", "", 2), gpu("r", "", 1), gpu("s", "", 1)].concat(),
        gpu("p", "nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},", 1),
        gpu("p", "nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},", 2),
        gpu("p", "nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100},", 1),
        [pod("p", "", &on("plain-b"), "requests: {cpu: 1500m}"), pod("r", "", &on("plain-b"), "requests: {cpu: 600m}")].concat(),
        (0..5).map(|n| pod(&format!("p{n}"), "", &on("plain-a"), "")).collect(),
        // Taints.
        with(TOLERANT),
        with("tolerations: [{key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule}], nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},"),
        with("tolerations: [{key: nvidia.com/gpu, operator: Equal, value: other, effect: NoSchedule}], nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},"),
        with("tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoExecute}], nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},"),
        with("tolerations: [{operator: Exists}], nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4},"),
        // Selectors and affinity.
        with("nodeSelector: {disk: ssd},"),
        with("nodeSelector: {disk: hdd},"),
        with("nodeSelector: {disk: ssd, topology.kubernetes.io/zone: b},"),
        term("key: disk, operator: In, values: [ssd, nvme]"),
        term("key: disk, operator: NotIn, values: [ssd]"),
        term("key: disk, operator: Exists"),
        term("key: disk, operator: DoesNotExist"),
        term("key: disk, operator: In, values: [hdd]"),
        affinity("{matchExpressions: [{key: disk, operator: In, values: [hdd]}]}, {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}"),
        affinity("{matchExpressions: [{key: disk, operator: Exists}, {key: topology.kubernetes.io/zone, operator: In, values: [b]}]}"),
        affinity("{matchFields: [{key: metadata.name, operator: In, values: [plain-b]}]}"),
        gpu("p", "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.memory, operator: Gt, values: ['40000']}]}]}}},", 1),
        gpu("p", "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.memory, operator: Lt, values: ['20000']}]}]}}},", 1),
        // Ports of the node.
        [format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{{} containers: [{{name: c, image: a, ports: [{{containerPort: 80, hostPort: 80}}]}}]}}\n", on("plain-a")),
         format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: r}}\nspec: {{{} containers: [{{name: c, image: a, ports: [{{containerPort: 80, hostPort: 80}}]}}]}}\n", on("plain-a"))].concat(),
        [format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{{} containers: [{{name: c, image: a, ports: [{{containerPort: 80, hostPort: 80}}]}}]}}\n", on("plain-a")),
         format!("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: r}}\nspec: {{{} containers: [{{name: c, image: a, ports: [{{containerPort: 80, hostPort: 80, protocol: UDP}}]}}]}}\n", on("plain-a"))].concat(),
        // Pods near and far from each other.
        [x("p", &near("podAntiAffinity", host)), x("r", &near("podAntiAffinity", host)), x("s", &near("podAntiAffinity", host))].concat(),
        [x("p", &near("podAntiAffinity", zone)), x("r", &near("podAntiAffinity", zone)), x("s", &near("podAntiAffinity", zone))].concat(),
        [x("p", &format!("nodeSelector: {{disk: ssd}}, {}", near("podAntiAffinity", zone))), x("r", "nodeSelector: {disk: ssd},")].concat(),
        x("p", &near("podAffinity", zone)),
        pod("p", "app: z", &near("podAffinity", zone), ""),
        [x("p", "nodeSelector: {disk: ssd},"), pod("r", "app: z", &near("podAffinity", host), "")].concat(),
        [x("p", "nodeSelector: {disk: ssd},"), pod("r", "app: z", &format!("nodeSelector: {{topology.kubernetes.io/zone: b}}, {}", near("podAffinity", zone)), "")].concat(),
        // Spread.
        [x("p", &format!("nodeSelector: {{disk: ssd}}, {}", spread(host, 1))), x("r", &format!("nodeSelector: {{disk: ssd}}, {}", spread(host, 1)))].concat(),
        [x("p", "nodeSelector: {disk: ssd},"), x("r", "nodeSelector: {disk: ssd},"), x("s", &spread(zone, 1))].concat(),
        x("p", &spread("rack", 1)),
        // Left to itself.
        with("nodeName: plain-b,"),
    ]
}

/// `0/4 nodes are available: 1 Insufficient cpu, …` as a count of each reason, in the words of today's scheduler.
fn counted(event: &str) -> BTreeMap<String, u32> {
    let event = event.split(" preemption:").next().unwrap_or(event);
    let reasons = event.split_once(": ").map_or("", |(_, r)| r).trim_end().trim_end_matches('.');
    let mut counts = BTreeMap::new();
    // Up to 1.21 a taint's reason had a comma of its own.
    for part in reasons.replace(", that the pod didn't tolerate", "").split(", ") {
        let Some((n, reason)) = part.split_once(' ') else { continue };
        let reason = match reason {
            _ if reason.starts_with("node(s) had taint {") || reason.starts_with("node(s) had untolerated taint") => {
                "node(s) had untolerated taint(s)"
            }
            "node(s) didn't match node selector" | "node(s) didn't match Pod's node affinity" => "node(s) didn't match Pod's node affinity/selector",
            "node(s) didn't match the requested hostname" => "node(s) didn't match the requested node name",
            // Said beside the one that tells which of the two.
            "node(s) didn't match pod affinity/anti-affinity rules" | "node(s) didn't match pod affinity/anti-affinity" => continue,
            other => other,
        };
        *counts.entry(reason.to_owned()).or_default() += n.parse::<u32>().unwrap_or(0);
    }
    counts
}

/// What the scheduler does with one pod, held against ours.
async fn asked(server: &Server, namespace: &str, object: &Value, ours: &Verdict) -> Result<(), String> {
    let name = object["metadata"]["name"].as_str().unwrap();
    server.create(namespace, object).await.map_err(|r| r.message)?;
    let (node, event) = server
        .until(&format!("the scheduler's word on {name}"), || async {
            let pod = server.get("v1", "Pod", namespace, name).await?;
            if let Some(node) = pod["spec"]["nodeName"].as_str() {
                return Some((Some(node.to_owned()), String::new()));
            }
            let conditions = pod["status"]["conditions"].as_array()?;
            let scheduled = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
            Some((None, scheduled["message"].as_str().unwrap_or_default().to_owned()))
        })
        .await;
    let fits = |node: &str| ours.nodes.iter().any(|(n, reasons)| n == node && reasons.is_empty());
    match (&node, &ours.event) {
        (Some(node), None) if fits(node) => Ok(()),
        (None, Some(said)) if counted(&event) == counted(said) => Ok(()),
        _ => Err(format!("{name}: it: {node:?} {event}\n    we: {:?} {:?} of {:?}", ours.node, ours.event, ours.nodes)),
    }
}

#[tokio::test]
async fn pods_go_where_we_say() {
    let Some(server) = server().await else { return };
    if !server.ours_alone {
        super::server::skipped("the named cluster has nodes of others, which every message of its scheduler counts");
        return;
    }
    let all = nodes();
    for node in &all {
        kubelet::add(&server, node).await;
    }
    let told = |n: &Value| json!({ "apiVersion": "v1", "kind": "Node", "metadata": n["metadata"], "spec": n["spec"], "status": { "allocatable": n["status"]["allocatable"] } });
    let text: String = all.iter().map(|n| format!("---\n{}\n", told(n))).collect();
    let ours = Nodes::read("nodes.yaml", &text).unwrap();
    let (mut wrong, mut pods) = (Vec::new(), 0);
    let cases = cases();
    for case in &cases {
        let (files, streams) = handed_in(case);
        let verdicts = Kubernetes::read(&files, &streams).verdicts(&ours, 100);
        let namespace = server.namespace().await;
        for object in &objects_of(case) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let Some(verdict) = verdicts.iter().find(|v| v.pod == name || v.pod == format!("{name}-1")) else {
                wrong.push(format!("{case}    we say nothing of {name}: {verdicts:?}"));
                continue;
            };
            pods += 1;
            if let Err(differs) = asked(&server, &namespace, object, verdict).await {
                wrong.push(format!("{case}    {differs}"));
            }
        }
        for object in &objects_of(case) {
            server.delete("v1", "Pod", &namespace, object["metadata"]["name"].as_str().unwrap()).await;
        }
        server.until("an empty namespace", || async { server.list("v1", "Pod", &namespace).await.is_empty().then_some(()) }).await;
        server.delete("v1", "Namespace", "", &namespace).await;
    }
    for node in &all {
        server.delete("v1", "Node", "", node["metadata"]["name"].as_str().unwrap()).await;
    }
    println!(
        "scheduling: {} of {pods} pods in {} cases agree with Kubernetes {}.{}",
        pods - wrong.len(),
        cases.len(),
        server.version.0,
        server.version.1
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
