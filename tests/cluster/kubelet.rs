//! Nodes that are only objects, and a kubelet that is only words: it says of each pod bound to one that it runs.
use super::server::Server;
use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The label of our nodes, by which pods may ask for them.
pub const SIMULATED: &str = "groundcrew.dev/simulated";
/// The annotation by which a pod does something else than run: `crash`, `unready`, `no-image`.
pub const SIMULATE: &str = "groundcrew.dev/simulate";

/// A node: its name, labels, taints and what it has. `pods` and `ephemeral-storage` are added where they are missing.
pub fn node(name: &str, labels: &Value, taints: &Value, has: &Value) -> Value {
    let mut capacity = json!({ "pods": "110", "ephemeral-storage": "100Gi" });
    let mut own = json!({ SIMULATED: "true", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" });
    for (into, from) in [(&mut capacity, has), (&mut own, labels)] {
        into.as_object_mut().unwrap().extend(from.as_object().cloned().unwrap_or_default());
    }
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "Simulated", "message": "" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": own },
        "spec": { "taints": taints },
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [condition("Ready", "True"), condition("MemoryPressure", "False"), condition("DiskPressure", "False"), condition("PIDPressure", "False")],
        },
    })
}

/// Labels of GPU feature discovery and the taint of a GPU pool.
pub fn gpu_node(name: &str, product: &str, gpus: u32) -> Value {
    let labels = json!({ "nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": product, "nvidia.com/gpu.count": gpus.to_string() });
    let taints = json!([{ "key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule" }]);
    node(name, &labels, &taints, &json!({ "cpu": "8", "memory": "32Gi", "nvidia.com/gpu": gpus.to_string() }))
}

/// Registers a node and waits until pods may be put there.
pub async fn add(server: &Server, node: &Value) {
    let name = node["metadata"]["name"].as_str().unwrap();
    server.create("", node).await.unwrap();
    // A server taints what is new as not ready; the controllers see that it is, and take it off.
    server
        .until(&format!("node {name}"), || async {
            let node = server.get("v1", "Node", "", name).await?;
            let waits = node["spec"]["taints"].as_array().is_some_and(|t| t.iter().any(|t| t["key"] == "node.kubernetes.io/not-ready"));
            (!waits).then_some(())
        })
        .await;
}

/// Keeps pods' states until this process ends, on a thread of its own.
pub fn run(kubeconfig: PathBuf) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
            let client = Client::try_from(config).unwrap();
            loop {
                // Whatever fails is tried again: the server may be just starting.
                let _ = round(&client).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    });
}

async fn round(client: &Client) -> Result<(), kube::Error> {
    let get = |path: &str| Request::get(path).body(Vec::new()).unwrap();
    let nodes: Value = client.request(get(&format!("/api/v1/nodes?labelSelector={SIMULATED}"))).await?;
    let ours: Vec<&str> = items(&nodes).filter_map(|n| n["metadata"]["name"].as_str()).collect();
    let pods: Value = client.request(get("/api/v1/pods?fieldSelector=spec.nodeName!=")).await?;
    for pod in items(&pods).filter(|p| p["spec"]["nodeName"].as_str().is_some_and(|n| ours.contains(&n))) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("/api/v1/namespaces/{}/pods/{name}", pod["metadata"]["namespace"].as_str().unwrap_or_default());
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            let _: Result<Value, _> = client.request(Request::delete(format!("{path}?gracePeriodSeconds=0")).body(Vec::new()).unwrap()).await;
            continue;
        }
        let status = status(pod);
        // `Running` is also the phase of what crashes: the containers' states tell.
        if pod["status"]["phase"] == status["phase"] && pod["status"]["containerStatuses"].is_array() {
            continue;
        }
        let request = Request::patch(format!("{path}/status")).header("Content-Type", "application/merge-patch+json");
        let _: Result<Value, _> = client.request(request.body(serde_json::to_vec(&json!({ "status": status })).unwrap()).unwrap()).await;
    }
    Ok(())
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

/// What a kubelet would say of the pod, seconds after it was bound.
fn status(pod: &Value) -> Value {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let simulate = pod["metadata"]["annotations"][SIMULATE].as_str();
    let of_job = pod["metadata"]["ownerReferences"].as_array().is_some_and(|o| o.iter().any(|o| o["kind"] == "Job"));
    let exited = |code: u8, reason: &str| json!({ "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now });
    let (phase, ready, state, last, restarts) = match simulate {
        Some("crash") => {
            let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container" } });
            ("Running", false, waiting, json!({ "terminated": exited(1, "Error") }), 3)
        }
        Some("no-image") => {
            let waiting = json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image" } });
            ("Pending", false, waiting, json!({}), 0)
        }
        Some("unready") => ("Running", false, json!({ "running": { "startedAt": now } }), json!({}), 0),
        _ if of_job => ("Succeeded", false, json!({ "terminated": exited(0, "Completed") }), json!({}), 0),
        _ => ("Running", true, json!({ "running": { "startedAt": now } }), json!({}), 0),
    };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let containers: Vec<Value> = containers
        .map(|c| {
            json!({ "name": c["name"], "image": c["image"], "imageID": "", "ready": ready, "started": ready, "restartCount": restarts, "state": state, "lastState": last })
        })
        .collect();
    let condition = |kind: &str, status: bool| json!({ "type": kind, "status": if status { "True" } else { "False" }, "lastTransitionTime": now });
    json!({
        "phase": phase,
        "startTime": now,
        "hostIP": "127.0.0.1",
        "conditions": [condition("PodScheduled", true), condition("Initialized", true), condition("ContainersReady", ready), condition("Ready", ready)],
        "containerStatuses": containers,
    })
}
