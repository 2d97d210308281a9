//! The cluster of the tests is one: it rolls out, schedules, counts and fails as a real one does.
use super::kubelet::{self, SIMULATE, SIMULATED};
use super::server::{Server, server};
use serde_json::{Value, json};

fn deployment(name: &str, replicas: u32, simulate: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels, "annotations": { SIMULATE: simulate } },
                "spec": { "nodeSelector": { SIMULATED: "true" }, "containers": [{ "name": "server", "image": "registry.example/server:1" }] },
            },
        },
    })
}

fn gpu_pod(name: &str, gpus: u32) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "tolerations": [{ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" }],
            "containers": [{ "name": "server", "image": "registry.example/server:1", "resources": { "limits": { "nvidia.com/gpu": gpus } } }],
        },
    })
}

/// Two nodes for the time of a test.
async fn two_nodes(server: &Server) {
    kubelet::add(server, &kubelet::node("plain", &json!({}), &json!([]), &json!({ "cpu": "4", "memory": "16Gi" }))).await;
    kubelet::add(server, &kubelet::gpu_node("gpu", "NVIDIA-L4", 1)).await;
}

async fn away(server: &Server, namespace: &str) {
    server.delete("v1", "Namespace", "", namespace).await;
    for node in ["plain", "gpu"] {
        server.delete("v1", "Node", "", node).await;
    }
}

/// The status of a condition of a pod or deployment.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == kind)
}

#[tokio::test]
async fn a_deployment_becomes_available_and_its_faults_are_seen() {
    let Some(server) = server().await else { return };
    let namespace = server.namespace().await;
    two_nodes(&server).await;

    server.create(&namespace, &deployment("chat", 3, "")).await.unwrap();
    server
        .until("an available deployment", || async {
            let chat = server.get("apps/v1", "Deployment", &namespace, "chat").await?;
            (chat["status"]["availableReplicas"] == 3 && condition(&chat, "Available")?["status"] == "True").then_some(())
        })
        .await;

    for (simulate, reason) in [("crash", Some("CrashLoopBackOff")), ("no-image", Some("ImagePullBackOff")), ("unready", None)] {
        let name = format!("bad-{simulate}");
        server.create(&namespace, &deployment(&name, 1, simulate)).await.unwrap();
        let pod = server
            .until(&format!("the pod of {name}"), || async {
                let pods = server.list("v1", "Pod", &namespace).await;
                pods.into_iter().find(|p| p["metadata"]["labels"]["app"] == name && condition(p, "Ready").is_some())
            })
            .await;
        assert_eq!(condition(&pod, "Ready").unwrap()["status"], "False", "{simulate}");
        assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str(), reason, "{simulate}");
        let bad = server.get("apps/v1", "Deployment", &namespace, &name).await.unwrap();
        assert_ne!(bad["status"]["availableReplicas"], 1, "{simulate}");
    }
    away(&server, &namespace).await;
}

#[tokio::test]
async fn a_pod_with_a_gpu_runs_on_the_node_that_has_one_and_the_next_waits() {
    let Some(server) = server().await else { return };
    let namespace = server.namespace().await;
    two_nodes(&server).await;

    server.create(&namespace, &gpu_pod("first", 1)).await.unwrap();
    let first = server
        .until("the pod on its node", || async {
            let pod = server.get("v1", "Pod", &namespace, "first").await?;
            (pod["status"]["phase"] == "Running").then_some(pod)
        })
        .await;
    assert_eq!(first["spec"]["nodeName"], "gpu");

    server.create(&namespace, &gpu_pod("second", 1)).await.unwrap();
    let why = server
        .until("the scheduler's word on the second pod", || async {
            let pod = server.get("v1", "Pod", &namespace, "second").await?;
            let scheduled = condition(&pod, "PodScheduled")?;
            (scheduled["status"] == "False").then(|| scheduled["message"].to_string())
        })
        .await;
    assert!(why.contains("Insufficient nvidia.com/gpu"), "{why}");
    away(&server, &namespace).await;
}

#[tokio::test]
async fn a_quota_refuses_what_is_over_it() {
    let Some(server) = server().await else { return };
    let namespace = server.namespace().await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "sandbox" }, "spec": { "hard": { "requests.nvidia.com/gpu": "1", "pods": "5" } },
    });
    server.create(&namespace, &quota).await.unwrap();
    server
        .until("the quota's count", || async {
            server.get("v1", "ResourceQuota", &namespace, "sandbox").await.filter(|q| q["status"]["used"].is_object())
        })
        .await;
    let refusal = server.create(&namespace, &gpu_pod("two", 2)).await.unwrap_err();
    assert_eq!(refusal.code, 403);
    let wanted = "exceeded quota: sandbox, requested: requests.nvidia.com/gpu=2, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=1";
    assert!(refusal.message.contains(wanted), "{}", refusal.message);
    server.delete("v1", "Namespace", "", &namespace).await;
}
